// Reads the number that counter.mp4 shows along the upper edge of every picture. Used by Node and by the page.
//
// Twenty cells of a twentieth of the width: white, black, sixteen bits (most significant first), even parity, white.

export const CELLS = 20;
const BITS = 16;
/** Halfway between black and white, with a band in which a cell is neither. */
const MIDDLE = 128;
const UNSURE = 32;

/**
 * The number that twenty cell brightnesses (0 to 255) show.
 * @returns {{number: number} | {reason: string}} the number, or why there is none
 */
export function decodeCells(levels) {
  if (levels.length !== CELLS) return { reason: `${levels.length} cells instead of ${CELLS}` };
  const grey = levels.findIndex((level) => Math.abs(level - MIDDLE) < UNSURE);
  if (grey >= 0) return { reason: `cell ${grey} is neither black nor white (${Math.round(levels[grey])})` };
  const on = levels.map((level) => level > MIDDLE);
  if (!on[0] || on[1] || !on[CELLS - 1]) return { reason: 'the sync cells are not there' };
  const bits = on.slice(2, 2 + BITS);
  const ones = bits.filter(Boolean).length;
  if ((ones % 2 === 1) !== on[2 + BITS]) return { reason: 'the parity cell does not fit' };
  return { number: bits.reduce((value, bit) => value * 2 + (bit ? 1 : 0), 0) };
}

/** The mean brightness of the middle third of each cell in RGBA pixels of one row of cells. */
export function cellLevels(rgba, width, height) {
  const cell = width / CELLS;
  const [top, bottom] = [Math.floor(height / 3), Math.max(Math.floor(height / 3) + 1, Math.floor((2 * height) / 3))];
  return Array.from({ length: CELLS }, (_, index) => {
    const left = Math.floor((index + 1 / 3) * cell);
    const right = Math.max(left + 1, Math.floor((index + 2 / 3) * cell));
    let sum = 0;
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        const at = (y * width + x) * 4;
        sum += 0.2126 * rgba[at] + 0.7152 * rgba[at + 1] + 0.0722 * rgba[at + 2];
      }
    }
    return sum / ((right - left) * (bottom - top));
  });
}

/** The cells that show a number: what `decodeCells` undoes. */
export function encodeCells(number) {
  const bits = Array.from({ length: BITS }, (_, index) => (number >> (BITS - 1 - index)) & 1);
  const parity = bits.reduce((sum, bit) => sum + bit, 0) % 2;
  return [1, 0, ...bits, parity, 1].map((bit) => bit * 255);
}
