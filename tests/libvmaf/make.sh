#!/usr/bin/env bash
# Builds Netflix's libvmaf (BSD-2-Clause-Patent) for the tests, which Debian 12 does not have: `make.sh FOLDER` prints the path
# of the shared library, built in FOLDER if it is not there yet. Its source is that of a crate, named and checked by Cargo.lock.
set -euo pipefail
folder=$(realpath -m "$1")
cd "$(dirname "$0")"
source=$(cargo metadata --locked --format-version 1 --manifest-path Cargo.toml | python3 -c '
import json, pathlib, sys
found = [one for one in json.load(sys.stdin)["packages"] if one["name"] == "vmaf-head-sys"]
print(found[0]["version"], pathlib.Path(found[0]["manifest_path"]).parent / "vendored/vmaf/libvmaf")')
library="$folder/${source%% *}/libvmaf.so"
if [ ! -e "$library" ]; then
  build="$folder/build"
  rm -rf "$build"
  mkdir -p "$(dirname "$library")"
  {
    meson setup "$build" "${source#* }" --buildtype=release --default-library=shared -Db_ndebug=true \
      -Denable_tests=false -Denable_docs=false -Denable_tools=false -Dbuilt_in_models=true
    meson compile -C "$build"
  } >"$folder/make.log" 2>&1 || { tail -n 20 "$folder/make.log" >&2; exit 1; }
  cp -L "$build/src/libvmaf.so" "$library.new"
  mv "$library.new" "$library"
  rm -rf "$build"
fi
echo "$library"
