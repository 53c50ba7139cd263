import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../web/api.js';
import { MAX_FAILURES, Meter, PIECE_BYTES, Upload, fingerprint } from '../../web/upload.js';

const SIZE = 2 * PIECE_BYTES + 1234;

function fakeFile(size = SIZE) {
  return { name: 'a "b"/c.mp4', size, lastModified: 5, slice: (from, to) => ({ from, to }) };
}

class Memory extends Map {
  getItem(key) { return this.get(key) ?? null; }
  setItem(key, value) { this.set(key, value); }
  removeItem(key) { this.delete(key); }
}

/** A tus server in memory. `troubles` are taken off one by one: each may answer in place of the server. */
class Server {
  offset = 0;
  exists = false;
  created = 0;
  deleted = [];
  log = [];
  troubles = [];

  constructor(size = SIZE) { this.size = size; }

  headers() { return { Authorization: 'Bearer t' }; }

  async createUpload() {
    this.created += 1;
    [this.exists, this.offset] = [true, 0];
    return { id: `upl_${this.created}`, asset_id: 'ast_1', tus_url: `https://elsewhere/api/v1/uploads/upl_${this.created}` };
  }

  async deleteUpload(id) { this.deleted.push(id); this.exists = false; }

  send = async (method, url, headers, body, { onProgress, onAbortable }) => {
    assert.equal(headers['Tus-Resumable'], '1.0.0');
    assert.equal(headers.Authorization, 'Bearer t');
    this.log.push(method === 'PATCH' ? `${method} ${headers['Upload-Offset']}` : method);
    const trouble = method === 'PATCH' ? this.troubles.shift() : null;
    if (!this.exists) return { status: 404, offset: null, text: '' };
    if (method === 'HEAD') return { status: 200, offset: String(this.offset), text: '' };
    if (Number(headers['Upload-Offset']) !== this.offset) return { status: 409, offset: null, text: '{"code":"upload.offset"}' };
    const answer = await trouble?.({ body, onProgress, onAbortable });
    if (answer) return answer;
    onProgress?.(body.to - body.from);
    this.offset = body.to;
    return { status: 204, offset: String(this.offset), text: '' };
  };
}

function make(server, { memory = new Memory(), file = fakeFile(server.size) } = {}) {
  let time = 0;
  const waits = [];
  const upload = new Upload(file, { api: server, send: server.send, memory, now: () => { time += 100; return time; }, sleep: async (ms) => { waits.push(ms); } });
  return { upload, memory, waits, file };
}

test('a file goes out in pieces, and nothing of it is remembered afterwards', async () => {
  const server = new Server();
  const { upload, memory } = make(server);
  await upload.run();
  assert.deepEqual([upload.state, upload.sent, server.offset, server.created], ['done', SIZE, SIZE, 1]);
  assert.deepEqual(server.log, ['PATCH 0', `PATCH ${PIECE_BYTES}`, `PATCH ${2 * PIECE_BYTES}`]);
  assert.equal(memory.size, 0);
  assert.equal(upload.assetId, 'ast_1');
});

test('after a cut connection the server says where to go on', async () => {
  const server = new Server();
  server.troubles = [null, () => { server.offset += 1000; throw new Problem({ retryable: true }); }];
  const { upload, waits } = make(server);
  await upload.run();
  assert.equal(upload.state, 'done');
  assert.deepEqual(server.log.slice(0, 4), ['PATCH 0', `PATCH ${PIECE_BYTES}`, 'HEAD', `PATCH ${PIECE_BYTES + 1000}`]);
  assert.deepEqual(waits, [500]);
});

test('a conflict is settled by asking again', async () => {
  const server = new Server();
  server.troubles = [() => ({ status: 423, offset: null, text: '{"code":"upload.locked","detail":"busy"}' })];
  const { upload } = make(server);
  await upload.run();
  assert.equal(upload.state, 'done');
});

test('tries end, and Resume begins anew', async () => {
  const server = new Server();
  server.troubles = Array.from({ length: MAX_FAILURES }, () => () => { throw new Problem({ retryable: true }); });
  const { upload, waits } = make(server);
  await upload.run();
  assert.deepEqual([upload.state, upload.problem.code, waits.length], ['failed', 'network', MAX_FAILURES - 1]);
  await upload.run();
  assert.deepEqual([upload.state, upload.problem], ['done', null]);
});

