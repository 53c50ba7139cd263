// The strip beneath the video: where it stands, what is loaded, a picture of where the pointer is. A slider for the keyboard.

import { cueAt } from './cues.js';
import { byId, h, setText } from './dom.js';
import { clock } from './format.js';
import { lostAt } from './findings.js';
import { parseStoryboard } from './storyboard.js';

const STEPS = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30 };

export class Strip {
  #cues = [];
  #load = 0;
  #losses = [];

  constructor(video) {
    this.video = video;
    this.root = byId('strip');
    for (const name of ['timeupdate', 'progress', 'seeking', 'durationchange', 'emptied']) video.addEventListener(name, () => this.#draw());
    video.addEventListener('durationchange', () => this.#mark());
    this.root.addEventListener('pointermove', (event) => this.#preview(event));
    this.root.addEventListener('pointerleave', () => { byId('thumb').hidden = true; });
    this.root.addEventListener('pointerdown', (event) => this.#drag(event));
    this.root.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Reads the thumbnails of another presentation; null for none. */
  async show(address) {
    this.#load += 1;
    const load = this.#load;
    this.#cues = [];
    byId('thumb').hidden = true;
    if (!address) return;
    try {
      const response = await fetch(address);
      const cues = response.ok ? parseStoryboard(await response.text(), response.url) : [];
      if (load === this.#load) this.#cues = cues;
    } catch {
      // Thumbnails are a courtesy.
    }
  }

  /** Marks what of the recording is not as it was recorded. */
  tell(losses = []) {
    this.#losses = losses;
    this.#mark();
  }

  #mark() {
    for (const mark of this.root.querySelectorAll('.strip-loss')) mark.remove();
    const end_ms = this.#duration * 1000;
    for (const { from_ms, to_ms } of this.#losses.filter((loss) => loss.from_ms < end_ms)) {
      const mark = h('div', { class: 'strip-loss' });
      mark.style.left = `${(100 * from_ms) / end_ms}%`;
      mark.style.width = `${(100 * (Math.min(to_ms, end_ms) - from_ms)) / end_ms}%`;
      this.root.append(mark);
    }
  }

  get #duration() {
    return Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  #draw() {
    // A source that is being replaced is at 0 for a moment; nobody went there.
    if (!byId('still').hidden && this.video.readyState < 2) return;
    const { currentTime, buffered } = this.video;
    const duration = this.#duration;
    const share = (seconds) => `${duration > 0 ? Math.min(100, (100 * seconds) / duration) : 0}%`;
    let ahead = currentTime;
    for (let i = 0; i < buffered.length; i += 1) if (buffered.start(i) <= currentTime + 0.1) ahead = Math.max(ahead, buffered.end(i));
    byId('strip-played').style.width = share(currentTime);
    byId('strip-buffered').style.width = share(ahead);
    this.root.setAttribute('aria-valuemax', String(Math.floor(duration)));
    this.root.setAttribute('aria-valuenow', String(Math.floor(currentTime)));
    this.root.setAttribute('aria-valuetext', `${clock(currentTime)} of ${clock(duration)}`);
  }

  #timeAt(event) {
    const box = this.root.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.#duration;
  }

  #preview(event) {
    const duration = this.#duration;
    if (duration === 0) return;
    const time = this.#timeAt(event);
    const [thumb, picture] = [byId('thumb'), byId('thumb-picture')];
    const cue = cueAt(this.#cues, time);
    picture.hidden = cue === null;
    if (cue !== null) {
      picture.style.width = `${cue.width}px`;
      picture.style.height = `${cue.height}px`;
      picture.style.backgroundImage = `url("${cue.image.replace(/["\\]/g, encodeURIComponent)}")`;
      picture.style.backgroundPosition = `-${cue.x}px -${cue.y}px`;
    }
    const lost = lostAt(this.#losses, time);
    setText(byId('thumb-time'), lost === '' ? clock(time) : `${clock(time)}: ${lost}`);
    thumb.hidden = false;
    // Kept inside the strip, so that nothing hangs out of the page.
    const width = this.root.clientWidth;
    const half = Math.min(width / 2, (cue?.width ?? 60) / 2 + 4);
    thumb.style.left = `${Math.min(width - half, Math.max(half, (time / duration) * width))}px`;
  }

  #drag(event) {
    if (this.#duration === 0 || event.button !== 0) return;
    const seek = (moved) => { this.video.currentTime = this.#timeAt(moved); };
    this.root.setPointerCapture(event.pointerId);
    this.root.addEventListener('pointermove', seek);
    const end = () => this.root.removeEventListener('pointermove', seek);
    this.root.addEventListener('lostpointercapture', end, { once: true });
    seek(event);
  }

  #key(event) {
    const { currentTime } = this.video;
    const places = { Home: 0, End: this.#duration };
    const target = event.key in STEPS ? currentTime + STEPS[event.key] : places[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.video.currentTime = Math.min(this.#duration, Math.max(0, target));
  }
}
