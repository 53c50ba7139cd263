// A small static file server with CORS and byte ranges, and a ClearKey licence server: node static-server.mjs ROOT [PORT]

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css',
  '.m3u8': 'application/vnd.apple.mpegurl', '.mpd': 'application/dash+xml', '.mp4': 'video/mp4', '.m4s': 'video/iso.segment',
  '.m4a': 'audio/mp4', '.vtt': 'text/vtt', '.jpg': 'image/jpeg', '.json': 'application/json',
};

/** The byte range that a header asks of a file: [first, last], null for all of it, or false for one that cannot be given. */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const first = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const last = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return first > last || first >= size ? false : [first, last];
}

const base64url = (hex) => Buffer.from(hex, 'hex').toString('base64url');

/** The W3C's ClearKey licence (Encrypted Media Extensions, 9.1.4): the keys asked for, of those in `keys` ({key id: key}, both hexadecimal). */
function licence(asked, keys) {
  const held = new Map(Object.entries(keys).map(([id, key]) => [base64url(id), base64url(key)]));
  const answers = asked.kids.filter((kid) => held.has(kid)).map((kid) => ({ kty: 'oct', kid, k: held.get(kid) }));
  return { keys: answers, type: asked.type ?? 'temporary' };
}

async function answerLicence(keys, request, response) {
  const body = [];
  for await (const piece of request) body.push(piece);
  const asked = JSON.parse(Buffer.concat(body).toString('utf8'));
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(licence(asked, keys)));
}

async function answer(mounts, keys, request, response) {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Allow-Headers', 'Range');
  response.setHeader('Access-Control-Expose-Headers', 'Content-Range, Content-Length');
  response.setHeader('Cache-Control', 'no-store');
  const end = (status) => response.writeHead(status).end();
  if (request.method === 'OPTIONS') return end(204);
  const url = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  if (request.method === 'POST' && keys && url === LICENCE_PATH) return answerLicence(keys, request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(405);
  const mount = Object.keys(mounts).filter((prefix) => url.startsWith(prefix)).sort((a, b) => b.length - a.length)[0];
  if (mount === undefined) return end(404);
  const root = path.resolve(mounts[mount]);
  const file = path.resolve(root, url.slice(mount.length));
  if (file !== root && !file.startsWith(root + path.sep)) return end(404);
  const info = await stat(file).catch(() => null);
  if (!info?.isFile()) return end(404);
  response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  const range = parseRange(request.headers.range, info.size);
  if (range === false) {
    response.setHeader('Content-Range', `bytes */${info.size}`);
    return end(416);
  }
  const [first, last] = range ?? [0, info.size - 1];
  response.setHeader('Content-Length', Math.max(0, last - first + 1));
  if (range) response.setHeader('Content-Range', `bytes ${first}-${last}/${info.size}`);
  response.writeHead(range ? 206 : 200);
  if (request.method === 'HEAD' || info.size === 0) return response.end();
  createReadStream(file, { start: first, end: last }).on('error', () => response.destroy()).pipe(response);
}

/** Where `serve` answers ClearKey licence requests when it was given keys. */
export const LICENCE_PATH = '/licence';

/** Serves folders by URL prefix ("/a/": "folder") on loopback, and licences for `keys` if there are any; resolves to {url, close}. */
export function serve(mounts, port = 0, keys = null) {
  const server = createServer((request, response) => {
    answer(mounts, keys, request, response).catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const close = () => new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      });
      resolve({ url: `http://127.0.0.1:${server.address().port}`, close });
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [root, port] = process.argv.slice(2);
  if (!root) {
    console.error('usage: node static-server.mjs ROOT [PORT]');
    process.exit(2);
  }
  const { url } = await serve({ '/': root }, Number(port ?? 0));
  console.log(url);
}
