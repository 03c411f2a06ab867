# A whole network on one computer, for deploy/demo.sh and the system tests: source this file.
#
#   network_make FOLDER registrar registrar organisation...   keys, log, enrolments; everything runs afterwards
#   as NAME onward-arguments...    what a person at that organisation types
#   broker_start | broker_kill     broker_kill is kill -9
#   agent_start NAME | agent_stop NAME | agent_kill NAME
#   until_true SECONDS COMMAND...  waits for a condition, not for a time
#
# Needs BIN (folder of the programs). Processes are stopped by the pids that were started here: call network_end at exit.

PASSPHRASE_OF_DEMO='not a secret: a demo'

note() { printf '%s\n' "$*" >&2; }

# A port of the loopback address on which nobody listens.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  note "network: no free port found"
  return 1
}

until_true() {
  local until=$((SECONDS + $1)) seconds=$1
  shift
  while [ "$SECONDS" -le "$until" ]; do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  note "network: after $seconds s still not true: $*"
  return 1
}

network_make() {
  NET=$1 FIRST_REGISTRAR=$2
  local registrars=("$2" "$3") name
  shift 3
  mkdir -p "$NET/log"
  chmod 700 "$NET"
  (umask 077; printf '%s' "$PASSPHRASE_OF_DEMO" >"$NET/passphrase")
  PORT=$(free_port)
  for name in "${registrars[@]}" "$@"; do organisation_make "$name"; done
  "$BIN/onward-broker" init "$NET/broker" --name exchange.example --listen "tcp://127.0.0.1:$PORT" \
    --registrar "$NET/${registrars[0]}/${registrars[0]}.request" \
    --registrar "$NET/${registrars[1]}/${registrars[1]}.request" >"$NET/log/init.txt"
  broker_start
  for name in "${registrars[@]}"; do organisation_join "$name" "$NET/broker/$name.invitation"; done
  agent_start "$FIRST_REGISTRAR"
  for name in "$@"; do
    organisation_enrol "$name"
    agent_start "$name"
  done
}

organisation_make() { # name
  local kind=${KIND_OF[$1]:-NGO}
  as "$1" --json init --organisation "$1" --name "${NAME_OF[$1]:-$1}" --kind "$kind" --passphrase-file "$NET/passphrase" \
    >"$NET/log/$1-init.txt"
}

organisation_enrol() { # name: by the first registrar, who compared the six words by telephone
  local words
  words=$(sed -n 's/.*"words": *"\([^"]*\)".*/\1/p' "$NET/log/$1-init.txt")
  as "$FIRST_REGISTRAR" registrar enrol "$NET/$1/$1.request" --words "$words" --out "$NET/$1/$1.invitation" \
    >"$NET/log/$1-enrol.txt"
  organisation_join "$1" "$NET/$1/$1.invitation"
}

organisation_join() { # name invitation
  as "$1" join "$2" >"$NET/log/$1-join.txt"
  printf '%s\n' "${AGENT_SETTINGS:-}" >>"$NET/$1/agent.conf"
}

as() { # name arguments...
  local name=$1
  shift
  "$BIN/onward" --home "$NET/$name" "$@"
}

declare -A PID NAME_OF KIND_OF

broker_start() {
  "$BIN/onward-broker" serve "$NET/broker" 2>>"$NET/log/broker.txt" &
  PID[broker]=$!
  until_true 20 listens
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }

agent_start() {
  "$BIN/onward-agent" --home "$NET/$1" 2>>"$NET/log/$1.txt" &
  PID[$1]=$!
  until_true 20 as "$1" status
}

ended() { ! kill -0 "$1" 2>/dev/null; }
process_end() { # name signal
  [ -n "${PID[$1]:-}" ] || return 0
  kill "-$2" "${PID[$1]}" 2>/dev/null || true
  wait "${PID[$1]}" 2>/dev/null || true
  unset "PID[$1]"
}
broker_kill() { process_end broker KILL; }
broker_stop() { process_end broker TERM; }
agent_stop() { process_end "$1" TERM; }
agent_kill() { process_end "$1" KILL; }
network_end() {
  local name
  for name in "${!PID[@]}"; do process_end "$name" TERM; done
}
