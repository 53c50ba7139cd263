// The checks of one player on one presentation. Each throws with the reason when something does not hold.

import { within } from './chromium.mjs';
import { everySwitch, pictureAt, seekTargets } from './walk.mjs';

const LOAD_MS = 30_000;
const SEEK_MS = 15_000;
const SWITCH_MS = 20_000;
/** No new picture for this long during playback is a hang. */
const HANG_MS = 10_000;
const POLL_MS = 100;
/** Pictures that must be read of each rendition after a switch. */
const AFTER_SWITCH = 4;
/** Audio may be longer than video by a little more than one AAC frame and its priming. */
const DURATION_SLACK_S = 0.1;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** The page's stage, seen from here: every call has a deadline, and a player's fatal error ends the check. */
export class Stage {
  constructor(page) {
    this.page = page;
  }

  call(name, args = [], limit_ms = 30_000) {
    const asked = this.page.evaluate(([method, values]) => window.stage[method](...values), [name, args]);
    return within(limit_ms, name, asked);
  }

  async noFailures() {
    const failures = await this.call('failures');
    require(failures.length === 0, failures.join('; '));
  }
}

/** What every picture must fulfil: readable, and the one that its time stamp says. */
function judge(picture, rate, frames) {
  require(picture && picture.reason === undefined, picture?.time_s === undefined ? picture?.reason ?? 'no picture' : `picture at ${picture.time_s.toFixed(3)} s: ${picture.reason}`);
  const expected = pictureAt(picture.time_s, rate);
  require(picture.number === expected, `picture ${picture.number} was shown at ${picture.time_s.toFixed(4)} s, where picture ${expected} belongs`);
  require(picture.number < frames, `picture ${picture.number} was shown, but there are only ${frames}`);
}

/** Reads what was shown since the last look; pictures may be left out, but never go back, except at the seek that starts a watch. */
class Watch {
  constructor(stage, rate, frames) {
    Object.assign(this, { stage, rate, frames, last: -1, count: 0, seen_ms: Date.now() });
  }

  async look() {
    const pictures = await this.stage.call('watched');
    for (const picture of pictures) {
      judge(picture, this.rate, this.frames);
      require(picture.number >= this.last, `picture ${picture.number} was shown after picture ${this.last}: a jump back`);
      this.last = picture.number;
    }
    if (pictures.length > 0) this.seen_ms = Date.now();
    this.count += pictures.length;
    await this.stage.noFailures();
    return pictures;
  }

  async hung() {
    if (Date.now() - this.seen_ms < HANG_MS) return;
    throw new Error(`no new picture for ${HANG_MS} ms after picture ${this.last}: ${JSON.stringify(await this.stage.call('state'))}`);
  }
}

async function load(stage, { kind, url }) {
  const renditions = await stage.call('load', [kind, url, LOAD_MS], LOAD_MS + 5_000);
  await stage.noFailures();
  require(renditions.length > 0, 'there are no renditions');
  return renditions;
}

/** Every rendition, pinned: the picture asked for is the picture shown. */
async function seeks(stage, { rate, frames, renditions, segmentSeconds }, index) {
  const { height } = renditions[index];
  await stage.call('pin', [index]);
  const targets = seekTargets(frames, rate, segmentSeconds);
  for (const target of targets) {
    const picture = await stage.call('seek', [(target + 0.5) / rate, 1 / rate, height, SEEK_MS], SEEK_MS + 5_000);
    await stage.noFailures();
    judge(picture, rate, frames);
    require(picture.number === target, `asked for picture ${target}, shown was ${picture.number}`);
  }
  return `${targets.length} seeks`;
}

async function back(stage, context, index) {
  await stage.call('unwatch');
  await stage.call('pin', [index]);
  const picture = await stage.call('seek', [0.5 / context.rate, 1 / context.rate, context.renditions[index].height, SEEK_MS], SEEK_MS + 5_000);
  judge(picture, context.rate, context.frames);
  await stage.call('watch');
  await stage.call('play', [1.5]);
  return new Watch(stage, context.rate, context.frames);
}

