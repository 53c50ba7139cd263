#!/usr/bin/env bash
# Makes two minutes of lecture in 1080p25, as a meeting's recorder writes them: lectures.sh OUTDIR
#   slides.mp4    six slides, nothing else
#   speaker.mp4   the same with a pointer that wanders over them and a small camera picture in the corner
# Needs Debian's ffmpeg, fonts-dejavu-core, and .cache/media/film60.mp4 for the camera.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1 camera=.cache/media/film60.mp4
font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
mkdir -p "$out"
ff() { ffmpeg -nostdin -v error -y "$@"; }

lines=("The sum of two squares" "Let p be a prime that leaves 1 when divided by 4" "Then there are whole numbers a and b"
  "such that a\\\\² + b\\\\² = p" "Proof by descent, after Euler" "Exercise\\: find a and b for 97")
draw='null'
for slide in 0 1 2 3 4 5; do
  from=$((slide * 20)) to=$((slide * 20 + 20))
  draw+=",drawbox=x=0:y=0:w=40:h=1080:color=0x2f6fed:t=fill:enable='between(t,$from,$to-0.01)'"
  for line in $(seq 0 "$slide"); do
    draw+=",drawtext=fontfile=$font:text='${lines[$line]}':fontsize=$((72 - 5 * slide)):fontcolor=0x14213d:x=150:y=$((160 + 130 * line)):enable='between(t,$from,$to-0.01)'"
  done
done
recorder=(-c:v libx264 -preset veryfast -crf 23 -g 250 -pix_fmt yuv420p -c:a aac -b:a 64k -ac 1 -movflags +faststart)
voice=(-f lavfi -i "aevalsrc=0.2*sin(2*PI*180*t)*(1+sin(2*PI*3*t)):s=48000:d=120")
ff -f lavfi -i "color=0xf7f8fa:s=1920x1080:r=25:d=120" "${voice[@]}" -vf "$draw" "${recorder[@]}" "$out/slides.mp4"
ff -i "$out/slides.mp4" -stream_loop 1 -i "$camera" -f lavfi -i "color=red:s=14x14:r=25:d=120" "${voice[@]}" -filter_complex \
  "[1:v]fps=25,scale=384:216[camera];[0:v][camera]overlay=x=W-w-24:y=H-h-24:shortest=1[inset];[inset][2:v]overlay=x='960+600*sin(t*0.9)':y='500+300*sin(t*0.7)':shortest=1[v]" \
  -map '[v]' -map 3:a -t 119 "${recorder[@]}" "$out/speaker.mp4"
