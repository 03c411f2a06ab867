#!/usr/bin/env bash
# Plays the story that Onward was made for, with real processes on this computer: an exchange, two registrars, the police, APLE, A21 and
# a second counsellor. Installs what is missing, builds, and leaves the network in build/demo to go on by hand.
#   deploy/demo.sh             the story, then everything is stopped
#   deploy/demo.sh --stay      the story, then everything keeps running until Enter is pressed
# Nobody in it is a real person.
set -euo pipefail
cd "$(dirname "$0")/.."

stay=no
case "${1:-}" in
  '') ;;
  --stay) stay=yes ;;
  *) sed -n '2,6s/^# //p' "$0" >&2; exit 64 ;;
esac

if [ -z "${ONWARD_BIN:-}" ]; then # the tests bring their own programs
  deploy/install-deps.sh
  echo "Building ..."
  mkdir -p build
  { cmake -S . -B build/demo-programs -G Ninja -DONWARD_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
    cmake --build build/demo-programs; } >build/demo-build.txt 2>&1 || { tail -n 40 build/demo-build.txt; exit 1; }
  ONWARD_BIN=$PWD/build/demo-programs/bin
fi
BIN=$ONWARD_BIN
. deploy/network.sh
trap network_end EXIT

# --- telling ---

scene() { printf '\n\033[1m=== %s\033[0m\n' "$*"; }
tell() { printf '%s\n' "$*" | fold -s -w 100; }
types() { # name arguments...: shows what a person types, and what Onward answers
  local name=$1
  shift
  printf '\n[%s] $ onward %s\n' "${NAME_OF[$name]}" "$*"
  as "$name" "$@" | sed 's/^/    /'
}
short_of() { sed -n 's/.*"short": *"\([^"]*\)".*/\1/p' | head -n 1; }
state_of() { # name id
  as "$1" "$3" --json | grep -o "\"short\": *\"$2\".*" | grep -o '"state": *"[a-z_]*"' | head -n 1 | grep -o '[a-z_]*"$' | tr -d '"'
}
state_is() { [ "$(state_of "$1" "$2" "$3")" = "$4" ]; }
file_is_here() { as "$1" "$3" --json | grep -o "\"short\": *\"$2\".*" | grep -om1 '"has_file": *[a-z]*' | head -n 1 | grep -q true; } # name id box
arrives() { until_true 60 state_is "$@"; } # name id inbox|sent state

form() { # routing json, need, service: a case form as another program would write it
  cat <<FORM
{ $1,
  "brief": { "service": "$3", "need": "$2", "sex": "FEMALE", "language": "km", "risk": "RISK_MEDIUM" },
  "file": { "case_code": "${4}", "name": "S. (an alias)", "age": 12,
    "contact": { "who": "her father", "telephone": "+855 00 000 000", "when": "after 17:00",
                 "words": "say that it is about school", "must_not_learn": "the uncle" },
    "caregiver": { "who": "her father", "informed": true },
    "consent": { "given_by": "her assent and her father, on the day of the report" },
    "focal_point": "officer on duty, +855 00 000 001" } }
FORM
}

NAME_OF=([ministry]="Ministry" [council]="NGO council" [police]="Police" [aple]="APLE" [a21]="A21" [haven]="Haven Counselling")
KIND_OF=([ministry]=STATUTORY [council]=NGO [police]=STATUTORY [aple]=NGO [a21]=NGO [haven]=NGO)
AGENT_SETTINGS=$'[exchange]\nhello_wait_ms = 1500'

scene "A network is founded"
tell "Two registrars, an exchange, four organisations. Each makes its own keys; the registrar compares six words by telephone" \
  "before it enrols an organisation."
rm -rf build/demo
network_make "$PWD/build/demo" ministry council police aple a21 haven
sed 's/^/    /' build/demo/log/init.txt | head -n 1
types police directory

scene "The police hand her over"
tell "A father reports that his daughter, 12, was groomed online. The police refer her to APLE, on their own legal basis." \
  "At APLE the office is still locked: its computer receives what comes, and can open nothing."
K1=$(form '"to": ["aple"], "scope": ["aple", "a21", "haven"], "priority": "HIGH", "basis": "PUBLIC_TASK", "area": "KH-17", "ref": "P-77/CASE"' \
  "support for a child and her father" CHILD_PROTECTION P-77 | as police refer - --json | short_of)
