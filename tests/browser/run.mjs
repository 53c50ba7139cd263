// Plays a published presentation in three players and compares every picture with the number it shows.
//
//   node run.mjs --base-url http://127.0.0.1:PORT --hls PATH --dash PATH --frames N --rate 24000/1001
//                [--players hls,dash,shaka] [--heights 360,720] [--segment-s 4] [--no-audio] [--deadline-s 600] [--json FILE]
//                [--keys FILE] [--licence-url URL] [--tones LIST] [--refused] [--brief] [--cues FILE]
//                [--trick FILE] [--thumbs FILE] [--chapters FILE] [--far 0.5,0.8 --loop 576] [--sound audio-opus-und]
//   node run.mjs --folder FOLDER ...
//
// --folder serves a folder itself, in place of --base-url.
// --keys names a file of lines KID:KEY (hexadecimal, a third field is passed over): players decrypt with them through EME and ClearKey, and what
// the browser shows is read from screenshots.
// --tones en:440,de:880 are the sound tracks, each of one tone: they alone are listened to.
// --sound names the folder that a player must take all its sound from.
// --licence-url names another server of ClearKey licences, which every player asks.
// --refused: nothing may be shown, and an error must be told.
// --brief: seeks in the highest rendition only, no switches.
// --cues names a JSON file of the subtitle tracks wanted, [{language, forced, cues: [{start_s, end_s, text}]}]: they alone are looked at.
// --trick, --thumbs and --chapters name JSON files of what is wanted of fast playback, thumbnails and chapters (see tricks.mjs, thumbnails.mjs and
// chapters.mjs): they alone are looked at. --players shaka-hls is Shaka Player with the playlists.
//
// --far are places to seek to in a presentation that is still being made, as shares of its length; it alone is looked at. --loop is after how
// many pictures their numbers begin anew.
//
// The source must be counter.mp4 (see tests/media). One line per check, then one line of JSON; exit 1 with the reason when one fails.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stage, checksFor } from './checks.mjs';
import { launch, within } from './chromium.mjs';
import { LICENCE_PATH, serve } from './static-server.mjs';
import { parseRate } from './walk.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const MOUNTS = {
  '/stage/': path.join(here, 'stage'),
  '/harness/': here,
  '/players/hls/': path.join(here, 'node_modules/hls.js/dist'),
  '/players/dash/': path.join(here, 'node_modules/dashjs/dist/modern/umd'),
  '/players/shaka/': path.join(here, 'node_modules/shaka-player/dist'),
};
const CHECK_MS = 240_000;

/** A key file as {key id: key}; null without a file. */
async function readKeys(file) {
  if (!file) return null;
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim()).filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => line.split(':').slice(0, 2)));
}

const readJson = async (file) => file && JSON.parse(await readFile(file, 'utf8'));

