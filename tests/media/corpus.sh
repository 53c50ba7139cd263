#!/usr/bin/env bash
# Makes the odd inputs of the encoder's tests: corpus.sh OUTDIR. corpus.json says what must become of each.
#
# Every clip shows the same scene, however it is stored: red, green, blue and yellow in the corners, grey above, a white flash
# in the centre from 1.0 s to 1.2 s, and with it a beep. Needs Debian's ffmpeg and python3.
#
# OUTDIR is replaced as a whole or not at all, and kept while this folder's scripts are unchanged.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/folder.sh"

[ $# -eq 1 ] || die "usage: corpus.sh OUTDIR"
begin "$1" "$(cd "$HERE" && cat corpus.sh corpus.py bad.py folder.sh | sha256sum | cut -d' ' -f1)"

for tool in ffmpeg python3 flock; do
  command -v "$tool" >/dev/null || die "$tool is missing; apt-get install ffmpeg python3"
done

cd "$TMP"

ff() { ffmpeg -nostdin -v error -y -bitexact "$@"; }
damage() { python3 "$HERE/corpus.py" "$@"; }

# --- the scene, in RGB: every clip chooses its own way to store it

beep() { # beep SECONDS [CHANNELS LAYOUT]: the same in all channels
  local exprs='' channel
  for channel in $(seq "${2:-1}"); do exprs+="${exprs:+|}0.4*sin(2*PI*1000*t)*between(t\,1\,1.2)"; done
  printf "aevalsrc=exprs='%s':s=48000:d=%s:c=%s" "$exprs" "$1" "${3:-mono}"
}
scene() { # scene WIDTHxHEIGHT RATE SECONDS
  local corner="w=iw/4:h=ih/4:t=fill"
  printf '%s' "color=c=0x404040:s=$1:r=$2:d=$3,format=gbrp[ground];color=c=0xc0c0c0:s=4x8:r=$2:d=$3,format=gbrp[bar];" \
    "[ground][bar]overlay=format=gbrp:x='W/4+mod(t*160\\,W/2-4)':y=H*7/8," \
    "drawbox=x=0:y=0:$corner:color=0xc00000,drawbox=x=iw-iw/4:y=0:$corner:color=0x00c000," \
    "drawbox=x=0:y=ih-ih/4:$corner:color=0x0000c0,drawbox=x=iw-iw/4:y=ih-ih/4:$corner:color=0xc0c000," \
    "drawbox=x=iw/4:y=ih*3/8:w=iw/2:h=ih/4:t=fill:color=white:enable='between(t\\,0.999\\,1.199)',setsar=1"
}
take() { # take NAME WIDTHxHEIGHT RATE SECONDS: the scene with its beep, without loss
  ff -f lavfi -i "$(scene "$2" "$3" "$4")" -f lavfi -i "$(beep "$4")" -c:v ffv1 -pix_fmt gbrp -c:a pcm_s16le "$WORK/$1.mkv"
}
store() { # store MATRIX RANGE FORMAT [TAGS]: a filter from RGB; TAGS as setparams takes them, or none
  printf 'scale=out_color_matrix=%s:out_range=%s:flags=accurate_rnd+full_chroma_int,format=%s,setparams=range=%s:%s' "$1" "$2" "$3" "$2" \
    "${4:-colorspace=unknown:color_primaries=unknown:color_trc=unknown}"
}
HD=colorspace=bt709:color_primaries=bt709:color_trc=bt709
SD=colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m
USUAL=$(store bt709 tv yuv420p "$HD")

X264=(-c:v libx264 -preset ultrafast -crf 20 -g 25 -bf 2 -threads 2)
AAC=(-c:a aac -b:a 64k)
BASE=(-i "$WORK/base.mkv")
take base 320x180 25 3
take fast 320x180 50 3
take film 320x180 24000/1001 3.003

# The usual clip: whatever follows is this but for one thing.
ff "${BASE[@]}" -vf "$USUAL" "${X264[@]}" "${AAC[@]}" -movflags +faststart usual.mp4
usual() { ff -i usual.mp4 "$@"; }

# --- turned: rotated and mirrored by the container

turned() { # turned NAME FILTER A B C D: stored through FILTER; a pixel to the right is shown at (A, B), one down at (C, D)
  ff "${BASE[@]}" -vf "$2,$USUAL" "${X264[@]}" "${AAC[@]}" "$WORK/turned.mp4"
  damage matrix "$WORK/turned.mp4" "$1" "$3" "$4" "$5" "$6"
}
turned rotated-90.mp4 transpose=cclock 0 1 -1 0
turned rotated-180.mp4 hflip,vflip -1 0 0 -1
turned rotated-270.mp4 transpose=clock 0 -1 1 0
turned mirrored.mp4 hflip -1 0 0 1
turned mirrored-upside-down.mp4 vflip 1 0 0 -1
turned rotated-anamorphic.mp4 transpose=cclock,scale=180:240,setsar=3/4 0 1 -1 0
turned mirrored-90.mp4 transpose=cclock_flip 0 1 1 0
turned mirrored-270.mp4 transpose=clock_flip 0 -1 -1 0

# --- shapes: sizes and pixel shapes

ff "${BASE[@]}" -vf "scale=240:180,setsar=4/3,$USUAL" "${X264[@]}" "${AAC[@]}" anamorphic.mp4
ff "${BASE[@]}" -vf "scale=320:120,setsar=2/3,$USUAL" "${X264[@]}" "${AAC[@]}" flat.mp4
ff "${BASE[@]}" -vf "scale=360:288,setsar=64/45,$(store smpte170m tv yuv420p "$SD")" "${X264[@]}" "${AAC[@]}" anamorphic.ts
ff "${BASE[@]}" -vf "scale=321:181,setsar=1,$(store smpte170m tv yuv420p)" -c:v libvpx -deadline realtime -b:v 1M -c:a libopus odd.webm
ff "${BASE[@]}" -vf "scale=321:181,setsar=1,$(store bt709 tv yuv444p "$HD")" "${X264[@]}" "${AAC[@]}" odd.mp4
ff "${BASE[@]}" -vf "scale=48:32,setsar=1,$USUAL" "${X264[@]}" "${AAC[@]}" tiny.mp4
ff "${BASE[@]}" -vf "scale=90:400,setsar=1,$USUAL" "${X264[@]}" "${AAC[@]}" tall.mp4
ff "${BASE[@]}" -vf "scale=320:120,setsar=1,pad=320:180:0:30,$USUAL" "${X264[@]}" "${AAC[@]}" letterboxed.mp4

# --- fields: interlaced and telecined

fields() { # fields ORDER NAME ARGUMENT...: two pictures of the scene at 50 per second in each frame
  local order=$1 mode=interleave_top name=$2
  shift 2
  if [ "$order" = bff ]; then mode=interleave_bottom; fi
  ff -i "$WORK/fast.mkv" -vf "tinterlace=mode=$mode,$(store bt709 tv yuv420p "$HD"),setfield=$order" -flags +ildct+ilme "$@" "$name"
}
fields tff interlaced-tff.mp4 "${X264[@]}" -x264opts tff=1 "${AAC[@]}"
fields bff interlaced-bff.mp4 "${X264[@]}" -x264opts bff=1 "${AAC[@]}"
fields tff interlaced.mpg -c:v mpeg2video -q:v 4 -c:a mp2 -b:a 96k
ff -i "$WORK/film.mkv" -vf "telecine=pattern=23,$USUAL,setfield=tff" -flags +ildct+ilme "${X264[@]}" -x264opts tff=1 "${AAC[@]}" telecined.ts
# Film on a DVD: 24 pictures a second, which say themselves how they are to be spread over 60 fields. Its first picture is
# shown one picture after it is decoded.
ff -i "$WORK/film.mkv" -an -vf "$USUAL" -c:v mpeg2video -q:v 3 "$WORK/film.m2v"
damage pulldown "$WORK/film.m2v" "$WORK/pulldown.m2v"
ff -fflags +genpts -f mpegvideo -i "$WORK/pulldown.m2v" -itsoffset 0.05 -i "$WORK/film.mkv" -map 0:v -map 1:a -c:v copy \
  -c:a mp2 -b:a 96k pulldown.mpg

# --- colour: matrices, ranges, depths; said and not said

ff "${BASE[@]}" -vf "$(store bt709 pc yuvj420p "$HD")" "${X264[@]}" "${AAC[@]}" full-range.mp4
ff "${BASE[@]}" -vf "$(store smpte170m tv yuv420p)" "${X264[@]}" "${AAC[@]}" untagged.mp4
ff "${BASE[@]}" -vf "scale=352:288,setsar=1,$(store smpte170m tv yuv420p)" "${X264[@]}" "${AAC[@]}" untagged-625.mp4
ff "${BASE[@]}" -vf "scale=1280:720,$(store bt709 tv yuv420p)" "${X264[@]}" "${AAC[@]}" untagged-720.mp4
ff "${BASE[@]}" -vf "$(store smpte170m tv yuv420p "$SD")" "${X264[@]}" "${AAC[@]}" bt601.mp4
ff "${BASE[@]}" -c:v libx264rgb -preset ultrafast -crf 10 "${AAC[@]}" rgb.mp4
ff "${BASE[@]}" -vf "$(store bt709 tv yuv422p10le "$HD")" "${X264[@]}" -c:a pcm_s16le 422.mov
ff "${BASE[@]}" -vf "$(store bt709 tv yuv444p "$HD")" "${X264[@]}" "${AAC[@]}" 444.mp4
ff "${BASE[@]}" -vf "$(store bt709 tv yuv420p10le "$HD")" "${X264[@]}" "${AAC[@]}" ten-bit.mp4
X265=(-c:v libx265 -preset ultrafast -crf 20 -x265-params log-level=none:pools=2 -tag:v hvc1)
wide() { printf 'colorspace=bt2020nc:color_primaries=bt2020:color_trc=%s' "$1"; }
ff "${BASE[@]}" -vf "$(store bt709 tv yuv420p10le "$HD")" "${X265[@]}" "${AAC[@]}" ten-bit-hevc.mp4
# White is the paper white of ITU-R BT.2408, 203 nits. Without loss: next to nothing of one colour is easily seen in another.
DEEP=(-c:v libx265 -preset ultrafast -x265-params lossless=1:log-level=none:pools=2 -tag:v hvc1)
broad() { # broad TRANSFER: the scene as BT.2020 stores it, under this transfer
  printf 'setparams=colorspace=gbr:color_primaries=bt709:color_trc=bt709:range=pc,zscale=t=linear:npl=203,format=gbrpf32le,'
  printf 'zscale=p=bt2020:t=%s:m=bt2020nc:r=tv:npl=203,format=yuv420p10le,setparams=range=tv:%s' "$1" "$(wide "$1")"
}
ff "${BASE[@]}" -vf "$(broad bt2020-10)" "${DEEP[@]}" "${AAC[@]}" bt2020.mp4
ff "${BASE[@]}" -vf "$(broad smpte2084)" "${DEEP[@]}" "${AAC[@]}" hdr10.mp4
ff "${BASE[@]}" -vf "$(broad arib-std-b67)" "${DEEP[@]}" "${AAC[@]}" hlg.mp4

# --- rates: slow, fast, varying

take slow 320x180 1 6
take quick 320x180 120 3
ff -i "$WORK/slow.mkv" -vf "$USUAL" "${X264[@]}" -crf 1 -g 1 "${AAC[@]}" 1fps.mp4
ff -i "$WORK/quick.mkv" -vf "$USUAL" "${X264[@]}" "${AAC[@]}" 120fps.mp4
# Slides: a fine pattern on both sides, a picture a second, and one key frame, which is nearly all there is.
take slides 320x180 1 14
FINE='if((lt(X,W/4)+gte(X,W*3/4))*between(Y,H/4,H*3/4-1),if(gt(mod(st(0,floor(X/2))*ld(0)*3+st(1,floor(Y/2))*ld(1)*5+ld(0)*ld(1)*7,11),5),208,32)'
ff -i "$WORK/slides.mkv" -vf "geq=r='$FINE,r(X,Y))':g='$FINE,g(X,Y))':b='$FINE,b(X,Y))',$USUAL" "${X264[@]}" -crf 12 "${AAC[@]}" slides.mp4
ff -i "$WORK/film.mkv" -vf "$USUAL" "${X264[@]}" "${AAC[@]}" film.mkv
# A telephone in poor light: 30 pictures a second become 20 and return, none on time.
ff -i "$WORK/quick.mkv" -vf "select='if(between(t\,0.5\,2)\,not(mod(n\,6))\,not(mod(n\,4)))',setpts='PTS+mod(N*7\,5)*0.0004/TB',$USUAL" \
  -vsync vfr "${X264[@]}" "${AAC[@]}" telephone.mp4
# A screen recorder that writes a picture when something has changed.
ff "${BASE[@]}" -vf "select='eq(n\,0)+between(n\,25\,30)+eq(n\,40)+eq(n\,41)+eq(n\,74)',$USUAL" -vsync vfr "${X264[@]}" -bf 0 "${AAC[@]}" screen.mkv

# --- sound: channels, languages, starts

layout() { # layout NAME CHANNELS LAYOUT ARGUMENT...
  local name=$1 channels=$2 layout=$3
  shift 3
  ff -i usual.mp4 -f lavfi -i "$(beep 3 "$channels" "$layout")" -map 0:v -map 1:a -c:v copy "$@" "$name"
}
layout stereo.mp4 2 stereo "${AAC[@]}"
layout surround-51.mkv 6 5.1 -c:a ac3
layout surround-71.mkv 8 7.1 -c:a flac
layout cd.mp4 2 stereo -ar 44100 "${AAC[@]}"
layout telephone-sound.mov 1 mono -ar 8000 -c:a pcm_mulaw
usual -map 0:v -c copy silent.mp4
ff -i usual.mp4 -f lavfi -i "$(beep 3)" -map 0:v -map 1:a -map 0:a -c:v copy "${AAC[@]}" \
  -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -disposition:a:0 0 -disposition:a:1 default languages.mkv
layout dts.mkv 2 stereo -c:a dca -strict -2 -b:a 384k
layout truehd.mkv 2 stereo -c:a truehd -strict -2
usual -filter_complex "[0:a]atrim=start=0.7[a]" -map 0:v -map '[a]' -c:v copy "${AAC[@]}" sound-late.mkv
usual -vf "trim=start=0.6" -map 0:v -map 0:a "${X264[@]}" -c:a copy pictures-late.mkv
usual -vf "trim=start=0.6" -vsync vfr -map 0:v -map 0:a "${X264[@]}" -c:a copy pictures-late.mp4
usual -vf "trim=end=1.5" -map 0:v -map 0:a "${X264[@]}" -c:a copy pictures-end.mp4
usual -af "atrim=end=1.5" -map 0:v -map 0:a -c:v copy "${AAC[@]}" sound-ends.mp4

alone() { ff -f lavfi -i "$(beep 3 2 stereo)" "$@"; }
alone -c:a libmp3lame -b:a 96k alone.mp3
alone "${AAC[@]}" alone.m4a
alone -c:a libopus -b:a 64k alone.opus
alone -c:a flac alone.flac
alone -c:a pcm_s16le -t 2 alone.wav
alone -c:a pcm_s16be -t 2 alone.aiff
alone "${AAC[@]}" -f adts alone.aac
alone -c:a libvorbis alone.ogg
alone -c:a ac3 alone.ac3
alone -c:a alac alac.m4a
ff -i alone.mp3 -f lavfi -i "$(scene 64x64 1 1)" -map 0:a -map 1:v -c:a copy -c:v png -disposition:v attached_pic cover.mp3
usual -f lavfi -i "$(scene 64x64 1 1)" -map 1:v -map 0 -c copy -c:v:0 png -disposition:v:0 attached_pic cover.mp4

# --- clocks

usual -c copy -output_ts_offset 95442 -muxdelay 0 wrap.ts
usual -c copy -output_ts_offset 36000 late-clock.ts
usual -c copy -avoid_negative_ts disabled -output_ts_offset -0.8 -movflags +frag_keyframe+empty_moov+negative_cts_offsets negative.mp4
ff -ss 0.48 -i usual.mp4 -c copy edited.mp4
usual -filter_complex "[0:a]atrim=start=0.7[a]" -map 0:v -map '[a]' -c:v copy "${AAC[@]}" sound-late.ts
# A clock that is set while it runs, and recordings put one behind the other: a flash and a beep on either side.
ff -stream_loop 1 "${BASE[@]}" -vf "$USUAL" -r 25 "${X264[@]}" "${AAC[@]}" -output_ts_offset 20 "$WORK/twice.ts"
damage clock "$WORK/twice.ts" hour-ahead.ts 0.55 324000000
damage clock "$WORK/twice.ts" ten-back.ts 0.45 -900000
usual -c copy -output_ts_offset 500 "$WORK/first.ts"
usual -c copy -tables_version 5 "$WORK/second.ts"
usual -c copy -output_ts_offset 95441 "$WORK/wraps.ts"
cat "$WORK/first.ts" "$WORK/second.ts" >joined.ts
cat "$WORK/first.ts" "$WORK/wraps.ts" >joined-wraps.ts
ff "${BASE[@]}" -vf "$USUAL" -c:v mpeg2video -q:v 4 -bf 2 -c:a mp2 -b:a 96k "$WORK/part.mpg"
cat "$WORK/part.mpg" "$WORK/part.mpg" >joined.mpg

# --- text and chapters beside the pictures

printf '1\n00:00:00,500 --> 00:00:02,000\nHello there\n' >"$WORK/text.srt"
printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n' >"$WORK/chapters.txt"
TEXT=(-i "$WORK/text.srt")
ff -i usual.mp4 "${TEXT[@]}" -map 0 -map 1 -c copy -c:s mov_text -metadata:s:s:0 language=eng text.mp4
ff -i usual.mp4 "${TEXT[@]}" "${TEXT[@]}" "${TEXT[@]}" -map 0 -map 1 -map 2 -map 3 -c copy -c:s:0 srt -c:s:1 ass -c:s:2 webvtt text.mkv
ff -i usual.mp4 -i "$WORK/chapters.txt" -map 0 -map_metadata 1 -c copy chapters.mp4
ff -i usual.mp4 -i "$WORK/chapters.txt" -map 0 -map_metadata 1 -c copy chapters.mkv
ff "${BASE[@]}" -an -vf "$USUAL" "${X264[@]}" -bf 0 "$WORK/plain.h264"
damage captions "$WORK/plain.h264" "$WORK/captions.h264"
ff -f h264 -r 25 -i "$WORK/captions.h264" -i usual.mp4 -map 0:v -map 1:a -c copy captions.mp4
# In a transport stream nothing but the bytes of the pictures says so; these begin late.
ff "${BASE[@]}" -an -vf "$USUAL" -c:v mpeg2video -q:v 4 -bf 0 "$WORK/plain.m2v"
damage captions "$WORK/plain.m2v" "$WORK/captions.m2v" 25
ff -fflags +genpts -f mpegvideo -framerate 25 -i "$WORK/captions.m2v" -itsoffset 0.04 -i usual.mp4 -map 0:v -map 1:a -c copy captions.ts
ff -i usual.mp4 "${TEXT[@]}" -map 0 -map 1 -c copy -c:s ttml -metadata:s:s:0 language=eng ttml.mp4
printf '1\n00:00:00,000 --> 00:00:01,500\n%s\n\n2\n00:00:01,500 --> 00:00:03,000\n%s\n' ......................... ......................... >"$WORK/points.srt"
ff -i usual.mp4 -i "$WORK/points.srt" -map 0 -map 1 -c copy -c:s mov_text -metadata:s:s:0 language=eng "$WORK/points.mp4"
damage wvtt "$WORK/points.mp4" wvtt.mp4
# Subtitles that are pictures, and a kind of text that is not read.
damage pgs "$WORK/text.srt" "$WORK/bar.sup"
ff -i usual.mp4 -i "$WORK/bar.sup" -map 0 -map 1 -c copy pgs.mkv
ff -i usual.mp4 -i "$WORK/bar.sup" -map 0 -map 1 -c copy -c:s dvbsub dvb-subtitles.ts
damage teletext dvb-subtitles.ts teletext.ts
usual -c copy -timecode 01:00:00:00 timecode.mov
ff "${TEXT[@]}" -c:s srt text-alone.mkv

# --- damaged and unfinished

usual -c copy -movflags +faststart -f mp4 "$WORK/whole.mp4"
damage cut "$WORK/whole.mp4" cut.mp4 0.8
usual -c copy -f matroska pipe:1 | cat >"$WORK/piped.mkv"
damage cut "$WORK/piped.mkv" killed.mkv 0.8
usual -c copy "$WORK/whole.ts"
damage flip "$WORK/whole.ts" flipped.ts
ff "${BASE[@]}" -vf "$USUAL" "${X264[@]}" -g 10 "${AAC[@]}" "$WORK/keys.ts"
damage behead "$WORK/keys.ts" beheaded.ts 0.1
ff "${BASE[@]}" -vf "$(store smpte170m tv yuv420p)" -c:v libvpx -deadline realtime -b:v 500k -c:a libopus -live 1 -f webm pipe:1 | cat >recorder.webm
usual -c copy -movflags +frag_keyframe+empty_moov+default_base_moof fragmented.mp4
usual -c copy -movflags +frag_keyframe+empty_moov+default_base_moof "$WORK/pieces.mp4"
damage cut "$WORK/pieces.mp4" fragmented-cut.mp4 0.7
usual -c copy -encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff \
  -encryption_kid 0123456789abcdef0123456789abcdef encrypted.mp4

# --- codecs and containers

made() { # made NAME FILTER ARGUMENT...
  local name=$1 filter=$2
  shift 2
  ff "${BASE[@]}" -vf "$filter" -threads 2 "$@" "$name"
}
made mpeg1.mpg "$(store smpte170m tv yuv420p)" -c:v mpeg1video -q:v 3 -c:a mp2 -b:a 96k
made mpeg2.ts "$USUAL" -c:v mpeg2video -q:v 3 -bf 2 -c:a ac3 -b:a 96k
made asp.avi "$(store smpte170m tv yuv420p)" -c:v mpeg4 -q:v 3 -bf 2 -c:a libmp3lame -b:a 96k
made prores.mov "$(store bt709 tv yuv422p10le "$HD")" -c:v prores_ks -profile:v 0 -c:a pcm_s24le -t 1.6
made mjpeg.avi "$(store smpte170m pc yuvj422p)" -c:v mjpeg -q:v 8 -c:a pcm_s16le -t 1.6
made vp8.webm "$(store smpte170m tv yuv420p)" -c:v libvpx -deadline realtime -b:v 800k -auto-alt-ref 1 -lag-in-frames 10 -c:a libvorbis
made vp9.webm "$USUAL" -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 800k -c:a libopus
SVT_LOG=1 made av1.mp4 "$USUAL" -c:v libsvtav1 -preset 12 -crf 30 "${AAC[@]}"
made hevc.mkv "$USUAL" "${X265[@]}" -c:a eac3 -b:a 96k
made theora.ogv "$(store smpte170m tv yuv420p)" -c:v libtheora -q:v 8 -c:a libvorbis
made ffv1.mkv "$USUAL" -c:v ffv1 -c:a flac -t 1.6
made wmv.asf "$(store smpte170m tv yuv420p)" -c:v wmv2 -q:v 3 -c:a wmav2 -b:a 96k
made flash.flv "$(store smpte170m tv yuv420p)" -c:v flv -q:v 3 -c:a libmp3lame -ar 44100 -b:a 96k
made h263.3gp "scale=352:288,setsar=12/11,$(store smpte170m tv yuv420p)" -c:v h263 -q:v 3 "${AAC[@]}"
made dnxhr.mxf "$(store bt709 tv yuv422p "$HD")" -c:v dnxhd -profile:v dnxhr_lb -c:a pcm_s16le -t 1.08
made qtrle.mov "format=rgb24" -c:v qtrle "${AAC[@]}"
made avc.flv "$USUAL" "${X264[@]}" "${AAC[@]}"

for clip in *; do
  [ "$(stat -c %s "$clip")" -lt 400000 ] || die "$clip is larger than 400 kB"
done
finish
