#!/usr/bin/env python3
"""What does a task cost in the queue, beside the same calls without a worker, plain statements and apalis' own storages? How
soon is a task begun, also by a process that has just started, and does a process grow?"""

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

sys.dont_write_bytecode = True
BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parents[1]


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgres"], choices=["sqlite", "postgres"])
    parser.add_argument("--what", nargs="+", default=["overhead", "dispatch", "restart", "memory"],
                        choices=["overhead", "dispatch", "restart", "memory"])
    parser.add_argument("--jobs", type=int, nargs="+", default=[20_000, 100_000], help="ready tasks at the beginning")
    parser.add_argument("--tenants", type=int, default=1_000, help="tenants that these belong to")
    parser.add_argument("--tasks", type=int, default=1_000, help="tasks that a round measures of each way")
    parser.add_argument("--rounds", type=int, default=5, help="all ways, in turns")
    parser.add_argument("--places", type=int, default=1, help="tasks that a worker runs at once")
    parser.add_argument("--restart-jobs", type=int, default=100_000, help="tasks that wait when a process starts")
    parser.add_argument("--memory-tasks", type=int, default=100_000, help="tasks that one process works off")
    parser.add_argument("--debug", action="store_true", help="measure an unoptimised build")
    parser.add_argument("--out", type=Path, help="keep every figure as JSON")
    return parser.parse_args()


def built(debug):
    profile = [] if debug else ["--release"]
    command = ["cargo", "build", "-q", "--locked", "--manifest-path", BENCH / "Cargo.toml", "--target-dir", ROOT / "target"]
    subprocess.run([*command, *profile], check=True)
    return ROOT / "target" / ("debug" if debug else "release") / "queue-contest"


def lines(program, *args):
    command = [str(program), *map(str, args)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in said.splitlines()]


def spread(values, digits=2):
    """The median, with the smallest and the largest."""
    if not values:
        return ""
    numbers = [f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return numbers[0] if len(values) == 1 else f"{numbers[0]} ({numbers[1]} to {numbers[2]})"


def by_way(measured):
    ways = defaultdict(list)
    for line in measured:
        ways[line["way"]].append(line)
    return ways


def ratios(ways, name):
    """The worker's figure over each way's, round by round."""
    worker = [line[name] for line in ways["worker"]]
    return {way: [mine / line[name] for mine, line in zip(worker, of_way) if line[name]] for way, of_way in ways.items()}


def table(*columns):
    print("\n| " + " | ".join(columns) + " |")
    print("| " + " | ".join("---" if at < 2 else "---:" for at in range(len(columns))) + " |", flush=True)


def overhead(given, program, engine):
    kept = []
    table("engine", "way", "queued", "tasks/s", "CPU ms a task", "claim ms", "p99", "tasks/s, worker over it", "CPU, worker over it")
    for queued in given.jobs:
        measured = lines(program, "overhead", engine, queued, given.tenants, given.tasks, given.rounds, given.places)
        kept += measured
        ways = by_way(measured)
        speed, cpu = ratios(ways, "tasks_per_s"), ratios(ways, "cpu_ms")
        for way, rounds in ways.items():
            figures = [[line[name] for line in rounds if line[name] is not None]
                       for name in ("tasks_per_s", "cpu_ms", "claim_p50_ms", "claim_p99_ms")]
            cells = [spread(figures[0], 0), *map(spread, figures[1:]), spread(speed[way]), spread(cpu[way])]
            print(f"| {engine} | {way} | {queued} | " + " | ".join(cells) + " |", flush=True)
    return kept


def dispatch(given, program, engine):
    measured = lines(program, "dispatch", engine, given.tasks, given.rounds)
    ways = by_way(measured)
    table("engine", "way", "dispatch ms", "p99", "p99, worker over it")
    late = ratios(ways, "p99_ms")
    for way, rounds in ways.items():
        cells = [spread([line[name] for line in rounds]) for name in ("p50_ms", "p99_ms")]
        print(f"| {engine} | {way} | " + " | ".join([*cells, spread(late[way])]) + " |", flush=True)
    return measured


def restart(given, program, engine):
    measured = lines(program, "restart", engine, given.restart_jobs, given.rounds)
    ways = by_way(measured)
    table("engine", "way", "queued", "ms from start to first task", "worker over it")
    of = ratios(ways, "first_ms")
    for way, rounds in ways.items():
        first = spread([line["first_ms"] for line in rounds], 0)
        print(f"| {engine} | {way} | {given.restart_jobs} | {first} | {spread(of[way])} |", flush=True)
    return measured


def memory(given, program, engine):
    measured = lines(program, "memory", engine, given.memory_tasks, 20)
    table("engine", "way", "tasks", "MiB after a twentieth", "after a half", "at the end", "largest")
    for way, samples in by_way(measured).items():
        mib = [line["memory_kib"] / 1024 for line in samples]
        cells = [f"{value:.1f}" for value in (mib[0], mib[len(mib) // 2 - 1], mib[-1], max(mib))]
        print(f"| {engine} | {way} | {given.memory_tasks} | " + " | ".join(cells) + " |", flush=True)
    return measured


def main():
    given = options()
    # Calls of the queue and its worker take from the same table, apalis' storages both from theirs.
    needed = given.rounds * 2 * (given.tasks + 100)
    if "overhead" in given.what and any(jobs < needed for jobs in given.jobs):
        sys.exit(f"fewer ready tasks than {needed}: choose fewer --tasks or --rounds")
    program, kept = built(given.debug), {}
    print("load:", Path("/proc/loadavg").read_text().strip())
    for what in given.what:
        for engine in given.engines:
            kept[f"{what} {engine}"] = globals()[what](given, program, engine)
    if given.out:
        given.out.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
