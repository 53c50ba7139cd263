// Prints what hls.js reads in every playlist of a folder, as JSON: {path: playlist}. No browser: hls.js is given the files itself.
//
//   node readback.mjs FOLDER

import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// What hls.js takes from a page.
Object.assign(globalThis, { self: globalThis, location: { href: 'file:///' } });
const Hls = createRequire(import.meta.url)('hls.js');

const LOAD_MS = 20_000;

/** hls.js' way to a file: the interface of its loaders, in its smallest form. */
class FileLoader {
  constructor() {
    const times = () => ({ start: 1, first: 1, end: 1 });
    this.stats = { aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0, loading: times(), parsing: times(), buffering: times() };
  }

  load(context, _config, { onSuccess }) {
    this.context = context;
    const data = readFileSync(fileURLToPath(context.url), 'utf8');
    setImmediate(() => onSuccess({ url: context.url, data }, this.stats, context, null));
  }

  abort() {}

  destroy() {}

  getCacheAge() { return null; }

  getResponseHeader() { return null; }
}

const hex = (bytes) => (bytes ? `0x${Buffer.from(bytes).toString('hex')}` : null);
const micros = (seconds) => Math.round(seconds * 1e6);
const rangeOf = ([from, to] = []) => (from === undefined ? null : `${to - from}@${from}`);

function key({ method, uri, iv, keyFormat, keyFormatVersions }) {
  return { method, uri, iv: hex(iv), format: keyFormat, versions: keyFormatVersions.join('/') };
}

function multivariant({ levels, audioTracks = [], subtitles = [], captions = [], sessionKeys, independent }, relative) {
  const variant = ({ url, attrs }) => ({
    uri: relative(url), bandwidth: attrs.decimalInteger('BANDWIDTH'), average: attrs.decimalInteger('AVERAGE-BANDWIDTH'), codecs: attrs.CODECS,
    resolution: attrs.RESOLUTION ?? null, frame_rate: attrs['FRAME-RATE'] ? Number(attrs['FRAME-RATE']) : null, range: attrs['VIDEO-RANGE'] ?? null,
    audio: attrs.AUDIO ?? null, subtitles: attrs.SUBTITLES ?? null, captions: attrs['CLOSED-CAPTIONS'] ?? null,
  });
  const rendition = (one) => ({
    type: one.type, group: one.groupId, language: one.lang ?? null, name: one.name, default: one.default, autoselect: one.autoselect, forced: one.forced,
    characteristics: one.characteristics ?? null, channels: one.channels ?? null, instream: one.instreamId ?? null, uri: one.url ? relative(one.url) : null,
  });
  return {
    independent: independent ?? null, variants: levels.map(variant), iframes: null, media: [...audioTracks, ...subtitles, ...captions].map(rendition),
    session_keys: (sessionKeys ?? []).map(key),
  };
}

function media(details, iframes) {
  const relative = (one) => one.relurl;
  let before = '';
  const all = [];
  const segment = (one) => {
    const keys = Object.values(one.levelkeys ?? {}).map(key);
    if (JSON.stringify(keys) !== before) all.push(...keys);
    before = JSON.stringify(keys);
    return {
      uri: relative(one), duration_us: micros(one.duration), range: rangeOf(one.byteRange),
      map: one.initSegment ? { uri: relative(one.initSegment), range: rangeOf(one.initSegment.byteRange) } : null,
      keys, last_key: keys.at(-1) ?? null, date: one.rawProgramDateTime ?? null,
    };
  };
  const range = (one) => ({
    id: one.id, start: one.attr['START-DATE'], duration_s: Number.isFinite(one.attr.decimalFloatingPoint('DURATION')) ? one.attr.decimalFloatingPoint('DURATION') : null,
    planned_s: one.attr['PLANNED-DURATION'] ? one.attr.decimalFloatingPoint('PLANNED-DURATION') : null,
    scte35: one.attr['SCTE35-OUT'] ?? one.attr['SCTE35-IN'] ?? one.attr['SCTE35-CMD'] ?? null, asset: one.attr['X-ASSET-URI'] ?? null,
  });
  return {
    target_s: details.targetduration, sequence: details.startSN, kind: details.type, ended: !details.live, iframes_only: iframes, independent: null,
    segments: details.fragments.map(segment), keys: all, date_ranges: Object.values(details.dateRanges).map(range),
  };
}

/** The value of an event; hls.js' own complaints about a playlist are failures, what this machine can decode is not its business. */
function answer(hls, name, ask) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`hls.js said no ${name}`)), LOAD_MS);
    hls.once(name, (_, data) => { clearTimeout(late); resolve(data); });
    ask();
  });
}

async function main(folder) {
  const complaints = [];
  const hls = new Hls({ loader: FileLoader, autoStartLoad: false, enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, data) => data.details !== Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR && complaints.push(`${data.details}: ${data.error?.message}`));
  const url = (file) => pathToFileURL(path.join(folder, file)).href;
  const found = {};
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.m3u8')).sort()) {
    if (path.basename(file) === 'master.m3u8') {
      const master = await answer(hls, Hls.Events.MANIFEST_LOADED, () => hls.loadSource(url(file)));
      const base = new URL('.', url(file)).href;
      found[file] = multivariant(master, (address) => decodeURI(address.replace(base, '')));
      continue;
    }
    const asked = { url: url(file), level: 0, levelInfo: null, id: 0, deliveryDirectives: null };
    const { details } = await answer(hls, Hls.Events.LEVEL_LOADED, () => hls.trigger(Hls.Events.LEVEL_LOADING, asked));
    if (details.playlistParsingError) complaints.push(`${file}: ${details.playlistParsingError.message}`);
    found[file] = media(details, details.m3u8.includes('#EXT-X-I-FRAMES-ONLY'));
  }
  hls.destroy();
  if (complaints.length > 0) throw new Error(complaints.join('; '));
  return found;
}

main(path.resolve(process.argv[2])).then((found) => console.log(JSON.stringify(found)), (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
