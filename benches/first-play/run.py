#!/usr/bin/env python3
"""How long after the last uploaded byte a recording can be played, elsewhere too, and is complete, by its length."""

import json
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
from server import Server, followed, seconds  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# The queue's class of what makes an asset playable begins here; the encodes of all other renditions lie below.
FIRST_CLASS = 200
# Where a viewer goes at once, as shares of the length.
FAR = (0.5, 0.95)


def spent(jobs, chosen):
    """Seconds that the chosen jobs ran, by their last attempt."""
    return sum(seconds(job["finished_at"]) - seconds(job["started_at"]) for job in jobs
               if chosen(job) and job["started_at"] and job["finished_at"])


def segments(server, playlist, uri):
    """Addresses of the segments of a media playlist that the multivariant playlist at `playlist` names."""
    media = f"{playlist.rpartition('/')[0]}/{uri}"
    lines = server.text(media).splitlines()
    return [f"{media.rpartition('/')[0]}/{line}" for line in lines if line and not line.startswith("#")]


def far(server, asset, patience_s):
    """Seconds until pictures, and sound, are there where a viewer goes who leaves out what lies between."""
    hls = server.call("GET", f"/api/v1/playback/{asset['playback_id']}")["hls"]
    lines = server.text(hls).splitlines()
    video = segments(server, hls, next(line for line in lines if line and not line.startswith("#")))
    sound = next((line.split('URI="')[1].split('"')[0] for line in lines if "TYPE=AUDIO" in line), None)
    tracks = {"pictures": video} | ({"sound": segments(server, hls, sound)} if sound else {})
    return [
        {"at": share, **{name: server.awaited_s(files[int(share * len(files))], patience_s) for name, files in tracks.items()}}
        for share in FAR
    ]


def early(server, file, ladder, patience_s):
    """Uploads one recording and plays it early, at its beginning and far ahead; then deletes it."""
    length_s = measure.duration_s(file)
    server.tree.peak_bytes = 0
    asset_id, sent = server.upload(file, ladder)
    asset = followed(server, asset_id, patience_s, lambda asset: asset["playable_at"])
    row = {"duration_s": length_s, "playable_s": seconds(asset["playable_at"]) - sent, "far": far(server, asset, patience_s)}
    row |= {"peak_bytes": server.tree.peak_bytes, "memory": server.tree.memory}
    done = [job for job in server.jobs(asset_id) if job["stage"] == "encode_range" and job["state"] == "done"]
    row["ranges_made"] = len(done)
    server.call("DELETE", f"/api/v1/assets/{asset_id}")
    server.settled_cpu_s()
    return row


def one(server, file, ladder, patience_s):
    """Uploads one recording and follows it to its end."""
    length_s, before_s = measure.duration_s(file), server.settled_cpu_s()
    server.tree.peak_bytes = 0
    asset_id, sent = server.upload(file, ladder)
    asset = followed(server, asset_id, patience_s, lambda asset: asset["state"] == "ready")
    # Tidying up comes after, some of it a day later.
    cpu_s, jobs = server.settled_cpu_s() - before_s, [job for job in server.jobs(asset_id) if job["stage"] != "tidy"]
    if any(job["state"] != "done" for job in jobs):
        raise measure.Trouble(f"{file.name} is complete, yet has jobs that are not done")
    ranges = lambda first: lambda job: job["stage"] == "encode_range" and (job["priority"] >= FIRST_CLASS) == first
    stage = lambda name: lambda job: job["stage"] == name
    return {
        "duration_s": length_s,
        "playable_s": seconds(asset["playable_at"]) - sent,
        "complete_s": seconds(asset["complete_at"]) - sent,
        "cpu_s": cpu_s,
        "peak_bytes": server.tree.peak_bytes,
        "memory": server.tree.memory,
        "jobs": len(jobs),
        "retried": sum(job["attempt"] > 1 for job in jobs),
        "job_s": {
            "probe and plan": spent(jobs, lambda job: job["stage"] in ("probe", "plan")),
            "lowest rendition": spent(jobs, ranges(True)),
            "other renditions": spent(jobs, ranges(False)),
            "audio": spent(jobs, stage("encode_audio")),
            "stills": spent(jobs, stage("stills")),
            "publishing": spent(jobs, lambda job: job["stage"].startswith("publish_")),
        },
    }


