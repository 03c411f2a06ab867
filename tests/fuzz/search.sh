#!/usr/bin/env bash
# Lets a libFuzzer program search for ONWARD_FUZZ_SECONDS (5), from the kept corpus. What it finds on the way stays in
# the build folder; an input that breaks the program is kept there too and named: mend the code, then add the input to
# the corpus.
# usage: search.sh PROGRAM CORPUS-FOLDER
set -euo pipefail
program=$1 corpus=$2
[ -n "$(ls -A "$corpus" 2>/dev/null)" ] || { echo "$corpus: no kept inputs: add a few valid ones" >&2; exit 1; }
found=$(dirname "$program")/corpus/$(basename "$program")
mkdir -p "$found"
exec "$program" -max_total_time="${ONWARD_FUZZ_SECONDS:-5}" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
  -verbosity=0 -artifact_prefix="$found-" "$found" "$corpus"
