// The check of chapters: the player lists them with their times and titles.

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

const told = ({ start_s: start, end_s: end, title }) => `${start.toFixed(3)} to ${end.toFixed(3)} "${title}"`;

/** `chapters` is {language, list: [{start_s, end_s, title}]}, and `file`, where they lie as WebVTT beside the manifest. */
export async function chapters(stage, context, open) {
  const { player, chapters: wanted } = context;
  await open(stage, player, null);
  const found = await stage.call('chapters', [wanted.language, wanted.file ?? 'chapters.vtt']);
  await stage.noFailures();
  const [have, want] = [found, wanted.list].map((list) => list.map(told).join(', '));
  require(have === want, `it lists ${have || 'none'} instead of ${want}`);
  return `${found.length} chapters`;
}
