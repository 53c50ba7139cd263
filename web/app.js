// Puts the page together.

import { Api } from './api.js';
import { AssetBook, Lookout, applyEvent } from './assets.js';
import { byId, complain, setText } from './dom.js';
import { Follower } from './events.js';
import { showLibrary } from './library.js';
import { Player } from './player.js';
import { Uploads } from './uploads-view.js';

const LINK = { live: 'Live', polling: 'Live updates paused, asking every 3 s', offline: 'No connection to the server', locked: 'Locked', connecting: 'Connecting' };
/** Rows say how long ago things were; that grows old. */
const REVIEW_MS = 60_000;

const api = new Api();
const book = new AssetBook();
const lookout = new Lookout(book, api);
let follower = null;

const uploads = new Uploads(api);
const player = new Player(api, () => watch(null));
const library = showLibrary(book, { api, watch, hidden: (asset) => asset.state === 'awaiting_upload' && uploads.owns(asset.id) });

function watch(asset, from = null) {
  library.choose(asset?.id ?? null);
  history.replaceState(null, '', asset ? `#watch=${asset.id}` : location.pathname + location.search);
  if (asset) player.open(asset, from).catch((problem) => complain('It cannot be played:', problem));
  else byId('library-title').focus();
}

function link(state) {
  byId('link-state').dataset.state = state;
  setText(byId('link-text'), LINK[state]);
}

function follow() {
  follower?.stop();
  follower = new Follower(api, {
    onState: link,
    poll: () => book.refresh(api),
    onEvent: (event) => {
      const id = applyEvent(book, event);
      if (id !== null) lookout.look(id);
    },
  });
  follower.start();
}

async function enter() {
  link('connecting');
  try {
    await book.refresh(api);
  } catch (problem) {
    if (problem.status === 401) return;
    complain('The recordings could not be read:', problem);
  }
  follow();
  const wanted = /(?:^#|&)watch=([\w-]+)/.exec(location.hash)?.[1];
  if (wanted && player.assetId === null) {
    const asset = book.get(wanted) ?? (await api.asset(wanted).catch(() => null));
    if (asset?.playable_at) watch(asset);
  }
}

function lock() {
  follower?.stop();
  link('locked');
  const dialog = byId('sign-in');
  if (!dialog.open) dialog.showModal();
}

book.addEventListener('asset', ({ detail: { before, after } }) => {
  if (after) player.assetChanged(after);
  else if (before.id === player.assetId) {
    player.close();
    library.choose(null);
  }
});
uploads.addEventListener('change', () => library.review());
setInterval(() => library.review(), REVIEW_MS);
api.addEventListener('refused', lock);
byId('sign-in').addEventListener('cancel', (event) => event.preventDefault());
byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  api.setToken(byId('token').value.trim());
  byId('token').value = '';
  byId('sign-in').close();
  enter();
});
// A token pasted into the address of an open page counts too.
addEventListener('hashchange', () => {
  if (location.hash.includes('token=')) {
    api.readToken();
    byId('sign-in').close();
    enter();
  }
});

if (api.readToken()) enter();
else lock();
