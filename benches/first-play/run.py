#!/usr/bin/env python3
"""How long after the last uploaded byte a recording can be played, elsewhere too, and is complete, by its length."""

import argparse
import http.client
import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PIECE_BYTES = 1 << 20
START_S = 30
POLL_S = 0.2
# The queue's class of what makes an asset playable begins here; the encodes of all other renditions lie below.
FIRST_CLASS = 200
# Where a viewer goes at once, as shares of the length.
FAR = (0.5, 0.95)


class Server:
    """`lectern serve` on a folder of its own and a free port."""

    def __init__(self, lectern, data, log):
        self.token = secrets.token_hex(24)
        self.log = open(log, "wb")
        command = [str(lectern), "--json", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
        env = {**os.environ, "LECTERN_ADMIN_TOKEN": self.token}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=env)
        lines = queue.Queue()
        threading.Thread(target=self.read, args=(lines,), daemon=True).start()
        try:
            host, _, port = json.loads(lines.get(timeout=START_S))["listening"].rpartition(":")
        except (queue.Empty, ValueError, KeyError) as error:
            self.stop()
            raise measure.Trouble(f"the server did not start: {Path(log).read_text(errors='replace')[-2000:]}") from error
        self.address = (host, int(port))
        self.tree = measure.Tree(self.process.pid)
        self.tree.start()

    def read(self, lines):
        for line in self.process.stdout:
            lines.put(line)
        lines.put(b"")

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=600)

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            return self.answer(connection, method, path)
        finally:
            connection.close()

    @staticmethod
    def answer(connection, method, path):
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise measure.Trouble(f"{method} {path}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text) if text else None

    def upload(self, file, ladder):
        """Sends a file; gives its asset and when its last byte was handed over, in seconds since 1970."""
        size = file.stat().st_size
        upload = self.call("POST", "/api/v1/uploads", {"filename": file.name, "size": size, "ladder": ladder})
        path = f"/api/v1/uploads/{upload['id']}/content"
        connection = self.connect()
        try:
            connection.putrequest("PUT", path)
            connection.putheader("Authorization", f"Bearer {self.token}")
            connection.putheader("Content-Length", str(size))
            connection.endheaders()
            with open(file, "rb") as source:
                while piece := source.read(PIECE_BYTES):
                    connection.send(piece)
            sent = time.time()
            self.answer(connection, "PUT", path)
        finally:
            connection.close()
        return upload["asset_id"], sent

    def text(self, path):
        connection = self.connect()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
            if response.status != 200:
                raise measure.Trouble(f"GET {path}: {response.status} {body}")
            return body
        finally:
            connection.close()

    def awaited_s(self, path, patience_s):
        """Seconds until a file of a recording is there that may still have to be made; asks again as players do."""
        began = time.monotonic()
        while time.monotonic() - began < patience_s:
            connection = self.connect()
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    return time.monotonic() - began
                if response.status != 503:
                    raise measure.Trouble(f"GET {path}: {response.status}")
                time.sleep(float(response.headers["Retry-After"]))
            finally:
                connection.close()
        raise measure.Trouble(f"{path} did not come within {patience_s:.0f} s")

    def jobs(self, asset):
        """Every job of an asset, over all pages."""
        jobs, after = [], ""
        while True:
            page = self.call("GET", f"/api/v1/jobs?limit=200&asset_id={asset}{after}")
            jobs += page["items"]
            if page["next"] is None:
                return jobs
            after = f"&after={page['next']}"

    def cpu_s(self):
        """Processor time of the server and of the engines that ended, which it waits for."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / measure.TICKS_PER_S

    def settled_cpu_s(self):
        """The same once no engine is left."""
        deadline = time.monotonic() + 60
        while len(self.tree.members()) > 1:
            if time.monotonic() > deadline:
                raise measure.Trouble("an engine still runs a minute after its asset was complete")
            time.sleep(POLL_S)
        return self.cpu_s()

    def stop(self):
        if hasattr(self, "tree"):
            self.tree.ended.set()
            self.tree.join()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


def spent(jobs, chosen):
    """Seconds that the chosen jobs ran, by their last attempt."""
    return sum(seconds(job["finished_at"]) - seconds(job["started_at"]) for job in jobs
               if chosen(job) and job["started_at"] and job["finished_at"])


def followed(server, asset_id, patience_s, reached):
    """The asset once it is as wanted."""
    deadline = time.monotonic() + patience_s
    while True:
        asset = server.call("GET", f"/api/v1/assets/{asset_id}")
        if reached(asset):
            return asset
        if asset["state"] == "errored":
            raise measure.Trouble(f"{asset_id}: {asset['error']}")
        if time.monotonic() > deadline:
            raise measure.Trouble(f"{asset_id} was not there after {patience_s:.0f} s: {asset['progress']}")
        time.sleep(POLL_S)


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lectern", type=Path, default=ROOT / "target/release/lectern", help="the executable to measure")
    parser.add_argument("--source", type=Path, default=ROOT / ".cache/media/film60.mp4")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2, 4, 8], help="lengths, as multiples of the source")
    parser.add_argument("--ladder", default="film", help="a shipped ladder's name")
    parser.add_argument("--baseline-s", type=float, default=150,
                        help="compare with the CPU time of `lectern encode` up to this length; 0 for never")
    parser.add_argument("--early", action="store_true",
                        help="only until it plays, at its beginning and far ahead; then it is deleted")
    parser.add_argument("--patience-s", type=float, default=3600, help="give up on a recording after this time")
    parser.add_argument("--work", type=Path, help="folder for temporary files; the system's one if not given")
    parser.add_argument("--out", type=Path, help="write the figures as JSON to this file")
    return parser.parse_args()


def main():
    given = options()
    if not given.source.exists():
        raise measure.Trouble(f"{given.source} is missing: make it with tests/media/make.sh .cache/media")
    machine = {**measure.machine(), "lectern": measure.output([str(given.lectern), "--version"]).strip()}
    print(f"{machine['processors']} x {machine['model']}, load {machine['load']:.1f} before; {machine['lectern']}")
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
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps({"machine": machine, "source": given.source.name, "rows": rows}, indent=1) + "\n")
        print(f"\nfigures: {given.out}")


if __name__ == "__main__":
    try:
        main()
    except measure.Trouble as trouble:
        sys.exit(f"bench: {trouble}")
