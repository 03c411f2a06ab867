#!/usr/bin/env bash
# Each sealed field of a case holds a marker word. The case is sent, declined, passed on, accepted, served and reported on; then no
# marker may be in anything that the exchange wrote or printed, nor on any office's disk (data, home, temporary files), nor was it ever
# in a process's arguments or environment. That the search can find is shown by a copy that holds one.
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=${ONWARD_BIN:?folder of the programs}
. deploy/network.sh
. tests/system/items.sh
work=$(mktemp -d)
trap 'network_end; kill "${sampler:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/home" "$work/tmp" "$work/sampled" "$work/search"
export HOME=$work/home TMPDIR=$work/tmp
marks=$work/marks.json
case_form() { python3 tests/system/case_form.py "$@"; }

AGENT_SETTINGS=$'[exchange]\nhello_wait_ms = 1500'
network_make "$work/net" ministry council police aple a21
python3 tests/system/case_form.py sample "$BIN" >"$work/sampled/processes" & # what anybody on this computer could see of our processes
sampler=$!

routing='{"to": ["aple", "a21"], "scope": ["aple", "a21"], "priority": "HIGH", "basis": "CONSENT", "area": "KH-17"}'
id=$(case_form form "$marks" "$routing" | as police refer - --json | short_of)
arrives police "$id" sent received
if as aple show "$id" </dev/null >"$work/locked.txt" 2>&1; then
  echo "markers: show of a locked office did not ask for the passphrase"
  exit 1
fi
as aple unlock --passphrase-file "$NET/passphrase"
as aple show "$id" | case_form has "$marks" 2
note_text() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["note"])' "$marks"; }
note_text | as aple decline "$id" --reason NO_CAPACITY --by provider --note -
arrives police "$id" sent received
as a21 unlock --passphrase-file "$NET/passphrase"
as a21 show "$id" | case_form has "$marks" 2
note_text | as a21 accept "$id" --first-contact "$(date -u -d '+1 day' +%F)" --note -
until_true 60 file_is_here a21 "$id" inbox
as a21 show "$id" | case_form has "$marks" 15
note_text | as a21 start "$id" --note - || as a21 start "$id"
note_text | as a21 progress "$id" --kind SESSION --note -
note_text | as a21 complete "$id" --outcome SERVICE_PROVIDED --note -
arrives police "$id" sent completed
as police unlock --passphrase-file "$NET/passphrase"
as police show "$id" | case_form has "$marks" 1
for name in police aple a21; do as "$name" lock; done

echo "== while everything runs, offices locked"
case_form search "$marks" "$work/net" "$work/home" "$work/tmp" "$work/sampled"
network_end
kill "$sampler"
echo "== after everything has stopped"
case_form search "$marks" "$work/net" "$work/home" "$work/tmp" "$work/sampled"

echo "== the search itself"
cp "$NET/broker/books/data.mdb" "$work/search/copy"
python3 -c 'import base64,json,sys; print(base64.b64encode(b"ab"+json.load(open(sys.argv[1]))["file.name"].encode()).decode())' \
  "$marks" >>"$work/search/copy"
! case_form search "$marks" "$work/search" >/dev/null || { echo "markers: the search finds nothing"; exit 1; }
for name in police aple a21; do
  find "$NET/$name" "$NET/broker" -type f \( -name '*.key' -o -name '*.pem' \) -perm /077 | { ! grep . ; } ||
    { echo "markers: a secret is readable by others"; exit 1; }
done
echo "no marker word anywhere it should not be"
