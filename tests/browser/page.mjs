// Uses the studio as a person does.
//
//   node page.mjs --url http://127.0.0.1:3000/#token=... [--upload FILE ...] [--screenshot PNG] [--dark] [--deadline-s 300] [--menus 3,2,3]
//
// With --upload: sends the file through the file input, pauses and resumes it on the way, watches it from the first playable moment until it is
// complete, and deletes it; several files are joined into one recording. Without: watches the newest recording that plays. --menus says how many
// sound tracks, subtitles and chapters there are to choose from. One line per step; exit 1 with the reason when one does not hold.

import path from 'node:path';
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { launch, within } from './chromium.mjs';

const STEP_MS = 30_000;
/** Uploads are slowed down to a few seconds, so that there is something to pause. */
const SLOW_SECONDS = 6;

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, upload: { type: 'string', multiple: true }, screenshot: { type: 'string' }, dark: { type: 'boolean', default: false },
    'deadline-s': { type: 'string', default: '300' }, menus: { type: 'string' },
  },
});

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

async function step(name, run) {
  const started = performance.now();
  const detail = await run();
  console.log(`ok   ${name}${detail ? `: ${detail}` : ''} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return detail;
}

/** Collects what the browser complains about: a refused script, a wrong answer, a thrown error. */
function complaints(page) {
  const list = [];
  page.on('pageerror', (error) => list.push(`the page threw ${error.message}`));
  // What is sent again after a pause may find that the piece before is still being stored, or was a moment ago: the page asks
  // once more where the upload stands.
  const isOfUpload = (message) => (message.location().url ?? '').includes('/api/v1/uploads/');
  const harmless = (message) => isOfUpload(message) && /status of (409|423)/.test(message.text());
  const shown = (message) => message.type() === 'error' && !harmless(message);
  page.on('console', (message) => shown(message) && list.push(`${message.text()} ${message.location().url ?? ''}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== new URL(options.url).origin) list.push(`the page asked a foreign host: ${url.origin}`);
  });
  return list;
}

async function upload(page, files) {
  const name = path.basename(files[0]);
  const size = (await Promise.all(files.map((file) => stat(file)))).reduce((sum, file) => sum + file.size, 0);
  const label = files.length > 1 ? `${name} and ${files.length - 1} more` : name;
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  const throttle = (bytes_per_s) => network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes_per_s });
  await throttle(Math.max(20_000, size / SLOW_SECONDS));
  await page.setInputFiles('#files', [...files].reverse());
  if (files.length > 1) await page.getByRole('button', { name: 'Join them' }).click({ timeout: STEP_MS });
  const row = page.locator('.upload', { hasText: name });
  await row.locator('xpath=self::*[@data-state="sending"]').waitFor({ timeout: STEP_MS });
  await row.getByRole('button', { name: `Pause the upload of ${label}` }).click();
  await row.locator('xpath=self::*[@data-state="paused"]').waitFor({ timeout: STEP_MS });
  const before = await row.locator('progress').evaluate((bar) => bar.value);
  require(before < size, 'the upload was over before it could be paused');
  await throttle(-1);
  await row.getByRole('button', { name: `Resume the upload of ${label}` }).click();
  await row.waitFor({ state: 'detached', timeout: 120_000 });
  await network.detach();
  // The newest is the first; others may have the same name.
  const id = await page.locator('.asset', { has: page.locator(`h3:text-is(${JSON.stringify(name)})`) }).first().getAttribute('data-id', { timeout: STEP_MS });
  console.log(`     ${name}, ${size} bytes, paused at ${before}`);
  return id;
}

const rowOf = (page, id) => page.locator(`.asset[data-id="${id}"]`);

/** Opens a recording (null: the newest that plays) once it can be watched. */
async function watch(page, id, limit_ms) {
  const rows = id === null ? page.locator('.asset') : rowOf(page, id);
  const playable = rows.filter({ has: page.locator('.poster:not([disabled])') }).first();
  const failed = id === null ? page.locator('.nothing') : page.locator(`.asset[data-id="${id}"][data-state="errored"]`);
  await playable.or(failed).first().waitFor({ timeout: limit_ms });
  if (!(await playable.isVisible())) throw new Error(`it failed: ${(await failed.textContent()).trim()}`);
  await playable.locator('.poster').click();
  await page.locator('#watch').waitFor({ timeout: STEP_MS });
}

