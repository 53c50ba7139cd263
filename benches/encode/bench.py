#!/usr/bin/env python3
"""`lectern encode` against one ffmpeg command that makes the same ladder from the same source, run in turns."""

import json
import shutil
import sys
import tempfile
import tomllib
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CATALOG = ROOT / "ladders" / "catalog"
SEGMENT_S = 4
GOP_S = 2
METRICS = [
    ("wall", "s", lambda run: run.wall_s),
    ("CPU", "s", lambda run: run.cpu_s),
    ("of it user", "s", lambda run: run.user_s),
    ("of it system", "s", lambda run: run.system_s),
    ("peak memory", "MiB", lambda run: run.peak_bytes / 2**20),
    ("media written", "MB", lambda run: run.media_bytes / 1e6),
]


def explain(lectern, ladder, source):
    """The rungs that this source gets, highest first, as the ladder says; and how the sound is encoded."""
    said = json.loads(measure.output([str(lectern), "--json", "ladder", "explain", ladder, "--source", str(source)]))
    file = CATALOG / f"{ladder}.toml"
    audio = tomllib.loads((file if file.exists() else Path(ladder)).read_text())["audio"]
    rungs = sorted(said["renditions"], key=lambda rung: -rung["height"])
    if not rungs:
        raise measure.Trouble(f"the ladder {ladder} has no rung for this source")
    return rungs, audio


def probe(source):
    show = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,r_frame_rate", "-of", "json", str(source)]
    streams = json.loads(measure.output(show))["streams"]
    rates = [Fraction(stream["r_frame_rate"]) for stream in streams if stream["codec_type"] == "video"]
    if not rates:
        raise measure.Trouble(f"{source} has no picture")
    return rates[0], any(stream["codec_type"] == "audio" for stream in streams)


def ffmpeg_command(rungs, audio, source, out):
    """One process, one decode, every rung: fragmented MP4 for HLS with the ladder's numbers."""
    rate, has_sound = probe(source)
    gop = int(GOP_S * rate)
    names = [f"s{index}" for index in range(len(rungs))]
    graph = f"[0:v:0]split={len(rungs)}" + "".join(f"[{name}]" for name in names)
    for index, (name, rung) in enumerate(zip(names, rungs)):
        graph += f";[{name}]scale=w={rung['width']}:h={rung['height']}:flags=bicubic,format=yuv420p,setsar=1[v{index}]"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(source), "-filter_complex", graph]
    variants = []
    for index, rung in enumerate(rungs):
        encoding = rung["encoding"]
        command += ["-map", f"[v{index}]", f"-c:v:{index}", "libx264", f"-preset:v:{index}", encoding["preset"]]
        command += [f"-crf:v:{index}", str(encoding["crf"]), f"-maxrate:v:{index}", str(encoding["max_bitrate_bps"])]
        command += [f"-bufsize:v:{index}", str(encoding["buffer_bits"]), f"-profile:v:{index}", "high"]
        if encoding["tune"]:
            command += [f"-tune:v:{index}", encoding["tune"]]
        variants.append(f"v:{index},agroup:sound,name:{rung['name']}" if has_sound else f"v:{index},name:{rung['name']}")
    command += ["-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0"]
    if has_sound:
        command += ["-map", "0:a:0", "-c:a", "aac", "-b:a", f"{audio['bitrate_kbps']}k", "-ac", str(audio["channels"])]
        variants.append("a:0,agroup:sound,name:audio")
    command += ["-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_playlist_type", "vod"]
    command += ["-hls_segment_type", "fmp4", "-hls_flags", "independent_segments"]
    command += ["-hls_fmp4_init_filename", "init-%v.mp4", "-hls_segment_filename", f"{out}/%v-%05d.m4s"]
    return [*command, "-master_pl_name", "master.m3u8", "-var_stream_map", " ".join(variants), f"{out}/%v.m3u8"]


def lectern_command(lectern, ladder, source, out):
    return [str(lectern), "--json", "encode", str(source), "--out", str(out), "--ladder", ladder]


def once(name, options, source, rungs, audio):
    with tempfile.TemporaryDirectory(prefix="lectern-bench-", dir=options.work) as folder:
        out = Path(folder) / "out"
        if name == "ffmpeg":
            out.mkdir()
            command = ffmpeg_command(rungs, audio, source, out)
        else:
            command = lectern_command(options.lectern, options.ladder, source, out)
        run = measure.run(command, Path(folder) / "log")
        measure.weigh(out, run)
    print(
        f"  {name:<8} {run.wall_s:7.1f} s  {run.cpu_s:7.1f} s CPU  {run.peak_bytes / 2**20:6.0f} MiB {run.memory}"
        f"  {run.media_bytes / 1e6:6.1f} MB",
        file=sys.stderr,
    )
    return run


