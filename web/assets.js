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
    if (this.#assets.size <= page.items.length || this.#next === null) this.#next = page.next ?? null;
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

  /** Merges an `asset.progress` event. One that comes after the end of the work says nothing any more. */
  progress({ asset_id: id, state, progress, renditions }) {
    const before = this.#assets.get(id);
    if (!before || FINAL.has(before.state)) return;
    const after = { ...before, state, progress, renditions };
    this.#assets.set(id, after);
    this.#changed(before, after);
  }

  #changed(before, after) {
    this.dispatchEvent(new CustomEvent('asset', { detail: { before, after } }));
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
