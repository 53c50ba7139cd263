// What the test drives from outside: one player on one video element, and pictures read back from it.

import { CELLS, cellLevels, decodeCells } from '/harness/counter.mjs';
import * as players from './players.mjs';

const video = document.getElementById('video');
const canvas = new OffscreenCanvas(CELLS * 16, 16);
const context = canvas.getContext('2d', { willReadFrequently: true });
const failures = [];
let player = null;
let watching = null;
let tone = 0;
/** Where the player was sent while paused, in seconds. */
let aim = null;
/** A player that is further away than this has jumped, in seconds. */
const STRAYED_S = 0.5;

video.addEventListener('error', () => failures.push(`the video element: ${video.error?.code} ${video.error?.message}`));
// Whoever watches would ask once more.
video.addEventListener('seeked', () => {
  if (aim !== null && player.strays?.() && Math.abs(video.currentTime - aim) > STRAYED_S) video.currentTime = aim;
});
window.addEventListener('error', (event) => failures.push(`the page: ${event.message}`));

/** The picture on display: its own time stamp, its size, and the number it shows. Both come from one frame, so they cannot be out of step. */
function readPicture() {
  const frame = new VideoFrame(video);
  try {
    const { displayWidth: width, displayHeight: height, timestamp } = frame;
    context.drawImage(frame, 0, 0, width, width / CELLS, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return { time_s: timestamp / 1e6, width, height, ...decodeCells(cellLevels(data, canvas.width, canvas.height)) };
  } finally {
    frame.close();
  }
}

/** The text of a cue in one line; dash.js keeps TTML as a tree, and captions as an element, beside an empty cue. */
function textOf(cue) {
  const inside = (node) => node.text ?? (node.contents ?? []).map(inside).join(' ');
  const text = cue.isd ? inside(cue.isd) : cue.cueHTMLElement?.textContent ?? new DOMParser().parseFromString(cue.text, 'text/html').body.textContent;
  return text.replace(/\s+/g, ' ').trim();
}

/** Resolves when the next picture is put on display, at the latest after `timeout_ms`. */
function nextPicture(timeout_ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      video.cancelVideoFrameCallback(asked);
      resolve();
    };
    const timer = setTimeout(done, timeout_ms);
    const asked = video.requestVideoFrameCallback(done);
  });
}

/** The picture on display, or the reason why there is none: between two pictures the element may have none at all. */
function pictureNow() {
  try {
    return readPicture();
  } catch (error) {
    if (error.name !== 'InvalidStateError') throw error;
    return { reason: 'no picture is on display' };
  }
}

const happened = (target, name, timeout_ms) => new Promise((resolve) => {
  const timer = setTimeout(() => resolve(false), timeout_ms);
  target.addEventListener(name, () => { clearTimeout(timer); resolve(true); }, { once: true });
});

/** Follows the tone of a track by its rises through zero. */
async function hear(track) {
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  let samples = [];
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const plane = new Float32Array(value.numberOfFrames);
    value.copyTo(plane, { planeIndex: 0, format: 'f32-planar' });
    samples.push(...plane);
    if (samples.length >= value.sampleRate / 20) {
      const rises = samples.reduce((count, sample, at) => count + (at > 0 && samples[at - 1] < 0 && sample >= 0), 0);
      tone = (rises * value.sampleRate) / samples.length;
      samples = [];
    }
    value.close();
  }
}