def compare(options, source):
    """Turns: A B, A B, ... so that what changes on the machine meanwhile meets both."""
    rungs, audio = explain(options.lectern, options.ladder, source)
    length_s = measure.duration_s(source)
    runs = {"lectern": [], "ffmpeg": []}
    for round_ in range(options.rounds):
        print(f"round {round_ + 1} of {options.rounds}", file=sys.stderr)
        for name, list_ in runs.items():
            list_.append(once(name, options, source, rungs, audio))
    kinds = {run.memory for list_ in runs.values() for run in list_}
    if len(kinds) > 1:
        raise measure.Trouble("memory was measured as PSS in some runs and as RSS in others: run as one user")
    command = ffmpeg_command(rungs, audio, source, Path("OUT"))
    rows, figures = [], {}
    for metric, unit, of in METRICS:
        ours, theirs = ([of(run) for run in runs[name]] for name in ("lectern", "ffmpeg"))
        # Neighbours in time are compared, not the luckiest with the unluckiest.
        ratio = measure.spread([a / b for a, b in zip(ours, theirs)]) if all(theirs) else None
        figure = {"unit": unit, "lectern": measure.spread(ours), "ffmpeg": measure.spread(theirs), "ratio": ratio}
        figures[metric] = figure
        shown = f"**{ratio['median']:.3f}** ({ratio['min']:.3f} to {ratio['max']:.3f})" if ratio else "n/a"
        rows.append([metric, f"{figure['lectern']['median']:.1f} {unit}", f"{figure['ffmpeg']['median']:.1f} {unit}", shown])
    print(f"\n{source.name}, {length_s:.1f} s, ladder {options.ladder}: {', '.join(rung['name'] for rung in rungs)};"
          f" {options.rounds} rounds, medians; memory is {kinds.pop()} of the whole process tree\n")
    print(measure.table(["", "lectern", "ffmpeg", "lectern / ffmpeg"], rows))
    return {
        "source": source.name, "duration_s": length_s, "ladder": options.ladder, "rungs": rungs, "audio": audio,
        "ffmpeg_command": [part.replace(str(source), source.name) for part in command],
        "runs": {name: [asdict(run) for run in list_] for name, list_ in runs.items()}, "figures": figures,
    }


def flatness(options, source):
    """Whether peak memory depends on the length of the recording."""
    rungs, audio = explain(options.lectern, options.ladder, source)
    with tempfile.TemporaryDirectory(prefix="lectern-bench-", dir=options.work) as folder:
        longer = Path(folder) / f"{options.times}-times.mp4"
        measure.repeated(source, options.times, longer)
        sources = [source, longer]
        runs = [[], []]
        for round_ in range(options.rounds):
            print(f"round {round_ + 1} of {options.rounds}", file=sys.stderr)
            for list_, one in zip(runs, sources):
                list_.append(once("lectern", options, one, rungs, audio))
        lengths = [measure.duration_s(one) for one in sources]
    peaks = [measure.spread([run.peak_bytes / 2**20 for run in list_]) for list_ in runs]
    ratio = measure.spread([b.peak_bytes / a.peak_bytes for a, b in zip(*runs)])
    rows = [
        [f"{length:.1f} s", f"{peak['median']:.1f} MiB ({peak['min']:.1f} to {peak['max']:.1f})"]
        for length, peak in zip(lengths, peaks)
    ]
    print(f"\nPeak {runs[0][0].memory} of `lectern encode` by length of the recording, {options.rounds} rounds\n")
    print(measure.table(["length", "peak"], rows))
    print(f"\n{options.times} times as long takes {ratio['median']:.3f} times the memory"
          f" ({ratio['min']:.3f} to {ratio['max']:.3f}).")
    return {"lengths_s": lengths, "peak_mib": peaks, "ratio": ratio, "runs": [[asdict(run) for run in list_] for list_ in runs]}


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--source", type=Path, default=ROOT / ".cache/media/film60.mp4")
    parser.add_argument("--ladder", default="film", help="a shipped ladder's name or a ladder file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cut-s", type=float, help="only the first seconds of the source, to try the bench out")
    parser.add_argument("--duration", action="store_true", help="compare peak memory by length instead")
    parser.add_argument("--times", type=int, default=4, help="with --duration: how much longer the long recording is")
    parser.add_argument("--work", type=Path, help="folder for temporary files; the system's one if not given")
    given = parser.parse_args()
    if given.rounds < 1 or given.times < 2:
        parser.error("--rounds is 1 or more, --times 2 or more")
    return given


def main():
    given = options()
    for program in ("ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            raise measure.Trouble(f"{program} is not installed")
    if not given.source.exists():
        raise measure.Trouble(f"{given.source} is missing: make it with tests/media/make.sh .cache/media")
    machine = measure.told(given, ffmpeg=measure.output(["ffmpeg", "-version"]).splitlines()[0])
    with tempfile.TemporaryDirectory(prefix="lectern-bench-", dir=given.work) as folder:
        source = given.source
        if given.cut_s:
            source = Path(folder) / f"first-{given.cut_s:g}-s-of-{given.source.name}"
            measure.output(["ffmpeg", "-v", "error", "-nostdin", "-t", str(given.cut_s), "-i", str(given.source),
                            "-map", "0", "-c", "copy", str(source)])
        figures = flatness(given, source) if given.duration else compare(given, source)
    measure.kept(given, {"machine": machine, **figures})


if __name__ == "__main__":
    measure.bench(main)
