#!/usr/bin/env python3
"""The tables of growth.sh: each workload's rows beside its first, the smallest log with the fewest connections."""
import json
import statistics
import sys

lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
runs = {}
for line in lines:
    if "workload" in line:
        runs.setdefault((line["workload"], line["connected"], line["size"]), []).append(line)


def median(row, name):
    return statistics.median(run[name] for run in row)


print("| work | entries | connected | runs | /s min | median | max | of the first | CPU us | of the first |"
      " start ms, max | private MB | resident MB |")
print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
for (work, connected, size), row in sorted(runs.items()):
    first = min(key for key in runs if key[0] == work)
    rates = [run["rate"] for run in row]
    rate, cpu = statistics.median(rates), median(row, "exchange_cpu_us")
    print(f"| {work} | {size:,} | {connected:,} | {len(row)} | {min(rates):,.0f} | {rate:,.0f} | {max(rates):,.0f} |"
          f" {rate / median(runs[first], 'rate'):.2f} | {cpu:.0f} | {cpu / median(runs[first], 'exchange_cpu_us'):.2f} |"
          f" {max(run['start_ms'] for run in row):.0f} | {median(row, 'private_kb') / 1024:.0f} |"
          f" {median(row, 'resident_kb') / 1024:.0f} |")

print()
print("| entries | bytes an entry | filled in s | `cp -a` and sync, s | row by row, s | bytes an entry then |")
print("|---:|---:|---:|---:|---:|---:|")
for line in lines:
    if "fill_s" in line:
        n = line["entries"]
        print(f"| {n:,} | {line['disk_size'] / n:,.0f} | {line['fill_s']:.1f} | {line['cp_s']:.1f} |"
              f" {line['copy_s']:.1f} | {line['copy_size'] / n:,.0f} |")
