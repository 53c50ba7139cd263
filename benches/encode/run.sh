#!/usr/bin/env bash
# Measures `lectern encode` against one ffmpeg command. Arguments go to bench.py; see benches/README.md.
#   benches/encode/run.sh                    five rounds, then the memory of a recording four times as long
#   benches/encode/run.sh --rounds 3         only the comparison, as told
#   benches/encode/run.sh --duration         only the memory
# LECTERN_BIN names another folder with the executables; then nothing is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

media=.cache/media
target=${CARGO_TARGET_DIR:-target}
if [[ -z ${LECTERN_BIN:-} ]]; then
  cargo build --release --locked -p lectern -p lectern-engine
  LECTERN_BIN=$target/release
fi
[[ -f $media/film60.mp4 ]] || tests/media/make.sh "$media"

bench() {
  python3 benches/encode/bench.py --lectern "$LECTERN_BIN/lectern" "$@"
}

if (($# > 0)); then
  bench "$@"
else
  bench --out "$target/bench/encode.json"
  bench --duration --rounds 1 --out "$target/bench/encode-memory.json"
fi
