import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cueAt, parseCues, parseTime, plainText } from '../../web/cues.js';
import { parseStoryboard } from '../../web/storyboard.js';

const TEXT = 'WEBVTT\r\n\r\n00:00:00.000 --> 00:00:10.000\r\nstoryboard.jpg#xywh=0,0,160,90\r\n\r\n00:10.000 --> 00:20.000\nstoryboard.jpg#xywh=160,0,160,90\n\n'
  + 'NOTE nothing\n\n7\n00:00:20.000 --> 01:00:23.500 align:left\nstoryboard.jpg#xywh=0,90,160,90\n';

test('cues name a region of a sheet beside the file', () => {
  const cues = parseStoryboard(TEXT, 'http://host/p/x/g3/storyboard.vtt');
  assert.equal(cues.length, 3);
  assert.deepEqual(cues[1], { start: 10, end: 20, image: 'http://host/p/x/g3/storyboard.jpg', x: 160, y: 0, width: 160, height: 90 });
  assert.equal(cues[2].end, 3623.5);
});

test('the cue of a time is the last that has begun, and the ends hold', () => {
  const cues = parseStoryboard(TEXT, 'http://host/');
  const starts = [-1, 0, 9.999, 10, 19, 20, 9e9].map((time) => cueAt(cues, time).start);
  assert.deepEqual(starts, [0, 0, 0, 10, 10, 20, 20]);
  assert.equal(cueAt([], 3), null);
});

test('what is no cue is left out', () => {
  const bad = ['', 'WEBVTT', '00:00:05.000 --> 00:00:01.000\na.jpg#xywh=0,0,1,1', '00:00:00.000 --> 00:00:01.000\na.jpg', '00:00:00.000 --> 00:00:01.000\na.jpg#xywh=0,0,0,1',
    '00:00:61.000 --> 00:02:00.000\na.jpg#xywh=0,0,1,1', '-->\n-->', '00:00:00.000 --> 00:00:01.000'];
  for (const text of bad) assert.deepEqual(parseStoryboard(text, 'http://host/'), [], text);
  assert.ok(Number.isNaN(parseTime('1:2:3')));
});

test('cues of chapters keep their lines and lose their markup', () => {
  const cues = parseCues('WEBVTT\n\n00:00:00.000 --> 00:00:04.500\n<b>Opening</b> &amp;\ngreeting\n\n00:00:04.500 --> 00:00:09.000 line:0\nA &lt;b&gt; &what;\n');
  assert.deepEqual(cues.map(({ start, text }) => [start, plainText(text)]), [[0, 'Opening &\ngreeting'], [4.5, 'A <b> &what;']]);
});
