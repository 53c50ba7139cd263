import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionWords, kindOf, likeness, lossWords, lostAt, sentence, span } from '../../web/findings.js';

test('a loss says from when to when, and what is seen or heard there', () => {
  assert.deepEqual([[950, 61_000], [12_100, 12_900], [3_723_000, 3_724_000]].map(([from_ms, to_ms]) => span({ from_ms, to_ms })),
    ['0:00 to 1:01', 'at 0:12', '1:02:03 to 1:02:04']);
  const words = new Intl.DisplayNames(undefined, { type: 'language' });
  assert.equal(lossWords({ kind: 'sound_silent', track: 'fr' }), `there is no sound (${words.of('fr')})`);
  assert.equal(lossWords({ kind: 'sound_silent', track: 'und' }), 'there is no sound');
  assert.equal(lossWords({ kind: 'sound_silent', track: 'en-2' }), 'there is no sound (en-2)');
  assert.match(lossWords({ kind: 'pictures_held', track: null }), /stands still/);
  assert.equal(lossWords({ kind: 'colours_faded', detail: 'colours are faded from 0:01.0 to 0:02.0' }), 'colours are faded from 0:01.0 to 0:02.0');
});

test('a moment is within its losses from their first millisecond to the one before their end', () => {
  const losses = [['a', 1000, 2000], ['b', 1500, 6000]].map(([detail, from_ms, to_ms]) => ({ kind: 'new', detail, from_ms, to_ms }));
  assert.deepEqual([0.999, 1, 1.999, 2, 6].map((time) => lostAt(losses, time)), ['', 'a', 'a, b', 'b', '']);
  assert.equal(lostAt([], 3), '');
});

test('what it shows is told by what there is most of', () => {
  const cases = [[null, ''], [undefined, ''], [{ slides: 0, film: 0 }, ''], [{ slides: 1, film: 0 }, 'Slides'], [{ slides: 0.03, film: 0.97 }, 'Film'],
    [{ slides: 0.75, screencast: 0, talking_head: 0.25, film: 0 }, 'Mostly slides (75 %), then a person talking (25 %)'],
    [{ slides: 0.3, screencast: 0.45, talking_head: 0, film: 0.25 }, 'A mix: a screen that somebody works at (45 %), slides (30 %), film (25 %)'],
    [{ holograms: 1 }, '']];
  for (const [scenes, text] of cases) assert.equal(kindOf(scenes), text, JSON.stringify(scenes));
});

test('a quality that was not measured is not told', () => {
  assert.deepEqual([null, undefined, {}, { xpsnr_db: null }, { xpsnr_db: 38.449 }].map(likeness), ['', '', '', '', '38.4 dB']);
  assert.equal(likeness({ xpsnr_db: 38.449, vmaf: 93.06 }), '38.4 dB, VMAF 93.1');
});

test('sentences begin and end as such', () => {
  assert.deepEqual(['the file ends early', 'Is it so?', 'x.'].map(sentence), ['The file ends early.', 'Is it so?', 'X.']);
});

test('a decision says what was tried, wanted and chosen', () => {
  const ladder = { ladder: 'lecture-per-title', renditions: [{ name: '360p', early_only: true }, { name: '720p', early_only: false }],
    decision: { target_db: 39, step_db: 2, legible_lines: 720, is_drawn: true, sampled_ms: 16_000, trials: [1, 2, 3],
      chosen: [{ name: '720p', bitrate_bps: 300_400, xpsnr_db: 38.25 }] } };
  const said = decisionWords(ladder);
  assert.match(said[0], /“lecture-per-title” chose them by 16 s of this recording, encoded 3 times/);
  assert.deepEqual(said.slice(2), ['Since it is drawn (slides, or a screen), all of them have 720 lines or more, so that it can be read.',
    '720p: 38.3 dB expected at 300 kbit/s.', '360p was made for those alone who watched before the rest was ready.']);
  const plain = decisionWords({ ladder: 'film', renditions: [], decision: null });
  assert.deepEqual(plain, ['These are the qualities that “film” has for every recording of this kind.']);
});
