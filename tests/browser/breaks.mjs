// What players make of markers: event messages that they dispatch, and interstitials that they show.
//
//   node breaks.mjs --folder FOLDER --dash /manifest.mpd --events FILE
//   node breaks.mjs --folder FOLDER --hls /master.m3u8 --interstitial FILE --rate 24000/1001 --frames N
//
// --events names a JSON file of the SCTE 35 messages that dash.js and Shaka Player must dispatch, each once and in this order:
// [{time_s, duration_s, data}], the data in hexadecimal, the duration null when nobody knows it.
// --interstitial names a JSON file {first, last, height, seconds}: after picture `first` - 1 of counter.mp4 hls.js must show another clip of this
// height for so many seconds, then picture `last` and what lies behind it: none of those in between, but for the moment until it notices.
//
// One line per check; exit 1 with the reason when one fails.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stage } from './checks.mjs';
import { launch, within } from './chromium.mjs';
import { serve } from './static-server.mjs';
import { parseRate } from './walk.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const MOUNTS = {
  '/stage/': path.join(here, 'stage'),
  '/harness/': here,
  '/players/hls/': path.join(here, 'node_modules/hls.js/dist'),
  '/players/dash/': path.join(here, 'node_modules/dashjs/dist/modern/umd'),
  '/players/shaka/': path.join(here, 'node_modules/shaka-player/dist'),
};
const LIMIT_MS = 60_000;
const POLL_MS = 50;
const SCHEME = 'urn:scte:scte35:2013:bin';
/** Times are told in ticks of the track, and as binary fractions. */
const CLOSE_S = 0.001;
/** An interstitial is loaded and left while the clock runs. */
const AROUND_S = 1.5;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** Runs in the page: plays a manifest and keeps what a player dispatches. */
async function listen([kind, url, scheme]) {
  const video = document.getElementById('video');
  const heard = { events: [], failures: [] };
  window.heard = heard;
  const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const script = document.createElement('script');
  script.src = kind === 'dash' ? '/players/dash/dash.all.min.js' : '/players/shaka/shaka-player.compiled.js';
  await new Promise((resolve, reject) => { script.onload = resolve; script.onerror = reject; document.head.append(script); });
  if (kind === 'dash') {
    const player = window.dashjs.MediaPlayer().create();
    player.updateSettings({ debug: { logLevel: 0 } });
    player.on('error', (event) => heard.failures.push(`dash.js: ${event.error?.message ?? event.error}`));
    player.on(scheme, ({ event }) => heard.events.push({
      time_s: event.calculatedPresentationTime, duration_s: Number.isNaN(event.duration) ? null : event.duration, data: hex(event.messageData),
    }));
    player.initialize(video, url, true);
  } else {
    const player = new window.shaka.Player();
    await player.attach(video);
    player.addEventListener('error', ({ detail }) => heard.failures.push(`shaka: ${detail.code}`));
    player.addEventListener('emsg', ({ detail }) => heard.events.push({
      time_s: detail.startTime, duration_s: detail.eventDuration === 0xffffffff ? null : detail.eventDuration / detail.timescale,
      data: hex(detail.messageData), scheme: detail.schemeIdUri,
    }));
    await player.load(url);
    await video.play();
  }
  video.playbackRate = 2;
}

async function events(page, site, kind, manifest, wanted) {
  await page.goto(`${site.url}/stage/index.html`, { timeout: LIMIT_MS });
  await page.evaluate(listen, [kind, `${site.url}${manifest}`, SCHEME]);
  await page.waitForFunction(() => document.getElementById('video').ended || window.heard.failures.length > 0, null, { timeout: LIMIT_MS });
  const heard = await page.evaluate(() => window.heard);
  require(heard.failures.length === 0, heard.failures.join('; '));
  const told = JSON.stringify(heard.events);
  require(heard.events.length === wanted.length, `it dispatched ${told} instead of ${JSON.stringify(wanted)}`);
  heard.events.forEach((event, index) => {
    const { time_s: time, duration_s: duration, data } = wanted[index];
    const close = (a, b) => (a === null || b === null ? a === b : Math.abs(a - b) <= CLOSE_S);
    const same = close(event.time_s, time) && close(event.duration_s, duration) && event.data === data && (event.scheme ?? SCHEME) === SCHEME;
    require(same, `event ${index} is ${JSON.stringify(event)} instead of ${JSON.stringify(wanted[index])}`);
  });
  return `${heard.events.length} events, to the end`;
}