/** Waits until a few pictures of the wanted height were read; null when the end came first. */
async function arrive(stage, watch, height) {
  const deadline = Date.now() + SWITCH_MS;
  let arrived = 0;
  while (Date.now() < deadline) {
    const pictures = await watch.look();
    for (const picture of pictures) arrived = picture.height === height ? arrived + 1 : 0;
    if (arrived >= AFTER_SWITCH) return arrived;
    if ((await stage.call('state')).ended) return null;
    await watch.hung();
    await pause(POLL_MS);
  }
  throw new Error(`the switch to height ${height} was not shown within ${SWITCH_MS} ms: ${JSON.stringify(await stage.call('state'))}`);
}

/** Every ordered pair of renditions, during playback. */
async function switches(stage, context) {
  const { renditions, frames, rate } = context;
  const path = everySwitch(renditions.length);
  let watch = await back(stage, context, path[0]);
  let read = 0;
  for (let step = 1; step < path.length; step += 1) {
    const [from, to] = [path[step - 1], path[step]];
    try {
      if (watch.last > frames - 10 * rate) {
        read += watch.count;
        watch = await back(stage, context, from);
      }
      require(await arrive(stage, watch, renditions[from].height), 'the presentation ended before the switch');
      await stage.call('switchTo', [to]);
      if ((await arrive(stage, watch, renditions[to].height)) === null) {
        // The end came before the player's buffer was used up: what was asked for must hold from the beginning then.
        read += watch.count;
        watch = await back(stage, context, to);
      }
    } catch (error) {
      throw new Error(`${renditions[from].height}p to ${renditions[to].height}p: ${error.message}`);
    }
  }
  await stage.call('pause');
  await stage.call('unwatch');
  return `${path.length - 1} switches, ${read + watch.count} pictures`;
}

/** From the first picture to `ended`, faster than life. */
async function toTheEnd(stage, context) {
  const { rate, frames } = context;
  const watch = await back(stage, context, 0);
  await stage.call('play', [4]);
  let state;
  do {
    await watch.look();
    await watch.hung();
    await pause(POLL_MS);
    state = await stage.call('state');
  } while (!state.ended);
  await watch.look();
  await stage.call('unwatch');
  const length_s = frames / rate;
  require(Math.abs(state.duration_s - length_s) <= DURATION_SLACK_S, `the duration is ${state.duration_s} s instead of ${length_s.toFixed(3)} s`);
  require(Math.abs(state.time_s - state.duration_s) <= DURATION_SLACK_S, `it ended at ${state.time_s} s of ${state.duration_s} s`);
  require(watch.count >= 10, `only ${watch.count} pictures were read on the way`);
  return `${watch.count} pictures, ${state.duration_s.toFixed(3)} s`;
}

async function audio(stage, wanted) {
  const { audio_bytes: bytes } = await stage.call('state');
  require(!wanted || bytes > 0, 'no audio was decoded');
  require(wanted || bytes === 0, `${bytes} bytes of audio were decoded where there is none`);
  return `${bytes} bytes decoded`;
}

/** All checks of one player in order, as [name, run(context)]; `load` goes first and fills in the renditions. */
export function checksFor(stage, player, options) {
  const context = { ...options, renditions: [] };
  const first = async () => {
    context.renditions = await load(stage, player);
    const heights = context.renditions.map(({ height }) => height);
    const wanted = options.heights;
    require(!wanted || wanted.join() === heights.join(), `the renditions are ${heights.join()} high instead of ${wanted?.join()}`);
    return heights.map((height) => `${height}p`).join(' ');
  };
  const rest = () => [
    ...context.renditions.map(({ height }, index) => [`seek ${height}p`, () => seeks(stage, context, index)]),
    ...(context.renditions.length > 1 ? [['switch', () => switches(stage, context)]] : []),
    ['play to the end', () => toTheEnd(stage, context)],
    ['audio', () => audio(stage, options.audio)],
  ];
  return { first: ['load', first], rest };
}
