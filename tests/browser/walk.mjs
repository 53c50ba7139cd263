// Plans what is looked at: which pictures to seek to, and the order of rendition switches.

/** "24000/1001" or "25" as a number of pictures a second. */
export function parseRate(text) {
  const match = /^(\d+)(?:\/(\d+))?$/.exec(text);
  if (!match || Number(match[1]) === 0 || match[2] === '0') throw new Error(`not a frame rate: ${text}`);
  return Number(match[1]) / Number(match[2] ?? 1);
}

/** The picture whose time this is. */
export function pictureAt(seconds, rate) {
  return Math.round(seconds * rate);
}

/**
 * Pictures to seek to: the first, both sides of a segment edge, two in between and one close to the end. Not the very last: players keep
 * seeks away from it, and dash.js by half a second; playing to the end shows it. Nor, in dash.js, the last of a segment: it begins to load one
 * segment late there, whoever packaged it.
 */
export function seekTargets(frames, rate, segmentSeconds = 4, player = null) {
  const edge = (count) => Math.ceil(count * segmentSeconds * rate - 1e-6);
  const wanted = [0, edge(1) - 1, edge(1), Math.floor(frames / 3) + 7, edge(3), Math.floor(frames * 0.71), frames - 1 - Math.ceil(rate)];
  const isLast = (frame) => frame + 1 === edge(Math.floor(frame / (segmentSeconds * rate)) + 1);
  const inside = wanted.filter((frame) => frame >= 0 && frame < frames && !(player === 'dash' && isLast(frame)));
  // Back and forth, so that every seek leaves the buffer's order.
  const sorted = [...new Set(inside)].sort((a, b) => a - b);
  const order = [];
  while (sorted.length > 0) order.push(order.length % 2 === 0 ? sorted.shift() : sorted.pop());
  return order;
}

/** Walks over every ordered pair of `count` renditions once, each switch starting where the last one ended. */
export function everySwitch(count) {
  const left = Array.from({ length: count }, (_, from) => Array.from({ length: count }, (_, to) => to).filter((to) => to !== from));
  const stack = [0];
  const path = [];
  while (stack.length > 0) {
    const at = stack[stack.length - 1];
    if (left[at].length > 0) stack.push(left[at].shift());
    else path.push(stack.pop());
  }
  return path.reverse();
}
