#!/usr/bin/env bash
# Rounds of kill -9 under load: on the exchange, then on the sender's and the recipient's agent, at random instants. Afterwards nothing
# that was told as saved is lost, nothing is doubled, the log verifies, and replay equals the books.
# ONWARD_ROUNDS: rounds for each (50). Prints a table.
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=${ONWARD_BIN:?folder of the programs}
rounds=${ONWARD_ROUNDS:-50}
. deploy/network.sh
work=$(mktemp -d)
trap 'touch "$work/stop"; network_end; rm -rf "$work"' EXIT
AGENT_SETTINGS=$'[exchange]\nhello_wait_ms = 300'
network_make "$work/net" ministry council police aple

form='{"to": ["aple"], "priority": "HIGH", "basis": "CONSENT",
 "brief": {"service": "FOOD", "need": "a test", "sex": "FEMALE", "age_band": "AGE_10_14"},
 "file": {"case_code": "T-1", "contact": {"who": "a test", "telephone": "+000"},
          "consent": {"given_by": "a test"}, "focal_point": "a test"}}'

# A script that repeats until it is told that its referral is saved: with --ref, repetition is harmless.
load() {
  local n=0
  while [ ! -e "$work/stop" ]; do
    n=$((n + 1))
    until as police refer - --ref "T-$1-$n" >/dev/null 2>&1 <<<"$form"; do
      [ ! -e "$work/stop" ] || return 0
      sleep 0.02
    done
    echo "T-$1-$n" >>"$work/saved"
    sleep 0.0$((RANDOM % 5))
  done
}
random_wait() { sleep "0.$(printf '%03d' $((RANDOM % 400)))"; }

agent_spawn() { # without waiting until it answers: it may be killed while it starts
  "$BIN/onward-agent" --home "$NET/$1" 2>>"$NET/log/$1.txt" &
  PID[$1]=$!
}
broker_spawn() {
  "$BIN/onward-broker" serve "$NET/broker" 2>>"$NET/log/broker.txt" &
  PID[broker]=$!
}

: >"$work/saved"
start=$SECONDS
load broker & loader=$!
for ((i = 0; i < rounds; i++)); do
  random_wait
  broker_kill
  broker_spawn
done
touch "$work/stop"; wait "$loader"; rm "$work/stop"
broker_saved=$(wc -l <"$work/saved") broker_seconds=$((SECONDS - start))

start=$SECONDS
load agent & loader=$!
for ((i = 0; i < rounds; i++)); do
  victim=$([ $((i % 2)) = 0 ] && echo police || echo aple)
  random_wait
  agent_kill "$victim"
  agent_spawn "$victim"
done
touch "$work/stop"; wait "$loader"
agent_saved=$(($(wc -l <"$work/saved") - broker_saved)) agent_seconds=$((SECONDS - start))

all_arrived() {
  as police sent --json | python3 -c '
import json, sys
items = json.load(sys.stdin)["items"]
saved = open(sys.argv[1]).read().split()
refs = [item["ref"] for item in items]
missing = set(saved) - set(refs)
sys.exit(0 if not missing and len(refs) == len(set(refs)) and all(item["state"] == "received" for item in items) else 1)' \
    "$work/saved"
}
until_true 20 as police status
until_true 120 all_arrived || {
  echo "kill_rounds: not everything that was saved arrived, once"
  as police sent --json | head -c 2000
  exit 1
}
sent=$(as police sent --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["items"]))')
arrived=$(as aple inbox --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["items"]))')
alarms=$(as police status --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["alarms"]))')
network_end
submits=$("$BIN/onward-audit" show "$NET/broker" --json | grep -c '"act": *"submit"')
"$BIN/onward-audit" verify "$NET/broker" >/dev/null
"$BIN/onward-audit" replay "$NET/broker" >/dev/null
printf '%-28s %8s %8s %8s\n' 'kill -9 on' rounds saved seconds
printf '%-28s %8d %8d %8d\n' 'the exchange' "$rounds" "$broker_saved" "$broker_seconds" 'an agent' "$rounds" "$agent_saved" "$agent_seconds"
printf 'sent %d, in the log %d, arrived %d, alarms %d; the log verifies, replay equals the books\n' "$sent" "$submits" "$arrived" "$alarms"
[ "$sent" = "$submits" ] && [ "$sent" = "$arrived" ] && [ "$alarms" = 0 ] || {
  echo "kill_rounds: the numbers differ, or an alarm was raised"
  exit 1
}