/** Everything that is put on display, from the first picture to the end: counted pictures, and those of another height. */
async function interstitial(page, site, playlist, wanted, rate, frames) {
  const stage = new Stage(page, `${site.url}/stage/index.html`);
  await stage.open();
  await stage.call('load', ['hls', `${site.url}${playlist}`, null, LIMIT_MS], LIMIT_MS);
  await stage.call('watch');
  await stage.call('play', [1]);
  const seen = [];
  const deadline = Date.now() + LIMIT_MS;
  const isLast = ({ height, number }) => height !== wanted.height && number === frames - 1;
  while (!seen.some(isLast)) {
    seen.push(...(await stage.call('watched')).map((picture) => ({ ...picture, at_ms: Date.now() })));
    await stage.noFailures();
    require(Date.now() < deadline, `it did not come to the end: ${JSON.stringify(seen.at(-1))} ${JSON.stringify(await stage.call('state'))}`);
    await pause(POLL_MS);
  }
  const others = seen.flatMap(({ height }, index) => (height === wanted.height ? [index] : []));
  require(others.length > 0, 'nothing else was shown');
  const [from, to] = [others[0], others.at(-1)];
  require(to - from + 1 === others.length, 'the interstitial was shown in parts');
  const counted = (pictures) => pictures.map(({ number, reason }) => {
    require(reason === undefined, reason);
    return number;
  });
  const [before, after] = [counted(seen.slice(0, from)), counted(seen.slice(to + 1))];
  // hls.js looks at the clock four times a second; pictures may be left out under load.
  const slack = Math.ceil(rate / 2);
  const near = (number, border, what) => require(Math.abs(number - border) <= slack, `${what} was picture ${number}, not about ${border}`);
  near(before[0], 0, 'the first one');
  near(before.at(-1), wanted.first - 1, 'the last one before the interstitial');
  near(after[0], wanted.last, 'the first one behind the interstitial');
  // A seek to the border between two pictures may show either.
  require(after.every((number) => number >= wanted.last - 1), `picture ${Math.min(...after)} was shown, which the interstitial replaces`);
  const seconds = seen[to].media_time_s - seen[from].media_time_s;
  require(Math.abs(seconds - wanted.seconds) <= AROUND_S, `the interstitial was shown for ${seconds.toFixed(2)} s of ${wanted.seconds} s`);
  return `pictures ${before[0]} to ${before.at(-1)}, ${others.length} others in ${seconds.toFixed(2)} s, ${after[0]} to ${after.at(-1)}`;
}

async function main() {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' }, dash: { type: 'string' }, hls: { type: 'string' }, events: { type: 'string' }, interstitial: { type: 'string' },
      rate: { type: 'string', default: '24000/1001' }, frames: { type: 'string', default: '0' },
    },
  });
  const json = async (file) => JSON.parse(await readFile(file, 'utf8'));
  const site = await serve({ ...MOUNTS, '/': path.resolve(values.folder) });
  const browser = await launch();
  const checks = [];
  if (values.events) {
    const wanted = await json(values.events);
    for (const kind of ['dash', 'shaka']) checks.push([`${kind} events`, (page) => events(page, site, kind, values.dash, wanted)]);
  }
  if (values.interstitial) {
    const wanted = await json(values.interstitial);
    checks.push(['hls interstitial', (page) => interstitial(page, site, values.hls, wanted, parseRate(values.rate), Number(values.frames))]);
  }
  let failed = checks.length === 0;
  try {
    for (const [name, run] of checks) {
      const page = await browser.newPage();
      try {
        console.log(`ok   ${name}: ${await within(2 * LIMIT_MS, name, run(page))}`);
      } catch (error) {
        failed = true;
        console.log(`FAIL ${name}: ${error.message.split('\n')[0]}`);
      } finally {
        await page.close();
      }
    }
  } finally {
    await browser.close();
    await site.close();
  }
  return failed ? 1 : 0;
}

main().then((code) => { process.exitCode = code; }, (error) => {
  console.error(error.message);
  process.exitCode = 2;
});
