// The control API as functions. Knows the token; tells when it is refused.

const TOKEN = 'lectern.token';

/** An answer that is not a success, in the words of the server. */
export class Problem extends Error {
  constructor({ status = 0, code = 'network', detail, title, hint, retryable = false } = {}) {
    super(detail ?? title ?? 'the server did not answer');
    this.name = 'Problem';
    Object.assign(this, { status, code, hint: hint ?? null, retryable });
  }
}

/** Makes a Problem of a status and a body that may or may not be problem+json. */
export function problemOf(status, text) {
  try {
    const body = JSON.parse(text);
    const first = body.errors?.[0];
    return new Problem({ ...body, status, detail: first?.detail ?? body.detail, hint: body.hint ?? first?.hint, code: first?.code ?? body.code });
  } catch {
    return new Problem({ status, code: `http.${status}`, detail: `the server answered with status ${status}`, retryable: status >= 500 });
  }
}

/** Takes the token out of an address's fragment: [token or null, the fragment without it]. */
export function tokenFromHash(hash) {
  const parts = hash.replace(/^#/, '').split('&');
  const found = parts.find((part) => part.startsWith('token='));
  const rest = parts.filter((part) => part !== '' && !part.startsWith('token='));
  let token = null;
  try {
    token = found ? decodeURIComponent(found.slice('token='.length)) : null;
  } catch {
    // A fragment that is not percent-encoded text holds no token.
  }
  return [token || null, rest.length > 0 ? `#${rest.join('&')}` : ''];
}

/** A name that no two requests share; randomUUID is missing on plain http addresses. */
export function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Api extends EventTarget {
  #token = null;

  /** Reads the token from the address, which it leaves, or from this tab's memory. */
  readToken() {
    const [given, rest] = tokenFromHash(location.hash);
    if (given) {
      this.setToken(given);
      history.replaceState(null, '', location.pathname + location.search + rest);
    } else {
      this.#token = sessionStorage.getItem(TOKEN);
    }
    return this.#token !== null;
  }

  setToken(token) {
    this.#token = token;
    sessionStorage.setItem(TOKEN, token);
  }

  headers() {
    return this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
  }

  /** Tells whoever listens that the token is missing or wrong. */
  refused() {
    this.dispatchEvent(new Event('refused'));
  }

  async #send(method, path, body, headers = {}) {
    const init = { method, headers: { ...this.headers(), ...headers }, cache: 'no-store' };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers['Content-Type'] = 'application/json';
    }
    let response;
    try {
      response = await fetch(path, init);
    } catch {
      throw new Problem({ retryable: true });
    }
    if (response.status === 401) this.refused();
    const text = await response.text().catch(() => '');
    if (!response.ok) throw problemOf(response.status, text);
    return text === '' ? null : JSON.parse(text);
  }

  /** Announces a file; `parts` are [{filename, size}] where it is several that belong together. */
  createUpload({ name: filename, size, parts }, key) {
    return this.#send('POST', '/api/v1/uploads', { filename, size, parts }, { 'Idempotency-Key': key });
  }

  deleteUpload(id) {
    return this.#send('DELETE', `/api/v1/uploads/${encodeURIComponent(id)}`);
  }

  /** A page of assets, newest first: {items, has_more, next}. */
  assets(limit, after = null) {
    const place = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    return this.#send('GET', `/api/v1/assets?limit=${limit}${place}`);
  }

  asset(id) {
    return this.#send('GET', `/api/v1/assets/${encodeURIComponent(id)}`);
  }

  /** Which renditions an asset has, and why: {ladder, decision, renditions}. */
  ladderOf(id) {
    return this.#send('GET', `/api/v1/assets/${encodeURIComponent(id)}/ladder`);
  }

  retry(id) {
    return this.#send('POST', `/api/v1/assets/${encodeURIComponent(id)}/retry`, undefined, { 'Idempotency-Key': randomKey() });
  }

  cancel(id) {
    return this.#send('POST', `/api/v1/assets/${encodeURIComponent(id)}/cancel`, undefined, { 'Idempotency-Key': randomKey() });
  }

  remove(id) {
    return this.#send('DELETE', `/api/v1/assets/${encodeURIComponent(id)}`);
  }

  playback(playbackId) {
    return this.#send('GET', `/api/v1/playback/${encodeURIComponent(playbackId)}`);
  }

  /** A token that opens the licences of a protected recording, and where they are: {token, clearkey_url, expires_at}. */
  playbackToken(playbackId, seconds) {
    return this.#send('POST', `/api/v1/playback/${encodeURIComponent(playbackId)}/tokens`, { ttl_s: seconds });
  }

  /** The open event stream; the caller aborts it. */
  async events(lastId, signal) {
    const headers = { ...this.headers(), Accept: 'text/event-stream' };
    if (lastId !== null) headers['Last-Event-ID'] = lastId;
    const response = await fetch('/api/v1/events', { headers, signal, cache: 'no-store' });
    if (response.status === 401) this.refused();
    if (!response.ok) throw problemOf(response.status, await response.text());
    return response.body;
  }
}
