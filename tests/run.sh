#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. Everything it writes is in build/; a second run is quick.
#   tests/run.sh            all of it
#   tests/run.sh --quick    the release build and its tests
#   tests/run.sh --night    all of it, with long fuzzing, many kill rounds and the tests labelled `night`
# Ends with a table and a plain line `N passed, N failed`; the exit status is 0 when nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-}
case "$mode" in
  '' | --quick) ;;
  --night) export ONWARD_FUZZ_SECONDS=${ONWARD_FUZZ_SECONDS:-600} ONWARD_ROUNDS=${ONWARD_ROUNDS:-500} ;;
  *) sed -n '2,6s/^# //p' "$0" >&2; exit 64 ;;
esac

log_folder=build/log
table='' passed=0 failed=0

row() { # name passed failed seconds: one line of the table
  passed=$((passed + $2)) failed=$((failed + $3))
  table+=$(printf '%-12s %6d passed %4d failed %6d s' "$@")$'\n'
}

built() { # preset: configures and builds; the log is shown only when that fails
  local log=$log_folder/$1-build.txt
  echo "== $1: building"
  { cmake --preset "$1" && cmake --build --preset "$1"; } >"$log" 2>&1 || {
    grep -E -A 12 'FAILED:|error:|CMake Error' "$log" | head -n 80 || tail -n 40 "$log"
    echo "== $1: the build failed; all of it: $log"
    return 1
  }
}

build_stage() { # preset: a stage that is a build and nothing else counts as one test
  local start=$SECONDS
  if built "$1"; then row "$1" 1 0 $((SECONDS - start)); else row "$1" 0 1 $((SECONDS - start)); fi
}

test_stage() { # preset [test preset]: builds, then runs the tests
  local preset=$1 start=$SECONDS log=$log_folder/$1-tests.txt status=0 total='' bad=1
  built "$preset" || { row "$preset" 0 1 $((SECONDS - start)); return 0; }
  echo "== $preset: testing"
  ctest --preset "${2:-$preset}" 2>&1 | tee "$log" || status=$?
  # the line to read: 100% tests passed, 0 tests failed out of 12
  read -r bad total < <(sed -nE 's/.*, ([0-9]+) tests failed out of ([0-9]+)$/\1 \2/p' "$log") || bad=1 total=1
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  row "$preset" $((total - bad)) "$bad" $((SECONDS - start))
}

deploy/install-deps.sh --tests
mkdir -p "$log_folder"
if [ "$mode" = --night ]; then test_stage release night; else test_stage release; fi
if [ "$mode" != --quick ]; then
  test_stage debug-asan
  test_stage clang
  build_stage clang-tidy
  test_stage clang-fuzz
fi
printf '\n%s\n%d passed, %d failed\n' "$table" "$passed" "$failed"
[ "$failed" -eq 0 ]
