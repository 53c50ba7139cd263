// The list of recordings. A row is built once and then kept up to date, so that focus and pictures stay.

import { announce, byId, complain, confirmed, h, setText } from './dom.js';
import { again, ago, badge, bytes, clock, eta, percent, quality, stage } from './format.js';
import { milestones } from './assets.js';
import { Findings } from './findings-view.js';
import { likeness } from './findings.js';

const WORDS = {
  playable: 'can be watched now, more qualities follow', ready: 'is ready in all qualities', failed: 'could not be processed', cancelled: 'was cancelled',
};
const RUNG_WORDS = { waiting: 'waiting', done: 'done', failed: 'failed' };

/** "1080p, 1440p left out: the source is 720p": one clause per reason. */
function leftOut(renditions) {
  const names = new Map();
  for (const { name, reason } of renditions) names.set(reason ?? '', [...(names.get(reason ?? '') ?? []), name]);
  return [...names].map(([reason, list]) => `${list.join(', ')} left out${reason ? `: ${reason}` : ''}`).join(' · ');
}

/** One row; `update(asset)` brings it up to date. */
class Row {
  #poster = null;

  constructor(asset, { api, watch, hidden }) {
    Object.assign(this, { api, watch, asset, hidden });
    this.length = h('span', { class: 'length', hidden: true });
    this.play = h('button', { type: 'button', class: 'poster', onclick: () => watch(this.asset), disabled: true }, this.length);
    this.name = h('h3', { class: 'asset-name' });
    this.badge = h('span', { class: 'badge' });
    this.figures = h('span', {});
    this.bar = h('progress', { max: 100, value: 0 });
    this.rungs = h('div', { class: 'rungs' });
    this.skipped = h('p', { class: 'skipped', hidden: true });
    this.trouble = h('div', { class: 'trouble', hidden: true });
    this.findings = new Findings(api, (seconds) => watch(this.asset, seconds));
    this.retry = h('button', { type: 'button', onclick: () => this.#retry() }, 'Try again');
    this.cancel = h('button', { type: 'button', onclick: () => this.#cancel() }, 'Cancel');
    this.remove = h('button', { type: 'button', class: 'quiet', onclick: () => this.#remove() }, 'Delete');
    this.element = h('li', { class: 'asset', 'data-id': asset.id },
      this.play,
      h('div', { class: 'asset-body' }, this.name, h('p', { class: 'asset-line' }, this.badge, this.figures), this.bar, this.rungs, this.skipped, this.findings.element, this.trouble),
      h('div', { class: 'asset-actions' }, this.retry, this.cancel, this.remove));
    this.update(asset);
  }

  update(asset) {
    this.asset = asset;
    const { text, tone } = badge(asset);
    const working = asset.state === 'ingesting' || asset.state === 'processing';
    this.element.dataset.state = asset.state;
    this.element.hidden = this.hidden(asset);
    setText(this.name, asset.filename);
    setText(this.badge, text);
    this.badge.dataset.tone = tone;
    setText(this.figures, this.#figures(asset, working));
    this.bar.hidden = !working;
    this.bar.value = asset.progress.percent;
    this.bar.setAttribute('aria-label', `Progress of ${asset.filename}`);
    this.#updateRungs(asset, working);
    this.findings.update(asset);
    this.#updateTrouble(asset);
    this.#updatePoster(asset);
    const renewing = ['waiting', 'processing'].includes(asset.renewal?.state);
    this.cancel.hidden = !working && !renewing && asset.state !== 'awaiting_upload';
    this.retry.hidden = !canGoOn(asset);
    this.remove.disabled = asset.state === 'deleting';
    for (const [button, word] of [[this.retry, 'Try again:'], [this.cancel, 'Cancel'], [this.remove, 'Delete']]) button.setAttribute('aria-label', `${word} ${asset.filename}`);
  }

  #figures(asset, working) {
    const parts = [ago(Date.parse(asset.created_at), Date.now())];
    if (asset.size_bytes !== null) parts.push(bytes(asset.size_bytes));
    if (asset.protection) parts.push(`protected (${asset.protection})`);
    if (working) parts.push(`${stage(asset.progress.stage)}, ${percent(asset.progress.percent)}`, eta(asset.progress.eta_s));
    parts.push(again(asset.renewal));
    if (asset.state === 'awaiting_upload') parts.push('pick the same file again to go on');
    return parts.filter((part) => part !== '').join(' · ');
  }

  #updateRungs(asset, working) {
    const shown = asset.renditions.filter(({ state }) => state !== 'skipped');
    const left = asset.renditions.filter(({ state }) => state === 'skipped');
    this.rungs.hidden = shown.length === 0 || asset.state === 'deleting';
    while (this.rungs.children.length > shown.length) this.rungs.lastElementChild.remove();
    shown.forEach((rendition, index) => {
      let rung = this.rungs.children[index];
      if (!rung) {
        rung = h('div', { class: 'rung' }, h('span', { class: 'rung-name' }), h('progress', { max: 100 }), h('span', { class: 'rung-state' }));
        this.rungs.append(rung);
      }
      const [name, bar, state] = rung.children;
      setText(name, rendition.name);
      bar.value = rendition.percent;
      bar.className = rendition.state === 'done' ? 'done' : '';
      bar.setAttribute('aria-label', `${rendition.name} of ${asset.filename}`);
      const measured = rendition.state === 'done' ? likeness(rendition.quality) : '';
      setText(state, measured || (RUNG_WORDS[rendition.state] ?? percent(rendition.percent)));
      state.title = measured ? 'How like the recording it looks (XPSNR): higher is better' : '';
    });
    this.skipped.hidden = left.length === 0 || (!working && asset.state !== 'ready');
    setText(this.skipped, leftOut(left));
  }

  #updateTrouble(asset) {
    const { error } = asset;
    this.trouble.hidden = !error || error.code === 'asset.cancelled';
    if (this.trouble.hidden) return;
    this.trouble.replaceChildren(
      h('p', {}, h('strong', {}, `Stopped while ${stage(error.stage ?? asset.progress.stage)}: `), error.detail),
      error.hint ? h('p', {}, error.hint) : '',
      h('code', {}, error.code));
  }

  /** The poster: asked for while it is played until there is one, and once more when all is there. */
  async #updatePoster(asset) {
    const playable = Boolean(asset.playable_at) && asset.state !== 'deleting';
    this.play.disabled = !playable;
    this.play.setAttribute('aria-label', playable ? `Watch ${asset.filename}` : `${asset.filename} cannot be watched yet`);
    this.length.hidden = asset.duration_ms === null;
    setText(this.length, clock((asset.duration_ms ?? 0) / 1000));
    if (playable && !this.play.querySelector('.play')) this.play.append(h('span', { class: 'play', 'aria-hidden': 'true' }));
    const wanted = playable ? (asset.complete_at ?? asset.playable_at) : null;
    if (wanted === null || wanted === this.#poster) return;
    this.#poster = wanted;
    const where = await this.api.playback(asset.playback_id).catch(() => null);
    if (!where?.poster) {
      if (this.#poster === wanted && !asset.complete_at) this.#poster = null;
      return;
    }
    const image = h('img', { src: where.poster, alt: '', decoding: 'async' });
    image.addEventListener('load', () => {
      this.play.querySelector('img')?.remove();
      this.play.prepend(image);
    });
  }

  async #retry() {
    await this.api.retry(this.asset.id).catch((problem) => complain('It cannot go on:', problem));
  }

  async #cancel() {
    await this.api.cancel(this.asset.id).catch((problem) => complain('It could not be cancelled:', problem));
  }

  async #remove() {
    const yes = await confirmed('Delete this recording?', `“${this.asset.filename}” and everything made of it will be gone for good.`, { yes: 'Delete', no: 'Keep it', danger: true });
    if (!yes) return;
    await this.api.remove(this.asset.id).catch((problem) => complain('It could not be deleted:', problem));
  }
}

/** An upload that was given up, or what a person stopped, has nothing to go on with; a faulty source fails again. */
const canGoOn = ({ state, error }) => state === 'errored' && error !== null && error.stage !== 'upload' && error.code !== 'asset.cancelled' && !error.code.startsWith('input.');

/** Shows the book's assets in the list; `watch(asset, seconds)` is called when one is chosen, from a moment on if there is one, `hidden(asset)` says which not to show. */
export function showLibrary(book, { api, watch, hidden }) {
  const list = byId('assets');
  const rows = new Map();

  const summary = () => {
    const shown = book.all().filter((asset) => !hidden(asset)).length;
    byId('empty').hidden = shown > 0;
    setText(byId('library-count'), shown > 0 ? `${shown}${book.hasOlder ? ' and older ones' : ''}` : '');
    byId('more').hidden = !book.hasOlder;
  };
  const place = (row) => {
    const order = book.all().map(({ id }) => id);
    const after = order.slice(order.indexOf(row.asset.id) + 1).map((id) => rows.get(id)).find(Boolean);
    list.insertBefore(row.element, after?.element ?? null);
  };
  const show = ({ before, after }) => {
    const id = (after ?? before).id;
    let row = rows.get(id);
    if (!after) {
      const next = row?.element.contains(document.activeElement);
      row?.element.remove();
      rows.delete(id);
      // Focus must not fall back to the top of the page when the row under it goes.
      if (next) byId('library-title').focus();
    } else if (row) {
      row.update(after);
    } else {
      row = new Row(after, { api, watch, hidden });
      rows.set(id, row);
      place(row);
    }
    if (after) for (const what of milestones(before, after)) announce(`${after.filename} ${WORDS[what]}.`);
    if (!before !== !after || before?.state !== after?.state) summary();
  };

  book.addEventListener('asset', (event) => show(event.detail));
  book.addEventListener('page', summary);
  byId('more').addEventListener('click', () => book.older(api).catch((problem) => complain('Older recordings could not be read:', problem)));
  return {
    /** Looks again at which rows are to be seen. */
    review: () => {
      for (const row of rows.values()) row.update(row.asset);
      summary();
    },
    choose: (id) => { for (const row of rows.values()) row.element.classList.toggle('chosen', row.asset.id === id); },
  };
}
