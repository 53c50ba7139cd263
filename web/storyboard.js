// Thumbnails from WebVTT whose cues name a region of a sheet: `storyboard.jpg#xywh=160,0,160,90`.

const MAX_CUES = 20_000;

/** "01:02:03.500" or "02:03.500" in seconds; NaN when it is neither. */
export function parseTime(text) {
  const match = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/.exec(text.trim());
  if (!match) return NaN;
  return Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]) + Number(match[4]) / 1000;
}

/** The cues of a storyboard in order; what is not one is left out. `base` is the address of the file itself. */
export function parseStoryboard(text, base) {
  const cues = [];
  for (const block of text.replace(/\r\n?/g, '\n').split(/\n{2,}/)) {
    const lines = block.split('\n').filter((line) => line !== '');
    const at = lines.findIndex((line) => line.includes('-->'));
    if (at < 0 || !lines[at + 1] || cues.length >= MAX_CUES) continue;
    const [start, end] = lines[at].split('-->').map((part) => parseTime(part.trim().split(/\s/)[0]));
    const match = /^(.*)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/.exec(lines[at + 1].trim());
    if (!match || !(start < end)) continue;
    const [x, y, width, height] = match.slice(2).map(Number);
    if (width === 0 || height === 0) continue;
    cues.push({ start, end, image: new URL(match[1], base).href, x, y, width, height });
  }
  return cues.sort((a, b) => a.start - b.start);
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
