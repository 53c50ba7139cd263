// Proves the harness before it judges anything: it passes on counter.mp4 as packaged by FFmpeg, and fails where it must.
//
//   node selftest.mjs COUNTER_MP4

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serve } from './static-server.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const counter = path.resolve(process.argv[2] ?? path.join(here, '../../.cache/media/counter.mp4'));
const [FRAMES, RATE] = [576, '24000/1001'];

/** Two renditions and audio as CMAF; HLS and DASH share the segments. `filter` may damage the pictures. */
async function packageTo(folder, filter) {
  // No B-frames: FFmpeg's muxer would write their delay as an edit list, which players treat differently.
  const x264 = ['-preset', 'ultrafast', '-bf', '0', '-sc_threshold', '0', '-force_key_frames', 'expr:eq(mod(n,96),0)', '-g', '96'];
  await promisify(execFile)('ffmpeg', [
    '-nostdin', '-v', 'error', '-y', '-i', counter,
    '-filter_complex', `[0:v]${filter},split[a][b];[a]scale=1280:720[hi];[b]scale=640:360[lo]`,
    '-map', '[lo]', '-map', '[hi]', '-map', '0:a', '-c:v', 'libx264', ...x264, '-b:v:0', '800k', '-b:v:1', '3000k', '-c:a', 'aac', '-b:a', '96k',
    '-f', 'dash', '-seg_duration', '4', '-use_template', '1', '-use_timeline', '1', '-hls_playlist', '1',
    '-adaptation_sets', 'id=0,streams=v id=1,streams=a', path.join(folder, 'manifest.mpd'),
  ], { timeout: 240_000 });
  // FFmpeg 5 cuts the duration to a tenth of a second, which would end the presentation before its last picture.
  const mpd = path.join(folder, 'manifest.mpd');
  const text = await readFile(mpd, 'utf8');
  await writeFile(mpd, text.replace(/mediaPresentationDuration="[^"]*"/, `mediaPresentationDuration="PT${(FRAMES * 1001) / 24000}S"`));
}

function run(url, extra, json) {
  return new Promise((resolve) => {
    const args = ['run.mjs', '--base-url', url, '--frames', String(FRAMES), '--json', json, ...extra];
    const child = spawn(process.execPath, args, { cwd: here, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data) => { output += data; process.stdout.write(String(data).replace(/^(?=.)/gm, '  ')); });
    child.on('close', (code) => resolve({ code, output }));
  });
}

const cases = [
  { name: 'passes on a true presentation', folder: 'true', rate: RATE, extra: ['--heights', '360,720'], code: 0 },
  { name: 'fails at a wrong frame rate', folder: 'true', rate: '25', extra: ['--players', 'hls'], code: 1, says: /was shown at|asked for picture|longer|duration/ },
  { name: 'fails on one missing picture', folder: 'skip', rate: RATE, extra: ['--players', 'shaka'], code: 1, says: /was shown at/ },
  { name: 'fails on pictures without a counter', folder: 'blank', rate: RATE, extra: ['--players', 'hls'], code: 1, says: /sync cells/ },
  { name: 'fails when what must be refused is shown', folder: 'true', rate: RATE, extra: ['--players', 'shaka', '--refused'], code: 1, says: /shown without a fitting key/ },
  { name: 'fails on other renditions than expected', folder: 'true', rate: RATE, extra: ['--players', 'dash', '--heights', '360,480'], code: 1, says: /high instead of/ },
];

const damage = {
  true: 'null',
  // Picture 250 is shown again in place of picture 251, and everything after it comes one late.
  skip: "loop=loop=1:size=1:start=250,trim=end_frame=576,setpts=N*1001/24000/TB",
  blank: 'drawbox=x=0:y=0:w=1280:h=64:color=black:t=fill',
};

if (!existsSync(counter)) {
  console.error(`${counter} is missing; make it with tests/media/make.sh`);
  process.exit(2);
}
const root = await mkdtemp(path.join(tmpdir(), 'player-selftest-'));
let failed = 0;
try {
  for (const [name, filter] of Object.entries(damage)) {
    await mkdir(path.join(root, name));
    await packageTo(path.join(root, name), filter);
  }
  const site = await serve({ '/': root });
  for (const { name, folder, rate, extra, code, says } of cases) {
    const paths = ['--hls', `/${folder}/master.m3u8`, '--dash', `/${folder}/manifest.mpd`, '--rate', rate];
    const got = await run(site.url, [...paths, ...extra], path.join(root, 'result.json'));
    const ok = got.code === code && (!says || says.test(got.output));
    failed += ok ? 0 : 1;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (exit ${got.code})`);
  }
  await site.close();
} finally {
  await rm(root, { recursive: true, force: true });
}
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
