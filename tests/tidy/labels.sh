#!/usr/bin/env bash
# What is wrong with a table of labels is found while the project is configured or compiled, with file and row: duplicates, gaps, a
# number that is used again, a missing label.
#
# usage: labels.sh BUILD-FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(labels NONE)
include(labels/labels.cmake)
onward_labels(${CMAKE_BINARY_DIR}/made.c)
END

configure() {
  rm -rf "$work/build"
  cmake -G Ninja -S "$work" -B "$work/build" >"$work/said" 2>&1 && cc -std=c17 -fsyntax-only -I. -isystem "$build" "$work/build/made.c" >>"$work/said" 2>&1
}

# refused WHAT FILE SED-SCRIPT WORDS: with the file changed so, WORDS are said.
refused() {
  rm -rf "$work/labels"
  cp -r agents/labels "$work/labels"
  sed -i "$3" "$work/labels/$2"
  if cmp -s "agents/labels/$2" "$work/labels/$2"; then
    echo "labels: $1: the table was not changed" && exit 1
  fi
  if configure || ! tr -s '\n ' ' ' <"$work/said" | grep -q -- "$4"; then
    echo "labels: $1 was not refused with: $4" && cat "$work/said" && exit 1
  fi
}

cp -r agents/labels "$work/labels"
configure || { echo "labels: as they are, they are refused" && cat "$work/said" && exit 1; }
refused "a number that stands twice" outcomes.tsv 's/^3\t/2\t/' 'outcomes.tsv: 2 ADVICE_ONLY: expected 3'
refused "a gap" groups.tsv '/^5\t/d' 'groups.tsv: 6 LEGL: expected 5'
refused "a gap within a group" services.tsv '/^503\t/d' 'services.tsv: 504 GENERAL_HEALTH: expected 503'
refused "a code that stands twice" services.tsv 's/\tCASH\t/\tFOOD\t/' 'FOOD: stands twice'
refused "a code of another table" outcomes.tsv 's/\tDECEASED\t/\tNO_CAPACITY\t/' 'NO_CAPACITY: stands twice'
refused "a missing Khmer label" legal_bases.tsv 's/^1\tCONSENT\tconsent\t.*/1\tCONSENT\tconsent\t/' 'CONSENT: a label is missing'
refused "a field too few" legal_bases.tsv 's/^1\tCONSENT\t.*/1\tCONSENT\tconsent/' 'expected number, code, English, Khmer'
refused "a field too many" legal_bases.tsv 's/^1\tCONSENT\t.*/&\tword/' 'expected number, code, English, Khmer'
refused "a number used again" outcomes.tsv 's/^13\tDECEASED\t/13\tMOVED_ON\t/' 'ONWARD__OUTCOME__MOVED_ON'
refused "two numbers exchanged" outcomes.tsv 's/^13\tDECEASED\t/13\tOTHER_OUTCOME\t/;s/^14\tOTHER_OUTCOME\t/14\tDECEASED\t/' 'assertion failed: "outcomes.tsv"'
