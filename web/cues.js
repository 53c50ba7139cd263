// Cues of WebVTT files, of which nothing but times and text is read.

const MAX_CUES = 20_000;

/** "01:02:03.500" or "02:03.500" in seconds; NaN when it is neither. */
export function parseTime(text) {
  const match = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/.exec(text.trim());
  if (!match) return NaN;
  return Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]) + Number(match[4]) / 1000;
}

/** The cues of a file, [{start, end, text}] in seconds and by their starts; what is not one is left out. */
export function parseCues(text) {
  const cues = [];
  for (const block of text.replace(/\r\n?/g, '\n').split(/\n{2,}/)) {
    const lines = block.split('\n').filter((line) => line !== '');
    const at = lines.findIndex((line) => line.includes('-->'));
    if (at < 0 || !lines[at + 1] || cues.length >= MAX_CUES) continue;
    const [start, end] = lines[at].split('-->').map((part) => parseTime(part.trim().split(/\s/)[0]));
    if (start < end) cues.push({ start, end, text: lines.slice(at + 1).join('\n') });
  }
  return cues.sort((a, b) => a.start - b.start);
}

/** Cue text as it is read: without tags, and with what references stand for. */
export function plainText(text) {
  const named = { amp: '&', lt: '<', gt: '>', nbsp: '\u00a0', lrm: '', rlm: '' };
  return text.replace(/<[^>]*>/g, '').replace(/&(\w+);/g, (whole, name) => named[name] ?? whole);
}

/** The cue that shows this time: the last one that has begun. */
export function cueAt(cues, seconds) {
  let [low, high] = [0, cues.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cues[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  return cues[Math.max(0, low - 1)] ?? null;
}
