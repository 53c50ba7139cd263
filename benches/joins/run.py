#!/usr/bin/env python3
"""What cutting a recording into ranges does to it: `lectern encode` against one run of the same encoder over all of it."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
GOP_S = 2
SEGMENT_GOPS = 2
RANGE_SEGMENTS = 6
# What a join does is seen right beside it.
BESIDE_S = 2
SAMPLED = 10


class Stream:
    """One coded video stream: a file, and its packets' sizes in decode order."""

    def __init__(self, path):
        self.path = str(path)
        show = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size,flags", "-of", "json", self.path]
        self.packets = json.loads(measure.output(show))["packets"]
        self.sizes = [int(packet["size"]) for packet in self.packets]
        self.bytes = sum(self.sizes)

    def buffer_needed(self, rate, bps):
        """Bits of a decoder's buffer that is filled at `bps` and starts full, such that it never runs dry."""
        missing = most = Fraction(0)
        for size in self.sizes:
            missing = max(Fraction(0), missing) + 8 * size
            most = max(most, missing)
            missing -= Fraction(bps) / rate
        return float(most)


def frame_rate(source):
    show = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=r_frame_rate", "-of", "json", str(source)]
    return Fraction(json.loads(measure.output(show))["streams"][0]["r_frame_rate"])


def whole(source, rung, rate, out):
    """One encoder over the whole recording, told what each encoder of a range is told."""
    encoding, gop = rung["encoding"], int(GOP_S * rate)
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(source), "-map", "0:v:0", "-an"]
    command += ["-vf", f"scale=w={rung['width']}:h={rung['height']}:flags=bicubic,format=yuv420p,setsar=1"]
    command += ["-c:v", "libx264", "-threads", "1", "-preset", encoding["preset"], "-profile:v", "high"]
    command += ["-crf", str(encoding["crf"]), "-maxrate", str(encoding["max_bitrate_bps"])]
    command += ["-bufsize", str(encoding["buffer_bits"]), "-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0"]
    command += ["-flags", "+cgop", *(["-tune", encoding["tune"]] if encoding["tune"] else []), str(out)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Stream(out)


def vmaf(options, source, rate, stream, chosen):
    """Mean VMAF of the pictures that the expression `chosen` selects by their number `n`."""
    number = f"settb=AVTB,setpts=N/({rate.numerator}/{rate.denominator})/TB"
    pick = f"select='{chosen}',{number}"
    width, height = options.size
    graph = f"[0:v]{number},{pick},scale={width}:{height}:flags=bicubic,format=yuv420p[a];[1:v]{number},{pick},format=yuv420p[b];"
    graph += "[a][b]libvmaf=n_threads=2"
    command = [options.ffmpeg, "-nostdin", "-i", stream, "-i", str(source), "-lavfi", graph, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = re.search(r"VMAF score: ([0-9.]+)", done.stderr)
    if not found:
        raise measure.Trouble(f"no VMAF, is {options.ffmpeg} built with libvmaf?\n{done.stderr[-1500:]}")
    return float(found[1])


def beside(joins, rate):
    span = int(BESIDE_S * rate)
    return "+".join(f"between(n,{join - span},{join + span - 1})" for join in joins)


def compare(options, rung, rate, folder):
    ranged, name = Stream(options.out / f"video-{rung['name']}" / "media.m3u8"), rung["name"]
    single = whole(options.source, rung, rate, folder / f"{name}.mp4")
    if len(ranged.sizes) != len(single.sizes):
        raise measure.Trouble(f"{name}: {len(ranged.sizes)} pictures in ranges, {len(single.sizes)} in one run")
    segment_frames = SEGMENT_GOPS * int(GOP_S * rate)
    segments = -(-len(ranged.sizes) // segment_frames)
    ranges = -(-segments // RANGE_SEGMENTS)
    joins = [segments * index // ranges * segment_frames for index in range(1, ranges)]
    bps, buffer_bits = rung["encoding"]["max_bitrate_bps"], rung["encoding"]["buffer_bits"]
    places = {"joins": beside(joins, rate), "everywhere": f"not(mod(n,{SAMPLED}))"}
    found = {"rendition": name, "join_count": len(joins), "bytes": ranged.bytes / single.bytes}
    for place, chosen in places.items():
        both = [vmaf(options, options.source, rate, stream.path, chosen) for stream in (ranged, single)]
        found[place] = {"ranges": both[0], "one_run": both[1]}
    found["buffer"] = {
        "ranges": ranged.buffer_needed(rate, bps) / buffer_bits,
        "one_run": single.buffer_needed(rate, bps) / buffer_bits,
    }
    print(f"  {json.dumps(found)}", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lectern", type=Path, default=ROOT / "target" / "release" / "lectern")
    parser.add_argument("--ffmpeg", required=True, help="an ffmpeg with libvmaf")
    parser.add_argument("--source", type=Path, default=ROOT / ".cache" / "media" / "film60.mp4")
    parser.add_argument("--ladder", default="film")
    parser.add_argument("--out", type=Path, help="every figure as JSON")
    options = parser.parse_args()
    told, report = options.source, options.out
    rate = frame_rate(told)
    explain = [str(options.lectern), "--json", "ladder", "explain", options.ladder, "--source", str(told)]
    rungs = json.loads(measure.output(explain))["renditions"]
    options.size = (rungs[-1]["width"], rungs[-1]["height"])
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        options.out = Path(folder) / "out"
        encode = [str(options.lectern), "encode", str(told), "--ladder", options.ladder, "--out", str(options.out)]
        measure.output([*encode, "--parallel", "2"])
        found = [compare(options, rung, rate, Path(folder)) for rung in rungs]
    rows = [
        [
            row["rendition"], str(row["join_count"]), f"{row['bytes']:.3f}",
            *(f"{row[place]['ranges']:.2f} / {row[place]['one_run']:.2f}" for place in ("joins", "everywhere")),
            f"{row['buffer']['ranges']:.2f} / {row['buffer']['one_run']:.2f}",
        ]
        for row in found
    ]
    head = ["", "joins", "bytes", f"VMAF within {BESIDE_S} s of a join", "VMAF", "buffer needed / told"]
    print(measure.table(head, rows))
    if report:
        report.write_text(json.dumps({"machine": measure.machine(), "found": found}, indent=2) + "\n")


if __name__ == "__main__":
    measure.bench(main)
