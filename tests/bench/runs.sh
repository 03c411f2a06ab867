#!/usr/bin/env bash
# Every workload runs to its end, for a moment each, with and without the agents' books, and says so in a line that can
# be read. No figure is asserted: machines differ.
#   runs.sh path/to/onward-bench
set -euo pipefail

lines=$("$1" --seconds 0.5 --json
  "$1" --seconds 0.5 --json --books --workload A16
  "$1" --seconds 0.5 --json --books --workload W256
  "$1" --seconds 0.5 --json --books --workload B64)
beside=$("$1" --seconds 0.5 --json --fairness)
python3 - "$lines" "$beside" <<'END'
import json
import sys

runs = [json.loads(line) for line in sys.argv[1].splitlines()]
said = [run["workload"] for run in runs]
assert said == ["A1", "A16", "A64", "W256", "B1", "B64", "A16", "W256", "B64"], said
for run in runs:
    assert run["rate"] > 0 and run["exchange_syncs"] > 0, run
    assert (run["agents_syncs"] > 0) == run["books"], run

# Whatever the other one does, the polite one is answered; who says too much is refused, with that reason and no other; what the
# exchange keeps for anybody has an end.
beside = {run["beside"]: run for run in map(json.loads, sys.argv[2].splitlines())}
assert list(beside) == ["alone", "floods-within-quota", "floods-over-quota", "never-reads"], beside
for run in beside.values():
    assert run["answered"] > 0 and run["exchange_kib"] < 131072, run
over = beside["floods-over-quota"]
assert over["other_refused"] > 0 and over["other_otherwise"] == 0, over
END
