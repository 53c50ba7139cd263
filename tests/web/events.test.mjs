import './globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser, Follower, waitBefore } from '../../web/events.js';

const TEXT = ': hello\r\n\r\nid: 7\r\nevent: asset.ready\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: x\n\nevent: nothing\n\nid: 8\rdata:y\r\r';
const EVENTS = [
  { id: '7', event: 'asset.ready', data: '{"a":\n1}' },
  { id: '7', event: 'message', data: 'x' },
  { id: '8', event: 'message', data: 'y' },
];

test('events come out the same however the stream is cut', () => {
  for (let first = 0; first <= TEXT.length; first += 1) {
    for (let second = first; second <= TEXT.length; second += 1) {
      const parser = new EventParser();
      const pieces = [TEXT.slice(0, first), TEXT.slice(first, second), TEXT.slice(second)];
      assert.deepEqual(pieces.flatMap((piece) => parser.feed(piece)), EVENTS, `cut at ${first} and ${second}`);
    }
  }
});

test('an event without an end is refused instead of kept', () => {
  const parser = new EventParser();
  const piece = `data: ${'x'.repeat(1 << 20)}\n`;
  assert.throws(() => { for (let i = 0; i < 8; i += 1) parser.feed(piece); }, /too long/);
  const line = new EventParser();
  assert.throws(() => { for (let i = 0; i < 8; i += 1) line.feed('y'.repeat(1 << 20)); }, /too long/);
});

test('waits grow and stay bounded', () => {
  const waits = [1, 2, 3, 10, 1000].map(waitBefore);
  assert.deepEqual(waits, [500, 1000, 2000, 15_000, 15_000]);
});

function streamOf(...pieces) {
  const encoder = new TextEncoder();
  return new ReadableStream({ start(controller) { for (const piece of pieces) controller.enqueue(encoder.encode(piece)); controller.close(); } });
}

test('a cut stream is taken up after the last event, and polling bridges the gap', async () => {
  const asked = [];
  const [states, events] = [[], []];
  let polls = 0;
  const api = {
    async events(lastId) {
      asked.push(lastId);
      if (asked.length === 1) return streamOf('id: 4\ndata: a\n\n');
      if (asked.length === 2) throw new Error('no network');
      return streamOf('id: 5\ndata: b\n\n');
    },
  };
  const done = new Promise((resolve) => {
    const follower = new Follower(api, {
      onEvent: (event) => {
        events.push(event.data);
        if (event.data === 'b') { follower.stop(); resolve(); }
      },
      onState: (state) => states.push(state),
      poll: async () => { polls += 1; },
    });
    follower.start();
  });
  await done;
  assert.deepEqual(asked, [null, '4', '4']);
  assert.deepEqual(events, ['a', 'b']);
  assert.ok(polls >= 2, 'it polls while there is no stream and after each new one');
  assert.deepEqual([states[0], states.includes('polling'), states.at(-1)], ['live', true, 'live']);
});

test('an answer from before a stream does not start a second round of questions', { timeout: 30_000 }, async () => {
  const [states, polls] = [[], []];
  let asked = 0;
  const api = {
    async events() {
      asked += 1;
      if (asked === 1) throw new Error('no network');
      if (asked === 2) return streamOf('id: 1\ndata: a\n\n');
      return new Promise(() => {});
    },
  };
  const turn = () => new Promise((resolve) => { setImmediate(resolve); });
  const until = async (met) => { while (!met()) await turn(); };
  const follower = new Follower(api, {
    onEvent: () => {},
    onState: (state) => states.push(state),
    // The first question is answered late, the others at once.
    poll: () => new Promise((resolve) => { polls.push(resolve); if (polls.length > 1) resolve(); }),
  });
  follower.start();
  try {
    await until(() => polls.length === 3 && states.length === 2);
    assert.deepEqual(states, ['live', 'polling']);
    polls[0]();
    await turn();
    assert.deepEqual(states, ['live', 'polling'], 'the late answer speaks for nobody');
  } finally {
    follower.stop();
  }
});
