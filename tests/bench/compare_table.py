#!/usr/bin/env python3
"""The table of compare.sh: a line for each system under each workload, from its lines of JSON."""
import json
import statistics
import sys
from collections import defaultdict

runs = defaultdict(lambda: defaultdict(list))  # workload -> system -> its runs, in order
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        run = json.loads(line)
        runs[run["workload"]][run["system"]].append(run)


def spread(values, form):
    values = sorted(values)
    return " ".join(format(v, form) for v in (values[0], statistics.median(values), values[-1]))


def syncs(run):
    """Waits for the disk for each message or trip; a rival's are counted over its warming up as well."""
    return run["exchange_syncs"] if run["system"] == "onward" else run["syncs"] / (run["rate"] * (run["seconds"] + 0.5))


print(f"{'load':5} {'system':10} {'runs':>4}  {'each second: min median max':>27}  {'p50 us':>7} {'p99 us':>7}"
      f" {'syncs':>6}  Onward by it: min median max")
for workload, systems in runs.items():
    for system, own in systems.items():
        median = sorted(own, key=lambda run: run["rate"])[len(own) // 2]
        by = [ours["rate"] / run["rate"] for ours, run in zip(systems["onward"], own)]
        print(f"{workload:5} {system:10} {len(own):4}  {spread([run['rate'] for run in own], '9.0f'):>27}"
              f"  {median['p50_us']:7.0f} {median['p99_us']:7.0f} {syncs(median):6.3f}"
              f"  {'' if system == 'onward' else spread(by, '5.2f')}")
