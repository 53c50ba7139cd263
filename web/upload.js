// One upload by tus 1.0: pieces of 8 MiB, resumed where the server says it stands. Knows no page; XMLHttpRequest, storage and time come in.

import { Problem, problemOf, randomKey } from './api.js';

export const PIECE_BYTES = 8 << 20;
/** Failures in a row, with nothing received in between, before a person has to press Resume. */
export const MAX_FAILURES = 8;
const STALL_MS = 120_000;
const MEMORY = 'lectern.upload:';
const MEMORY_DAYS = 7;
const SPEED_WINDOW_MS = 6_000;
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** What makes two picks of a file the same file. */
export function fingerprint(file) {
  return `${MEMORY}${file.name}:${file.size}:${file.lastModified}`;
}

/** Speed over the last seconds, and from it what is left. */
export class Meter {
  #marks = [];

  mark(now_ms, bytes) {
    this.#marks.push([now_ms, bytes]);
    while (this.#marks.length > 2 && now_ms - this.#marks[0][0] > SPEED_WINDOW_MS) this.#marks.shift();
  }

  reset() {
    this.#marks = [];
  }

  /** Bytes a second; 0 while nobody can tell. */
  speed() {
    if (this.#marks.length < 2) return 0;
    const [[t0, b0], [t1, b1]] = [this.#marks[0], this.#marks[this.#marks.length - 1]];
    return t1 > t0 ? Math.max(0, ((b1 - b0) * 1000) / (t1 - t0)) : 0;
  }

  /** Seconds; null while nobody can tell. */
  left(remaining) {
    const speed = this.speed();
    return speed > 0 ? remaining / speed : null;
  }
}

/** Sends one tus request: {status, offset, text}; rejects with a Problem when there is no answer. */
export function xhrSend(method, url, headers, body, { onProgress, onAbortable }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    // A connection that died without a word would otherwise be waited for until the system gives it up.
    let stalled = false;
    let timer;
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(() => { stalled = true; xhr.abort(); }, STALL_MS);
    };
    moved();
    xhr.upload.onprogress = (event) => { moved(); onProgress?.(event.loaded); };
    xhr.onloadend = () => clearTimeout(timer);
    xhr.onload = () => resolve({ status: xhr.status, offset: xhr.getResponseHeader('Upload-Offset'), text: xhr.responseText });
    xhr.onerror = () => reject(new Problem({ retryable: true }));
    xhr.onabort = () => reject(new Problem(stalled ? { retryable: true } : { code: 'aborted' }));
    onAbortable?.(() => xhr.abort());
    xhr.send(body);
  });
}

/** States: queued, starting, sending, waiting (for the network), paused, done, failed, canceled. A 'change' event follows each change. */
export class Upload extends EventTarget {
  state = 'queued';
  sent = 0;
  problem = null;
  assetId = null;
  resumed = false;
  meter = new Meter();
  #id = null;
  #url = null;
  #key = randomKey();
  #abort = null;
  #wake = null;
  #running = false;

