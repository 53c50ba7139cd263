#!/usr/bin/env python3
"""What does a request cost that goes through a gateway, beside one that asks the unit itself?"""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
from server import Server  # noqa: E402

# What is asked, and every how manyth time: some hundred bytes, made without the database, and a file of half a megabyte.
CASES = [("a refusal", "/api/v1/limits", 401, 1), ("a file of the page", "/assets/vendor/hls.min.js", 200, 10)]


def asked(address, path, status, requests):
    """Asks again and again over one connection; seconds it took, and the bytes of one answer."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    began, size = time.monotonic(), 0
    for _ in range(requests):
        connection.request("GET", path)
        response = connection.getresponse()
        size = len(response.read())
        if response.status != status:
            raise measure.Trouble(f"GET {path}: {response.status}")
    took = time.monotonic() - began
    connection.close()
    return took, size


def measured(unit, gateway, server, path, status, requests):
    """Microseconds of processor time that one request costs both processes, and that it takes."""
    asked(server.address, path, status, requests // 10)
    before = unit.cpu_s() + gateway.cpu_s()
    took, size = asked(server.address, path, status, requests)
    cpu_us = (unit.cpu_s() + gateway.cpu_s() - before) / requests * 1e6
    return {"cpu_us": cpu_us, "wall_us": took / requests * 1e6, "bytes": size}


def compared(given, unit, gateway, path, status, every):
    rounds, requests = [], given.requests // every
    for _ in range(given.rounds):
        direct = measured(unit, gateway, unit, path, status, requests)
        through = measured(unit, gateway, gateway, path, status, requests)
        rounds.append({"direct": direct, "through": through, "added_cpu_us": through["cpu_us"] - direct["cpu_us"]})
        print(f"  {json.dumps(rounds[-1])}", file=sys.stderr)
    return rounds


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--requests", type=int, default=20000, help="in a round, one after the other; a tenth for files")
    parser.add_argument("--rounds", type=int, default=5, help="the unit itself and through the gateway, in turns")
    return parser.parse_args()


def shown(name, rounds):
    def median(side, what):
        return statistics.median(at[side][what] for at in rounds)

    added = sorted(at["added_cpu_us"] for at in rounds)
    return [name, str(rounds[0]["direct"]["bytes"]), f"{median('direct', 'cpu_us'):.0f} µs", f"{median('through', 'cpu_us'):.0f} µs",
            f"**{statistics.median(added):.0f} µs** ({added[0]:.0f} to {added[-1]:.0f})",
            f"{median('through', 'wall_us') - median('direct', 'wall_us'):.0f} µs"]


def main():
    given = options()
    machine = measure.told(given)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        data = Path(folder) / "data"
        subprocess.run([str(given.lectern), "migrate", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        unit = Server(given.lectern, data, f"{folder}/unit.log", arguments=["--unit", "media"])
        try:
            upstream = f"media=http://{unit.address[0]}:{unit.address[1]}"
            gateway = Server(given.lectern, data, f"{folder}/gateway.log", arguments=["--unit", "gateway", "--upstream", upstream])
            try:
                for name, path, status, every in CASES:
                    figures[name] = compared(given, unit, gateway, path, status, every)
            finally:
                gateway.stop()
        finally:
            unit.stop()
    print("\nOne request after the other on a kept connection; processor time of the unit and of the gateway together\n")
    head = ["answer", "bytes", "the unit itself", "through a gateway", "added CPU", "added time"]
    print(measure.table(head, [shown(name, rounds) for name, rounds in figures.items()]))
    measure.kept(given, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    measure.bench(main)