const videoState = (page) => page.locator('#video').evaluate((video) => ({
  time_s: video.currentTime, paused: video.paused, ended: video.ended, height: video.videoHeight, duration_s: video.duration, error: video.error?.message ?? null,
}));

/** Waits until the picture has moved on by a second. */
async function advances(page, what) {
  const from = (await videoState(page)).time_s;
  await page.waitForFunction((start) => {
    const { currentTime, ended } = document.getElementById('video');
    return currentTime > start + 1 || ended;
  }, from, { timeout: STEP_MS }).catch(async () => { throw new Error(`${what}: the video does not advance: ${JSON.stringify(await videoState(page))}`); });
  const state = await videoState(page);
  require(state.height > 0, `${what}: there is no picture`);
  return `${from.toFixed(2)} s to ${state.time_s.toFixed(2)} s, ${state.height} lines`;
}

async function pauseAndResume(page) {
  await page.locator('#video').evaluate((video) => video.pause());
  const paused = await videoState(page);
  await page.locator('#strip').hover({ position: { x: 200, y: 12 } });
  require((await page.locator('#thumb').isVisible()), 'the strip shows no time under the pointer');
  const still = await videoState(page);
  require(paused.paused && still.time_s === paused.time_s, 'the video does not stay where it was paused');
  await page.locator('#video').evaluate((video) => video.play());
  return advances(page, 'after the pause');
}

async function chooseQuality(page) {
  const names = await page.locator('#quality option').allTextContents();
  require(names.length >= 2 && names[0] === 'Auto', `the quality menu holds ${names.join()}`);
  const lowest = names[names.length - 1];
  await page.locator('#quality').selectOption({ label: lowest });
  await page.waitForFunction((name) => document.getElementById('shown').textContent === name, lowest.split(' ')[0], { timeout: STEP_MS });
  await page.locator('#quality').selectOption('auto');
  return names.join(', ');
}

/** The last of the sound tracks is fetched when it is chosen, the last of the subtitles shown, and the last chapter gone to. */
async function chooseTracks(page, counts) {
  const [sounds, subtitles, chapters] = counts.split(',').map(Number);
  const last = async (id, wanted) => {
    await page.waitForFunction(([name, count]) => document.querySelectorAll(`#${name} option`).length === count, [id, wanted], { timeout: STEP_MS })
      .catch(() => { throw new Error(`the menu ${id} does not come to ${wanted} choices`); });
    const names = await page.locator(`#${id} option`).allTextContents();
    return names[names.length - 1];
  };
  await page.locator('#video').evaluate((video) => { video.currentTime = 1; return video.play(); });
  const sound = await last('sound', sounds);
  const fetched = page.waitForRequest((request) => /\/audio-[^/]*\/\d+\.m4s$/.test(request.url()) && !request.url().includes('/audio-en/'), { timeout: STEP_MS });
  await page.locator('#sound').selectOption({ label: sound });
  await fetched.catch(() => { throw new Error(`${sound} was chosen, and none of its segments is fetched`); });
  const subtitle = await last('subtitles', subtitles + 1);
  await page.locator('#subtitles').selectOption({ label: subtitle });
  await page.waitForFunction(() => [...document.getElementById('video').textTracks].some(({ mode, cues }) => mode === 'showing' && cues?.length > 0), null, { timeout: STEP_MS })
    .catch(() => { throw new Error(`${subtitle} was chosen, and no text is shown`); });
  const chapter = await last('chapters', chapters);
  const from = (await videoState(page)).time_s;
  await page.locator('#chapters').selectOption({ label: chapter });
  await page.waitForFunction((start) => document.getElementById('video').currentTime > start + 2, from, { timeout: STEP_MS })
    .catch(() => { throw new Error(`${chapter} was chosen, and the video is where it was`); });
  return `${sound}, ${subtitle}, ${chapter}`;
}

