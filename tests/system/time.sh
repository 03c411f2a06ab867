#!/usr/bin/env bash
# Time and the exchange: its absence blames nobody, a clock that jumps is not believed before a person has looked, and what is due is due.
set -euo pipefail
cd "$(dirname "$0")/../.."
REAL=${ONWARD_BIN:?folder of the programs}
SHIFT=${ONWARD_SHIFT_LIBRARY:?the library that shifts clocks}
. deploy/network.sh
work=$(mktemp -d)
trap 'network_end; rm -rf "$work"' EXIT

# The exchange, and nobody else, runs under shifted clocks.
BIN=$work/bin
mkdir "$BIN"
ln -s "$REAL"/onward "$REAL"/onward-agent "$REAL"/onward-audit "$BIN"
cat >"$BIN/onward-broker" <<EOF
#!/bin/sh
exec env ONWARD_SHIFT='$work/shift' LD_PRELOAD='$SHIFT' ASAN_OPTIONS="\${ASAN_OPTIONS:+\$ASAN_OPTIONS:}verify_asan_link_order=0" \\
  '$REAL/onward-broker' "\$@"
EOF
chmod +x "$BIN/onward-broker"

wall=0 boot=0 awake=0
shift_to() { printf '%s %s %s\n' "$wall" "$boot" "$awake" >"$work/shift.next"; mv "$work/shift.next" "$work/shift"; }
goes_by() { wall=$((wall + $1)) boot=$((boot + $1)) awake=$((awake + $1)); shift_to; }
sleeps() { wall=$((wall + $1)) boot=$((boot + $1)); shift_to; }
jumps() { wall=$((wall + $1)); shift_to; }
count() { "$REAL/onward-audit" show "$NET/broker" | grep -c "$1" || true; }
has() { [ "$(count "$1")" -ge "$2" ]; } # word, how often at least
must() { "$@" || { echo "not so: $*"; "$REAL/onward-audit" show "$NET/broker" | tail -n 12; exit 1; }; }
HOUR=3600000
shift_to

network_make "$work/net" ministry council police aple
agent_stop aple
cat >"$work/case.json" <<'EOF'
{"to": ["aple"], "priority": "HIGH", "group": "PSS", "basis": "CONSENT", "ref": "K1",
 "brief": {"service": "TRAUMA_COUNSELLING", "need": "somebody to talk to", "age_band": "AGE_10_14", "sex": "FEMALE"},
 "file": {"case_code": "K1", "contact": {"who": "an aunt", "telephone": "+000"}, "consent": {"given_by": "her assent"},
          "focal_point": "duty officer, +001"}}
EOF
as police refer "$work/case.json" >"$work/said"
must until_true 20 has ' submit' 1

# Two hours away: nothing is overdue, and the log says so.
broker_stop
goes_by $((2 * HOUR))
broker_start
must until_true 20 has 'resumed' 1
[ "$(count overdue)" = 0 ] || { echo "its own absence made something overdue"; exit 1; }

# An hour goes by while it serves: now it is.
goes_by $((HOUR + 60000))
must until_true 20 has 'overdue' 1

# The machine sleeps for half an hour: that counts for nobody.
sleeps $((HOUR / 2))
must until_true 20 has 'resumed' 2

# The wall clock jumps by three days: nothing moves until the operator has said that it is right.
jumps $((72 * HOUR))
must until_true 20 has 'clock_doubted' 1
before=$(count overdue)
"$BIN/onward-broker" status "$NET/broker" | grep -q 'confirm-time' || { echo "status does not tell of the doubt"; exit 1; }
goes_by $((10 * HOUR))
sed 's/K1/K2/g' "$work/case.json" >"$work/second.json"
as police refer "$work/second.json" >"$work/said" # it goes on hearing
must until_true 20 has ' submit' 2
[ "$(count overdue)" = "$before" ] && [ "$(count undeliverable)" = 0 ] || { echo "a clock fired while the time was in doubt"; exit 1; }
"$BIN/onward-broker" confirm-time "$NET/broker" >/dev/null
must until_true 20 has 'clock_confirmed' 1
status=0
"$BIN/onward-broker" confirm-time "$NET/broker" >"$work/said" 2>&1 || status=$?
[ "$status" = 2 ] && grep -q 'not in doubt' "$work/said" || { echo "confirmed twice: $status"; cat "$work/said"; exit 1; }
goes_by $((4 * HOUR))
must until_true 20 has 'undeliverable' 1
must until_true 20 has 'returned' 1
broker_stop
"$REAL/onward-audit" verify "$NET/broker" >/dev/null
"$REAL/onward-audit" replay "$NET/broker" >/dev/null
echo "time: $(count resumed) absences, $(count overdue) overdue, doubted and confirmed once"
