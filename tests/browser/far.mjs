// The check of one player on a presentation that is still being made: wherever a viewer goes, the picture asked for comes, and goes on.

import { pictureAt } from './walk.mjs';

/** What is not made yet may take so long. How long it took is told; only a bench judges it. */
const SEEK_MS = 60_000;
const PLAYED_S = 1;
const POLL_MS = 50;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** Plays for a moment; sound and pictures must both be there. */
async function goesOn(stage, from_s) {
  const before = await stage.call('state');
  await stage.call('play', [1]);
  const deadline = Date.now() + SEEK_MS;
  let state = before;
  while (state.time_s < from_s + PLAYED_S) {
    require(Date.now() < deadline, `it stands still at ${state.time_s} s: ${JSON.stringify(state)}`);
    await pause(POLL_MS);
    await stage.noFailures();
    state = await stage.call('state');
  }
  require(state.audio_bytes > before.audio_bytes, `no sound was decoded behind ${from_s} s`);
}

/** Seeks to each of `far`, shares of the length. `loop` is after how many pictures their numbers begin anew. */
export async function farSeeks(stage, context, open) {
  const { frames, rate, player, renditions, far, loop } = context;
  await open(stage, player, renditions[0]);
  const took = [];
  for (const share of far) {
    const target = Math.floor(share * frames);
    const wanted_s = (target + 0.5) / rate;
    const began = performance.now();
    const picture = await stage.call('seek', [wanted_s, 1 / rate, renditions[0].height, SEEK_MS], SEEK_MS + 5_000);
    await stage.noFailures();
    require(picture.reason === undefined, `picture ${target} was asked for: ${picture.reason}`);
    took.push(`${(performance.now() - began).toFixed(0)} ms`);
    require(pictureAt(picture.time_s, rate) === target, `asked for ${wanted_s} s, shown was ${picture.time_s} s`);
    require(picture.number === target % loop, `picture ${picture.number} was shown where ${target % loop} belongs`);
    await goesOn(stage, wanted_s);
  }
  return took.join(', ');
}
