#!/usr/bin/env python3
"""Whether sound stays with the pictures over hours: flashes against beeps of a recording of 24000/1001 pictures a second and sound
of 44.1 kHz, after `lectern encode`.

    python3 run.py --lectern target/release/lectern [--hours 4] [--ffmpeg PROGRAM] [--keep FOLDER]

A flash every 1440 pictures (60.06 s), and a beep that begins with it. What comes out is decoded through its playlists, and each beep
compared with its flash. Prints the figures at the beginning, in the middle and at the end, and the farthest of all; ends with 1
when one is off by more than an audio frame.
"""

import argparse
import array
import subprocess
import sys
import tempfile
from pathlib import Path

RATE = (24_000, 1001)
APART = 1440
SOUND_RATE = 44_100
FRAME_MS = 1024 / SOUND_RATE * 1000
LADDER = """
name = "lip-sync"
description = "One small rung, and sound in both codecs."
[video]
codec = "h264"
preset = "ultrafast"
crf = 30
[audio]
bitrate_kbps = 64
{opus}
channels = 1
loudness_lufs = "source"
[[rung]]
name = "72p"
height = 72
max_bitrate_kbps = 200
"""


def picture_s(number):
    return number * RATE[1] / RATE[0]


def run(arguments):
    return subprocess.run([str(word) for word in arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout


def make(ffmpeg, file, hours):
    """One period, encoded once and repeated: it is a whole number of pictures and of samples."""
    period, once = picture_s(APART), file.with_name("period.mov")
    beep = "0.4*sin(2*PI*1000*t)*lt(t\\,0.05)"
    run([ffmpeg, "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"color=black:s=128x72:r=24000/1001:d={period + 1}",
         "-f", "lavfi", "-i", f"aevalsrc={beep}:s={SOUND_RATE},atrim=end_sample={round(period * SOUND_RATE)}",
         "-vf", "drawbox=color=white:t=fill:enable=lt(n\\,1)", "-frames:v", APART, "-c:v", "libx264", "-preset", "ultrafast",
         "-g", "240", "-c:a", "pcm_s16le", once])
    loops = round(hours * 3600 / period) - 1
    run([ffmpeg, "-nostdin", "-v", "error", "-y", "-stream_loop", loops, "-i", once, "-map", "0", "-c", "copy", file])


def flashes(ffmpeg, playlist):
    """Times of the first bright picture of each run of them."""
    shades = run([ffmpeg, "-nostdin", "-v", "error", "-i", playlist, "-map", "0:v:0", "-fps_mode", "cfr", "-r", "24000/1001",
                  "-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo", "-"])
    return [picture_s(at) for at in range(len(shades)) if shades[at] > 128 and (at == 0 or shades[at - 1] <= 128)]


def beeps(ffmpeg, playlist, rate):
    """Times at which sound begins after a second without."""
    found, quiet, at = [], rate, 0
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", playlist, "-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", str(rate), "-"]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE) as decoder:
        while block := decoder.stdout.read(2 * rate):
            samples = array.array("h", block)
            if max(samples) < 3000 and min(samples) > -3000:
                quiet, at = quiet + len(samples), at + len(samples)
                continue
            for sample in samples:
                if abs(sample) >= 3000:
                    if quiet >= rate:
                        found.append(at / rate)
                    quiet = 0
                else:
                    quiet += 1
                at += 1
    return found


def tell(name, seen, heard):
    off = [(beep - flash) * 1000 for flash, beep in zip(seen, heard)]
    if len(seen) != len(heard):
        print(f"{name}: {len(heard)} beeps and {len(seen)} flashes")
        return False
    middle, farthest = len(off) // 2, max(off, key=abs)
    print(f"{name}: {len(off)} flashes; the beep comes {off[0]:+.2f} ms after the first, {off[middle]:+.2f} ms after that at "
          f"{seen[middle]:.0f} s, {off[-1]:+.2f} ms after that at {seen[-1]:.0f} s; {farthest:+.2f} ms at most")
    return abs(farthest) <= FRAME_MS


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lectern", required=True)
    parser.add_argument("--ffmpeg", default="ffmpeg", help="one of version 6 or newer, which leaves no priming in")
    parser.add_argument("--hours", type=float, default=4)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--source", type=Path, help="made by an earlier run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        source = asked.source or folder / "source.mov"
        if not source.exists():
            make(asked.ffmpeg, source, asked.hours)
        fine = True
        for name, opus in [("44.1 kHz", ""), ("48 kHz, with Opus", "opus_bitrate_kbps = 32")]:
            ladder, out = folder / "lip-sync.toml", folder / f"out-{len(opus)}"
            ladder.write_text(LADDER.format(opus=opus), encoding="utf-8")
            run([asked.lectern, "encode", "--ladder", ladder, "--out", out, source])
            seen = flashes(asked.ffmpeg, out / "video-72p/media.m3u8")
            for sound in sorted(out.glob("audio-*")):
                rate = 48_000 if opus else SOUND_RATE
                fine &= tell(f"{name}, {sound.name}", seen, beeps(asked.ffmpeg, sound / "media.m3u8", rate))
    return 0 if fine else 1


sys.exit(main())
