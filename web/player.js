// The watch panel: hls.js on a video element, its menus, and the move to the complete generation without losing the place.

import { byId, h, setText } from './dom.js';
import { quality } from './format.js';
import { Strip } from './strip.js';
import { TrackMenus } from './tracks.js';

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];
const SPEED = 'lectern.speed';
/** Fatal errors that are answered by going on, for one source. */
const RECOVERIES = 4;
/** A segment edge comes after this at the latest, at normal speed; the move does not wait longer. */
const RETRY_MS = 10_000;
const EDGE_MS = 6_000;
const STILL_MS = 6_000;
/** A token outlasts the longest recording that is watched in one go. */
const TOKEN_S = 6 * 3600;
const CLEAR_KEY = 'org.w3.clearkey';

/** What hls.js needs to ask for Clear Key licences: by itself it makes no request of the key that a playlist names. */
const clearKey = ({ token, clearkey_url: licenseUrl }) => ({
  emeEnabled: true,
  drmSystems: {
    [CLEAR_KEY]: {
      licenseUrl,
      generateRequest: (type, data, { decryptdata }) => {
        const kid = btoa(String.fromCharCode(...decryptdata.keyId)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        return { initDataType: 'keyids', initData: new TextEncoder().encode(JSON.stringify({ kids: [kid] })).buffer };
      },
    },
  },
  licenseXhrSetup: (request, url) => {
    request.open('POST', url, true);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
  },
});

export class Player {
  #hls = null;
  #asset = null;
  #whole = false;
  #moving = false;
  #wanted = 'auto';
  #networkErrors = 0;
  #mediaErrors = 0;
  #opened = 0;

  constructor(api, onClose) {
    this.api = api;
    this.video = byId('video');
    this.strip = new Strip(this.video);
    this.tracks = new TrackMenus(this.video);
    this.video.addEventListener('resize', () => this.#showRendition());
    this.video.addEventListener('ratechange', () => this.#showSpeed());
    byId('quality').addEventListener('change', (event) => this.#choose(event.target.value));
    byId('speed').replaceChildren(...SPEEDS.map((speed) => h('option', { value: String(speed) }, speed === 1 ? 'Normal' : `${speed}×`)));
    byId('speed').addEventListener('change', (event) => this.#setSpeed(Number(event.target.value)));
    byId('watch-close').addEventListener('click', () => { this.close(); onClose(); });
    this.#setSpeed(Number(localStorage.getItem(SPEED)) || 1);
  }

  get assetId() {
    return this.#asset?.id ?? null;
  }

  /** Shows an asset and starts it, at a second of it if one is given. */
  async open(asset, from = null) {
    if (this.assetId === asset.id) {
      if (from !== null) this.video.currentTime = from;
      this.video.play().catch(() => {});
      return;
    }
    this.close();
    this.#opened += 1;
    const opened = this.#opened;
    this.#asset = asset;
    byId('watch').hidden = false;
    setText(byId('watch-title'), asset.filename);
    byId('watch-title').focus();
    this.strip.tell(asset.losses);
    try {
      const where = await this.#find(asset);
      if (opened === this.#opened) this.#load(where, { at: from, play: true });
    } catch (problem) {
      if (opened === this.#opened) this.#note(`It cannot be played: ${problem.message}`);
    }
  }

  close() {
    this.#asset = null;
    this.#opened += 1;
    this.#moving = false;
    this.#wanted = 'auto';
    this.#unload();
    this.tracks.reset();
    this.#note('');
    this.#dropStill();
    byId('watch').hidden = true;
  }

  /** Takes up what became of the asset that is shown. */
  assetChanged(asset) {
    if (asset.id !== this.assetId) return;
    this.#asset = asset;
    setText(byId('watch-title'), asset.filename);
    this.strip.tell(asset.losses);
    if (asset.complete_at && !this.#whole && !this.#moving && this.#hls !== null) this.#moveOn();
  }

  /** Where an asset plays; of a protected one with a new token for its licences. */
  async #find(asset) {
    const where = await this.api.playback(asset.playback_id);
    if (where.protection) where.licences = await this.api.playbackToken(asset.playback_id, TOKEN_S);
    return where;
  }

  #load(where, { at, play }) {
    const { Hls } = window;
    this.#whole = Boolean(this.#asset.complete_at);
    this.#networkErrors = 0;
    this.#mediaErrors = 0;
    this.#note('');
    if (where.poster) this.video.poster = where.poster;
    this.strip.show(where.storyboard);
    if (Hls?.isSupported()) this.#loadHls(Hls, where, at);
    else if (this.video.canPlayType('application/vnd.apple.mpegurl')) {
      this.video.src = where.hls;
      if (at !== null) this.video.addEventListener('loadedmetadata', () => { this.video.currentTime = at; }, { once: true });
    } else {
      this.#note('This browser can play neither Media Source Extensions nor HLS.');
      return;
    }
    // A browser may refuse to start with sound before a click; the controls are there then.
    if (play) this.video.play().catch(() => {});
  }

  #loadHls(Hls, { hls: address, licences, chapters }, at) {
    const hls = new Hls({ startPosition: at ?? -1, capLevelToPlayerSize: true, ...(licences && clearKey(licences)) });
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#fillQualities());
    hls.on(Hls.Events.LEVEL_SWITCHED, () => this.#showRendition());
    this.tracks.show(Hls, hls, chapters);
    // Each hour of a long recording may have its own bad moments.
    hls.on(Hls.Events.FRAG_BUFFERED, () => { this.#networkErrors = 0; });
    hls.on(Hls.Events.ERROR, (_, data) => data.fatal && this.#recover(Hls, hls, data));
    hls.loadSource(address);
    hls.attachMedia(this.video);
  }

  #recover(Hls, hls, data) {
    if (hls !== this.#hls) return;
    if (data.type === Hls.ErrorTypes.NETWORK_ERROR && hls.levels.length > 0 && this.#networkErrors < RECOVERIES) {
      this.#networkErrors += 1;
      this.#note('The connection is slow; still trying.');
      setTimeout(() => hls === this.#hls && hls.startLoad(), 1000 * this.#networkErrors);
      this.video.addEventListener('playing', () => this.#note(''), { once: true });
    } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.#mediaErrors < RECOVERIES) {
      this.#mediaErrors += 1;
      hls.recoverMediaError();
    } else {
      this.#note(`Playback stopped: ${data.details}`);
    }
  }

  #unload() {
    this.#hls?.destroy();
    this.#hls = null;
    this.video.removeAttribute('src');
    this.video.removeAttribute('poster');
    this.video.load();
    this.strip.show(null);
    byId('quality').replaceChildren(h('option', { value: 'auto' }, 'Auto'));
    setText(byId('shown'), 'nothing yet');
  }

  // --- the move to the complete generation

  /** Loads the source anew where it stands, at a segment edge while it plays; the last picture stays until the next one is there. */
  async #moveOn() {
    this.#moving = true;
    const opened = this.#opened;
    // Without an answer the old generation plays on, and nobody has to hear of it.
    const where = await this.#find(this.#asset).catch(() => null);
    if (where !== null && opened === this.#opened) {
      if (!this.video.paused) await this.#edge();
      if (opened === this.#opened) {
        const [at, play] = [this.video.currentTime, !this.video.paused && !this.video.ended];
        this.#keepStill();
        this.#hls?.destroy();
        this.#hls = null;
        this.#load(where, { at, play });
      }
    }
    if (opened !== this.#opened) return;
    this.#moving = false;
    if (where === null) setTimeout(() => opened === this.#opened && this.assetChanged(this.#asset), RETRY_MS);
  }

  #edge() {
    const { Hls } = window;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, EDGE_MS);
      this.#hls.once(Hls.Events.FRAG_CHANGED, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #keepStill() {
    const [still, { videoWidth, videoHeight }] = [byId('still'), this.video];
    // No page may read protected pictures.
    if (videoWidth === 0 || this.video.mediaKeys) return;
    [still.width, still.height] = [videoWidth, videoHeight];
    still.getContext('2d').drawImage(this.video, 0, 0);
    still.hidden = false;
    const timer = setTimeout(() => this.#dropStill(), STILL_MS);
    const shown = () => { clearTimeout(timer); this.#dropStill(); };
    if (this.video.requestVideoFrameCallback) this.video.addEventListener('loadeddata', () => this.video.requestVideoFrameCallback(shown), { once: true });
    else this.video.addEventListener('playing', shown, { once: true });
  }

  #dropStill() {
    byId('still').hidden = true;
  }

  // --- menus

  #fillQualities() {
    const levels = this.#hls.levels.map((level, index) => ({ index, height: level.height, bitrate: level.bitrate }));
    levels.sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
    const name = ({ height, bitrate }) => {
      const twins = levels.filter((level) => level.height === height).length > 1;
      return twins ? `${quality(height)} (${Math.round(bitrate / 1000)} kbit/s)` : quality(height);
    };
    const options = levels.map((level) => h('option', { value: `${level.height}/${level.bitrate}`, 'data-level': String(level.index) }, name(level)));
    byId('quality').replaceChildren(h('option', { value: 'auto' }, 'Auto'), ...options);
    if (this.#wanted !== 'auto') {
      // The complete generation measures its bit rates anew: the height says what was meant.
      const same = levels.find(({ height }) => String(height) === this.#wanted.split('/')[0]);
      this.#choose(same ? `${same.height}/${same.bitrate}` : 'auto');
    }
  }

  #choose(value) {
    this.#wanted = value;
    const menu = byId('quality');
    menu.value = value;
    const level = menu.selectedOptions[0]?.dataset.level;
    if (this.#hls !== null) this.#hls.nextLevel = level === undefined ? -1 : Number(level);
  }

  #showRendition() {
    const { videoHeight } = this.video;
    setText(byId('shown'), videoHeight > 0 ? quality(videoHeight) : 'nothing yet');
  }

  #setSpeed(speed) {
    // The default is what a newly loaded source begins with.
    this.video.defaultPlaybackRate = speed;
    this.video.playbackRate = speed;
    localStorage.setItem(SPEED, String(speed));
    this.#showSpeed();
  }

  #showSpeed() {
    byId('speed').value = String(this.video.playbackRate);
  }

  #note(text) {
    setText(byId('watch-note'), text);
    byId('watch-note').hidden = text === '';
  }
}
