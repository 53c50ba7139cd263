#!/usr/bin/env python3
"""What rungs decided for one recording save: `lectern encode` with a ladder as it stands, and with its `-per-title` twin."""

import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def timed(command):
    """What a command prints, its wall time, and the CPU time of it and its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise measure.Trouble(f"{command[0]} ended with {done.returncode}\n{done.stderr[-1500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, wall, cpu


def vmaf(options, rendition, size):
    """Mean VMAF of one picture in so many, at the source's size."""
    width, height = size
    graph = f"[0:v]scale={width}:{height}:flags=bicubic,format=yuv420p[a];[1:v]format=yuv420p[b];"
    graph += f"[a][b]libvmaf=n_threads=2:n_subsample={options.every}"
    command = [options.ffmpeg, "-nostdin", "-allowed_extensions", "ALL", "-i", str(rendition), "-i", str(options.source)]
    done = subprocess.run([*command, "-lavfi", graph, "-f", "null", "-"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = re.search(r"VMAF score: ([0-9.]+)", done.stderr)
    if not found:
        raise measure.Trouble(f"no VMAF, is {options.ffmpeg} built with libvmaf?\n{done.stderr[-1500:]}")
    return float(found[1])


def encode(options, ladder, size, folder):
    """The rungs that came out: name, kbit/s, VMAF; and what making them took."""
    out = folder / ladder
    said, wall, cpu = timed([options.lectern, "--json", "encode", "--ladder", ladder, "--out", out, options.source])
    result = json.loads(said.splitlines()[-1])
    seconds = result["duration_ms"] / 1000
    rungs = []
    for track in result["tracks"]:
        if track["name"].startswith("video-"):
            rate = track["bytes"] * 8 / seconds / 1000
            rungs.append((track["name"].removeprefix("video-"), rate, vmaf(options, out / track["name"] / "media.m3u8", size)))
    return {"ladder": ladder, "rungs": rungs, "wall_s": wall, "cpu_s": cpu, "kbps": sum(rate for _, rate, _ in rungs)}


def rate_at(rungs, score):
    """kbit/s of the rungs' curve at a score, straight in the logarithm between neighbours; None outside them."""
    for (_, low_rate, low), (_, high_rate, high) in zip(rungs, rungs[1:]):
        if low <= score <= high and high > low:
            share = (score - low) / (high - low)
            return math.exp(math.log(low_rate) + share * (math.log(high_rate) - math.log(low_rate)))
    return None


def at_equal_score(fixed, own, steps=200):
    """Mean ratio of rates over the scores that both curves have; None when they share none."""
    fixed, own = (sorted(one["rungs"], key=lambda rung: rung[2]) for one in (fixed, own))
    low, high = max(fixed[0][2], own[0][2]), min(fixed[-1][2], own[-1][2])
    if high <= low:
        return None
    scores = [low + (high - low) * step / steps for step in range(steps + 1)]
    pairs = [(rate_at(own, score), rate_at(fixed, score)) for score in scores]
    logs = [math.log(mine / theirs) for mine, theirs in pairs if mine and theirs]
    return math.exp(sum(logs) / len(logs)) if logs else None


def report(fixed, own, deciding):
    for one in (fixed, own):
        print(f"{one['ladder']}: wall {one['wall_s']:.1f} s, CPU {one['cpu_s']:.1f} s, {one['kbps']:.0f} kbit/s in all rungs")
        for name, rate, score in sorted(one["rungs"], key=lambda rung: rung[1]):
            print(f"  {name:>10} {rate:8.0f} kbit/s  VMAF {score:6.2f}")
    ratio = at_equal_score(fixed, own)
    print(f"bytes at equal VMAF: {'no common scores' if ratio is None else f'{ratio:.3f}'}")
    print(f"bytes of all rungs: {own['kbps'] / fixed['kbps']:.3f}; CPU: {own['cpu_s'] / fixed['cpu_s']:.3f}")
    print(f"deciding: CPU {deciding:.1f} s, {deciding / (own['cpu_s'] - deciding):.3f} of the encode that follows")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lectern", type=Path, default=ROOT / "target/release/lectern")
    parser.add_argument("--source", type=Path, default=ROOT / ".cache/media/film60.mp4")
    parser.add_argument("--ladder", default="film", help="a shipped ladder that has a -per-title twin")
    parser.add_argument("--every", type=int, default=10, help="VMAF of one picture in so many")
    parser.add_argument("--ffmpeg", default=os.environ.get("FFMPEG_9"))
    options = parser.parse_args()
    found = ROOT / ".cache/ffmpeg-path"
    options.ffmpeg = options.ffmpeg or (found.read_text().strip() if found.exists() else "ffmpeg")
    show = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "json", str(options.source)]
    stream = json.loads(measure.output(show))["streams"][0]
    size = (stream["width"], stream["height"])
    with tempfile.TemporaryDirectory() as folder:
        fixed = encode(options, options.ladder, size, Path(folder))
        own = encode(options, f"{options.ladder}-per-title", size, Path(folder))
    explain = [options.lectern, "ladder", "explain", f"{options.ladder}-per-title", "--source", options.source]
    told, _, deciding = timed(explain)
    print(told)
    report(fixed, own, deciding)


if __name__ == "__main__":
    measure.bench(main)
