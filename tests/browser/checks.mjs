// The checks of one player on one presentation. Each throws with the reason when something does not hold.

import { within } from './chromium.mjs';
import { chapters } from './chapters.mjs';
import { subtitles } from './cues.mjs';
import { farSeeks } from './far.mjs';
import { protectedSeeks, protectedToTheEnd, refusal } from './protected.mjs';
import { thumbnails } from './thumbnails.mjs';
import { trickPlay } from './tricks.mjs';
import { languages } from './tones.mjs';
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
  /** `drm` is {keys, licence_url} for protected presentations, else null. */
  constructor(page, url, drm = null) {
    Object.assign(this, { page, url, drm });
  }

  /** A fresh page: no player leaves anything to the next. */
  async open() {
    await this.page.goto(this.url, { timeout: 30_000 });
    await this.page.waitForFunction(() => window.stageReady === true, null, { timeout: 30_000 });
  }

  call(name, args = [], limit_ms = 30_000) {
    const asked = this.page.evaluate(([method, values]) => window.stage[method](...values), [name, args]);
    return within(limit_ms, name, asked);
  }

  /** The number that the browser shows, and the height of the rendition it comes from. */
  async onDisplay() {
    const png = await within(30_000, 'a screenshot', this.page.locator('#video').screenshot({ animations: 'allow' }));
    return this.call('readPng', [png.toString('base64')]);
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

/** Opens the presentation afresh, beginning with one rendition (null: the lowest). */
async function open(stage, { kind, url }, rendition) {
  await stage.open();
  const renditions = await stage.call('load', [kind, url, rendition?.bandwidth_bps ?? null, LOAD_MS, stage.drm], 2 * LOAD_MS);
  await stage.noFailures();
  require(renditions.length > 0, 'there are no renditions');
  return renditions;
}

/** Each seek shows the picture asked for, in the rendition asked for. */
async function seeks(stage, context, rendition) {
  const { rate, frames, segmentSeconds } = context;
  await open(stage, context.player, rendition);
  const targets = seekTargets(frames, rate, segmentSeconds, context.player.kind);
  for (const target of targets) {
    const picture = await stage.call('seek', [(target + 0.5) / rate, 1 / rate, rendition.height, SEEK_MS], SEEK_MS + 5_000);
    await stage.noFailures();
    judge(picture, rate, frames);
    require(picture.number === target, `asked for picture ${target}, shown was ${picture.number}`);
  }
  return `${targets.length} seeks`;
}

async function start(stage, context, rendition, speed) {
  await open(stage, context.player, rendition);
  await stage.call('watch');
  await stage.call('play', [speed]);
  return new Watch(stage, context.rate, context.frames);
}

/** Waits until a few pictures of the wanted height were read. */
async function arrive(stage, watch, height) {
  const deadline = Date.now() + SWITCH_MS;
  let arrived = 0;
  while (Date.now() < deadline) {
    const pictures = await watch.look();
    for (const picture of pictures) arrived = picture.height === height ? arrived + 1 : 0;
    if (arrived >= AFTER_SWITCH) return;
    require(!(await stage.call('state')).ended, `the presentation ended before height ${height} was shown`);
    await watch.hung();
    await pause(POLL_MS);
  }
  throw new Error(`the switch to height ${height} was not shown within ${SWITCH_MS} ms: ${JSON.stringify(await stage.call('state'))}`);
}

/** Every ordered pair of renditions, during playback. */
async function switches(stage, context) {
  const { renditions, frames, rate } = context;
  const path = everySwitch(renditions.length).map((index) => ({ index, ...renditions[index] }));
  let watch = await start(stage, context, path[0], 1.5);
  let read = 0;
  for (let step = 1; step < path.length; step += 1) {
    const [from, to] = [path[step - 1], path[step]];
    try {
      // Two segments and what a player has begun to load must lie ahead, or the end would come before the switch; and most of
      // a short clip, since on a busy machine it plays on while the player loads.
      if (watch.last > Math.min(frames / 3, frames - 2.5 * context.segmentSeconds * rate)) {
        read += watch.count;
        watch = await start(stage, context, from, 1.5);
      }
      await arrive(stage, watch, from.height);
      await stage.call('switchTo', [to.index]);
      await arrive(stage, watch, to.height);
    } catch (error) {
      throw new Error(`${from.height}p to ${to.height}p: ${error.message}`);
    }
  }
  return `${path.length - 1} switches, ${read + watch.count} pictures`;
}

/** From the first picture to `ended`, faster than life; what stays on display is the last picture. */
async function toTheEnd(stage, context) {
  const { rate, frames } = context;
  const watch = await start(stage, context, context.renditions[0], 4);
  let state;
  do {
    await watch.look();
    await watch.hung();
    await pause(POLL_MS);
    state = await stage.call('state');
  } while (!state.ended);
  await watch.look();
  const last = await stage.call('picture');
  judge(last, rate, frames);
  require(last.number === frames - 1, `it ended on picture ${last.number} instead of ${frames - 1}`);
  const length_s = frames / rate;
  require(Math.abs(state.duration_s - length_s) <= DURATION_SLACK_S, `the duration is ${state.duration_s} s instead of ${length_s.toFixed(3)} s`);
  require(Math.abs(state.time_s - state.duration_s) <= DURATION_SLACK_S, `it ended at ${state.time_s} s of ${state.duration_s} s`);
  require(watch.count >= 10, `only ${watch.count} pictures were read on the way`);
  return `${watch.count} pictures, ${state.duration_s.toFixed(3)} s`;
}

/** `sound` is the folder that all of it must come from, if it matters. */
async function audio(stage, { audio: wanted, sound }) {
  const { audio_bytes: bytes } = await stage.call('state');
  require(!wanted || bytes > 0, 'no audio was decoded');
  require(wanted || bytes === 0, `${bytes} bytes of audio were decoded where there is none`);
  const media = (await stage.call('requested')).filter((url) => /\/audio-[^/]+\/[^/]+\.(m4s|mp4)$/.test(url));
  const others = sound ? media.filter((url) => !url.includes(`/${sound}/`)) : [];
  require(others.length === 0 && (!sound || media.length > 0), `sound of ${sound} was wanted, and ${others[0] ?? 'none'} was loaded`);
  return `${bytes} bytes decoded${sound ? ` of ${sound}` : ''}`;
}

/** The checks of one player in order, as [name, run]: `first` fills in the renditions that `rest` goes through. */
export function checksFor(stage, player, options) {
  const context = { ...options, player, renditions: [] };
  if (options.refused) return { first: ['refusal', () => refusal(stage, player)], rest: () => [] };
  const load = async () => {
    context.renditions = await open(stage, player, null);
    const heights = context.renditions.map(({ height }) => height);
    const wanted = options.heights;
    require(!wanted || wanted.join() === heights.join(), `the renditions are ${heights.join()} high instead of ${wanted?.join()}`);
    return heights.map((height) => `${height}p`).join(' ');
  };
  const look = (rendition) => (stage.drm ? protectedSeeks(stage, context, rendition, open) : seeks(stage, context, rendition));
  const asked = [
    ...(options.tones ? [['languages', () => languages(stage, context, open)]] : []),
    ...(options.far ? [['far seeks', () => farSeeks(stage, context, open)]] : []),
    ...(options.trick ? [['fast playback', () => trickPlay(stage, context, open)]] : []),
    ...(options.thumbs ? [['thumbnails', () => thumbnails(stage, context, open)]] : []),
    ...(options.chapters ? [['chapters', () => chapters(stage, context, open)]] : []),
  ];
  if (asked.length > 0) return { first: ['load', load], rest: () => asked };
  if (options.cues) return { first: ['load', load], rest: () => [['subtitles', () => subtitles(stage, context, open)]] };
  const rest = () => [
    ...context.renditions.slice(options.brief ? -1 : 0).map((rendition) => [`seek ${rendition.height}p`, () => look(rendition)]),
    ...(context.renditions.length > 1 && !options.brief && !stage.drm ? [['switch', () => switches(stage, context)]] : []),
    ['play to the end', () => (stage.drm ? protectedToTheEnd(stage, context, open) : toTheEnd(stage, context))],
    ['audio', () => audio(stage, options)],
  ];
  return { first: ['load', load], rest };
}
