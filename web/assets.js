// What is known of the assets: filled by answers and events, read by the page. Knows no page.

const FINAL = new Set(['ready', 'errored', 'deleting']);

/** The moments worth telling a listener, between what was known and what is known. */
export function milestones(before, after) {
  if (!before) return [];
  const said = [];
  if (!before.playable_at && after.playable_at) said.push('playable');
  if (before.state !== 'ready' && after.state === 'ready') said.push('ready');
  if (before.state !== 'errored' && after.state === 'errored') said.push(after.error?.code === 'asset.cancelled' ? 'cancelled' : 'failed');
  return said;
}

export class AssetBook extends EventTarget {
  #assets = new Map();
  #next = null;
  #pageSize;

  constructor(pageSize = 30) {
    super();
    this.#pageSize = pageSize;
  }

  /** Newest first. */
  all() {
    return [...this.#assets.values()].sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id));
  }

  get(id) {
    return this.#assets.get(id) ?? null;
  }

  get hasOlder() {
    return this.#next !== null;
  }

  /** Reads the newest page again. What it should hold and does not is gone. */
  async refresh(api) {
    const page = await api.assets(this.#pageSize);
    const listed = new Set(page.items.map(({ id }) => id));
    const oldest = page.has_more ? page.items[page.items.length - 1] : null;
    for (const asset of this.all()) {
      const covered = oldest === null || asset.created_at > oldest.created_at;
      if (covered && !listed.has(asset.id)) this.remove(asset.id);
    }
    // Where the oldest of the page is known, what follows it is too, as far as it was asked for.
    if (oldest === null || !this.#assets.has(oldest.id)) this.#next = page.next ?? null;
    for (const asset of page.items) this.put(asset);
    this.dispatchEvent(new Event('page'));
  }

  async older(api) {
    if (this.#next === null) return;
    const page = await api.assets(this.#pageSize, this.#next);
    this.#next = page.next ?? null;
    for (const asset of page.items) this.put(asset);
    this.dispatchEvent(new Event('page'));
  }

  put(asset) {
    const before = this.#assets.get(asset.id) ?? null;
    this.#assets.set(asset.id, asset);
    this.#changed(before, asset);
  }

  remove(id) {
    const before = this.#assets.get(id);
    if (!before) return;
    this.#assets.delete(id);
    this.#changed(before, null);
  }

  /**
   * Merges an `asset.progress` event. One that comes after the end of the work says nothing any more, but for how far what is
   * ready is being encoded again.
   */
  progress({ asset_id: id, state, progress, renditions, renewal }) {
    const before = this.#assets.get(id);
    const renewing = before?.renewal?.state === 'processing' && renewal;
    if (!before || (FINAL.has(before.state) && !renewing)) return;
    const after = renewing ? { ...before, renewal: { ...before.renewal, progress: renewal } } : { ...before, state, progress, renditions };
    this.#assets.set(id, after);
    this.#changed(before, after);
  }

  #changed(before, after) {
    this.dispatchEvent(new CustomEvent('asset', { detail: { before, after } }));
  }
}

/** Several events about one asset within this time are answered by one look. */
const GATHER_MS = 120;

/** Reads assets again: soon, and one after the other, so that an older answer never lands on a newer one. */
export class Lookout {
  #stale = new Set();
  #looking = false;

  constructor(book, api, sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); })) {
    Object.assign(this, { book, api, sleep });
  }

  async look(id) {
    this.#stale.add(id);
    if (this.#looking) return;
    this.#looking = true;
    while (this.#stale.size > 0) {
      await this.sleep(GATHER_MS);
      const ids = [...this.#stale];
      this.#stale.clear();
      for (const each of ids) {
        try {
          this.book.put(await this.api.asset(each));
        } catch (problem) {
          if (problem.status === 404) this.book.remove(each);
        }
      }
    }
    this.#looking = false;
  }
}

/** Applies one server event to the book; gives the id of an asset that has to be read again, or null. */
export function applyEvent(book, { event, data }) {
  let body;
  try {
    body = JSON.parse(data);
  } catch {
    return null;
  }
  if (event === 'asset.progress') {
    book.progress(body);
    // An asset that came about elsewhere is not known yet.
    return book.get(body.asset_id) ? null : body.asset_id;
  }
  if (!event.startsWith('asset.') || typeof body.subject !== 'string') return null;
  if (event === 'asset.deleted') {
    book.remove(body.subject);
    return null;
  }
  return body.subject;
}
