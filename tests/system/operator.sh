#!/usr/bin/env bash
# What an operator types, well and badly: every wrong word, file or setting is named, with what was expected, and nothing is half done.
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=${ONWARD_BIN:?folder of the programs}
. deploy/network.sh
work=$(mktemp -d)
trap 'network_end; rm -rf "$work"' EXIT
broker() { "$BIN/onward-broker" "$@"; }

# code words... -- arguments...: the program ends with this code and says all of these words
expect() {
  local code=$1 said status=0 words=()
  shift
  while [ "$1" != -- ]; do words+=("$1"); shift; done
  shift
  said=$(broker "$@" 2>&1) || status=$?
  [ "$status" = "$code" ] || { echo "onward-broker $*: ended with $status, not $code: $said"; exit 1; }
  for word in "${words[@]}"; do
    grep -qF -- "$word" <<<"$said" || { echo "onward-broker $*: does not say '$word': $said"; exit 1; }
  done
}

expect 2 'expected a command' -- serve
expect 2 'no such command' -- sreve "$work/x"
expect 2 '--registrar' -- init "$work/x" --name n --listen tcp://127.0.0.1:7000
expect 2 'tcp://host:port' -- init "$work/x" --name n --listen 127.0.0.1 --registrar a --registrar b
expect 2 "$work/absent" -- init "$work/x" --name n --listen tcp://127.0.0.1:7000 --registrar "$work/absent" --registrar b
echo 'not a request' >"$work/junk"
expect 2 "$work/junk" 'no request file' -- init "$work/x" --name n --listen tcp://127.0.0.1:7000 --registrar "$work/junk" --registrar "$work/junk"
[ ! -e "$work/x" ] || { echo "init left something behind"; exit 1; }

network_make "$work/net" ministry council police
expect 2 'two different organisations' -- init "$work/x" --name n --listen tcp://127.0.0.1:7000 \
  --registrar "$NET/ministry/ministry.request" --registrar "$NET/ministry/ministry.request"
expect 2 'exists already' -- init "$NET/broker" --name n --listen tcp://127.0.0.1:7000 \
  --registrar "$NET/ministry/ministry.request" --registrar "$NET/council/council.request"
expect 0 'served now             yes' 'entries                2' 'organisations          3' -- status "$NET/broker"
expect 0 'in order' -- check "$NET/broker"
expect 2 'another onward-broker serves it' -- serve "$NET/broker"
expect 2 "$work/absent" -- status "$work/absent"
expect 2 "$work/absent" 'No such file' -- serve "$work/absent"
network_end

conf=$NET/broker/broker.conf
cp "$conf" "$work/conf"
expect 0 'served now             no' -- status "$NET/broker"
wrong() { # line of configuration, words...
  cp "$work/conf" "$conf"
  printf '%s\n' "$1" >>"$conf"
  shift
  expect 2 "broker.conf:$(wc -l <"$conf")" "$@" -- serve "$NET/broker"
}
wrong 'listen = tcp://127.0.0.1:7001' listen 'second time'
wrong 'adress = x' adress 'no such key'
wrong $'[limits]\nsessions_max = many' sessions_max 'a number from 1 to 100000'
wrong $'[limits]\nsessions_max = 0' sessions_max 'a number from 1 to 100000'
wrong $'[limits]\nshare_events = 0' share_events 'a number from 1 to 65536'
wrong 'listen' 'key = value'
cp deploy/broker.conf "$conf" # the sample
expect 0 'in order' -- check "$NET/broker"
cp "$work/conf" "$conf"
printf '[limits\nsessions_max = 7\n' >>"$conf"
expect 2 "broker.conf:$(($(wc -l <"$conf") - 1))" '[section]' -- serve "$NET/broker"
printf '[exchange]\nlisten = here\n' >"$conf"
expect 2 'broker.conf:2' listen 'tcp://address:port' -- serve "$NET/broker"
printf '[exchange]\n' >"$conf"
expect 2 listen 'is missing' -- serve "$NET/broker"
printf '[exchange]\nlisten = tcp://192.0.2.1:7001\n' >"$conf"
expect 2 'tcp://192.0.2.1:7001' -- serve "$NET/broker"
cp "$work/conf" "$conf"

chmod 644 "$NET/broker/log.key"
expect 2 'log.key' 'others can read it' -- serve "$NET/broker"
chmod 600 "$NET/broker/log.key"
cp "$NET/broker/log.key" "$work/log.key"
head -c 64 /dev/zero | tr '\0' a >"$NET/broker/log.key"
expect 65 'log.key is not the key of this log' -- serve "$NET/broker"
expect 65 'log.key is not the key of this log' -- check "$NET/broker"
cp "$work/log.key" "$NET/broker/log.key"
expect 0 'in order' -- check "$NET/broker"

# Books behind what an organisation can prove: nothing is served.
cp -a "$NET/broker/books" "$work/books"
broker_start
organisation_make aple
agent_start ministry
organisation_enrol aple
agent_stop ministry
broker_stop
rm -rf "$NET/broker/books" && cp -a "$work/books" "$NET/broker/books"
"$BIN/onward-broker" serve "$NET/broker" 2>"$work/said" & PID[broker]=$!
"$BIN/onward-agent" --home "$NET/ministry" 2>/dev/null & PID[ministry]=$!
until_true 20 ended "${PID[broker]}"
status=0
wait "${PID[broker]}" || status=$?
unset 'PID[broker]'
[ "$status" = 65 ] && grep -q 'rolled back' "$work/said" || { echo "rolled back books were served: $status"; cat "$work/said"; exit 1; }
rm -rf "$NET/broker/books" && cp -a "$work/books" "$NET/broker/books"
truncate -s 8192 "$NET/broker/books/data.mdb"
expect 65 'cut short' 'restore a backup' -- check "$NET/broker"
expect 65 'cut short' 'restore a backup' -- serve "$NET/broker"
echo "every wrong word was named"
