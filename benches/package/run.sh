#!/usr/bin/env bash
# Measures `lectern package` against Shaka Packager, one ffmpeg command and cp. Arguments go to bench.py; see benches/README.md.
# LECTERN_BIN names another folder with the executable; then nothing is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

media=.cache/media
target=${CARGO_TARGET_DIR:-target}
if [[ -z ${LECTERN_BIN:-} ]]; then
  cargo build --release --locked -p lectern
  LECTERN_BIN=$target/release
fi
[[ -f $media/film60.mp4 ]] || tests/media/make.sh "$media"
if [[ ! -f .cache/shaka-path || ! -f .cache/ffmpeg-path ]]; then
  echo "bench: run \`make test\` once: it fetches Shaka Packager and FFmpeg 9" >&2
  exit 69
fi
exec python3 benches/package/bench.py --lectern "$LECTERN_BIN/lectern" --shaka "$(cat .cache/shaka-path)" \
  --ffmpeg "$(cat .cache/ffmpeg-path)" --out "$target/bench/package.json" "$@"
