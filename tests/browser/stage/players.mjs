// The three players behind one small interface:
//   load(url, first)   first: the bandwidth of the rendition to begin with, in bit/s; null for the lowest. The player never adapts by itself.
//   renditions()       [{width, height, bandwidth_bps}], lowest first
//   switchTo(index)    during playback, as the player's quality menu would
//   textTracks()       [{language, forced}], in the player's order
//   showText(index)    one of them, as the player's subtitle menu would
//   audioTracks()      [{language}], in the player's order
//   hear(index)        one of them, as the player's language menu would
//   chapters(language, file) [{start_s, end_s, title}], as the player or the page that uses it reads them
//   strays()           whether it may jump away from where it was sent; dash.js alone has it
//   thumbnail(time_s)  {url, x, y, width, height} of a tile; null without one. hls.js knows none
//   trickPlay(rate), cancelTrickPlay()   fast playback; Shaka Player alone has it
// Problems that a player calls fatal go to `fail`. `drm` is null, or {keys: {key id: key} in hexadecimal, licence_url}: each player decrypts
// through EME with the key system org.w3.clearkey. Without `keys` every player asks for its licences at `licence_url`.

const CLEAR_KEY = 'org.w3.clearkey';
const octets = (hex) => Uint8Array.from(hex.match(/../g), (pair) => Number.parseInt(pair, 16));
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

