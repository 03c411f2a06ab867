#!/usr/bin/env bash
# Whether the exchange stays as fast as it was while its log and its network grow: the same workloads over logs of
# 10 thousand and 1 million entries, each with 10, 100 and 1,000 more organisations connected that say nothing; then
# the books themselves. All in turn, and again from the beginning, so that a spell of this machine meets all of them.
#   tests/bench/growth.sh            about ten minutes, 3 GB in TMPDIR
#   tests/bench/growth.sh --night    10 million entries too; 30 GB
# RUNS (3), EACH (seconds, 3), SIZES and CONNECTED make it longer or shorter. ONWARD_BENCH is the program; KEEP a file
# for what it said, line by line.
set -euo pipefail
cd "$(dirname "$0")"
bench=${ONWARD_BENCH:-../../build/release/tests/onward-bench}
sizes="10000 1000000"
case "${1:-}" in
  '') ;;
  --night) sizes+=" 10000000" ;;
  *) sed -n '2,9s/^# //p' "$0" >&2; exit 64 ;;
esac
read -ra sizes <<<"${SIZES:-$sizes}"
read -ra connections <<<"${CONNECTED:-10 100 1000}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
lines=${KEEP:-$folder/lines}
: >"$lines"
export TMPDIR=$folder

seconds_of() { # command...: how long it takes
  local begin=$EPOCHREALTIME
  "$@"
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'
}

whole_copy() { # size: as an operator makes it, and on disk
  cp -a "$folder/$1" "$folder/copy"
  sync "$folder/copy/books/data.mdb"
}

for size in "${sizes[@]}"; do
  made=$("$bench" --network "$folder/$size" --fill "$size")
  copied=$(seconds_of whole_copy "$size")
  rm -r "$folder/copy"
  echo "{\"size\":$size,\"cp_s\":$copied,${made#\{}" >>"$lines"
done
for ((run = 0; run < ${RUNS:-3}; run++)); do
  for connected in "${connections[@]}"; do
    for workload in A16 W256 B64; do
      for size in "${sizes[@]}"; do
        said=$("$bench" --network "$folder/$size" --connected "$connected" --workload "$workload" \
          --seconds "${EACH:-3}" --json)
        echo "{\"size\":$size,${said#\{}" >>"$lines"
      done
    done
  done
done
python3 growth_table.py "$lines"
