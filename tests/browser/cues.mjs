// The check of one player's subtitles: the tracks that it lists, and when each shows what.

const SHOW_MS = 20_000;
const POLL_MS = 50;
const SPEED = 4;
/** What a subtitle file can tell apart. */
const CLOSE_S = 0.001 + 1e-6;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const named = ({ language, forced }) => `${language}${forced ? ' (forced)' : ''}`;
const told = ({ start_s: start, end_s: end, text }) => `${start.toFixed(4)} to ${end.toFixed(4)} "${text}"`;

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** Cues by time; a text that goes on at once is one cue, since segments may hold parts of it. */
export function joined(cues) {
  const sorted = cues.map((cue) => ({ ...cue })).sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
  const whole = [];
  for (const cue of sorted) {
    const before = whole.find(({ text, end_s: end }) => text === cue.text && cue.start_s <= end + CLOSE_S);
    if (before) before.end_s = Math.max(before.end_s, cue.end_s);
    else whole.push(cue);
  }
  return whole;
}

/** Whether both say the same at the same time. */
export function alike(found, wanted) {
  return found.text === wanted.text && Math.abs(found.start_s - wanted.start_s) <= CLOSE_S && Math.abs(found.end_s - wanted.end_s) <= CLOSE_S;
}

/**
 * Shows one track from the start, faster once it is there, until each of its cues was seen; what else it shows is none of its own. Nothing is
 * sought: Shaka Player loads no more text after a seek during its first text segment, and dash.js shows none while it is paused.
 */
async function watched(stage, index, wanted) {
  const deadline = Date.now() + SHOW_MS;
  await stage.call('play', [1]);
  // As a viewer would, once there is something to see: on a busy machine Shaka Player may still be choosing tracks of its own.
  while ((await stage.call('state')).time_s <= 0 && Date.now() < deadline) await pause(POLL_MS);
  await stage.call('showText', [index]);
  const seen = new Map();
  let missing = wanted.cues;
  while (missing.length > 0) {
    await stage.noFailures();
    for (const found of await stage.call('cues')) seen.set(told(found), found);
    const now = joined([...seen.values()]);
    missing = wanted.cues.filter((cue) => !now.some((found) => alike(found, cue)));
    if (seen.size > 0) await stage.call('play', [SPEED]);
    require(Date.now() < deadline, `${named(wanted)}: no cue ${missing.map(told).join(', ')}, but ${now.map(told).join(', ') || 'none'}`);
    await pause(POLL_MS);
  }
  const found = joined([...seen.values()]);
  const other = found.filter((one) => !wanted.cues.some((cue) => alike(one, cue)));
  require(other.length === 0, `${named(wanted)}: shows ${other.map(told).join(', ')}`);
  return found.length;
}

/** The player lists the tracks that are wanted and no other, and each shows its cues at their times. */
export async function subtitles(stage, { cues: wanted, player }, open) {
  const names = wanted.map(named);
  let count = 0;
  for (const one of wanted) {
    await open(stage, player, null);
    const listed = (await stage.call('textTracks')).map(named);
    require([...listed].sort().join() === [...names].sort().join(), `it lists ${listed.join(', ') || 'no text'} instead of ${names.join(', ')}`);
    count += await watched(stage, listed.indexOf(named(one)), one);
  }
  return `${names.join(', ')}: ${count} cues`;
}
