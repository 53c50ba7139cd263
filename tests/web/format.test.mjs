import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../../web/format.js';

test('bytes are read in the unit that fits, never as 1000 of the smaller one', () => {
  const cases = [[0, '0 bytes'], [1, '1 byte'], [999, '999 bytes'], [1000, '1.0 kB'], [1_536_000, '1.5 MB'], [9_940, '9.9 kB'], [9_960, '10 kB'],
    [999_400, '999 kB'], [999_600, '1.0 MB'], [64 * 2 ** 30, '69 GB'], [-1, ''], [NaN, '']];
  for (const [count, text] of cases) assert.equal(format.bytes(count), text, String(count));
});

test('a clock carries seconds into minutes and hours', () => {
  const cases = [[0, '0:00'], [7.9, '0:07'], [59.999, '0:59'], [60, '1:00'], [3599, '59:59'], [3600, '1:00:00'], [3723, '1:02:03'], [NaN, '0:00'], [Infinity, '0:00'], [-3, '0:00']];
  for (const [seconds, text] of cases) assert.equal(format.clock(seconds), text, String(seconds));
});

test('what is encoded again says so in a clause', () => {
  const cases = [[null, ''], [undefined, ''], [{ state: 'waiting' }, 'waits to be encoded again'], [{ state: 'processing', progress: null }, 'being encoded again'],
    [{ state: 'processing', progress: { percent: 42.7 } }, 'being encoded again, 42 %'], [{ state: 'errored', error: { detail: 'the file is gone' } }, 'not encoded again: the file is gone']];
  for (const [renewal, text] of cases) assert.equal(format.again(renewal), text, JSON.stringify(renewal));
});

test('what is left is said roughly, and not at all when nobody knows', () => {
  const cases = [[null, ''], [undefined, ''], [NaN, ''], [Infinity, ''], [0, 'almost done'], [3, 'about 5 s left'], [54, 'about 55 s left'], [56, 'about 1 min left'],
    [125, 'about 2 min left'], [3569, 'about 59 min left'], [3600, 'about 1 h left'], [5400, 'about 1.5 h left']];
  for (const [seconds, text] of cases) assert.equal(format.eta(seconds), text, String(seconds));
});

test('a percentage says 100 only when it is done', () => {
  assert.deepEqual([0, 0.4, 99.99, 100, 120, -4].map(format.percent), ['0 %', '0 %', '99 %', '100 %', '100 %', '0 %']);
});

test('speed is silent while nothing moves', () => {
  assert.deepEqual([0, -1, NaN, 2_500_000].map(format.speed), ['', '', '', '2.5 MB/s']);
});

test('a moment is told from now', () => {
  const now = Date.parse('2026-01-02T12:00:00Z');
  assert.equal(format.ago(now - 20_000, now), 'just now');
  assert.equal(format.ago(now - 300_000, now), '5 minutes ago');
  assert.equal(format.ago(now - 26 * 3_600_000, now), 'yesterday');
});

test('a badge tells playable, cancelled and failed apart', () => {
  const asset = (state, more = {}) => ({ state, playable_at: null, error: null, ...more });
  assert.deepEqual(format.badge(asset('processing')), { text: 'Processing', tone: 'busy' });
  assert.deepEqual(format.badge(asset('processing', { playable_at: 'x' })), { text: 'Plays already', tone: 'good' });
  assert.deepEqual(format.badge(asset('errored', { error: { code: 'input.empty' } })), { text: 'Failed', tone: 'bad' });
  assert.deepEqual(format.badge(asset('errored', { error: { code: 'asset.cancelled' } })), { text: 'Cancelled', tone: 'calm' });
  assert.deepEqual(format.badge(asset('deleting', { error: { code: 'asset.cancelled' } })), { text: 'Being deleted', tone: 'calm' });
  assert.deepEqual(format.badge(asset('ingesting')), { text: 'Being uploaded', tone: 'busy' });
  assert.deepEqual(format.badge(asset('frozen')), { text: 'frozen', tone: 'calm' });
});

test('tracks are called by the names of their languages', () => {
  const words = new Intl.DisplayNames(undefined, { type: 'language' });
  assert.equal(format.trackName({ name: 'fr (commentary)', lang: 'fr' }), `${words.of('fr')} (commentary)`);
  assert.equal(format.trackName({ name: 'pt-BR', lang: 'pt-BR' }), words.of('pt-BR'));
  for (const [name, lang] of [['Director', 'en'], ['french', 'fr'], ['Audio', undefined], ['! (SDH)', '!']]) assert.equal(format.trackName({ name, lang }), name);
});