async function options() {
  const { values } = parseArgs({
    options: {
      'base-url': { type: 'string' }, hls: { type: 'string' }, dash: { type: 'string' }, frames: { type: 'string' }, rate: { type: 'string' },
      players: { type: 'string' }, heights: { type: 'string' }, 'segment-s': { type: 'string', default: '4' },
      'no-audio': { type: 'boolean', default: false }, 'deadline-s': { type: 'string', default: '600' }, json: { type: 'string' },
      folder: { type: 'string' }, keys: { type: 'string' }, refused: { type: 'boolean', default: false }, brief: { type: 'boolean', default: false },
      cues: { type: 'string' }, trick: { type: 'string' }, thumbs: { type: 'string' }, chapters: { type: 'string' },
      far: { type: 'string' }, loop: { type: 'string' },
      'licence-url': { type: 'string' }, tones: { type: 'string' }, sound: { type: 'string' },
    },
  });
  if (!values['base-url'] === !values.folder) throw new Error('either --base-url or --folder is needed');
  const sources = { hls: values.hls, dash: values.dash, shaka: values.dash, 'shaka-hls': values.hls };
  const kinds = values.players?.split(',') ?? ['hls', 'dash', 'shaka'].filter((kind) => sources[kind]);
  for (const kind of kinds) if (!sources[kind]) throw new Error(`--players names ${kind}, for which no path was given`);
  if (kinds.length === 0) throw new Error('--hls or --dash is needed');
  const frames = Number(values.frames);
  if (!Number.isInteger(frames) || frames < 1) throw new Error('--frames is a number of pictures');
  return {
    players: kinds.map((kind) => ({ kind, path: sources[kind] })),
    base: values['base-url'],
    folder: values.folder,
    frames,
    rate: parseRate(values.rate ?? ''),
    heights: values.heights?.split(',').map(Number),
    segmentSeconds: Number(values['segment-s']),
    audio: !values['no-audio'],
    deadline_ms: Number(values['deadline-s']) * 1000,
    json: values.json,
    keys: await readKeys(values.keys),
    licenceUrl: values['licence-url'],
    tones: values.tones?.split(',').map((pair) => pair.split(':')).map(([language, hertz]) => [language, Number(hertz)]),
    refused: values.refused,
    brief: values.brief,
    sound: values.sound,
    cues: await readJson(values.cues),
    trick: await readJson(values.trick),
    thumbs: await readJson(values.thumbs),
    chapters: await readJson(values.chapters),
    far: values.far?.split(',').map(Number),
    loop: Number(values.loop ?? frames),
  };
}

/** Runs one check and prints its line; gives whether it held. */
async function report(results, kind, [name, run]) {
  const started = performance.now();
  const result = { player: kind, check: name, ok: true };
  try {
    result.detail = await within(CHECK_MS, name, run());
  } catch (error) {
    result.ok = false;
    result.detail = error.message.split('\n')[0];
  }
  result.wall_ms = Math.round(performance.now() - started);
  results.push(result);
  console.log(`${result.ok ? 'ok  ' : 'FAIL'} ${kind} ${name}: ${result.detail} (${(result.wall_ms / 1000).toFixed(1)} s)`);
  return result.ok;
}

async function play(browser, site, player, asked, results) {
  const page = await browser.newPage();
  try {
    const own = asked.keys && { keys: asked.keys, licence_url: `${site.url}${LICENCE_PATH}` };
    const drm = asked.licenceUrl ? { keys: null, licence_url: asked.licenceUrl } : own;
    const { first, rest } = checksFor(new Stage(page, `${site.url}/stage/index.html`, drm), player, asked);
    if (!(await report(results, player.kind, first))) return;
    for (const check of rest()) await report(results, player.kind, check);
  } finally {
    await page.close();
  }
}

async function main() {
  const asked = await options();
  const results = [];
  const site = await serve(asked.folder ? { ...MOUNTS, '/': path.resolve(asked.folder) } : MOUNTS, 0, asked.keys);
  const players = asked.players.map((player) => ({ ...player, url: new URL(player.path, asked.base ?? site.url).href }));
  const browser = await launch();
  let stopped = null;
  try {
    const all = async () => { for (const player of players) await play(browser, site, player, asked, results); };
    await within(asked.deadline_ms, 'the whole run', all());
  } catch (error) {
    stopped = error.message;
    console.log(`FAIL ${stopped}`);
  } finally {
    await browser.close();
    await site.close();
  }
  const failed = results.filter(({ ok }) => !ok);
  const summary = { ok: failed.length === 0 && stopped === null, checks: results.length, failed: failed.length, stopped, results };
  if (asked.json) await writeFile(asked.json, `${JSON.stringify(summary, null, 2)}\n`);
  console.log(JSON.stringify({ ...summary, results: failed }));
  return summary.ok ? 0 : 1;
}

main().then((code) => { process.exitCode = code; }, (error) => {
  console.error(error.message);
  process.exitCode = 2;
});