def baseline(lectern, file, ladder, folder):
    """Processor time of `lectern encode`, which decodes each range once for all renditions."""
    command = [str(lectern), "--json", "encode", str(file), "--out", f"{folder}/{file.stem}-out", "--ladder", ladder]
    return measure.run(command, Path(folder) / "encode.log").cpu_s


def report(rows):
    shown = []
    for row in rows:
        length = row["duration_s"]
        shown.append([f"{length:.0f} s", f"{row['playable_s']:.1f} s", f"**{row['playable_s'] / length:.3f}**",
                      f"{row['complete_s']:.1f} s", f"**{row['complete_s'] / length:.3f}**",
                      f"{row['cpu_s']:.1f} s", f"{row['peak_bytes'] / 2**20:.0f} MiB"])
    print(f"\nSeconds from the last uploaded byte, and as a share of the length; peak {rows[0]['memory']} of the server's tree\n")
    print(measure.table(["length", "playable", "/ length", "complete", "/ length", "CPU", "peak memory"], shown))
    names = list(rows[0]["job_s"])
    print("\nSeconds that jobs ran, summed\n")
    print(measure.table(["length", *names], [[f"{row['duration_s']:.0f} s", *(f"{row['job_s'][name]:.1f}" for name in names)]
                                             for row in rows]))
    print("\nThe price of being playable early: the first ranges are decoded twice, once for the lowest rendition, once for"
          " all others.\n")
    lines = []
    for row in rows:
        first, rest = row["job_s"]["lowest rendition"], row["job_s"]["other renditions"]
        against = row.get("encode_cpu_s")
        more = f"{row['cpu_s'] / against:.3f}" if against else "not measured"
        lines.append([f"{row['duration_s']:.0f} s", f"{first / (first + rest):.1%}" if first + rest else "n/a", more])
    head = ["length", "lowest rendition's share of encode jobs", "CPU of the server / CPU of `lectern encode`"]
    print(measure.table(head, lines))


def report_early(rows):
    shown = []
    for row in rows:
        ahead = [f"{place.get(name, float('nan')):.1f} s" for place in row["far"] for name in ("pictures", "sound")]
        shown.append([f"{row['duration_s']:.0f} s", f"**{row['playable_s']:.1f} s**", *ahead,
                      f"{row['peak_bytes'] / 2**20:.0f} MiB"])
    print(f"\nSeconds from the last uploaded byte until it plays; then, from one request, until a segment far ahead is there;"
          f" peak {rows[0]['memory']} of the server's tree\n")
    heads = [f"{name} at {share:.0%}" for share in FAR for name in ("pictures", "sound")]
    print(measure.table(["length", "playable", *heads, "peak memory"], shown))


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--source", type=Path, default=ROOT / ".cache/media/film60.mp4")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2, 4, 8], help="lengths, as multiples of the source")
    parser.add_argument("--ladder", default="film", help="a shipped ladder's name")
    parser.add_argument("--baseline-s", type=float, default=150,
                        help="compare with the CPU time of `lectern encode` up to this length; 0 for never")
    parser.add_argument("--early", action="store_true",
                        help="only until it plays, at its beginning and far ahead; then it is deleted")
    parser.add_argument("--patience-s", type=float, default=3600, help="give up on a recording after this time")
    parser.add_argument("--work", type=Path, help="folder for temporary files; the system's one if not given")
    return parser.parse_args()


def main():
    given = options()
    if not given.source.exists():
        raise measure.Trouble(f"{given.source} is missing: make it with tests/media/make.sh .cache/media")
    machine = measure.told(given)
    with tempfile.TemporaryDirectory(prefix="lectern-bench-", dir=given.work) as folder:
        server, rows = Server(given.lectern, Path(folder) / "data", Path(folder) / "serve.log"), []
        try:
            for times in given.times:
                file = Path(folder) / f"{given.source.stem}-x{times}.mp4"
                measure.repeated(given.source, times, file)
                rows.append(row := (early if given.early else one)(server, file, given.ladder, given.patience_s))
                print(f"  {json.dumps(row)}", file=sys.stderr)
                if not given.early and row["duration_s"] <= given.baseline_s:
                    row["encode_cpu_s"] = baseline(given.lectern, file, given.ladder, folder)
                file.unlink()
        finally:
            server.stop()
    (report_early if given.early else report)(rows)
    measure.kept(given, {"machine": machine, "source": given.source.name, "rows": rows})


if __name__ == "__main__":
    measure.bench(main)
