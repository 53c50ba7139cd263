#!/bin/sh
# Makes the fixtures of this folder: each codec's clear segment, and the same encrypted by Shaka Packager (PACKAGER) under
# each scheme with one key. A fixture is the initialisation segment with the media segment behind it.
set -eu
work=$(mktemp -d)
source="testsrc2=size=272x160:rate=10:duration=1.2"
ff() { ffmpeg -nostdin -v error -y "$@"; }
ff -f lavfi -i "$source" -c:v libx264 -crf 45 -x264-params slices=3:bframes=2:keyint=12:weightp=2 -pix_fmt yuv420p "$work/avc.mp4"
ff -f lavfi -i "$source" -c:v libx265 -crf 42 -x265-params slices=2:bframes=2:log-level=none -tag:v hvc1 -pix_fmt yuv420p "$work/hevc.mp4"
ff -f lavfi -i "$source" -c:v libvpx-vp9 -crf 60 -b:v 0 -lag-in-frames 12 -auto-alt-ref 1 -pix_fmt yuv420p "$work/vp9.mp4"
ff -f lavfi -i "$source" -c:v libaom-av1 -crf 60 -cpu-used 8 -tiles 2x2 -pix_fmt yuv420p "$work/av1.mp4"
ff -f lavfi -i "sine=frequency=440:duration=0.5" -c:a aac -b:a 24k "$work/aac.mp4"
key=0123456789abcdeffedcba9876543210
id=00112233445566778899aabbccddeeff
for codec in avc hevc vp9 av1 aac; do
  stream=video; [ $codec = aac ] && stream=audio
  for scheme in clear cenc cens cbc1 cbcs; do
    protect="--enable_raw_key_encryption --keys label=K:key_id=$id:key=$key --protection_scheme $scheme --clear_lead 0"
    [ $scheme = clear ] && protect=
    "$PACKAGER" "in=$work/$codec.mp4,stream=$stream,init_segment=$work/init.mp4,segment_template=$work/\$Number\$.m4s,drm_label=K" \
      $protect --mpd_output "$work/out.mpd" --generate_static_live_mpd --quiet
    cat "$work/init.mp4" "$work/1.m4s" > "$(dirname "$0")/$codec-$scheme.mp4"
  done
done
rm -r "$work"