function script(url) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = url;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${url} could not be loaded`));
    document.head.append(element);
  });
}

const CHAPTER_EVENTS = 'urn:lectern:chapter:2026';
const byStart = (list) => list.sort((a, b) => a.start_s - b.start_s);

/** Indexes of `list` by rising bandwidth. */
const byBandwidth = (list, bandwidth) => list.map((_, index) => index).sort((a, b) => bandwidth(list[a]) - bandwidth(list[b]));

/** hls.js makes no licence request of a ClearKey key tag by itself: this names the key that the tag carries. */
const hlsDrm = (drm) => ({
  emeEnabled: true,
  drmSystems: {
    [CLEAR_KEY]: {
      licenseUrl: drm.licence_url,
      generateRequest: (type, data, { decryptdata }) => ({
        initDataType: 'keyids', initData: new TextEncoder().encode(JSON.stringify({ kids: [base64url(decryptdata.keyId)] })).buffer,
      }),
    },
  },
});

/** hls.js makes the track of captions when it meets the first, and leaves showing it to the browser's menu. */
function showCaptions(tracks) {
  const show = () => Array.from(tracks).filter(({ kind }) => kind === 'captions').forEach((track) => { track.mode = 'showing'; });
  tracks.addEventListener('addtrack', show);
  show();
}

export async function hls(video, fail, drm = null) {
  await script('/players/hls/hls.min.js');
  const { Hls } = window;
  if (!Hls.isSupported()) throw new Error('hls.js is not supported in this browser');
  const player = new Hls({ autoStartLoad: false, capLevelToPlayerSize: false, maxBufferLength: 10, maxMaxBufferLength: 10, ...(drm && hlsDrm(drm)) });
  player.on(Hls.Events.ERROR, (_, data) => data.fatal && fail(`hls.js: ${data.type}/${data.details} ${data.error?.message ?? ''} ${data.url ?? ''}`));
  let captions = [];
  let session = {};
  player.on(Hls.Events.MANIFEST_LOADED, (_, data) => {
    captions = data.captions ?? [];
    session = data.sessionData ?? {};
  });
  let order = [];
  return {
    load: (url, first) => new Promise((resolve) => {
      player.on(Hls.Events.MANIFEST_PARSED, () => {
        order = byBandwidth(player.levels, (level) => level.bitrate);
        player.loadLevel = order.find((index) => player.levels[index].bitrate === first) ?? order[0];
        player.startLoad(0);
        resolve();
      });
      player.loadSource(url);
      player.attachMedia(video);
    }),
    renditions: () => order.map((index) => player.levels[index]).map(({ width, height, bitrate }) => ({ width, height, bandwidth_bps: bitrate })),
    switchTo: (index) => { player.nextLevel = order[index]; },
    textTracks: () => [...player.subtitleTracks, ...captions].map(({ lang, forced }) => ({ language: lang ?? 'und', forced })),
    showText: (index) => {
      player.subtitleDisplay = true;
      if (index < player.subtitleTracks.length) player.subtitleTrack = index;
      else showCaptions(video.textTracks);
    },
    audioTracks: () => player.audioTracks.map(({ lang }) => ({ language: lang ?? 'und' })),
    hear: (index) => { player.audioTrack = index; },
    // hls.js hands the tag over; the file is read by who uses it.
    chapters: async (language) => {
      const tag = session['com.apple.hls.chapters'];
      const list = await (await fetch(new URL(tag.URI, player.url))).json();
      return list.map(({ 'start-time': start, duration, titles }) => ({
        start_s: start, end_s: start + duration, title: titles.find((title) => title.language === language).title,
      }));
    },
  };
}

export async function dash(video, fail, drm = null) {
  await script('/players/dash/dash.all.min.js');
  const player = window.dashjs.MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      abr: { autoSwitchBitrate: { video: false, audio: false }, limitBitrateByPortal: false },
      buffer: { fastSwitchEnabled: true, bufferTimeDefault: 8, bufferTimeAtTopQuality: 8, bufferTimeAtTopQualityLongForm: 8, bufferToKeep: 10 },
      scheduling: { scheduleWhilePaused: true },
    },
  });
  player.on('error', (event) => fail(`dash.js: ${event.error?.code ?? ''} ${event.error?.message ?? event.error}`));
  const events = [];
  player.on(CHAPTER_EVENTS, ({ event }) => events.push(event), null, { mode: window.dashjs.MediaPlayer.events.EVENT_MODE_ON_RECEIVE });
  const rendering = document.createElement('div');
  video.after(rendering);
  const sounds = () => player.getTracksFor('audio').sort((a, b) => a.index - b.index);
  const texts = () => player.getTracksFor('text').sort((a, b) => a.index - b.index);
  let order = [];
  return {
    load: (url, first) => new Promise((resolve) => {
      player.updateSettings({ streaming: { abr: { initialBitrate: { video: (first ?? 1) / 1000 } } } });
      player.on('streamInitialized', () => {
        order = byBandwidth(player.getRepresentationsByType('video'), (representation) => representation.bandwidth);
        resolve();
      });
      player.initialize(video, url, false);
      player.attachTTMLRenderingDiv(rendering);
      const clearkeys = Object.entries(drm?.keys ?? {}).map((pair) => pair.map((hex) => base64url(octets(hex))));
      const licences = drm?.keys ? { clearkeys: Object.fromEntries(clearkeys) } : { serverURL: drm?.licence_url };
      if (drm) player.setProtectionData({ [CLEAR_KEY]: licences });
    }),
    renditions: () => {
      const all = player.getRepresentationsByType('video');
      return order.map((index) => all[index]).map(({ width, height, bandwidth }) => ({ width, height, bandwidth_bps: bandwidth }));
    },
    switchTo: (index) => player.setRepresentationForTypeByIndex('video', order[index]),
    textTracks: () => texts().map(({ lang, roles }) => ({ language: lang, forced: roles.some(({ value }) => value === 'forced-subtitle') })),
    showText: (index) => player.setTextTrack(index),
    audioTracks: () => sounds().map(({ lang }) => ({ language: lang })),
    hear: (index) => player.setCurrentTrack(sounds()[index]),
    chapters: (language) => byStart(events.filter(({ eventStream }) => eventStream.value === language).map((event) => ({
      start_s: event.calculatedPresentationTime, end_s: event.calculatedPresentationTime + event.duration, title: event.messageData,
    }))),
    thumbnail: (time_s) => new Promise((resolve) => player.provideThumbnail(time_s, resolve)),
    // Sent elsewhere at the moment it begins to load the next period, it goes on loading that one and jumps to its start.
    strays: () => player.getDashAdapter().getStreamsInfo().length > 1,
  };
}

export async function shaka(video, fail, drm = null) {
  await script('/players/shaka/shaka-player.compiled.js');
  const { shaka: lib } = window;
  lib.polyfill.installAll();
  const player = new lib.Player();
  await player.attach(video);
  player.configure({ abr: { enabled: false }, streaming: { bufferingGoal: 8, rebufferingGoal: 1, bufferBehind: 10 }, drm: { clearKeys: drm?.keys ?? {}, servers: drm && !drm.keys ? { [CLEAR_KEY]: drm.licence_url } : {} } });
  player.addEventListener('error', (event) => fail(`shaka: ${event.detail.code} ${JSON.stringify(event.detail.data ?? [])}`));
  const regions = [];
  player.addEventListener('timelineregionadded', ({ detail }) => detail.schemeIdUri === CHAPTER_EVENTS && regions.push(detail));
  const tracks = () => player.getVariantTracks().sort((a, b) => a.bandwidth - b.bandwidth);
  return {
    load: async (url, first) => {
      // A restriction is the one way to choose what Shaka begins with; on its adaptation alone, so that all tracks stay selectable.
      if (first !== null) player.configure({ abr: { restrictions: { minBandwidth: first, maxBandwidth: first } } });
      await player.load(url);
    },
    renditions: () => tracks().map(({ width, height, bandwidth }) => ({ width, height, bandwidth_bps: bandwidth })),
    // A second of what is buffered is kept, so that the switch does not starve the decoder.
    switchTo: (index) => player.selectVariantTrack(tracks()[index], true, 1),
    textTracks: () => player.getTextTracks().map(({ language, forced }) => ({ language, forced })),
    showText: (index) => player.selectTextTrack(player.getTextTracks()[index]),
    audioTracks: () => player.getAudioTracks().map(({ language }) => ({ language })),
    hear: (index) => player.selectAudioTrack(player.getAudioTracks()[index]),
    // From the playlist itself; with a manifest, from its events, and as the WebVTT file beside it says too.
    chapters: async (language, beside) => {
      const listed = async () => (await player.getChaptersAsync(language)).map(({ startTime, endTime, title }) => ({ start_s: startTime, end_s: endTime, title }));
      if (regions.length === 0) return listed();
      const events = byStart(regions.filter(({ value }) => value === language).map(({ startTime, endTime, eventNode }) => ({
        // It hands the text over with its references.
        start_s: startTime, end_s: endTime, title: new DOMParser().parseFromString(eventNode.children.join(''), 'text/html').body.textContent,
      })));
      await player.addChaptersTrack(new URL(beside, player.getAssetUri()).href, language, 'text/vtt');
      const file = await listed();
      if (file.map(({ title }) => title).join() !== events.map(({ title }) => title).join()) throw new Error(`${beside} says ${JSON.stringify(file)}`);
      return events;
    },
    thumbnail: async (time_s) => {
      const tile = await player.getThumbnails(null, time_s);
      return tile && { url: tile.uris[0], x: tile.positionX, y: tile.positionY, width: tile.width, height: tile.height };
    },
    trickPlay: (rate) => player.trickPlay(rate),
    cancelTrickPlay: () => player.cancelTrickPlay(),
  };
}

export { shaka as 'shaka-hls' };
