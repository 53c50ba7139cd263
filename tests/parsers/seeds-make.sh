#!/bin/sh
# Makes seeds/container: small files of every container and codec that is read, each below 20 KB. All other targets' seeds
# are taken from these by the tests. Needs an FFmpeg with the encoders named here; the files that are kept were made by
# FFmpeg 5.1. Run it only to add a kind, since another version writes other bytes.
# shellcheck disable=SC2086
set -eu
cd "$(dirname "$0")/seeds/container"

picture="-f lavfi -i testsrc=size=64x64:rate=10:duration=1"
wide="-f lavfi -i testsrc=size=512x64:rate=10:duration=0.6"
sound="-f lavfi -i sine=frequency=440:sample_rate=48000:duration=0.6"
make() {
    out=$1
    shift
    ffmpeg -nostdin -v error -y -threads 1 "$@" -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
        -map_metadata -1 -threads 1 "$out"
}
avc="-c:v libx264 -preset veryfast -g 5 -bf 2 -crf 40 -pix_fmt yuv420p"
hevc="-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=5:bframes=1:info=0:pools=1 -crf 40 -pix_fmt yuv420p"
av1="-c:v libaom-av1 -cpu-used 8 -g 5 -crf 60 -b:v 0 -pix_fmt yuv420p"
vp9="-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 5 -crf 60 -b:v 0 -auto-alt-ref 1 -lag-in-frames 4 -pix_fmt yuv420p"
aac="-c:a aac -b:a 24k -ac 1"
key="-encryption_key 000102030405060708090a0b0c0d0e0f -encryption_kid f0e0d0c0b0a090807060504030201000"

printf '1\n00:00:00,000 --> 00:00:00,400\n<i>One</i>\n\n2\n00:00:00,400 --> 00:00:00,900\nTwo\n' >words.srt
make avc-aac.mp4 $picture $sound $avc $aac
make avc-aac-front.mp4 $picture $sound $avc $aac -movflags +faststart
make avc-aac-fragments.mp4 $picture $sound $avc $aac -movflags frag_keyframe+empty_moov+default_base_moof
make avc-index.mp4 $picture $avc -movflags dash+global_sidx
make avc-aac.mov $picture $sound $avc $aac
make avc-encrypted.mp4 $picture $sound $avc $aac -encryption_scheme cenc-aes-ctr $key
make hevc-ac3.mp4 $picture $sound $hevc -c:a ac3 -b:a 64k -ac 1
make av1-opus.mp4 $wide $sound $av1 -tile-columns 1 -c:a libopus -b:a 16k -strict -2
make vp9-flac.mp4 $picture $sound $vp9 -c:a flac -ar 8000 -strict -2
make text.mp4 $picture -i words.srt $avc -c:s mov_text
make avc-aac.ts $picture $sound $avc $aac
make hevc-ac3.ts $picture $sound $hevc -c:a ac3 -b:a 64k -ac 1
make avc-eac3.m2ts $picture $sound $avc -c:a eac3 -b:a 64k -ac 1
make sound.ts $sound -c:a mp2 -b:a 32k -ac 1
make avc-aac-words.mkv $picture $sound -i words.srt $avc $aac -c:s srt
make hevc-eac3.mkv $picture $sound $hevc -c:a eac3 -b:a 64k -ac 1
make vp9-opus.webm $picture $sound $vp9 -c:a libopus -b:a 16k
make av1-flac.mkv $picture $sound $av1 -c:a flac -ar 8000
make live.mkv $picture $avc -live 1
printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle=One\n[CHAPTER]\nTIMEBASE=1/10\nSTART=5\nEND=10\ntitle=Zwei\n' >chapters.txt
# Metadata are left out of all files; these keep their chapters' titles.
named() {
    out=$1
    shift
    ffmpeg -nostdin -v error -y -threads 1 $picture -i chapters.txt -fflags +bitexact -flags:v +bitexact -map 0 \
        -map_chapters 1 $avc -threads 1 "$@" "$out"
}
named chapters.mp4
named chapters.mkv
rm words.srt chapters.txt
find . -size +20k -exec ls -l {} +
