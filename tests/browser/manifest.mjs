// Prints what dash.js and Shaka Player read in the manifest of a folder, as JSON: {dash, shaka}.
//
//   node manifest.mjs FOLDER [KEYS]
//
// KEYS is a file of lines KID:KEY, for a presentation that is protected.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, within } from './chromium.mjs';
import { serve } from './static-server.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const READ_MS = 60_000;

/** In the page: what Shaka Player makes of it, each stream with all its segments. */
async function readByShaka([url, clearKeys]) {
  const { shaka: lib } = window;
  lib.polyfill.installAll();
  const player = new lib.Player();
  await player.attach(document.querySelector('video'));
  player.configure({ drm: { clearKeys } });
  await player.load(url);
  const { variants, textStreams, presentationTimeline } = player.getManifest();
  const streams = [...new Set([...variants.flatMap(({ video, audio }) => [video, video?.trickModeVideo, audio]), ...textStreams])].filter(Boolean);
  const base = new URL('.', url).href;
  const relative = (uris) => uris[0].replace(base, '');
  const read = async (stream) => {
    await stream.createSegmentIndex();
    const segments = Array.from(stream.segmentIndex, (one) => ({
      uri: relative(one.getUris()), start_s: one.getStartTime(), end_s: one.getEndTime(), first: one.getStartByte(), last: one.getEndByte(),
    }));
    const { originalId, type, bandwidth, codecs, width, height, frameRate, originalLanguage, language, roles, forced, label, accessibilityPurpose } = stream;
    return {
      id: originalId, type, bandwidth: bandwidth ?? null, codecs, width: width ?? null, height: height ?? null, frame_rate: frameRate ?? null,
      language: originalLanguage ?? language, roles, forced: Boolean(forced), label: label ?? null, purpose: accessibilityPurpose ?? null, segments,
      systems: stream.drmInfos.map(({ keySystem }) => keySystem).sort(), key_ids: [...stream.keyIds].sort(),
    };
  };
  const found = { duration_s: presentationTimeline.getDuration(), streams: [] };
  for (const stream of streams) found.streams.push(await read(stream));
  await player.destroy();
  return found;
}

/** In the page: what dash.js makes of it. Its own parser's tree is followed, so that every segment of a timeline is counted. */
async function readByDash([url]) {
  const player = window.dashjs.MediaPlayer().create();
  player.updateSettings({ debug: { logLevel: 0 } });
  player.initialize();
  const manifest = await new Promise((resolve, reject) => player.retrieveManifest(url, (read, error) => (read ? resolve(read) : reject(new Error(String(error?.message ?? error))))));
  const list = (value) => (value === undefined ? [] : [value].flat());
  const timeline = ({ timescale = 1, SegmentTimeline: line } = {}) => {
    const segments = [];
    let at = 0;
    for (const { t = at, d, r = 0 } of list(line?.S)) {
      at = Number(t);
      for (let again = 0; again <= r; again += 1, at += Number(d)) segments.push({ start_s: at / timescale, end_s: (at + Number(d)) / timescale });
    }
    return segments;
  };
  const streams = list(manifest.Period).flatMap((period) => list(period.AdaptationSet).flatMap((set) => list(set.Representation).map((one) => ({
    id: one.id, type: set.contentType, bandwidth: Number(one.bandwidth), codecs: one.codecs ?? set.codecs, width: one.width ?? null, height: one.height ?? null,
    language: set.lang ?? null, roles: list(set.Role).map(({ value }) => value), label: list(set.Label)[0]?.__text ?? null,
    systems: list(set.ContentProtection).map(({ schemeIdUri }) => schemeIdUri), segments: timeline(one.SegmentTemplate ?? set.SegmentTemplate),
    index: one.SegmentBase?.indexRange ?? null, init: one.SegmentBase?.Initialization?.range ?? null,
  }))));
  player.destroy();
  return { duration_s: manifest.mediaPresentationDuration, streams };
}

async function main([folder, keyFile]) {
  const lines = keyFile ? (await readFile(keyFile, 'utf8')).split('\n').filter((line) => line && !line.startsWith('#')) : [];
  const keys = Object.fromEntries(lines.map((line) => line.split(':').slice(0, 2)));
  const mounts = {
    '/stage/': path.join(here, 'stage'), '/harness/': here, '/': path.resolve(folder), '/players/dash/': path.join(here, 'node_modules/dashjs/dist/modern/umd'),
    '/players/shaka/': path.join(here, 'node_modules/shaka-player/dist'),
  };
  const site = await serve(mounts);
  const browser = await launch();
  try {
    const read = async (script, reader) => {
      const page = await browser.newPage();
      await page.goto(`${site.url}/stage/index.html`);
      await page.addScriptTag({ url: script });
      return within(READ_MS, script, page.evaluate(reader, [`${site.url}/manifest.mpd`, keys]));
    };
    return {
      dash: await read('/players/dash/dash.all.min.js', readByDash),
      shaka: await read('/players/shaka/shaka-player.compiled.js', readByShaka),
    };
  } finally {
    await browser.close();
    await site.close();
  }
}

main(process.argv.slice(2)).then((found) => console.log(JSON.stringify(found)), (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
