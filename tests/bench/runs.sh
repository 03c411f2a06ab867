#!/usr/bin/env bash
# Every workload runs to its end, for a moment each, with and without the agents' books, and says so in a line that can
# be read. No figure is asserted: machines differ.
#   runs.sh path/to/onward-bench
set -euo pipefail

lines=$("$1" --seconds 0.5 --json
  "$1" --seconds 0.5 --json --books --workload W256
  "$1" --seconds 0.5 --json --books --workload B64)
python3 - "$lines" <<'END'
import json
import sys

runs = [json.loads(line) for line in sys.argv[1].splitlines()]
said = [run["workload"] for run in runs]
assert said == ["A1", "A16", "A64", "W256", "B1", "B64", "W256", "B64"], said
for run in runs:
    assert run["rate"] > 0 and run["exchange_syncs"] > 0, run
    assert (run["agents_syncs"] > 0) == run["books"], run
END
