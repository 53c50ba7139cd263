"""Runs one command and measures it with all of its children. Standard library only, Linux only."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Each look at half a gigabyte takes about ten milliseconds of a processor that is being measured.
SAMPLES_PER_S = 4
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).resolve().parents[1]
MEDIA = {".mp4", ".m4s", ".m4a", ".m4v", ".aac", ".ts"}


class Trouble(Exception):
    """What stops a bench, in words for the person who started it."""


@dataclass
class Run:
    """One run. Times in seconds, sizes in bytes."""

    wall_s: float
    user_s: float
    system_s: float
    peak_bytes: int
    memory: str
    media_bytes: int = 0
    files_bytes: int = 0

    @property
    def cpu_s(self):
        return self.user_s + self.system_s


class Tree(threading.Thread):
    """Watches a process and its descendants: the peak of their memory together, and their processor time."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root = root
        self.peak_bytes = 0
        self.memory = "PSS"
        self.ticks = {}
        self.ended = threading.Event()

    def run(self):
        due = time.monotonic()
        while not self.ended.is_set():
            self.look()
            due = max(due + 1 / SAMPLES_PER_S, time.monotonic())
            self.ended.wait(due - time.monotonic())

    def look(self):
        total = 0
        for pid in self.members():
            total += self.memory_of(pid)
        self.peak_bytes = max(self.peak_bytes, total)

    def members(self):
        parents = {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                # The command's name may hold blanks and brackets; what follows the last bracket does not.
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
        members, grown = {self.root} & parents.keys(), True
        while grown:
            more = {pid for pid, (parent, _) in parents.items() if parent in members} - members
            members |= more
            grown = bool(more)
        for pid in members:
            self.ticks[pid] = parents[pid][1]
        return members

    def memory_of(self, pid):
        if self.memory == "PSS":
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        return int(line.split()[1]) * 1024
                return 0
            except PermissionError:
                # Only the owner may read it; from here on every process counts in the same, coarser way.
                self.memory, self.peak_bytes = "RSS", 0
            except OSError:
                return 0
        try:
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
        except (OSError, IndexError):
            return 0


def run(command, log, env=None):
    """Runs a command to its end; `log` takes what it prints. Nothing else may be started meanwhile."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with open(log, "wb") as out:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)
        except OSError as error:
            raise Trouble(f"{command[0]} cannot be started: {error}") from error
        tree = Tree(process.pid)
        tree.start()
        try:
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            tree.ended.set()
            tree.join()
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if status != 0:
        tail = Path(log).read_text(errors="replace")[-2000:]
        raise Trouble(f"{command[0]} ended with {status}:\n{tail}")
    done = Run(
        wall_s=wall_s,
        user_s=after.ru_utime - before.ru_utime,
        system_s=after.ru_stime - before.ru_stime,
        peak_bytes=tree.peak_bytes,
        memory=tree.memory,
    )
    seen_s = sum(tree.ticks.values()) / TICKS_PER_S
    # A child that nobody waited for is in no rusage: better no figure than one that flatters.
    if seen_s > done.cpu_s * 1.05 + 0.5:
        raise Trouble(f"{command[0]} left children unwaited: {seen_s:.1f} s of CPU time seen, {done.cpu_s:.1f} s accounted")
    return done


def weigh(folder, result):
    """Adds up what a run has written."""
    for path in Path(folder).rglob("*"):
        if path.is_file():
            result.files_bytes += path.stat().st_size
            if path.suffix in MEDIA:
                result.media_bytes += path.stat().st_size
    if result.media_bytes == 0:
        raise Trouble(f"no media was written to {folder}")


def spread(values):
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def output(command):
    """What a command prints."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Trouble(f"{command[0]}: {getattr(error, 'stderr', '') or error}") from error


def machine():
    """What the figures were measured on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"processors": os.cpu_count(), "model": model, "kernel": os.uname().release, "load": os.getloadavg()[0]}


def options(about):
    """A parser of what most benches are told: which executable, and where the figures go."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--lectern", type=Path, default=ROOT / "target/release/lectern", help="the executable to measure")
    parser.add_argument("--out", type=Path, help="write the figures as JSON to this file")
    return parser


def told(given, **beside):
    """Says what is measured on what, and gives it for the figures; `beside` are versions of other programs."""
    about = {**machine(), **beside, "lectern": output([str(given.lectern), "--version"]).strip()}
    versions = "; ".join([*beside.values(), about["lectern"]])
    print(f"{about['processors']} x {about['model']}, load {about['load']:.1f} before; {versions}")
    return about


def kept(given, figures):
    """Writes the figures where they are wanted."""
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(figures, indent=1) + "\n")
        print(f"\nfigures: {given.out}")


def bench(main):
    """Runs a bench; what stops it is said in a line."""
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"bench: {trouble}")


def repeated(source, times, target):
    """`source` so many times in a row, without encoding it again."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-stream_loop", str(times - 1), "-i", str(source)]
    output([*command, "-map", "0", "-c", "copy", "-movflags", "+faststart", str(target)])


def duration_s(path):
    """Length of a media file in seconds."""
    show = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "default=nw=1:nk=1", str(path)]
    return float(output(show))


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
