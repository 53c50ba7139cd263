#!/usr/bin/env bash
# Installs Debian packages that are not there yet: `packages.sh run` for building and running, `packages.sh test` for the tests.
set -euo pipefail

build="build-essential pkg-config clang libclang-dev nasm libavcodec-dev libavformat-dev libavfilter-dev libavdevice-dev libavutil-dev libswscale-dev libswresample-dev libpostproc-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev"
# What ranges are made with on a device: of use where there is one, and tested everywhere.
graphs="gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
# The sample recording is made on the spot.
sample="ffmpeg espeak-ng fonts-dejavu-core curl ca-certificates python3 python3-pip python3-venv nodejs npm"
tests="postgresql nats-server rabbitmq-server chromium faketime procps gstreamer1.0-libav meson ninja-build systemd xxd"

case "${1:-}" in
run)
  wanted="$build $sample"
  if [ -e /dev/nvidiactl ] || [ -e /dev/dri/renderD128 ]; then wanted="$wanted $graphs"; fi
  ;;
test) wanted="$build $sample $graphs $tests" ;;
*) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

# Node.js and npm may have come from elsewhere than Debian.
if command -v node >/dev/null && command -v npm >/dev/null; then
  wanted="${wanted/ nodejs npm/}"
fi

missing=""
for package in $wanted; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then root=""; elif command -v sudo >/dev/null; then root="sudo"; else
  echo "These Debian packages are missing and need root to install:$missing" >&2
  exit 69
fi
echo "Installing:$missing"
# The tests start what they need by themselves: nothing that is installed for them begins a service.
quiet=/usr/sbin/policy-rc.d
if [ ! -e "$quiet" ]; then
  printf '#!/bin/sh\nexit 101\n' | $root tee "$quiet" >/dev/null
  $root chmod 755 "$quiet"
  trap '$root rm -f "$quiet"' EXIT
fi
$root apt-get -qq -o DPkg::Lock::Timeout=900 update
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $root apt-get -qq -o DPkg::Lock::Timeout=900 install -y --no-install-recommends $missing >/dev/null
if [ -d /run/systemd/system ]; then
  for broker in nats-server rabbitmq-server; do
    case "$missing " in *" $broker "*) $root systemctl disable --quiet "$broker" ;; esac
  done
fi
