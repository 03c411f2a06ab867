#!/usr/bin/env bash
# Rounds of kill -9 under load: on the exchange, then on the sender's and the recipient's agent, at random instants, then on the sender's
# agent while it is told of one referral. What it said was saved is there once, right after it started again; what it did not say may be
# said again with the same --ref, and is there once then. Afterwards nothing that was told as saved is lost, nothing is doubled, the log
# verifies, and replay equals the books.
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
touch "$work/stop"; wait "$loader"; rm "$work/stop"
agent_saved=$(($(wc -l <"$work/saved") - broker_saved)) agent_seconds=$((SECONDS - start))

with_ref() { # how many of the sender's referrals have it, drafts and all
  python3 -c '
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b"{\"do\": \"list\", \"box\": \"all\"}\n")
    items = json.loads(s.makefile().readline())["items"]
print(sum(item["ref"] == sys.argv[2] for item in items))' "$NET/police/socket" "$1"
}
refer_round() { # ref
  local told=no
  as police refer - --ref "$1" >/dev/null 2>&1 <<<"$form" & local refer=$!
  sleep "0.0$(printf '%02d' $((RANDOM % 40)))"
  agent_kill police
  if wait "$refer"; then told=yes; fi
  agent_spawn police
  until_true 20 as police status
  local there
  there=$(with_ref "$1")
  case $told-$there in
    yes-1) told_count=$((told_count + 1)) ;;
    no-0) lost_count=$((lost_count + 1)) ;;
    no-1) untold_count=$((untold_count + 1)) ;;
    *) echo "kill_rounds: $1 was told as saved: $told; it is there $there times"; return 1 ;;
  esac
  as police refer - --ref "$1" >/dev/null <<<"$form"
  [ "$(with_ref "$1")" = 1 ] || { echo "kill_rounds: $1, said again, is there $(with_ref "$1") times"; return 1; }
  echo "$1" >>"$work/saved"
}
start=$SECONDS told_count=0 lost_count=0 untold_count=0
until_true 20 as police status
for ((i = 0; i < rounds; i++)); do refer_round "T-refer-$i"; done
refer_seconds=$((SECONDS - start))

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
printf '%-28s %8d %8d %8d\n' 'the exchange' "$rounds" "$broker_saved" "$broker_seconds" 'an agent' "$rounds" "$agent_saved" "$agent_seconds" \
  'an agent, as it is told' "$rounds" "$rounds" "$refer_seconds"
printf 'as it is told: %d said to be saved, %d not said but saved, %d neither\n' "$told_count" "$untold_count" "$lost_count"
printf 'sent %d, in the log %d, arrived %d, alarms %d; the log verifies, replay equals the books\n' "$sent" "$submits" "$arrived" "$alarms"
[ "$rounds" -lt 20 ] || [ $((untold_count + lost_count)) -gt 0 ] || {
  echo "kill_rounds: no kill came in time"
  exit 1
}
[ "$sent" = "$submits" ] && [ "$sent" = "$arrived" ] && [ "$alarms" = 0 ] || {
  echo "kill_rounds: the numbers differ, or an alarm was raised"
  exit 1
}
