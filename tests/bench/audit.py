#!/usr/bin/env python3
"""How fast a log is verified and replayed, and what memory that takes: logs of several sizes, signed in batches of several
sizes, are filled once; then every program takes its turn with each of them, and again from the beginning.

    tests/bench/audit.py                                        100,000 and 500,000 entries; 3 GB in TMPDIR
    SIZES="100000 2000000" RUNS=1 tests/bench/audit.py          others
    tests/bench/audit.py OTHER/onward-audit                     beside another build

SIZES, BATCHES (events under one signature, at most), COMMANDS and RUNS (3) make it longer or shorter; LOGS names a folder
where the logs are kept from one time to the next.
"""
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ONWARD_BUILD", ROOT / "build/release"))
EVERY_S = 0.05


def words(name, default):
    return os.environ.get(name, default).split()


def fill(logs, size, batch):
    folder = logs / f"{size}-{batch}"
    if not folder.exists():
        subprocess.run([BUILD / "tests/onward-bench", "--network", folder, "--fill", size, "--batch", batch],
                       check=True, stdout=subprocess.DEVNULL)
    return folder


def memory_kb(pid):
    """Anonymous memory now, and all that is resident."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "VmHWM"))}
    return found.get("RssAnon", 0), found.get("VmHWM", 0)


def scratch_size(pid):
    """Bytes on disk of the file without a name that it works in."""
    try:
        fds = list(Path(f"/proc/{pid}/fd").iterdir())
        return max([0] + [os.stat(fd).st_blocks * 512 for fd in fds if "onward-audit-" in os.readlink(fd)])
    except OSError:
        return 0


def run(program, command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    child = subprocess.Popen([program, command, folder], stdout=subprocess.DEVNULL)
    anonymous = resident = scratch = 0
    while child.poll() is None:
        now = memory_kb(child.pid)
        anonymous, resident = max(anonymous, now[0]), max(resident, now[1])
        scratch = max(scratch, scratch_size(child.pid))
        time.sleep(EVERY_S)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode != 0:
        sys.exit(f"{program} {command} {folder}: exit code {child.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, anonymous, resident, scratch


def row(size, batch, command, program, runs):
    wall, cpu, anonymous, resident, scratch = zip(*runs)
    rates = [f"{int(size) / seconds:,.0f}" for seconds in (max(wall), statistics.median(wall), min(wall))]
    cores = statistics.median(c / w for c, w in zip(cpu, wall))
    print(f"| {int(size):,} | {batch} | {command} | {program} | {' | '.join(rates)} | "
          f"{statistics.median(cpu) / int(size) * 1e6:.1f} | {cores:.2f} | {max(anonymous) / 1024:.0f} | "
          f"{max(resident) / 1024:.0f} | {max(scratch) / int(size):.0f} |")


def main():
    programs = [(name, Path(path)) for name, path in zip(["before"], sys.argv[1:2])]
    programs.append(("now", BUILD / "bin/onward-audit"))
    with tempfile.TemporaryDirectory() as temporary:
        logs = Path(os.environ.get("LOGS", temporary))
        kinds = list(itertools.product(words("SIZES", "100000 500000"), words("BATCHES", "2 256")))
        folders = {kind: fill(logs, *kind) for kind in kinds}
        runs = {}
        for _ in range(int(os.environ.get("RUNS", "3"))):
            for kind, command, (name, program) in itertools.product(kinds, words("COMMANDS", "verify replay"), programs):
                runs.setdefault((*kind, command, name), []).append(run(program, command, folders[kind]))
    print("| entries | batch | command | program | /s min | median | max | CPU us an entry | cores | anonymous MB | "
          "resident MB | scratch bytes an entry |")
    print("|---:|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for (size, batch, command, name), measured in runs.items():
        row(size, batch, command, name, measured)
    print(f"\nload {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