arrives police "$K1" sent received
types police sent

scene "APLE reads it, and says yes"
as aple unlock --passphrase-file build/demo/passphrase
types aple
types aple show "$K1"
types aple accept "$K1" --first-contact "$(date -u -d '+1 day' +%F)"
arrives police "$K1" sent accepted
tell "" "Only now the file with her name is handed over:"
until_true 60 file_is_here aple "$K1" inbox
types aple show "$K1"
as aple start "$K1" >/dev/null

scene "APLE asks for a counsellor; the first declines, the second is offline, and the exchange is struck down"
agent_stop a21
K2=$(form '"to": ["haven", "a21"], "priority": "MEDIUM", "basis": "ASSENT_AND_CAREGIVER", "area": "KH-17", "ref": "A-12/PSS"' \
  "trauma counselling, twice a month" TRAUMA_COUNSELLING A-12 | as aple refer - --json | short_of)
arrives aple "$K2" sent received
as haven unlock --passphrase-file build/demo/passphrase
as haven show "$K2" >/dev/null
types haven decline "$K2" --reason NO_CAPACITY --by provider
arrives aple "$K2" sent requested
tell "" "Haven has no place. The exchange has offered the case to A21 by itself, whose computer is switched off:"
types aple sent
tell "" "Now the exchange is killed (kill -9), and APLE refers her for legal help while it is away:"
broker_kill
K3=$(form '"to": ["a21"], "scope": ["a21", "haven"], "priority": "MEDIUM", "basis": "ASSENT_AND_CAREGIVER", "area": "KH-17", "ref": "A-12/LEGL"' \
  "somebody to explain the proceedings to her" LEGAL_INFORMATION A-12 | as aple refer - --json | short_of)
types aple outbox
broker_start
agent_start a21
tell "" "The exchange is back, and so is A21:"
arrives aple "$K2" sent received
arrives aple "$K3" sent received
types aple sent

scene "A21 takes the counselling, and passes the other on to somebody better placed"
as a21 unlock --passphrase-file build/demo/passphrase
types a21
as a21 show "$K2" >/dev/null
types a21 accept "$K2" --first-contact "$(date -u -d '+3 days' +%F)"
as a21 show "$K3" >/dev/null
printf '%s' '{ "service": "LEGAL_INFORMATION", "need": "somebody to explain the proceedings; we only counsel", "age_band": "AGE_10_14", "sex": "FEMALE" }' |
  as a21 reroute "$K3" - --to haven >/dev/null
arrives haven "$K3" inbox received
as haven show "$K3" >/dev/null
types haven accept "$K3" --first-contact "$(date -u -d '+2 days' +%F)"
arrives aple "$K3" sent accepted
as a21 start "$K2" >/dev/null
arrives aple "$K2" sent in_progress
types aple sent
types aple show "$K2"

scene "APLE has done its part"
as aple complete "$K1" --outcome SERVICE_PROVIDED >/dev/null
arrives police "$K1" sent completed
types police
types police close "$K1"
arrives aple "$K1" inbox closed

scene "The auditor takes a copy and trusts nobody"
broker_stop
rm -rf build/demo/copy
cp -a build/demo/broker build/demo/copy && rm -f build/demo/copy/*.key
printf '\n[Auditor] $ onward-audit verify build/demo/copy\n'
"$BIN/onward-audit" verify build/demo/copy | sed 's/^/    /'
printf '\n[Auditor] $ onward-audit replay build/demo/copy\n'
"$BIN/onward-audit" replay build/demo/copy | sed 's/^/    /'
printf '\n[Auditor] $ onward-audit show build/demo/copy | tail -n 6\n'
"$BIN/onward-audit" show build/demo/copy | tail -n 6 | sed 's/^/    /'

scene "Go on by hand"
cat <<HAND
    export PATH=$BIN:\$PATH
    onward-broker serve build/demo/broker &
    onward-agent --home build/demo/aple &
    onward --home build/demo/aple            # what is to be done now
    onward --home build/demo/aple refer      # asks the case form, question by question
    The passphrase of all offices here: $PASSPHRASE_OF_DEMO
HAND
if [ "$stay" = yes ]; then
  broker_start
  printf '\nEverything is running. Enter stops it. '
  read -r _
fi
