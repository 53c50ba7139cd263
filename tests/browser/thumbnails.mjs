// The check of thumbnails: at each time the player names the tile that shows the picture of this time.

import { pictureAt } from './walk.mjs';

function require(condition, reason) {
  if (!condition) throw new Error(reason);
}

/** `tiles` is [{time_s, x, y}] with the figures of all in {width, height, interval_s}; the source begins anew after `repeats` pictures. */
export async function thumbnails(stage, context, open) {
  const { player, rate, thumbs } = context;
  await open(stage, player, null);
  for (const { time_s: time, x, y } of thumbs.tiles) {
    const tile = await stage.call('thumbnail', [time]);
    await stage.noFailures();
    require(tile !== null, `there is no thumbnail at ${time} s`);
    const { width, height } = thumbs;
    const told = [tile.x, tile.y, tile.width, tile.height].map(Math.round).join();
    require(told === [x, y, width, height].join(), `at ${time} s the tile is ${told} instead of ${[x, y, width, height].join()}`);
    require(tile.reason === undefined, `the tile at ${time} s: ${tile.reason}`);
    // A tile shows a keyframe of its interval.
    const first = Math.floor(time / thumbs.interval_s) * thumbs.interval_s;
    const [from, to] = [pictureAt(first, rate), pictureAt(first + thumbs.interval_s, rate)];
    const numbers = Array.from({ length: to - from + 1 }, (_, index) => (from + index) % thumbs.repeats);
    require(numbers.includes(tile.number), `the tile at ${time} s shows picture ${tile.number}, not one of ${from} to ${to}`);
  }
  return `${thumbs.tiles.length} tiles`;
}
