// The server's events over fetch, since EventSource cannot send the token. Falls back to asking again and again.

const SILENCE_MS = 40_000;
const POLL_MS = 3_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** One event may not be longer than this; a stream that sends more is broken. */
const MAX_EVENT_CHARS = 4 << 20;

/** Cuts text/event-stream into events as it arrives: feed(text) gives [{id, event, data}]. */
export class EventParser {
  #rest = '';
  #id = null;
  #event = '';
  #data = [];
  #chars = 0;
  #afterCr = false;

  feed(text) {
    // A CR LF may be cut in the middle; the LF of the next piece then ends nothing.
    let piece = this.#afterCr && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#afterCr = text.endsWith('\r');
    piece = this.#rest + piece;
    const lines = piece.split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    if (this.#rest.length + this.#chars > MAX_EVENT_CHARS) throw new Error('an event is too long');
    return events;
  }

  #line(line) {
    if (line === '') {
      const event = { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') };
      const empty = this.#data.length === 0;
      [this.#event, this.#data, this.#chars] = ['', [], 0];
      return empty ? null : event;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#chars += value.length;
      if (this.#chars > MAX_EVENT_CHARS) throw new Error('an event is too long');
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }
}

/** How long to wait before the given try (1 is the first after a failure). */
export function waitBefore(attempt) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 10));
}

/**
 * Follows the server until stopped.
 *   onEvent({id, event, data}) for each; onState('live' | 'polling' | 'offline'); poll() is called while there is no stream, and after each new one.
 */
export class Follower {
  #stopped = false;
  #abort = null;
  #lastId = null;
  #polling = null;

  constructor(api, { onEvent, onState, poll }) {
    Object.assign(this, { api, onEvent, onState, poll });
  }

  async start() {
    for (let attempt = 1; !this.#stopped; attempt += 1) {
      const heard = await this.#listen();
      if (this.#stopped) return;
      if (heard) attempt = 1;
      this.#startPolling();
      await new Promise((resolve) => setTimeout(resolve, waitBefore(attempt)));
    }
  }

  stop() {
    this.#stopped = true;
    this.#abort?.abort();
    this.#stopPolling();
  }

  /** One stream, to its end; gives whether anything came. */
  async #listen() {
    this.#abort = new AbortController();
    const parser = new EventParser();
    const decoder = new TextDecoder();
    let heard = false;
    let silence = null;
    const expect = () => {
      clearTimeout(silence);
      silence = setTimeout(() => this.#abort.abort(), SILENCE_MS);
    };
    try {
      expect();
      const body = await this.api.events(this.#lastId, this.#abort.signal);
      this.#stopPolling();
      this.onState('live');
      // What happened between the last answer and this stream would be missed otherwise.
      await this.poll().catch(() => {});
      const reader = body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return heard;
        heard = true;
        expect();
        for (const event of parser.feed(decoder.decode(value, { stream: true }))) {
          if (event.id !== null) this.#lastId = event.id;
          this.onEvent(event);
        }
      }
    } catch {
      return heard;
    } finally {
      clearTimeout(silence);
      this.#abort.abort();
    }
  }

  #startPolling() {
    if (this.#polling !== null) return;
    const run = { timer: null };
    this.#polling = run;
    const again = async () => {
      const answered = await this.poll().then(() => true, () => false);
      // A stream that came while this was asked ended the run, also when the stream is gone and the next run goes on.
      if (this.#polling !== run) return;
      this.onState(answered ? 'polling' : 'offline');
      run.timer = setTimeout(again, POLL_MS);
    };
    run.timer = setTimeout(again, 0);
  }

  #stopPolling() {
    clearTimeout(this.#polling?.timer);
    this.#polling = null;
  }
}
