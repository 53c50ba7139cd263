import './globals.mjs';
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { test } from 'node:test';
import { MOST_PARTS, joined, sequence } from '../../web/parts.js';

const files = (...names) => names.map((name) => new File([name], name, { lastModified: 7 }));
const named = (...names) => sequence(files(...names))?.map(({ name }) => name) ?? null;

test('files that a camera numbers are put in its order, whatever order they come in', () => {
  assert.deepEqual(named('GX020042.MP4', 'GX010042.MP4', 'GX030042.MP4'), ['GX010042.MP4', 'GX020042.MP4', 'GX030042.MP4']);
  assert.deepEqual(named('GP020042.MP4', 'GP010042.MP4', 'GOPR0042.MP4'), ['GOPR0042.MP4', 'GP010042.MP4', 'GP020042.MP4']);
  assert.deepEqual(named('00010.MTS', '00009.MTS'), ['00009.MTS', '00010.MTS']);
  assert.deepEqual(named('lecture 10.ts', 'lecture 9.ts'), ['lecture 9.ts', 'lecture 10.ts']);
  assert.deepEqual(named('C0001.mp4', 'C0002.MP4'), ['C0001.mp4', 'C0002.MP4']);
});

test('files that are numbered otherwise, or not at all, are no sequence', () => {
  for (const names of [['a.mp4', 'b.mp4'], ['DJI_0001.MP4', 'DJI_0003.MP4'], ['talk1.mp4', 'talk2.mov'], ['talk.mp4'], ['1.mp4', '1.mp4'], ['GX010042.MP4', 'GX010043.MOV']]) {
    assert.equal(named(...names), null, names.join());
  }
  const many = Array.from({ length: MOST_PARTS + 1 }, (_, at) => `part ${at}.mp4`);
  assert.equal(named(...many), null);
  assert.equal(named(...many.slice(1)).length, MOST_PARTS);
});

test('what is joined has the bytes of all parts in order, and says what they are', async () => {
  const whole = joined(files('GX010042.MP4', 'GX020042.MP4'));
  assert.deepEqual([whole.name, whole.label, whole.size], ['GX010042.MP4', 'GX010042.MP4 and 1 more', 24]);
  assert.deepEqual(whole.parts, [{ filename: 'GX010042.MP4', size: 12 }, { filename: 'GX020042.MP4', size: 12 }]);
  assert.equal(await whole.slice(8, 16).text(), '.MP4GX02');
});
