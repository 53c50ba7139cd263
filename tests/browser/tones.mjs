// The check of one player's sound: the languages that it lists, and that each is heard when it is chosen.

const HEAR_MS = 20_000;
const POLL_MS = 50;
/** Reads in a row that must give the tone: what was decoded before the choice may be heard for a moment. */
const HEARD = 5;
/** The analyser tells tones this far apart. */
const CLOSE_HZ = 30;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** `tones` are [language, hertz] of every sound track, in any order. */
export async function languages(stage, { tones, player }, open) {
  await open(stage, player, null);
  const listed = (await stage.call('audioTracks')).map(({ language }) => language);
  require([...listed].sort().join() === tones.map(([language]) => language).sort().join(), `the languages are ${listed.join()}`);
  await stage.call('listen');
  // Last the one that played first, so that every choice is a change.
  const order = [...listed.keys()].slice(1).concat(0);
  for (const index of order) {
    const [, wanted] = tones.find(([language]) => language === listed[index]);
    await stage.call('hear', [index]);
    await stage.call('play', [1]);
    const deadline = Date.now() + HEAR_MS;
    for (let heard = 0; heard < HEARD;) {
      // Short inputs on a slow machine: from the start again.
      if ((await stage.call('state')).ended) await stage.call('play', [1]);
      const tone = await stage.call('tone');
      await stage.noFailures();
      heard = Math.abs(tone - wanted) <= CLOSE_HZ ? heard + 1 : 0;
      require(Date.now() < deadline, `${listed[index]} was chosen, and ${tone.toFixed(0)} Hz is heard instead of ${wanted}`);
      await pause(POLL_MS);
    }
  }
  return `${listed.join(' ')}: each is heard`;
}