  constructor(file, { api, send = xhrSend, memory = globalThis.localStorage, now = () => Date.now(), sleep }) {
    super();
    Object.assign(this, { file, api, send, memory, now });
    this.sleep = sleep ?? ((ms) => new Promise((resolve) => { this.#wake = resolve; setTimeout(resolve, ms); }));
  }

  get active() {
    return ['starting', 'sending', 'waiting'].includes(this.state);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }

  /** Starts or resumes; ends when it is done or somebody stopped it. */
  async run() {
    if (this.state === 'done' || this.state === 'canceled') return;
    this.problem = null;
    this.meter.reset();
    this.#become('starting');
    // A pause that is followed by a resume at once finds the old loop still ending; that one goes on.
    if (this.#running) return;
    this.#running = true;
    try {
      await this.#loop();
    } finally {
      this.#running = false;
    }
  }

  async #loop() {
    let failures = 0;
    while (this.active) {
      const before = this.sent;
      try {
        await this.#begin();
        if (this.active) await this.#sendAll();
        return;
      } catch (error) {
        if (!this.active) return;
        if (error.code === 'aborted') continue;
        failures = this.sent > before ? 1 : failures + 1;
        if (!this.#worthAnotherTry(error) || failures >= MAX_FAILURES) {
          this.problem = error;
          this.#become('failed');
          return;
        }
        this.#become('waiting');
        await this.sleep(WAITS_MS[Math.min(failures - 1, WAITS_MS.length - 1)]);
        this.meter.reset();
      }
    }
  }

  #worthAnotherTry(error) {
    // 409 and 423: another request moved the offset or still holds the upload; the next HEAD tells.
    if ([0, 409, 423, 429].includes(error.status)) return true;
    return error.status >= 500 && error.status !== 507;
  }

  /** Finds out where the upload stands, or announces it. */
  async #begin() {
    if (this.#url === null) this.#recall();
    if (this.#url !== null) {
      const answer = await this.#tus('HEAD');
      if (answer.status === 200) {
        this.resumed ||= Number(answer.offset) > 0;
        this.#arrived(Number(answer.offset));
        return;
      }
      if (answer.status !== 404 && answer.status !== 410) throw problemOf(answer.status, answer.text);
      this.#forget();
      this.#key = randomKey();
    }
    const made = await this.api.createUpload(this.file, this.#key);
    if (this.state === 'canceled') {
      await this.api.deleteUpload(made.id);
      return;
    }
    // The page talks to the server it came from, whatever name that has for itself.
    this.#url = new URL(made.tus_url, 'http://server/').pathname;
    [this.#id, this.assetId] = [made.id, made.asset_id];
    this.#arrived(0);
    this.#remember();
  }

  async #sendAll() {
    this.#become('sending');
    while (this.active && this.sent < this.file.size) {
      const start = this.sent;
      const piece = this.file.slice(start, Math.min(start + PIECE_BYTES, this.file.size));
      const onProgress = (loaded) => {
        if (this.state !== 'sending') return;
        this.sent = Math.min(start + loaded, this.file.size);
        this.meter.mark(this.now(), this.sent);
        this.dispatchEvent(new Event('change'));
      };
      let answer;
      try {
        answer = await this.#tus('PATCH', piece, { 'Upload-Offset': String(start), 'Content-Type': 'application/offset+octet-stream' }, onProgress);
      } catch (error) {
        this.sent = start;
        throw error;
      }
      if (answer.status !== 204) {
        this.sent = start;
        throw problemOf(answer.status, answer.text);
      }
      this.#arrived(Number(answer.offset));
    }
    if (this.active && this.sent === this.file.size) {
      this.#forget();
      this.#become('done');
    }
  }

  #arrived(offset) {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.file.size) throw new Problem({ code: 'upload.offset', detail: 'the server names an offset outside the file', status: 400 });
    this.sent = offset;
    this.meter.mark(this.now(), this.sent);
    this.dispatchEvent(new Event('change'));
  }

  async #tus(method, body, headers = {}, onProgress) {
    const all = { ...this.api.headers(), 'Tus-Resumable': '1.0.0', ...headers };
    try {
      const answer = await this.send(method, this.#url, all, body, { onProgress, onAbortable: (abort) => { this.#abort = abort; } });
      if (answer.status === 401) this.api.refused();
      return answer;
    } finally {
      this.#abort = null;
    }
  }

  #stop(state) {
    this.#become(state);
    this.#abort?.();
    this.#wake?.();
  }

  pause() {
    if (this.active || this.state === 'queued') this.#stop('paused');
  }

  /** Gives it up, here and on the server. */
  async cancel() {
    if (this.state === 'done' || this.state === 'canceled') return;
    this.#stop('canceled');
    this.#forget();
    if (this.#id !== null) await this.api.deleteUpload(this.#id).catch((error) => { if (![404, 409, 410].includes(error.status)) throw error; });
  }

  #remember() {
    const entry = { id: this.#id, url: this.#url, asset_id: this.assetId, at: this.now() };
    try {
      this.memory?.setItem(fingerprint(this.file), JSON.stringify(entry));
    } catch {
      // A full or forbidden storage costs resuming after a reload, nothing else.
    }
  }

  #recall() {
    try {
      const entry = JSON.parse(this.memory?.getItem(fingerprint(this.file)) ?? 'null');
      if (entry === null || this.now() - entry.at > MEMORY_DAYS * 86_400_000) return;
      [this.#id, this.#url, this.assetId] = [entry.id, entry.url, entry.asset_id];
    } catch {
      // What cannot be read is not there.
    }
  }

  #forget() {
    this.#url = null;
    try {
      this.memory?.removeItem(fingerprint(this.file));
    } catch {
      // See #remember.
    }
  }
}
