// Thumbnails from WebVTT whose cues name a region of a sheet: `storyboard.jpg#xywh=160,0,160,90`.

import { parseCues } from './cues.js';

/** The cues of a storyboard in order; what is not one is left out. `base` is the address of the file itself. */
export function parseStoryboard(text, base) {
  const cues = [];
  for (const { start, end, text: place } of parseCues(text)) {
    const match = /^(.*)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/.exec(place.split('\n')[0].trim());
    if (!match) continue;
    const [x, y, width, height] = match.slice(2).map(Number);
    if (width === 0 || height === 0) continue;
    cues.push({ start, end, image: new URL(match[1], base).href, x, y, width, height });
  }
  return cues;
}
