#!/bin/bash
# Onward and the systems that a user could pick instead of it, in turn, in one run on this machine: rates, and ratios.
#
#   tests/bench/compare.sh                          everything, three times: about half an hour
#   RUNS=3 SECONDS_EACH=5 WORKLOADS="W256 B64" SYSTEMS="redis rabbitmq" tests/bench/compare.sh
#
# ONWARD_BUILD: the build folder; without it build/release. Debian's packages: redis-server rabbitmq-server postgresql,
# and for the loads, before the build, libhiredis-dev librabbitmq-dev libpq-dev. What is not there is named and skipped.
# Servers listen on free loopback ports, keep their files in a folder under TMPDIR, and are stopped by their process
# id; services of the packages are neither needed nor touched. Each is told to sync before it confirms, and how often it
# does is counted.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${ONWARD_BUILD:-$here/../../build/release}
runs=${RUNS:-3}
seconds=${SECONDS_EACH:-5}
workloads=${WORKLOADS:-A1 A16 A64 W256 B1 B64}
systems=${SYSTEMS:-redis rabbitmq postgresql}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/onward-compare-XXXXXX")
results=$work/results
declare -A port process
started=()

fail() { echo "compare.sh: $*" >&2; exit 1; }

stop_all() {
  local p i
  for p in "${started[@]}"; do kill "$p" 2>/dev/null; done
  for p in "${started[@]}"; do
    for ((i = 0; i < 150; i++)); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$p" 2>/dev/null
  done
  rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# listens SYSTEM: waits until it does.
listens() {
  local i
  for ((i = 0; i < 600; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/${port[$1]}") 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}

# counted SYSTEM COMMAND...: starts it in the background with its syncs counted.
counted() {
  local name=$1
  shift
  head -c 8 /dev/zero >"$work/$name.syncs"
  chmod 666 "$work/$name.syncs"
  ONWARD_SYNCS=$work/$name.syncs LD_PRELOAD=$build/tests/libbench_syncs.so "$@" >"$work/$name.log" 2>&1 &
  process[$name]=$!
  started+=($!)
}

start_redis() {
  command -v redis-server >/dev/null || return 1
  counted redis redis-server --port "${port[redis]}" --bind 127.0.0.1 --dir "$work/redis" --save "" --appendonly yes \
    --appendfsync always --auto-aof-rewrite-percentage 0 --daemonize no
}

start_rabbitmq() {
  local d=$work/rabbitmq names distribution i
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || return 1
  names=$(free_port)
  distribution=$(free_port)
  printf 'listeners.tcp.1 = 127.0.0.1:%s\nlog.file.level = warning\n' "${port[rabbitmq]}" >"$d/rabbitmq.conf"
  echo '[{kernel,[{inet_dist_use_interface,{127,0,0,1}}]}].' >"$d/advanced.config"
  echo '[].' >"$d/enabled_plugins"
  ERL_EPMD_ADDRESS=127.0.0.1 epmd -port "$names" >/dev/null 2>&1 &
  started+=($!)
  counted rabbitmq env -C "$d" HOME="$d" ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$names" \
    RABBITMQ_NODENAME=bench@localhost RABBITMQ_DIST_PORT="$distribution" RABBITMQ_MNESIA_BASE="$d/mnesia" \
    RABBITMQ_LOG_BASE="$d/log" RABBITMQ_CONFIG_FILE="$d/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$d/advanced.config" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$d/enabled_plugins" RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_PID_FILE="$d/pid" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
  for ((i = 0; i < 600; i++)); do
    [ -s "$d/pid" ] && break
    sleep 0.1
  done
  started+=("$(cat "$d/pid")") # the machine behind the scripts
}

start_postgresql() {
  local bin d=$work/postgresql as=()
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
  [ -n "$bin" ] || return 1
  if [ "$(id -u)" = 0 ]; then # it refuses to run as root
    chown postgres "$d"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  fi
  "${as[@]}" "$bin/initdb" -D "$d/data" -A trust -U postgres >"$work/initdb.log" 2>&1 || return 1
  counted postgresql "${as[@]}" "$bin/postgres" -D "$d/data" -p "${port[postgresql]}" -k "$d" \
    -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=512MB -c max_wal_size=8GB -c fsync=on \
    -c synchronous_commit=on -c autovacuum_naptime=1 -c autovacuum_vacuum_cost_delay=0 \
    -c autovacuum_vacuum_scale_factor=0 -c autovacuum_vacuum_threshold=1000
}

syncs_of() { od -An -tu8 "$work/$1.syncs" | tr -d ' '; }

# measure SYSTEM WORKLOAD: one line of results.
measure() {
  local before line
  if [ "$1" = onward ]; then
    line=$(TMPDIR=$work ONWARD_BIN=$build/bin timeout 300 "$build/tests/onward-bench" --workload "$2" \
      --seconds "$seconds" --json) || fail "onward-bench failed: $2"
    echo "{\"system\":\"onward\",${line#\{}"
    return
  fi
  before=$(syncs_of "$1")
  line=$(timeout 300 "$build/tests/rival_$1" "${port[$1]}" "$2" "$seconds" 2>>"$work/rivals.log") || return 0
  echo "${line%\}},\"syncs\":$(($(syncs_of "$1") - before)),\"seconds\":$seconds}"
}

[ -x "$build/tests/onward-bench" ] || fail "$build/tests/onward-bench: not there: build first, or set ONWARD_BUILD"
chmod 755 "$work"
present=()
for system in $systems; do
  port[$system]=$(free_port)
  mkdir "$work/$system"
  if [ ! -x "$build/tests/rival_$system" ]; then
    echo "$system: skipped: its client library was not there when Onward was built"
  elif ! "start_$system"; then
    echo "$system: skipped: it is not installed"
  elif ! listens "$system"; then
    echo "$system: skipped: it does not start"
    tail -5 "$work/$system.log"
  else
    present+=("$system")
  fi
done
sleep 3 # what a server does when it begins is not measured
for ((run = 1; run <= runs; run++)); do
  for workload in $workloads; do
    for system in onward "${present[@]}"; do
      measure "$system" "$workload" | tee -a "$results" >&2
    done
  done
done
"$here/compare_table.py" "$results"
