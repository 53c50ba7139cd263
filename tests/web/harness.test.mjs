import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellLevels, decodeCells, encodeCells, CELLS } from '../browser/counter.mjs';
import { parseRange } from '../browser/static-server.mjs';
import { everySwitch, parseRate, pictureAt, seekTargets } from '../browser/walk.mjs';

function paint(number, width = 640) {
  const height = width / CELLS;
  const levels = encodeCells(number);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) rgba.fill(levels[Math.floor(x / height)], (y * width + x) * 4, (y * width + x) * 4 + 4);
  return [rgba, width, height];
}

test('every number is read back from its picture', () => {
  for (const number of [0, 1, 2, 255, 575, 4096, 43690, 65535]) assert.deepEqual(decodeCells(cellLevels(...paint(number))), { number });
});

test('one cell turned over or grey is never read as another number', () => {
  for (const number of [0, 575, 43690]) {
    for (let cell = 0; cell < CELLS; cell += 1) {
      const levels = encodeCells(number);
      levels[cell] = 255 - levels[cell];
      assert.ok(decodeCells(levels).reason, `${number}, cell ${cell} turned`);
      levels[cell] = 120;
      assert.ok(decodeCells(levels).reason, `${number}, cell ${cell} grey`);
    }
  }
});

test('every ordered pair of renditions is switched once, without a jump', () => {
  for (let count = 1; count <= 6; count += 1) {
    const path = everySwitch(count);
    const pairs = path.slice(1).map((to, index) => `${path[index]}>${to}`);
    assert.equal(new Set(pairs).size, count * (count - 1));
    assert.equal(pairs.length, count * (count - 1));
    assert.ok(pairs.every((pair) => pair[0] !== pair[2]));
  }
});

test('seeks stay inside and meet both sides of a segment edge', () => {
  const rate = parseRate('24000/1001');
  const targets = seekTargets(576, rate);
  assert.ok(targets.includes(0) && targets.includes(95) && targets.includes(96));
  assert.ok(targets.every((frame) => frame >= 0 && frame < 576));
  assert.equal(pictureAt(96 / rate, rate), 96);
  assert.ok(seekTargets(3, rate).length > 0);
});

test('rates are fractions', () => {
  assert.equal(parseRate('25'), 25);
  for (const bad of ['', '0', '25/0', 'x', '1.5']) assert.throws(() => parseRate(bad), bad);
});

test('byte ranges follow RFC 9110', () => {
  const cases = [['bytes=0-9', [0, 9]], ['bytes=5-', [5, 99]], ['bytes=-10', [90, 99]], ['bytes=0-999', [0, 99]], ['bytes=100-', false], ['bytes=9-5', false], [undefined, null], ['bytes=-', null], ['lines=1-2', null]];
  for (const [header, range] of cases) assert.deepEqual(parseRange(header, 100), range, String(header));
});
