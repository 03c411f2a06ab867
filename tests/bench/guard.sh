#!/usr/bin/env bash
# Instructions that the hot path needs for each event, counted by callgrind, beside those of the commit before on this
# machine. Fails when a shape needs more than 2 % more, unless a commit since then says in its body why that is right:
#   Costs: <reason>
# Runs differ by less than 0.4 % (signatures are random), so 2 % is a change. Only instructions of the programs
# themselves are counted: not the kernel, not the disk.
#   guard.sh path/to/onward-guard
# While something is not committed the commit before is HEAD. What is built for it is kept in build/guard.
set -euo pipefail
limit=1.02
driver=$(realpath "$1")
cd "$(dirname "$0")/../.."
folder=$PWD/build/guard
built=$folder/tree/build/release/tests/onward-guard
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Lines `shape side events instructions`, from the dumps of one run. Thread 1 is the agents.
counted() { # driver name
  local out=$scratch/$2.run
  mkdir "$out"
  valgrind --tool=callgrind --collect-atstart=no --separate-threads=yes --callgrind-out-file="$out/dump" \
    --log-file="$out/log" "$1" </dev/null >"$out/events" 2>"$out/said" ||
    { cat "$out/log" "$out/said" >&2; return 1; }
  awk 'NR == FNR { order[NR] = $1; events[$1] = $2; next }
    /^thread:/ { side = $2 == 1 ? "agents" : "exchange" }
    /^desc: Trigger: Client Request:/ { shape = $NF }
    /^totals:/ { count[shape, side] = $2 }
    END {
      for (i = 1; i in order; i++)
        if (order[i] !~ /^warm/) {
          print order[i], "exchange", events[order[i]], count[order[i], "exchange"]
          print order[i], "agents", events[order[i]], count[order[i], "agents"]
        }
    }' "$out/events" "$out"/dump.*
}

no_parent() {
  echo "no parent to compare with: $1"
  awk '{ printf "%-10s %-9s %10.0f\n", $1, $2, $4 / $3 }' "$scratch/now"
  exit 0
}

# The tree becomes that of the commit; what did not change since it was another's is not built again.
check_out() { # commit
  local old
  old=$(cat "$folder/commit" 2>/dev/null) && git cat-file -e "$old" 2>/dev/null || old=
  rm -f "$folder/commit" "$built"
  if [ -n "$old" ]; then
    git diff -z --no-renames --name-only --diff-filter=D "$old" "$1" | (cd "$folder/tree" && xargs -0 -r rm -f --)
    git diff -z --no-renames --name-only --diff-filter=d "$old" "$1" | xargs -0 -r git archive "$1" -- |
      tar -x -m -C "$folder/tree" --ignore-zeros
  else
    rm -rf "$folder"
    mkdir -p "$folder/tree"
    git archive "$1" | tar -x -m -C "$folder/tree"
  fi
  echo "$1" >"$folder/commit"
}

build_parent() { # commit
  [ "$(cat "$folder/commit" 2>/dev/null)" = "$1" ] || check_out "$1"
  [ -x "$built" ] ||
    (cd "$folder/tree" && cmake --preset release && cmake --build build/release --target onward-guard) \
      >"$folder/build.txt" 2>&1
}

counted "$driver" now >"$scratch/now"
git rev-parse --verify --quiet HEAD >/dev/null || no_parent "this is no clone"
parent=HEAD^
[ -z "$(git status --porcelain --untracked-files=no)" ] || parent=HEAD
git rev-parse --verify --quiet "$parent^{commit}" >"$scratch/commit" || no_parent "the clone ends here"
commit=$(cat "$scratch/commit")
git cat-file -e "$commit:tests/bench/guard.c" 2>/dev/null || no_parent "${commit:0:12} has no onward-guard"
build_parent "$commit" || no_parent "${commit:0:12} could not be built: see build/guard/build.txt"
counted "$built" before >"$scratch/before"

echo "instructions for each event, before (${commit:0:12}) and now"
status=0
awk -v limit="$limit" 'NR == FNR { before[$1, $2] = $4 / $3; next }
  ($1, $2) in before {
    ratio = $4 / $3 / before[$1, $2]
    more = more || (ratio > limit)
    printf "%-10s %-9s %10.0f %10.0f %7.3f%s\n", $1, $2, before[$1, $2], $4 / $3, ratio, (ratio > limit ? "  more" : "")
  }
  END { exit more }' "$scratch/before" "$scratch/now" || status=$?
[ "$status" -eq 0 ] && exit 0
git log --format=%B "$commit..HEAD" | grep -E '^Costs: .+' && exit 0
echo "more instructions than before: find out why, or say in the commit's body what they are for: Costs: <reason>"
exit 1