window.stage = {
  async load(kind, url, first, timeout_ms, drm = null) {
    player = await players[kind](video, (reason) => failures.push(reason), drm);
    const late = new Promise((resolve) => setTimeout(() => resolve('late'), timeout_ms));
    if ((await Promise.race([player.load(url, first), late])) === 'late') throw new Error(`the manifest was not parsed in time; ${failures.join('; ') || 'no error'}`);
    if (video.readyState === 0 && !(await happened(video, 'loadedmetadata', timeout_ms))) {
      throw new Error(`no media was loaded in time; ${failures.join('; ') || 'no error'}`);
    }
    return player.renditions();
  },
  /** Loads and plays without waiting for either: for what must not play. */
  async tryToPlay(kind, url, drm) {
    player = await players[kind](video, (reason) => failures.push(reason), drm);
    Promise.resolve(player.load(url, null)).catch((error) => failures.push(`${kind}: ${error.message ?? error}`));
    video.play().catch((error) => error.name === 'AbortError' || failures.push(`play: ${error.message}`));
  },
  trickPlay: (rate) => player.trickPlay(rate),
  cancelTrickPlay: () => player.cancelTrickPlay(),
  /** Plays at the rate that the player has chosen. */
  resume: () => video.play(),
  pause: () => video.pause(),
  /** Addresses of all that was asked for, oldest first. */
  requested: () => performance.getEntriesByType('resource').map(({ name }) => name),
  chapters: (language, file) => player.chapters(language, file),
  /** The tile that the player names for a time, and the number in it; null when it has none. */
  async thumbnail(time_s) {
    const tile = await player.thumbnail(time_s);
    if (!tile) return null;
    const sheet = await createImageBitmap(await (await fetch(tile.url)).blob());
    context.drawImage(sheet, tile.x, tile.y, tile.width, tile.width / CELLS, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return { ...tile, ...decodeCells(cellLevels(data, canvas.width, canvas.height)) };
  },
  audioTracks: () => player.audioTracks(),
  hear: (index) => player.hear(index),
  /** From now on the page hears what is played. */
  listen() {
    const stream = video.captureStream();
    stream.addEventListener('addtrack', ({ track }) => track.kind === 'audio' && hear(track));
    stream.getAudioTracks().forEach(hear);
  },
  /** The tone that was heard last, in hertz. */
  tone: () => tone,
  failures: () => failures,
  switchTo: (index) => player.switchTo(index),
  textTracks: () => player.textTracks(),
  showText: (index) => player.showText(index),
  /** What the text track on display holds now; players add and drop cues as they go. */
  cues: () => Array.from(video.textTracks).filter(({ mode }) => mode === 'showing').flatMap((track) => Array.from(track.cues ?? []))
    .map((cue) => ({ start_s: cue.startTime, end_s: cue.endTime, text: textOf(cue) })).filter(({ text }) => text !== ''),
  async play(rate) {
    aim = null;
    // Shaka sets the rate itself while it waits for the first data.
    const deadline = performance.now() + 15_000;
    while (video.readyState < 3 && performance.now() < deadline) await happened(video, 'canplay', 100);
    video.playbackRate = rate;
    await video.play();
  },
  state: () => ({
    time_s: video.currentTime, duration_s: video.duration, ended: video.ended, paused: video.paused, ready: video.readyState,
    audio_bytes: video.webkitAudioDecodedByteCount, pictures: video.getVideoPlaybackQuality().totalVideoFrames, width: video.videoWidth, height: video.videoHeight,
    buffered: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
  }),
  /**
   * Seeks while paused to the middle of a picture that lasts `picture_s`, and gives what is on display once that is the picture of this
   * time and of the wanted height; what `seeked` leaves on display for a moment may be the old one. At the deadline, gives what is there.
   */
  async seek(time_s, picture_s, height, timeout_ms) {
    const deadline = performance.now() + timeout_ms;
    video.pause();
    const seeked = happened(video, 'seeked', timeout_ms);
    aim = time_s;
    video.currentTime = aim;
    if (!(await seeked)) return { reason: `the seek to ${time_s.toFixed(3)} s did not end within ${timeout_ms} ms: ${JSON.stringify(window.stage.state())}` };
    let picture = { reason: 'no picture was shown' };
    while (performance.now() < deadline) {
      if (video.readyState >= 2 && !video.seeking) {
        picture = pictureNow();
        if (picture.height === height && Math.abs(picture.time_s + picture_s / 2 - time_s) < picture_s / 2) return picture;
      }
      await nextPicture(100);
    }
    if (picture.height !== undefined && picture.height !== height) picture.reason = `no picture of height ${height} within ${timeout_ms} ms (shown: ${picture.height})`;
    return picture;
  },
  /** Seeks while paused; resolves when the seek has ended. */
  async seekTo(time_s, timeout_ms) {
    video.pause();
    const seeked = happened(video, 'seeked', timeout_ms);
    aim = time_s;
    video.currentTime = aim;
    if (!(await seeked)) throw new Error(`the seek to ${time_s.toFixed(3)} s did not end within ${timeout_ms} ms`);
  },
  /** The number in a picture of the video element. */
  async readPng(base64) {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    context.drawImage(image, 0, 0, image.width, image.width / CELLS, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return { height: video.videoHeight, ...decodeCells(cellLevels(data, canvas.width, canvas.height)) };
  },
  /** Starts to read every picture that is put on display; `watched` gives what was read since the last call. */
  watch() {
    watching = [];
    const look = (_, metadata) => {
      watching.push({ ...readPicture(), media_time_s: metadata.mediaTime });
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  },
  watched: () => watching?.splice(0) ?? [],
  picture: readPicture,
};
performance.setResourceTimingBufferSize(10_000);
window.stageReady = true;
