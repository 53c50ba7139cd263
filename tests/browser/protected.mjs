// The checks of one player on a protected presentation. A page cannot read protected pictures, so what the browser puts on display is read.

import { pictureAt, seekTargets } from './walk.mjs';

const SEEK_MS = 15_000;
/** Faster than life, the whole presentation must end within this. */
const END_MS = 60_000;
/** A refusal must be told within this time. */
const REFUSAL_MS = 20_000;
const POLL_MS = 100;
const DURATION_SLACK_S = 0.1;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** Each seek puts the picture asked for on display, in the rendition asked for. */
export async function protectedSeeks(stage, context, rendition, open) {
  const { frames, rate, segmentSeconds, player } = context;
  await open(stage, player, rendition);
  const targets = seekTargets(frames, rate, segmentSeconds, player.kind);
  for (const target of targets) {
    await stage.call('seekTo', [(target + 0.5) / rate, SEEK_MS], SEEK_MS + 5_000);
    const deadline = Date.now() + SEEK_MS;
    let picture;
    do {
      picture = await stage.onDisplay();
      await stage.noFailures();
    } while ((picture.number !== target || picture.height !== rendition.height) && Date.now() < deadline);
    require(picture.reason === undefined, `picture ${target} was asked for: ${picture.reason}`);
    require(picture.number === target, `asked for picture ${target}, shown was ${picture.number}`);
    require(picture.height === rendition.height, `shown at height ${picture.height} instead of ${rendition.height}`);
  }
  return `${targets.length} seeks`;
}

/** From the first picture to `ended`; what stays on display is the last picture. */
export async function protectedToTheEnd(stage, context, open) {
  const { frames, rate, player, renditions } = context;
  await open(stage, player, renditions[0]);
  await stage.call('play', [4]);
  const deadline = Date.now() + END_MS;
  let state;
  do {
    await pause(POLL_MS);
    await stage.noFailures();
    state = await stage.call('state');
    require(Date.now() < deadline, `it did not end within ${END_MS} ms: ${JSON.stringify(state)}`);
  } while (!state.ended);
  const last = await stage.onDisplay();
  require(last.number === frames - 1, `it ended on picture ${last.number ?? last.reason} instead of ${frames - 1}`);
  require(pictureAt(state.duration_s, rate) === frames && Math.abs(state.time_s - state.duration_s) <= DURATION_SLACK_S, `it ended at ${state.time_s} s of ${state.duration_s} s`);
  require(state.pictures > frames / 8, `only ${state.pictures} pictures of ${frames} were decoded`);
  return `${state.pictures} pictures, ${state.duration_s.toFixed(3)} s`;
}

/** What cannot be decrypted is not shown, and its player or the browser says so. */
export async function refusal(stage, { kind, url }) {
  await stage.open();
  await stage.call('tryToPlay', [kind, url, stage.drm]);
  const deadline = Date.now() + REFUSAL_MS;
  let failures = [];
  while (failures.length === 0 && Date.now() < deadline) {
    await pause(POLL_MS);
    failures = await stage.call('failures');
    // The time says nothing: Shaka Player nudges what stands still.
    const { audio_bytes: bytes, pictures } = await stage.call('state');
    require(pictures === 0, `${pictures} pictures were shown without a fitting key`);
    require(bytes === 0, `${bytes} bytes of sound were decoded without a fitting key`);
  }
  require(failures.length > 0, `no error was told within ${REFUSAL_MS} ms: ${JSON.stringify(await stage.call('state'))}`);
  return failures[0];
}
