#!/usr/bin/env python3
"""How many changes a second tell of themselves, and how fast are events read back and published to a broker?"""

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import measure  # noqa: E402
from server import Server  # noqa: E402

# So many that none of the requests is refused.
RATES = ["--rate", "caller-change=1000000/1,tenant-change=1000000/1"]
PATIENCE_S = 300


class Broker:
    """A NATS server with JetStream, and its client."""

    def __init__(self):
        python = measure.ROOT / ".cache/venv/bin/python3"
        if not python.exists():
            raise measure.Trouble("nats-py is not there yet: run `make test` once")
        command = [str(python), str(measure.ROOT / "tests/brokers/broker.py"), "nats"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().strip()

    def take(self, count):
        self.process.stdin.write(f"take {count}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def change(server, lane, keys, failed):
    """Makes a flag of each key, over one connection: each is one change, and one event."""
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    try:
        for key in keys:
            connection.request("POST", "/api/v1/flags", json.dumps({"key": f"bench.{lane}.{key}"}), headers)
            server.answer(connection, "POST", "/api/v1/flags")
    except Exception as error:
        failed.append(error)
    finally:
        connection.close()


def changes(server, lanes, each):
    """Seconds that `lanes` at a time take to make `each` changes."""
    failed = []
    threads = [threading.Thread(target=change, args=(server, lane, range(each), failed)) for lane in range(lanes)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise measure.Trouble(f"a change failed: {failed[0]}")
    return time.perf_counter() - began


def streamed(server, count):
    """Seconds until so many events have come by server-sent events, from the first one."""
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    began = time.perf_counter()
    connection.request("GET", "/api/v1/events?after=0", headers={"Authorization": f"Bearer {server.token}"})
    answer, seen = connection.getresponse(), 0
    while seen < count:
        seen += answer.readline().startswith(b"id:")
    took = time.perf_counter() - began
    connection.close()
    return took


def published(given, data, folder, count, broker):
    """Seconds until a bridge that begins anew has published so many events, and the broker has confirmed them."""
    began = time.perf_counter()
    server = Server(given.lectern, data, f"{folder}/bridge.log", arguments=["--only", "flags", "--bridge", f"{broker.address}?from=start"])
    try:
        readers = [str(given.lectern), "--json", "events", "readers", "--data", str(data)]
        while True:
            said = subprocess.run(readers, check=True, capture_output=True, text=True).stdout.splitlines()
            bridge = next((one for one in map(json.loads, said) if one["reader"] == "bridge.nats"), {"seq": 0})
            if bridge["seq"] >= count:
                break
            if time.perf_counter() - began > PATIENCE_S:
                raise measure.Trouble(f"{bridge['seq']} of {count} events were published in {PATIENCE_S} s")
        took = time.perf_counter() - began
    finally:
        server.stop()
    got = broker.take(count)
    if len({event["id"] for event in got}) != count:
        raise measure.Trouble("the broker has not got each event")
    return took


def options():
    parser = measure.options(__doc__)
    parser.add_argument("--lanes", type=int, default=8, help="changes at the same time")
    parser.add_argument("--changes", type=int, default=500, help="of each lane")
    return parser.parse_args()


def main():
    given = options()
    machine = measure.told(given)
    count, figures = given.lanes * given.changes, {}
    broker = Broker()
    try:
        with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
            data = Path(folder) / "data"
            subprocess.run([str(given.lectern), "migrate", "--data", str(data)], check=True, capture_output=True)
            server = Server(given.lectern, data, f"{folder}/server.log", arguments=["--only", "flags,media", *RATES])
            try:
                figures[f"written with their changes, {given.lanes} at a time"] = changes(server, given.lanes, given.changes)
                figures["read by server-sent events"] = streamed(server, count)
            finally:
                server.stop()
            figures["published to NATS JetStream, from the start of the process"] = published(given, data, folder, count, broker)
    finally:
        broker.stop()
    print(f"\n{count} events, SQLite\n")
    rows = [[name, f"{took:.2f} s", f"**{count / took:.0f}**"] for name, took in figures.items()]
    print(measure.table(["events", "all of them", "a second"], rows))
    measure.kept(given, {"machine": machine, "events": count, "seconds": figures})


if __name__ == "__main__":
    measure.bench(main)
