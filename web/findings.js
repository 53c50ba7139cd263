// What the engine found out about a recording, in words for whoever uploaded it or watches it. Nothing here knows the page.

import { clock, trackName } from './format.js';

/** From when to when, as clocks: "0:12 to 0:15"; "at 0:12" when that is the same second. */
export function span({ from_ms, to_ms }) {
  const [from, to] = [clock(from_ms / 1000), clock(to_ms / 1000)];
  return from === to ? `at ${from}` : `${from} to ${to}`;
}

const LOST = {
  pictures_held: 'the picture stands still; what was recorded there is missing',
  pictures_damaged: 'the picture is damaged',
  sound_silent: 'there is no sound',
  end_missing: 'the end is missing: the file was cut off before it',
};

/** What is wrong with a stretch of a recording. */
export function lossWords({ kind, track, detail }) {
  const words = LOST[kind] ?? detail;
  return kind === 'sound_silent' && track && track !== 'und' ? `${words} (${trackName({ name: track, lang: track })})` : words;
}

/** What is wrong with a moment of the presentation; empty when it is as it was recorded. */
export function lostAt(losses, time_s) {
  const ms = time_s * 1000;
  return losses.filter(({ from_ms, to_ms }) => from_ms <= ms && ms < to_ms).map(lossWords).join(', ');
}

/** "the file ends early" as "The file ends early." */
export function sentence(text) {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}

const SCENES = { slides: 'slides', screencast: 'a screen that somebody works at', talking_head: 'a person talking', film: 'film' };
/** What is rarer than this is not worth a word. */
const LEAST_SHARE = 0.05;

/** What kind of recording it is: "Mostly slides (75 %), then a person talking (25 %)"; empty when nobody knows. */
export function kindOf(scenes) {
  const shares = Object.entries(scenes ?? {}).filter(([name, share]) => SCENES[name] && share >= LEAST_SHARE).sort((a, b) => b[1] - a[1]);
  if (shares.length === 0) return '';
  if (shares.length === 1) return sentence(SCENES[shares[0][0]]).slice(0, -1);
  const said = shares.map(([name, share]) => `${SCENES[name]} (${Math.round(share * 100)} %)`);
  return shares[0][1] > 0.5 ? `Mostly ${said[0]}, then ${said.slice(1).join(', ')}` : `A mix: ${said.join(', ')}`;
}

/** A measured quality: "38.4 dB", with "VMAF 93.1" behind it where that was measured too; empty where nothing was. */
export function likeness(quality) {
  if (!Number.isFinite(quality?.xpsnr_db)) return '';
  const vmaf = Number.isFinite(quality.vmaf) ? `, VMAF ${quality.vmaf.toFixed(1)}` : '';
  return `${quality.xpsnr_db.toFixed(1)} dB${vmaf}`;
}

const kbits = (bps) => `${Math.round(bps / 1000)} kbit/s`;

/** Why a recording has the renditions that it has, a sentence each, from the ladder of the asset. */
export function decisionWords({ ladder, decision, renditions }) {
  const said = [];
  if (decision === null) said.push(`These are the qualities that “${ladder}” has for every recording of this kind.`);
  else {
    said.push(`“${ladder}” chose them by ${Math.round(decision.sampled_ms / 1000)} s of this recording, encoded ${decision.trials.length} times and compared with what was uploaded.`);
    said.push(`It aimed at ${decision.target_db} dB for the best one, and at steps of ${decision.step_db} dB.`);
    if (decision.is_drawn && decision.legible_lines) said.push(`Since it is drawn (slides, or a screen), all of them have ${decision.legible_lines} lines or more, so that it can be read.`);
    for (const { name, bitrate_bps, xpsnr_db } of decision.chosen) said.push(`${name}: ${xpsnr_db.toFixed(1)} dB expected at ${kbits(bitrate_bps)}.`);
  }
  for (const { name } of renditions.filter(({ early_only: early }) => early)) said.push(`${name} was made for those alone who watched before the rest was ready.`);
  return said;
}
