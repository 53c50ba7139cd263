// The parts of a recording's row that tell what was found out: what is lost or worth knowing, what it shows, why its qualities are these.

import { complain, h, setText } from './dom.js';
import { decisionWords, kindOf, likeness, lossWords, sentence, span } from './findings.js';

/** Losses that are seen without asking for more. */
const SHOWN = 5;

export class Findings {
  #told = '';
  #asset = null;
  #asked = false;

  /** `watchFrom(seconds)` plays the recording from there; null while it cannot be played. */
  constructor(api, watchFrom) {
    Object.assign(this, { api, watchFrom });
    this.notes = h('div', { class: 'notes', hidden: true });
    this.kind = h('p', {});
    this.why = h('ul', { class: 'plain' });
    this.details = h('details', { class: 'found', hidden: true, ontoggle: () => this.#explain() },
      h('summary', {}, 'About this recording and its qualities'), this.kind,
      h('p', { class: 'muted' }, 'Qualities are measured as likeness to what was uploaded, at the size of the largest one (XPSNR, in decibels; VMAF, from 0 to 100, where the server has it): higher is better.'), this.why);
    this.element = h('div', { class: 'findings' }, this.notes, this.details);
  }

  update(asset) {
    this.#asset = asset;
    const { losses = [], warnings = [] } = asset;
    const told = JSON.stringify([losses, warnings, Boolean(asset.playable_at)]);
    // Rebuilt only when it says something else, so that focus stays.
    if (told !== this.#told) {
      this.#told = told;
      this.notes.replaceChildren(...this.#losses(losses, Boolean(asset.playable_at)), ...this.#warnings(warnings));
    }
    this.notes.hidden = asset.state === 'deleting' || losses.length + warnings.length === 0;
    const kind = kindOf(asset.scenes);
    setText(this.kind, kind === '' ? '' : `What it shows: ${kind.charAt(0).toLowerCase()}${kind.slice(1)}.`);
    this.kind.hidden = kind === '';
    this.details.hidden = asset.state !== 'ready' || !asset.renditions.some(({ quality }) => likeness(quality) !== '');
    this.details.querySelector('summary').setAttribute('aria-label', `About ${asset.filename} and its qualities`);
  }

  #losses(losses, playable) {
    if (losses.length === 0) return [];
    const items = losses.map((loss) => {
      const when = playable && loss.kind !== 'end_missing'
        ? h('button', { type: 'button', class: 'link', onclick: () => this.watchFrom(loss.from_ms / 1000) }, span(loss))
        : h('span', { class: 'when' }, span(loss));
      return h('li', {}, when, ` ${lossWords(loss)}`);
    });
    const rest = items.splice(SHOWN);
    const more = rest.length > 0 ? h('details', {}, h('summary', {}, `${rest.length} more`), h('ul', { class: 'plain' }, ...rest)) : null;
    return [h('p', {}, h('strong', {}, 'Not as it was recorded:')), h('ul', { class: 'plain' }, ...items), ...(more ? [more] : [])];
  }

  #warnings(warnings) {
    if (warnings.length === 0) return [];
    return [h('p', {}, h('strong', {}, 'Good to know:')), h('ul', { class: 'plain' }, ...warnings.map((text) => h('li', {}, sentence(text))))];
  }

  /** Asked for when somebody wants to know, and again when the recording was encoded again. */
  async #explain() {
    if (!this.details.open || this.#asked === this.#asset.ladder_sha256) return;
    this.#asked = this.#asset.ladder_sha256;
    try {
      const words = decisionWords(await this.api.ladderOf(this.#asset.id));
      this.why.replaceChildren(...words.map((text) => h('li', {}, text)));
    } catch (problem) {
      this.#asked = false;
      complain('Why its qualities are these could not be read:', problem);
    }
  }
}
