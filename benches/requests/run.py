#!/usr/bin/env python3
"""What do the guard, the rates, the record for the audit log and the gateway add to a request, beside an axum handler that sends
the same statements?"""

import http.client
import json
import os
import queue
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent))
import measure  # noqa: E402
from server import Server  # noqa: E402

# So many that none of the requests is refused.
RATES = ["--rate", ",".join(f"{of}-{what}=1000000/1" for of in ["caller", "tenant", "address"] for what in ["read", "change"])]


class Bare:
    """The handler that does nothing else, on a database of its own."""

    def __init__(self, program, database):
        self.process = subprocess.Popen([str(program), str(database)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        host, _, port = json.loads(lines.get(timeout=30))["listening"].rpartition(":")
        self.address = (host, int(port))

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Way:
    """Where requests go, whose processor time counts, and what they look like."""

    def __init__(self, name, address, processes, users, token=None):
        self.name, self.address, self.processes, self.users = name, address, processes, users
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.person = None

    def cpu_s(self):
        return sum(process.cpu_s() for process in self.processes)

    def read(self, connection):
        connection.request("GET", f"{self.users}/{self.person}", headers=self.headers)
        return self.answered(connection, 200)

    def make(self, connection):
        own = secrets.token_hex(12)
        headers = {**self.headers, "Content-Type": "application/json", "Idempotency-Key": own}
        connection.request("POST", self.users, json.dumps({"email": f"{own}@example.com", "name": "Anna"}), headers)
        return self.answered(connection, 201)

    def answered(self, connection, status):
        response = connection.getresponse()
        text = response.read()
        if response.status != status:
            raise measure.Trouble(f"{self.name}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text)

    def measured(self, what, requests):
        """Microseconds of processor time that one request costs, and that it takes, one after the other on a kept connection."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        ask = getattr(self, what)
        for _ in range(requests // 10):
            ask(connection)
        began, cpu_s = time.monotonic(), self.cpu_s()
        for _ in range(requests):
            ask(connection)
        took_s, cpu_s = time.monotonic() - began, self.cpu_s() - cpu_s
        connection.close()
        return {"cpu_us": cpu_s / requests * 1e6, "wall_us": took_s / requests * 1e6}


def migrated(lectern, data):
    subprocess.run([str(lectern), "migrate", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)


def key_of(server):
    """A key that may read and make people."""
    asked = {"name": "bench", "permissions": ["user.read", "user.create"]}
    return server.call("POST", "/api/v1/api-keys", asked)["secret"]


def compared(given, ways):
    figures = {}
    for what, requests in [("read", given.requests), ("make", given.requests // 10)]:
        rounds = []
        for _ in range(given.rounds):
            rounds.append({way.name: way.measured(what, requests) for way in ways})
            print(f"  {what} {json.dumps(rounds[-1])}", file=sys.stderr)
        figures[what] = rounds
    return figures


def flood(given, way):
    """Requests that are answered in a second when so many connections send one after the other."""
    target = f"http://{way.address[0]}:{way.address[1]}{way.users}/{way.person}"
    headers = [argument for name, value in way.headers.items() for argument in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{given.connections}", f"-d{given.flood_s}s", "--latency", *headers, target]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rate = next(line.split()[1] for line in said.splitlines() if line.startswith("Requests/sec"))
    slow = next(line.split()[1] for line in said.splitlines() if line.split()[:1] == ["99%"])
    if "Non-2xx" in said:
        raise measure.Trouble(f"{way.name}: not every request was answered well\n{said}")
    return {"requests_per_s": float(rate), "p99": slow}


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--requests", type=int, default=10000, help="of a round that read; a tenth of them make something")
    parser.add_argument("--rounds", type=int, default=7, help="all ways, in turns")
    parser.add_argument("--flood-s", type=int, default=0, help="seconds of `wrk` (Debian's), which has to be installed; 0 for none")
    parser.add_argument("--connections", type=int, default=32, help="of `wrk`")
    return parser.parse_args()


def shown(what, rounds):
    rows = []
    for name in rounds[0]:
        cpu = [at[name]["cpu_us"] for at in rounds]
        added = sorted(at[name]["cpu_us"] - at["bare"]["cpu_us"] for at in rounds)
        wall = statistics.median(at[name]["wall_us"] for at in rounds)
        more = "" if name == "bare" else f"**{statistics.median(added):.0f} µs** ({added[0]:.0f} to {added[-1]:.0f})"
        rows.append([what, name, f"{statistics.median(cpu):.0f} µs", more, f"{wall:.0f} µs"])
    return rows


def built():
    command = ["cargo", "build", "-q", "--release", "--locked", "--manifest-path", BENCH / "Cargo.toml", "--target-dir", measure.ROOT / "target"]
    subprocess.run(command, check=True)
    return measure.ROOT / "target/release/bare-handler"


def main():
    given = options()
    machine, program = measure.told(given), built()
    running, floods = [], {}
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        at = Path(folder)
        try:
            for name in ["bare", "one", "split"]:
                migrated(given.lectern, at / name)
            bare = Bare(program, at / "bare" / "lectern.db")
            running.append(bare)
            one = Server(given.lectern, at / "one", at / "one.log", arguments=["--roles", "api,origin", *RATES])
            running.append(one)
            unit = Server(given.lectern, at / "split", at / "unit.log", arguments=["--unit", "user", *RATES])
            running.append(unit)
            keys = Server(given.lectern, at / "split", at / "keys.log", arguments=["--unit", "auth"])
            running.append(keys)
            upstream = f"user=http://{unit.address[0]}:{unit.address[1]}"
            front = Server(given.lectern, at / "split", at / "front.log", arguments=["--unit", "gateway", "--upstream", upstream, *RATES])
            running.append(front)
            ways = [
                Way("bare", bare.address, [bare], "/users"),
                Way("embedded", one.address, [one], "/api/v1/users", key_of(one)),
                Way("gateway and unit", front.address, [front, unit], "/api/v1/users", key_of(keys)),
            ]
            for way in ways:
                way.person = way.make(http.client.HTTPConnection(*way.address, timeout=60))["id"]
            figures = compared(given, ways)
            if given.flood_s:
                floods = {way.name: flood(given, way) for way in ways}
        finally:
            for process in running:
                process.stop()
    print("\nOne request after the other on a kept connection; processor time of all processes of a way together\n")
    rows = [row for what, rounds in figures.items() for row in shown(what, rounds)]
    print(measure.table(["what", "way", "CPU", "added CPU", "time"], rows))
    if floods:
        rows = [[name, f"{at['requests_per_s']:.0f}", at["p99"]] for name, at in floods.items()]
        print("\n" + measure.table(["way", "requests a second", "p99"], rows))
    measure.kept(given, {"machine": machine, "figures": figures, "floods": floods})


if __name__ == "__main__":
    measure.bench(main)
