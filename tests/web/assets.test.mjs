import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssetBook, Lookout, applyEvent, milestones } from '../../web/assets.js';

const asset = (id, more = {}) => ({ id, created_at: `2026-01-0${id}T00:00:00Z`, state: 'processing', playable_at: null, error: null, progress: { percent: 0 }, renditions: [], ...more });
const ids = (book) => book.all().map(({ id }) => id);

test('assets are listed newest first, and the ones that went are gone', async () => {
  const book = new AssetBook(2);
  const pages = [
    { items: [asset('3'), asset('2')], has_more: true, next: 'c' },
    { items: [asset('1')], has_more: false, next: null },
    { items: [asset('4'), asset('2')], has_more: true, next: 'd' },
  ];
  const asked = [];
  const api = { assets: async (limit, after = null) => { asked.push(after); return pages.shift(); } };
  await book.refresh(api);
  assert.ok(book.hasOlder);
  await book.older(api);
  assert.deepEqual(ids(book), ['3', '2', '1']);
  assert.ok(!book.hasOlder);
  await book.refresh(api);
  assert.deepEqual(ids(book), ['4', '2', '1'], '3 was deleted, 1 lies on a later page and stays');
  assert.deepEqual(asked, [null, 'c', null]);
  assert.ok(!book.hasOlder, 'what follows the page is known');
});

test('what came between two looks is asked for by Show older', async () => {
  const book = new AssetBook(2);
  const pages = [{ items: [asset('2'), asset('1')], has_more: false, next: null }, { items: [asset('6'), asset('5')], has_more: true, next: 'e' }];
  const api = { assets: async () => pages.shift() };
  await book.refresh(api);
  await book.refresh(api);
  assert.ok(book.hasOlder, '3 and 4 are not known');
});

test('an asset is not read twice at once, and the newest answer stays', async () => {
  const book = new AssetBook();
  const answers = [];
  const api = { asset: () => new Promise((resolve) => { answers.push(resolve); }) };
  const lookout = new Lookout(book, api, async () => {});
  const turn = () => new Promise((resolve) => { setTimeout(resolve, 0); });
  const done = lookout.look('1');
  await turn();
  lookout.look('1');
  await turn();
  assert.equal(answers.length, 1, 'the second look waits for the answer to the first');
  answers[0](asset('1'));
  await turn();
  answers[1](asset('1', { state: 'ready' }));
  await done;
  assert.equal(book.get('1').state, 'ready');
});

test('an asset that is gone leaves the book, one that cannot be read stays', async () => {
  const book = new AssetBook();
  for (const id of ['1', '2']) book.put(asset(id));
  const api = { asset: async (id) => { throw Object.assign(new Error('no'), { status: id === '1' ? 404 : 503 }); } };
  const lookout = new Lookout(book, api, async () => {});
  await Promise.all([lookout.look('1'), lookout.look('2')]);
  assert.deepEqual(ids(book), ['2']);
});

test('progress is merged, but never revives what is finished', () => {
  const book = new AssetBook();
  book.put(asset('1'));
  book.progress({ asset_id: '1', state: 'processing', progress: { percent: 40 }, renditions: [{ name: '360p' }] });
  assert.equal(book.get('1').progress.percent, 40);
  book.put(asset('1', { state: 'ready', progress: { percent: 100 } }));
  book.progress({ asset_id: '1', state: 'processing', progress: { percent: 80 }, renditions: [] });
  assert.deepEqual([book.get('1').state, book.get('1').progress.percent], ['ready', 100]);
});

test('what is ready tells how far it is encoded again, and stays ready', () => {
  const book = new AssetBook();
  const renewing = asset('1', { state: 'ready', renewal: { state: 'processing', progress: { percent: 1 } } });
  book.put(renewing);
  book.progress({ asset_id: '1', state: 'ready', progress: { percent: 100 }, renditions: [], renewal: { percent: 40 } });
  assert.deepEqual(book.get('1'), { ...renewing, renewal: { state: 'processing', progress: { percent: 40 } } });
});

test('an event says which asset has to be read again', () => {
  const book = new AssetBook();
  book.put(asset('1'));
  const event = (name, body) => applyEvent(book, { event: name, data: typeof body === 'string' ? body : JSON.stringify(body) });
  assert.equal(event('asset.ready', { subject: '1' }), '1');
  assert.equal(event('asset.created', { subject: '2' }), '2');
  assert.equal(event('asset.progress', { asset_id: '1', progress: {}, renditions: [] }), null);
  assert.equal(event('asset.progress', { asset_id: '9', progress: {}, renditions: [] }), '9');
  assert.equal(event('course.created', { subject: '1' }), null);
  assert.equal(event('asset.ready', 'no json'), null);
  assert.equal(event('asset.deleted', { subject: '1' }), null);
  assert.equal(book.get('1'), null);
});

test('milestones are told once, and not for what was not known', () => {
  const playable = asset('1', { playable_at: 'x' });
  assert.deepEqual(milestones(null, playable), []);
  assert.deepEqual(milestones(asset('1'), playable), ['playable']);
  assert.deepEqual(milestones(playable, { ...playable, state: 'ready' }), ['ready']);
  assert.deepEqual(milestones(playable, playable), []);
  assert.deepEqual(milestones(asset('1'), asset('1', { state: 'errored', error: { code: 'input.no_video' } })), ['failed']);
  assert.deepEqual(milestones(asset('1'), asset('1', { state: 'errored', error: { code: 'asset.cancelled' } })), ['cancelled']);
});