test('a refusal that another try cannot change is shown at once', async () => {
  for (const status of [400, 401, 413, 422, 507]) {
    const server = new Server();
    server.refused = () => {};
    server.troubles = [() => ({ status, offset: null, text: '{"code":"storage.full","detail":"the disk is full","hint":"make room"}' })];
    const { upload, waits } = make(server);
    await upload.run();
    assert.deepEqual([upload.state, upload.problem.code, upload.problem.hint, waits.length], ['failed', 'storage.full', 'make room', 0], String(status));
  }
});

test('the same file picked after a reload goes on where it was', async () => {
  const server = new Server();
  server.troubles = [null, ({ onAbortable }) => new Promise((_, reject) => { onAbortable(() => reject(new Problem({ code: 'aborted' }))); first.upload.pause(); })];
  const first = make(server);
  await first.upload.run();
  assert.deepEqual([first.upload.state, first.memory.size], ['paused', 1]);
  const second = make(server, { memory: first.memory });
  await second.upload.run();
  assert.deepEqual([second.upload.state, second.upload.resumed, server.created], ['done', true, 1]);
  assert.equal(second.upload.assetId, 'ast_1');
});

test('another file does not take up its upload', () => {
  const file = fakeFile();
  const names = [file, { ...file, size: 1 }, { ...file, name: 'b' }, { ...file, lastModified: 6 }].map(fingerprint);
  assert.equal(new Set(names).size, 4);
});

test('an upload that the server no longer knows is announced anew', async () => {
  const server = new Server();
  const { upload, memory, file } = make(server);
  memory.setItem(fingerprint(file), JSON.stringify({ id: 'upl_old', url: '/api/v1/uploads/upl_old', asset_id: 'ast_0', at: 0 }));
  await upload.run();
  assert.deepEqual([upload.state, server.created, server.log[0]], ['done', 1, 'HEAD']);
});

test('pause stops in the middle of a piece, resume goes on', async () => {
  const server = new Server();
  server.troubles = [({ onProgress, onAbortable }) => new Promise((_, reject) => {
    onAbortable(() => reject(new Problem({ code: 'aborted' })));
    onProgress(500);
    upload.pause();
  })];
  const { upload } = make(server);
  await upload.run();
  assert.deepEqual([upload.state, upload.sent], ['paused', 0], 'what the server did not acknowledge does not count');
  await upload.run();
  assert.equal(upload.state, 'done');
});

test('cancel takes it back on the server too', async () => {
  const server = new Server();
  server.troubles = [({ onAbortable }) => new Promise((_, reject) => { onAbortable(() => reject(new Problem({ code: 'aborted' }))); upload.cancel(); })];
  const { upload, memory } = make(server);
  await upload.run();
  assert.deepEqual([upload.state, server.deleted, memory.size], ['canceled', ['upl_1'], 0]);
  await upload.run();
  assert.equal(upload.state, 'canceled');
});

test('cancel while it is being announced leaves nothing behind', async () => {
  const server = new Server();
  const create = server.createUpload.bind(server);
  server.createUpload = async (...args) => { upload.cancel(); return create(...args); };
  const { upload, memory } = make(server);
  await upload.run();
  assert.deepEqual([upload.state, server.deleted, memory.size], ['canceled', ['upl_1'], 0]);
});

test('an offset outside the file is refused', async () => {
  const server = new Server();
  server.troubles = [() => ({ status: 204, offset: String(SIZE + 1), text: '' })];
  const { upload } = make(server);
  await upload.run();
  assert.deepEqual([upload.state, upload.problem.code], ['failed', 'upload.offset']);
});

test('speed looks at the last seconds only', () => {
  const meter = new Meter();
  assert.deepEqual([meter.speed(), meter.left(10)], [0, null]);
  for (let s = 0; s <= 20; s += 1) meter.mark(s * 1000, s < 10 ? s * 1000 : 10_000 + (s - 10) * 100);
  assert.equal(Math.round(meter.speed()), 100);
  assert.equal(Math.round(meter.left(1000)), 10);
});
