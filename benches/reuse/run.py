#!/usr/bin/env python3
"""What does a recording cost that is uploaded a second time, and what does one rung more cost, beside the first encode?"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
from server import Server, followed, seconds  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
LADDER = """name = "house"
description = "For this bench."
[video]
codec = "h264"
preset = "veryfast"
crf = 23
[audio]
bitrate_kbps = 128
channels = 2
"""
RUNGS = [(360, 800), (480, 1500), (720, 3000), (1080, 6000)]


def ladder(data, rungs):
    folder = data / "ladders"
    folder.mkdir(parents=True, exist_ok=True)
    text = LADDER + "".join(f'[[rung]]\nname = "{height}p"\nheight = {height}\nmax_bitrate_kbps = {kbps}\n' for height, kbps in rungs)
    (folder / "house.new").write_text(text)
    (folder / "house.new").rename(folder / "house.toml")


def uploaded(given, server, file):
    before = server.settled_cpu_s()
    asset_id, sent = server.upload(file, "house")
    asset = followed(server, asset_id, given.patience_s, lambda asset: asset["state"] == "ready")
    return asset, {"cpu_s": server.settled_cpu_s() - before, "complete_s": seconds(asset["complete_at"]) - sent}


def renewed(given, server, asset):
    before = server.settled_cpu_s()
    server.call("POST", f"/api/v1/assets/{asset['id']}/renew")
    followed(server, asset["id"], given.patience_s,
             lambda now: now["renewal"] is None and now["ladder_sha256"] != asset["ladder_sha256"])
    return {"cpu_s": server.settled_cpu_s() - before}


def measured(given, file, folder, at):
    data = Path(folder) / f"data-{at}"
    ladder(data, RUNGS[1:])
    server = Server(given.lectern, data, f"{data}.log")
    try:
        asset, first = uploaded(given, server, file)
        _, again = uploaded(given, server, file)
        ladder(data, RUNGS)
        wider = renewed(given, server, asset)
        return {"first": first["cpu_s"], "again": again["cpu_s"], "wider": wider["cpu_s"],
                "first_complete_s": first["complete_s"], "again_complete_s": again["complete_s"]}
    finally:
        server.stop()


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--source", type=Path, default=ROOT / ".cache/media/film60.mp4")
    parser.add_argument("--times", type=int, default=4, help="its length, as a multiple of the source")
    parser.add_argument("--rounds", type=int, default=3, help="each with a server of its own")
    parser.add_argument("--patience-s", type=float, default=3600, help="give up on a recording after this time")
    return parser.parse_args()


def main():
    given = options()
    machine = measure.told(given)
    rounds = []
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        file = Path(folder) / "source.mp4"
        measure.repeated(given.source, given.times, file)
        for at in range(given.rounds):
            rounds.append(measured(given, file, folder, at))
            print(f"  {json.dumps(rounds[-1])}", file=sys.stderr)
        length_s = measure.duration_s(file)

    def row(name, figure, over):
        ratios = [one[figure] / one[over] for one in rounds]
        value = statistics.median(one[figure] for one in rounds)
        return [name, f"{value:.1f} s", f"**{statistics.median(ratios):.3f}** ({min(ratios):.3f} to {max(ratios):.3f})"]

    print(f"\nA recording of {length_s:.0f} s, three rungs; {given.rounds} rounds\n")
    print(measure.table(["", "median", "over the first upload"], [
        row("CPU, first upload", "first", "first"),
        row("CPU, uploaded again", "again", "first"),
        row("CPU, one rung more (360p)", "wider", "first"),
        row("complete after, first upload", "first_complete_s", "first_complete_s"),
        row("complete after, uploaded again", "again_complete_s", "first_complete_s"),
    ]))
    measure.kept(given, {"machine": machine, "rounds": rounds})


if __name__ == "__main__":
    measure.bench(main)
