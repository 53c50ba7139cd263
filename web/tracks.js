// Menus of what a recording has beside its pictures: sound tracks, subtitles, chapters. Where there is nothing to choose there is no menu.

import { cueAt, parseCues, plainText } from './cues.js';
import { byId, h } from './dom.js';
import { trackName } from './format.js';

const OFF = 'off';

/** Fills a menu with [value, text]; it is hidden with fewer than `least`. */
function fill(id, options, least) {
  const menu = byId(id);
  menu.replaceChildren(...options.map(([value, text]) => h('option', { value: String(value) }, text)));
  menu.closest('label').hidden = options.length < least;
  return menu;
}

export class TrackMenus {
  #hls = null;
  #chapters = [];
  #load = 0;
  /** What was chosen, by name: another generation of the recording counts its tracks anew. */
  #sound = null;
  #subtitles = OFF;

  constructor(video) {
    this.video = video;
    byId('sound').addEventListener('change', (event) => this.#hear(event.target.value));
    byId('subtitles').addEventListener('change', (event) => this.#read(event.target.value));
    byId('chapters').addEventListener('change', (event) => { this.video.currentTime = this.#chapters[event.target.value].start; });
    video.addEventListener('timeupdate', () => this.#follow());
    this.#clear();
  }

  /** Follows what is loaded; `address` is that of its chapters, if it has some. */
  show(Hls, hls, address) {
    this.#hls = hls;
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => this.#fillSound());
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => this.#fillSubtitles());
    this.#fillChapters(address);
  }

  /** Another recording comes, or none. */
  reset() {
    this.#hls = null;
    this.#sound = null;
    this.#subtitles = OFF;
    this.#clear();
  }

  #clear() {
    this.#load += 1;
    this.#chapters = [];
    for (const id of ['sound', 'subtitles', 'chapters']) fill(id, [], 1);
  }

  #fillSound() {
    const menu = fill('sound', this.#hls.audioTracks.map((track) => [track.name, trackName(track)]), 2);
    const wanted = this.#hls.audioTracks.findIndex(({ name }) => name === this.#sound);
    if (wanted >= 0 && wanted !== this.#hls.audioTrack) this.#hls.audioTrack = wanted;
    menu.value = this.#hls.audioTracks[Math.max(0, this.#hls.audioTrack)]?.name ?? '';
  }

  #hear(name) {
    this.#sound = name;
    if (this.#hls !== null) this.#hls.audioTrack = this.#hls.audioTracks.findIndex((track) => track.name === name);
  }

  #fillSubtitles() {
    fill('subtitles', [[OFF, 'Off'], ...this.#hls.subtitleTracks.map((track) => [track.name, trackName(track)])], 2);
    this.#read(this.#hls.subtitleTracks.some(({ name }) => name === this.#subtitles) ? this.#subtitles : OFF);
  }

  #read(name) {
    this.#subtitles = name;
    byId('subtitles').value = name;
    if (this.#hls !== null) this.#hls.subtitleTrack = this.#hls.subtitleTracks.findIndex((track) => track.name === name);
  }

  async #fillChapters(address) {
    this.#load += 1;
    const load = this.#load;
    // A recording whose chapters cannot be had plays all the same.
    const cues = address ? await fetch(address).then((answer) => (answer.ok ? answer.text() : '')).then(parseCues).catch(() => []) : [];
    if (load !== this.#load) return;
    this.#chapters = cues;
    fill('chapters', cues.map(({ text }, index) => [index, plainText(text)]), 1);
    this.#follow();
  }

  #follow() {
    const now = cueAt(this.#chapters, this.video.currentTime);
    const menu = byId('chapters');
    // Not while somebody looks through it.
    if (now !== null && document.activeElement !== menu) menu.value = String(this.#chapters.indexOf(now));
  }
}