/** Watches on while the recording becomes complete: the menu grows, the place and the playing stay. */
async function moveOn(page, id, limit_ms) {
  await page.locator('#speed').selectOption('0.5');
  await page.locator('#video').evaluate((video) => {
    video.currentTime = 1;
    window.watched = [];
    window.again = true;
    let last = performance.now();
    const look = () => {
      const now = performance.now();
      const { currentTime: time_s, ended, paused } = video;
      // While the last picture is kept in front of the video, what lies behind is nobody's business. Close to the end the
      // test goes back by itself while it waits; what was watched so far is another story then.
      if (window.again && (time_s > video.duration - 6 || ended)) {
        video.currentTime = 1;
        video.play();
        window.watched = [];
      } else if (now - last > 40 && document.getElementById('still').hidden) {
        window.watched.push({ time_s, paused });
        last = now;
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  const row = page.locator(`.asset[data-id="${id}"][data-state="ready"]`);
  await row.waitFor({ timeout: limit_ms });
  const rungs = await row.locator('.rung').count();
  await page.waitForFunction((count) => document.querySelectorAll('#quality option').length === count + 1, rungs, { timeout: STEP_MS })
    .catch(() => { throw new Error(`the quality menu did not grow to ${rungs} renditions`); });
  await page.waitForFunction(() => document.getElementById('still').hidden, null, { timeout: STEP_MS });
  await page.evaluate(() => { window.again = false; });
  await advances(page, 'on the complete generation');
  const watched = await page.evaluate(() => window.watched);
  const back = Math.min(0, ...watched.slice(1).map(({ time_s }, index) => time_s - watched[index].time_s));
  require(back > -0.25, `the move to the complete generation jumped back by ${(-back).toFixed(2)} s`);
  await page.locator('#speed').selectOption('1');
  return `${rungs} renditions, largest step back ${(-back).toFixed(3)} s`;
}

/** The row's own picture, which comes with the recording. */
async function poster(page, id) {
  const image = rowOf(page, id).locator('.poster img');
  await image.waitFor({ timeout: STEP_MS });
  const width = await image.evaluate((element) => element.naturalWidth);
  require(width > 0, 'the poster is not a picture');
  return `${width} pixels wide`;
}

/** Deletes the recording, after having been asked and having said no once. */
async function remove(page, id) {
  const row = rowOf(page, id);
  const ask = () => row.getByRole('button', { name: /^Delete / }).click();
  await ask();
  await page.getByRole('button', { name: 'Keep it' }).click();
  require((await row.getAttribute('data-state')) !== 'deleting', 'it was deleted although the answer was no');
  await ask();
  await page.locator('#confirm-yes').click();
  await row.waitFor({ state: 'detached', timeout: STEP_MS });
  require(!(await page.locator('#watch').isVisible()), 'the player still shows what was deleted');
}

async function session(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: options.dark ? 'dark' : 'light' });
  const page = await context.newPage();
  const wrong = complaints(page);
  let pictured = false;
  try {
    await step('open', async () => {
      const response = await page.goto(options.url, { timeout: STEP_MS });
      require(response.status() === 200, `the page answers ${response.status()}`);
      await page.locator('#link-state[data-state="live"]').waitFor({ timeout: STEP_MS });
      require(!page.url().includes('token='), 'the token is still in the address bar');
      return page.title();
    });
    const limit_ms = Number(options['deadline-s']) * 1000;
    const id = options.upload ? await step('upload, pause, resume', () => upload(page, options.upload)) : null;
    await step('play', async () => {
      await watch(page, id, limit_ms);
      return advances(page, 'after the start');
    });
    await step('pause and resume', () => pauseAndResume(page));
    if (id !== null) await step('complete', () => moveOn(page, id, limit_ms));
    await step('quality menu', () => chooseQuality(page));
    if (options.menus) await step('sound, subtitles, chapters', () => chooseTracks(page, options.menus));
    if (id !== null) await step('poster', () => poster(page, id));
    if (options.screenshot) await page.screenshot({ path: options.screenshot, timeout: STEP_MS });
    pictured = true;
    if (id !== null) await step('delete', () => remove(page, id));
    require(wrong.length === 0, wrong.join('; '));
  } finally {
    // What it looked like when it went wrong.
    if (options.screenshot && !pictured) await page.screenshot({ path: options.screenshot, timeout: STEP_MS });
  }
}

async function main() {
  if (!options.url) throw new Error('usage: node page.mjs --url URL [--upload FILE] [--screenshot PNG]');
  const browser = await launch();
  try {
    await within(Number(options['deadline-s']) * 1000 + 60_000, 'the whole session', session(browser));
    return 0;
  } catch (error) {
    console.log(`FAIL ${error.message.split('\n')[0]}`);
    return 1;
  } finally {
    await browser.close();
  }
}

main().then((code) => { process.exitCode = code; }, (error) => {
  console.error(error.message);
  process.exitCode = 2;
});
