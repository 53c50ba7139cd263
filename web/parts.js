// Recordings that a camera cut into several files: which files may be one, and all of them as one.

/** Files of one recording, at most, as the API takes them. */
export const MOST_PARTS = 32;

/** GoPro's older cameras number the first file in another way than those that follow. */
const counted = (name) => name.toLowerCase().replace(/^gopr(\d{4}\.)/, 'gp00$1');
const inOrder = new Intl.Collator('en', { numeric: true });

/** Whether two names are equal but for one number, which is one more in the second. */
function follows(first, second) {
  let start = 0;
  while (start < first.length && first[start] === second[start]) start += 1;
  let end = 0;
  while (end < Math.min(first.length, second.length) - start && first.at(-1 - end) === second.at(-1 - end)) end += 1;
  const [before, after] = [first, second].map((name) => name.slice(start, name.length - end));
  // 9 and 10 share no digit, 19 and 20 neither; 100 and 101 share two.
  return /^\d{1,9}$/.test(before) && /^\d{1,9}$/.test(after) && Number(after) === Number(before) + 1;
}

/** The files in the order in which a camera numbers its parts; null where their names do not count up by one. */
export function sequence(files) {
  if (files.length < 2 || files.length > MOST_PARTS) return null;
  const sorted = [...files].sort((a, b) => inOrder.compare(counted(a.name), counted(b.name)));
  const count = sorted.every((file, at) => at === 0 || follows(counted(sorted[at - 1].name), counted(file.name)));
  return count ? sorted : null;
}

/** All parts as one file, as an upload wants it; nothing is read or copied. */
export function joined(files) {
  const whole = new Blob(files);
  return {
    name: files[0].name,
    label: `${files[0].name} and ${files.length - 1} more`,
    size: whole.size,
    lastModified: files.at(-1).lastModified,
    parts: files.map(({ name, size }) => ({ filename: name, size })),
    slice: (from, to) => whole.slice(from, to),
  };
}
