#!/usr/bin/env bash
# Each planted mistake has to be found within a few seeds, all of which hold without it (they are among sim.seeds).
#   mistakes.sh FOLDER SEEDS NAME...    FOLDER: of the programs onward-sim and onward-sim-NAME
set -u
folder=$1 seeds=$2 missed=0
shift 2
for name in "$@"; do
  if said=$("$folder/onward-sim-$name" --seeds "1-$seeds" --jobs 2 --brief 2>&1); then
    printf '%-22s NOT FOUND within %d seeds\n' "$name" "$seeds"
    missed=$((missed + 1))
  else
    printf '%-22s %s\n' "$name" "$(grep -m1 '^seed' <<<"$said" | cut -c1-160)"
  fi
done
printf '%d of %d mistakes found\n' $(($# - missed)) $#
[ "$missed" -eq 0 ]
