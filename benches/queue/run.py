#!/usr/bin/env python3
"""What does a task cost in the queue, beside the same in plain statements, and how soon is a job begun?"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
FIGURES = ["tasks_per_s", "cpu_ms_per_task", "claim_p50_ms", "claim_p99_ms", "dispatch_p50_ms", "dispatch_p99_ms"]


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgres"], choices=["sqlite", "postgres"])
    parser.add_argument("--jobs", type=int, nargs="+", default=[5_000, 100_000], help="ready jobs at the beginning")
    parser.add_argument("--tenants", type=int, default=1_000, help="tenants that these belong to")
    parser.add_argument("--tasks", type=int, default=2_000, help="tasks that are measured")
    parser.add_argument("--rounds", type=int, default=3, help="the queue and plain statements, in turns")
    parser.add_argument("--debug", action="store_true", help="measure an unoptimised build")
    parser.add_argument("--out", type=Path, help="keep every figure as JSON")
    return parser.parse_args()


def built(debug):
    profile = [] if debug else ["--release"]
    subprocess.run(["cargo", "build", "-q", "-p", "job-queue", "--example", "queue", *profile], cwd=ROOT, check=True)
    return ROOT / "target" / ("debug" if debug else "release") / "examples/queue"


def figure(rounds, name):
    values = [of_round[name] for of_round in rounds if of_round[name] is not None]
    return f"{statistics.median(values):.2f}" if values else ""


def main():
    given = options()
    if any(given.tasks + 10 > jobs for jobs in given.jobs):
        sys.exit("more tasks than jobs: choose fewer --tasks")
    program, kept = built(given.debug), []
    print("load:", Path("/proc/loadavg").read_text().strip())
    print("| engine | queued | way | tasks/s | CPU ms a task | claim ms | p99 | dispatch ms | p99 |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for engine in given.engines:
        for jobs in given.jobs:
            rounds = {"queue": [], "plain": []}
            for _ in range(given.rounds):
                for way, measured in rounds.items():
                    command = [str(program), engine, way, str(jobs), str(given.tenants), str(given.tasks)]
                    measured.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
            for way, measured in rounds.items():
                kept += measured
                cells = " | ".join(figure(measured, name) for name in FIGURES)
                print(f"| {engine} | {jobs} | {way} | {cells} |", flush=True)
    if given.out:
        given.out.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
