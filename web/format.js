// Figures as people read them. Nothing here knows the page.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** 1536000 as "1.5 MB". */
export function bytes(count) {
  if (!Number.isFinite(count) || count < 0) return '';
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return count === 1 ? '1 byte' : `${Math.round(count)} bytes`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** Bytes a second as "12 MB/s". */
export function speed(bytes_per_s) {
  return Number.isFinite(bytes_per_s) && bytes_per_s > 0 ? `${bytes(bytes_per_s)}/s` : '';
}

/** A position or length as a clock: "1:02:03", "2:03", "0:07". */
export function clock(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return '0:00';
  const whole = Math.floor(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** What is left, roughly: "about 2 min left". Empty when nobody knows. */
export function eta(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return '';
  if (seconds < 1) return 'almost done';
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 3570) return `about ${Math.max(1, Math.round(seconds / 60))} min left`;
  const halves = Math.round(seconds / 1800) / 2;
  return `about ${halves} h left`;
}

/** 0 to 100 as "42 %"; 100 only when it is done. */
export function percent(value) {
  if (!Number.isFinite(value)) return '';
  return `${Math.max(0, Math.min(100, Math.floor(value)))} %`;
}

/** How long ago a moment was, in the words of the given locale. */
export function ago(then_ms, now_ms, locale = 'en') {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const seconds = (then_ms - now_ms) / 1000;
  const steps = [['day', 86_400], ['hour', 3600], ['minute', 60]];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return 'just now';
}

/** Where a recording that is encoded again stands with that, as the API has it; empty when it is not. */
export function again(renewal) {
  if (!renewal) return '';
  if (renewal.state === 'waiting') return 'waits to be encoded again';
  if (renewal.state === 'errored') return `not encoded again: ${renewal.error?.detail ?? 'it failed'}`;
  return ['being encoded again', percent(renewal.progress?.percent)].filter((part) => part !== '').join(', ');
}

/** The name of a rendition: "720p". */
export function quality(height) {
  return height > 0 ? `${height}p` : 'unknown';
}

const STATES = {
  awaiting_upload: ['Waiting for its upload', 'calm'],
  ingesting: ['Being uploaded', 'busy'],
  processing: ['Processing', 'busy'],
  ready: ['Ready', 'good'],
  errored: ['Failed', 'bad'],
  deleting: ['Being deleted', 'calm'],
};
const STAGES = {
  upload: 'uploading', probe: 'looking at the recording', plan: 'planning', encode: 'encoding', publish: 'publishing',
  done: 'finished', delete: 'deleting',
};

/** The badge of an asset: its words and its tone (good, bad, busy, calm). */
export function badge(asset) {
  if (asset.state === 'errored' && asset.error?.code === 'asset.cancelled') return { text: 'Cancelled', tone: 'calm' };
  if (asset.state === 'processing' && asset.playable_at) return { text: 'Plays already', tone: 'good' };
  const [text, tone] = STATES[asset.state] ?? [asset.state, 'calm'];
  return { text, tone };
}

/** What is being done to an asset, in a few words; unknown stages keep their own name. */
export function stage(name) {
  return STAGES[name] ?? name;
}

const LANGUAGES = new Intl.DisplayNames(undefined, { type: 'language' });

/** What a track is called: `fr (commentary)` of a playlist is `French (commentary)`, in the language of whoever reads it. */
export function trackName({ name, lang }) {
  if (!lang || !(name === lang || name.startsWith(`${lang} `))) return name;
  try {
    return LANGUAGES.of(lang) + name.slice(lang.length);
  } catch {
    return name;
  }
}
