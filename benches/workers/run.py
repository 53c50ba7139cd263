#!/usr/bin/env python3
"""How much sooner is a recording complete with two workers than with one, each on a processor of its own?"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
from server import Server, followed, seconds  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def source(given, folder):
    """The recording, so many times in a row and with so many lines."""
    small, file = Path(folder) / "small.mp4", Path(folder) / "source.mp4"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(given.source), "-vf", f"scale=-2:{given.lines}"]
    subprocess.run([*command, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-c:a", "copy", str(small)], check=True)
    measure.repeated(small, given.times, file)
    return file


def complete_s(given, file, folder, processors):
    """Seconds from the last uploaded byte until the recording is complete; each process may use one processor."""
    data, pinned = Path(folder) / f"data-{len(processors)}", lambda at: ["taskset", "-c", str(at)]
    one_at_a_time = ["--processors", "1"]
    server = Server(given.lectern, data, f"{data}.log", pinned(processors[0]), one_at_a_time)
    others = []
    try:
        for at in processors[1:]:
            command = [*pinned(at), str(given.lectern), "worker", "--data", str(data), *one_at_a_time]
            others.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        asset_id, sent = server.upload(file, given.ladder)
        asset = followed(server, asset_id, given.patience_s, lambda asset: asset["state"] == "ready")
        jobs = [job for job in server.jobs(asset_id) if job["stage"] == "encode_range"]
        return {"complete_s": seconds(asset["complete_at"]) - sent, "ranges": len(jobs)}
    finally:
        for other in others:
            other.terminate()
        server.stop()
        for other in others:
            other.wait()
        subprocess.run(["rm", "-rf", str(data)], check=True)


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--source", type=Path, default=ROOT / ".cache/media/film60.mp4")
    parser.add_argument("--lines", type=int, default=480, help="height it is scaled to before")
    parser.add_argument("--times", type=int, default=4, help="its length, as a multiple of the source")
    parser.add_argument("--rounds", type=int, default=2, help="one worker and two, in turns")
    parser.add_argument("--ladder", default="film", help="a shipped ladder's name")
    parser.add_argument("--patience-s", type=float, default=3600, help="give up on a recording after this time")
    return parser.parse_args()


def main():
    given = options()
    processors = sorted(os.sched_getaffinity(0))[:2]
    if len(processors) < 2:
        raise measure.Trouble("this bench needs two processors")
    machine = measure.told(given)
    rounds = []
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        file = source(given, folder)
        for _ in range(given.rounds):
            one, two = (complete_s(given, file, folder, processors[:count]) for count in (1, 2))
            rounds.append({"one": one, "two": two, "ratio": one["complete_s"] / two["complete_s"]})
            print(f"  {json.dumps(rounds[-1])}", file=sys.stderr)
        length_s = measure.duration_s(file)
    shown = [[f"{length_s:.0f} s, {given.lines} lines", str(at["one"]["ranges"]), f"{at['one']['complete_s']:.1f} s",
              f"{at['two']['complete_s']:.1f} s", f"**{at['ratio']:.3f}**"] for at in rounds]
    print("\nSeconds from the last uploaded byte until it is complete, each worker on one processor\n")
    print(measure.table(["recording", "ranges", "one worker", "two workers", "one / two"], shown))
    measure.kept(given, {"machine": machine, "rounds": rounds})


if __name__ == "__main__":
    measure.bench(main)
