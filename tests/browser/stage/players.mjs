// The three players behind one small interface:
//   load(url), renditions() -> [{width, height, bandwidth_bps}] lowest first, pin(index) at once, switchTo(index) smoothly, destroy()
// Problems that a player calls fatal go to `fail`.

function script(url) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = url;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${url} could not be loaded`));
    document.head.append(element);
  });
}

/** Indexes of `list` by rising bandwidth. */
const byBandwidth = (list, bandwidth) => list.map((_, index) => index).sort((a, b) => bandwidth(list[a]) - bandwidth(list[b]));

export async function hls(video, fail) {
  await script('/players/hls/hls.min.js');
  const { Hls } = window;
  if (!Hls.isSupported()) throw new Error('hls.js is not supported in this browser');
  const player = new Hls({ startLevel: 0, capLevelToPlayerSize: false, maxBufferLength: 10, maxMaxBufferLength: 10, backBufferLength: 10 });
  player.on(Hls.Events.ERROR, (_, data) => data.fatal && fail(`hls.js: ${data.type}/${data.details} ${data.error?.message ?? ''} ${data.url ?? ''}`));
  let order = [];
  return {
    load: (url) => new Promise((resolve) => {
      player.on(Hls.Events.MANIFEST_PARSED, () => {
        order = byBandwidth(player.levels, (level) => level.bitrate);
        resolve();
      });
      player.loadSource(url);
      player.attachMedia(video);
    }),
    renditions: () => order.map((index) => player.levels[index]).map(({ width, height, bitrate }) => ({ width, height, bandwidth_bps: bitrate })),
    pin: (index) => { player.currentLevel = order[index]; },
    switchTo: (index) => { player.nextLevel = order[index]; },
    destroy: () => player.destroy(),
  };
}

export async function dash(video, fail) {
  await script('/players/dash/dash.all.min.js');
  const player = window.dashjs.MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      abr: { autoSwitchBitrate: { video: false, audio: false }, initialBitrate: { video: 1 }, limitBitrateByPortal: false },
      buffer: { fastSwitchEnabled: true, bufferTimeDefault: 8, bufferTimeAtTopQuality: 8, bufferTimeAtTopQualityLongForm: 8, bufferToKeep: 10 },
      scheduling: { scheduleWhilePaused: true },
    },
  });
  player.on('error', (event) => fail(`dash.js: ${event.error?.code ?? ''} ${event.error?.message ?? event.error}`));
  let order = [];
  const select = (index, replace) => player.setRepresentationForTypeByIndex('video', order[index], replace);
  return {
    load: (url) => new Promise((resolve) => {
      player.on('streamInitialized', () => {
        order = byBandwidth(player.getRepresentationsByType('video'), (representation) => representation.bandwidth);
        resolve();
      });
      player.initialize(video, url, false);
    }),
    renditions: () => {
      const all = player.getRepresentationsByType('video');
      return order.map((index) => all[index]).map(({ width, height, bandwidth }) => ({ width, height, bandwidth_bps: bandwidth }));
    },
    pin: (index) => select(index, true),
    switchTo: (index) => select(index, false),
    destroy: () => player.destroy(),
  };
}

export async function shaka(video, fail) {
  await script('/players/shaka/shaka-player.compiled.js');
  const { shaka: lib } = window;
  lib.polyfill.installAll();
  const player = new lib.Player();
  await player.attach(video);
  player.configure({ abr: { enabled: false }, streaming: { bufferingGoal: 8, rebufferingGoal: 1, bufferBehind: 10 } });
  player.addEventListener('error', (event) => fail(`shaka: ${event.detail.code} ${JSON.stringify(event.detail.data ?? [])}`));
  const tracks = () => player.getVariantTracks().sort((a, b) => a.bandwidth - b.bandwidth);
  // The safe margin keeps a second of what is buffered, so that a switch during playback does not starve the decoder.
  const select = (index, margin) => player.selectVariantTrack(tracks()[index], true, margin);
  return {
    load: (url) => player.load(url),
    renditions: () => tracks().map(({ width, height, bandwidth }) => ({ width, height, bandwidth_bps: bandwidth })),
    pin: (index) => select(index, 0),
    switchTo: (index) => select(index, 1),
    destroy: () => player.destroy(),
  };
}
