// The check of fast playback: of what is loaded from then on keyframes alone are shown, the right ones, out of the files wanted; then every
// picture again.

import { pictureAt } from './walk.mjs';

const SPEED = 8;
const POLL_MS = 50;
/** All must be seen within this. */
const END_MS = 60_000;
/** Different pictures that must be seen of each kind. */
const LEAST_SEEN = 3;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/**
 * Plays faster than life with the player's own track for that, then at life's speed again. `trick` is {group, height, from, of, least}: pictures from
 * one keyframe to the next, the height of the track, files of which one must be asked for; the height of the rendition that plays, if that is not
 * the highest one; and how many keyframes must be seen, if the recording is too short for three.
 */
export async function trickPlay(stage, context, open) {
  const { player, renditions, trick, rate, segmentSeconds } = context;
  const main = renditions.find(({ height }) => height === trick.of) ?? renditions.at(-1);
  await open(stage, player, main);
  await stage.call('trickPlay', [SPEED]);
  const { buffered } = await stage.call('state');
  // What was there before, and the segment that was on its way, are shown as they are; where it waited for a licence, so may be the next.
  const from_s = Math.max(0, ...buffered.map(([, end]) => end)) + (stage.drm ? 2 : 1) * segmentSeconds + 0.1;
  if (!stage.drm) await stage.call('watch');
  await stage.call('resume');
  const deadline = Date.now() + END_MS;
  // A photograph takes its time, in which a short recording would be over.
  const photographed = async () => {
    await stage.call('pause');
    const picture = await stage.onDisplay();
    await stage.call('resume');
    return [picture];
  };
  // The order is that of the pictures of `kind`: at such a speed a screen is ahead of the clock by some of its own pictures, and the keyframe
  // that it shows when the speed ends is later than what comes next.
  const look = async (kind, done) => {
    const shown = [];
    let last = 0;
    while (!done(shown)) {
      await pause(POLL_MS);
      await stage.noFailures();
      for (const picture of stage.drm ? await photographed() : await stage.call('watched')) {
        const at = picture.time_s ?? picture.number / rate;
        if (picture.reason !== undefined || at <= from_s || shown.at(-1)?.number === picture.number) continue;
        require(picture.number === pictureAt(at, rate), `picture ${picture.number} was shown at ${at.toFixed(3)} s`);
        require(!kind(picture) || picture.number > last, `picture ${picture.number} was shown after picture ${last}`);
        if (kind(picture)) last = picture.number;
        shown.push(picture);
      }
      require(Date.now() < deadline, `no end within ${END_MS} ms: ${JSON.stringify(await stage.call('state'))}`);
    }
    return shown;
  };
  const isKey = ({ number, height }) => number % trick.group === 0 && height === trick.height;
  const fast = await look(isKey, (shown) => shown.length >= (trick.least ?? LEAST_SEEN));
  for (const picture of fast) {
    require(isKey(picture), `picture ${picture.number} of height ${picture.height} was shown in fast playback`);
  }
  const asked = (await stage.call('requested')).filter((url) => trick.from.some((name) => url.endsWith(name)));
  require(asked.length > 0, `nothing of ${trick.from.join(', ')} was asked for`);
  await stage.call('cancelTrickPlay');
  const isLife = ({ number, height }) => number % trick.group !== 0 && height === main.height;
  const behind = await look(isLife, (shown) => shown.filter(isLife).length >= LEAST_SEEN);
  return `keyframes ${fast.map(({ number }) => number).join(', ')} at ${SPEED} times the speed, then picture ${behind.find(isLife).number}`;
}
