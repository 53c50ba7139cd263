// Where files come in, and the row of each upload.

import { announce, byId, complain, confirmed, h, setText } from './dom.js';
import { bytes, eta, percent, speed } from './format.js';
import { joined, sequence } from './parts.js';
import { Upload, fingerprint } from './upload.js';

/** Uploads that send at the same time; the others wait their turn. */
const AT_ONCE = 2;
const STATES = {
  queued: 'waiting for its turn', starting: 'starting', sending: '', waiting: 'connection lost, trying again', paused: 'paused', done: 'uploaded',
  failed: 'stopped', canceled: 'cancelled',
};

/** How a file is called here; several that are joined are called by more than their first name. */
const nameOf = (file) => file.label ?? file.name;

/** Whoever adds files that may be one recording is asked whether they are. */
async function recordings(files) {
  const parts = sequence(files);
  if (parts === null) return files;
  const text = `Cameras cut long recordings into files like ${parts[0].name} to ${parts.at(-1).name}. Joined, they play as one, without a gap.`;
  const one = await confirmed(`Are these ${parts.length} files one recording?`, text, { yes: 'Join them', no: `Keep ${parts.length} recordings` });
  return one ? [joined(parts)] : parts;
}

/** One row of the list, kept in step with its upload. */
function row(upload, { pause, resume, cancel }) {
  const name = nameOf(upload.file);
  const bar = h('progress', { max: Math.max(1, upload.file.size), value: 0, 'aria-label': `Upload of ${name}` });
  const figures = h('p', { class: 'upload-figures' });
  const trouble = h('div', { class: 'trouble', role: 'alert', hidden: true });
  const toggle = h('button', { type: 'button' });
  const stop = h('button', { type: 'button', class: 'quiet', 'aria-label': `Cancel the upload of ${name}`, onclick: cancel }, 'Cancel');
  const element = h('li', { class: 'upload' },
    h('div', { class: 'upload-head' }, h('span', { class: 'upload-name' }, name), toggle, stop), bar, figures, trouble);
  toggle.addEventListener('click', () => (upload.active || upload.state === 'queued' ? pause() : resume()));

  const update = () => {
    const { file, meter, sent, state, problem } = upload;
    const going = upload.active || state === 'queued';
    element.dataset.state = state;
    bar.value = sent;
    bar.className = state === 'done' ? 'done' : '';
    setText(toggle, going ? 'Pause' : 'Resume');
    toggle.setAttribute('aria-label', `${going ? 'Pause' : 'Resume'} the upload of ${name}`);
    toggle.hidden = state === 'done' || state === 'canceled';
    stop.hidden = toggle.hidden;
    const live = state === 'sending' ? [speed(meter.speed()), eta(meter.left(file.size - sent))] : [];
    const resumed = upload.resumed && going ? 'resumed' : '';
    const parts = [`${bytes(sent)} of ${bytes(file.size)}`, percent((100 * sent) / Math.max(1, file.size)), ...live, STATES[state], resumed];
    setText(figures, parts.filter((part) => part !== '').join(' · '));
    trouble.hidden = problem === null;
    if (problem !== null) trouble.replaceChildren(h('p', {}, h('strong', {}, 'Stopped: '), problem.message), problem.hint ? h('p', {}, problem.hint) : '', h('code', {}, problem.code));
  };
  upload.addEventListener('change', update);
  update();
  return element;
}

/** All uploads of this page. */
export class Uploads extends EventTarget {
  #all = [];
  #asked = Promise.resolve();

  constructor(api) {
    super();
    this.api = api;
    this.#listen();
  }

  /** Whether an asset's bytes are being sent by this page. */
  owns(assetId) {
    return this.#all.some((upload) => upload.assetId === assetId && upload.state !== 'done' && upload.state !== 'canceled');
  }

  add(list) {
    // A list is empty once the event that brought it is over.
    const files = [...list];
    for (const { name } of files.filter(({ size }) => size === 0)) complain('Not added:', { message: `“${name}” is empty, or a folder.` });
    // One question at a time.
    this.#asked = this.#asked.then(() => recordings(files.filter(({ size }) => size > 0))).then((found) => this.#addAll(found));
  }

  #addAll(files) {
    for (const file of files) {
      const twin = this.#all.find((upload) => fingerprint(upload.file) === fingerprint(file) && !['done', 'canceled'].includes(upload.state));
      if (twin) {
        if (!twin.active && twin.state !== 'queued') this.#queue(twin);
        continue;
      }
      this.#begin(new Upload(file, { api: this.api }));
    }
    this.#turn();
  }

  #begin(upload) {
    this.#all.push(upload);
    const element = row(upload, {
      pause: () => { upload.pause(); this.#turn(); },
      resume: () => { this.#queue(upload); this.#turn(); },
      cancel: () => {
        upload.cancel().catch((problem) => complain('The server still keeps what it received:', problem));
        this.#turn();
      },
    });
    byId('uploads').append(element);
    let state = upload.state;
    upload.addEventListener('change', () => {
      if (upload.state === state) return;
      state = upload.state;
      if (state === 'done') announce(`${nameOf(upload.file)} is uploaded.`);
      if (state === 'failed') announce(`The upload of ${nameOf(upload.file)} stopped: ${upload.problem.message}`);
      if (state === 'done' || state === 'canceled') {
        if (element.contains(document.activeElement)) byId('files').focus();
        element.remove();
        this.#all = this.#all.filter((other) => other !== upload);
      }
      this.dispatchEvent(new Event('change'));
    });
  }

  #queue(upload) {
    upload.state = 'queued';
    upload.problem = null;
    upload.dispatchEvent(new Event('change'));
  }

  /** Starts as many of those that wait as may send. */
  #turn() {
    const free = AT_ONCE - this.#all.filter((upload) => upload.active).length;
    const next = this.#all.filter((upload) => upload.state === 'queued').slice(0, Math.max(0, free));
    for (const upload of next) upload.run().finally(() => this.#turn());
  }

  #listen() {
    const [drop, input] = [byId('drop'), byId('files')];
    const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
    let depth = 0;
    const mark = (change) => {
      depth = Math.max(0, depth + change);
      drop.classList.toggle('over', depth > 0);
    };
    // The whole page takes files: a drop beside the zone would otherwise leave the page.
    addEventListener('dragenter', (event) => holdsFiles(event) && mark(1));
    addEventListener('dragleave', (event) => holdsFiles(event) && mark(-1));
    addEventListener('dragover', (event) => holdsFiles(event) && event.preventDefault());
    addEventListener('drop', (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      mark(-depth);
      this.add(event.dataTransfer.files);
    });
    addEventListener('paste', (event) => {
      if (event.clipboardData?.files.length > 0) this.add(event.clipboardData.files);
    });
    drop.addEventListener('click', (event) => event.target.closest('label, input') || input.click());
    input.addEventListener('change', () => {
      this.add(input.files);
      input.value = '';
    });
    addEventListener('beforeunload', (event) => {
      if (this.#all.some((upload) => upload.active)) event.preventDefault();
    });
  }
}
