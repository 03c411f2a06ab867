#!/usr/bin/env bash
# What is wrong with a table of areas is found while the project is configured, with file and row: duplicates, a code of the wrong
# form, a parent that nobody knows or that stands below its child, a missing name.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(areas NONE)
include(areas/areas.cmake)
onward_areas(${CMAKE_BINARY_DIR}/made.c KH)
END

configure() {
  rm -rf "$work/build"
  cmake -G Ninja -S "$work" -B "$work/build" >"$work/said" 2>&1 && cc -std=c17 -fsyntax-only -I. "$work/build/made.c" >>"$work/said" 2>&1
}

# refused WHAT SED-SCRIPT WORDS: with the table changed so, WORDS are said.
refused() {
  cp agents/areas/KH.tsv "$work/areas/KH.tsv"
  sed -i "$2" "$work/areas/KH.tsv"
  if cmp -s agents/areas/KH.tsv "$work/areas/KH.tsv"; then
    echo "areas: $1: the table was not changed" && exit 1
  fi
  if configure || ! tr -s '\n ' ' ' <"$work/said" | grep -q -- "$3"; then
    echo "areas: $1 was not refused with: $3" && cat "$work/said" && exit 1
  fi
}

cp -r agents/areas "$work/areas"
configure || { echo "areas: as it is, the table is refused" && cat "$work/said" && exit 1; }
refused "a code that stands twice" 's/\tKH1711\t/\tKH1710\t/' 'KH1710: stands twice'
refused "an unknown parent" 's/\tKH1711\tKH17\t/\tKH1711\tKH77\t/' 'KH1711: KH77 stands in no row above'
refused "a parent below its child" 's/\tKH-1\tKH\t/\tKH-1\tKH-2\t/' 'KH-1: KH-2 stands in no row above'
refused "one's own parent" 's/\tKH-1\tKH\t/\tKH-1\tKH-1\t/' 'KH-1: KH-1 stands in no row above'
refused "an unknown same place" 's/\tKH-17$/\tKH-77/' 'KH17: KH-77 stands in no row above'
refused "a province without a parent" 's/\tKH-1\tKH\t/\tKH-1\t\t/' 'KH-1: the parent is missing'
refused "a P-code as ISO" 's/^PCODE\tKH1711\t/ISO\tKH1711\t/' 'KH1711: not of the form of ISO'
refused "an ISO code as P-code" 's/^ISO\tKH-1\t/PCODE\tKH-1\t/' 'KH-1: not of the form of PCODE'
refused "too long a P-code" 's/\tKH1711\t/\tKH171101010\t/' 'KH171101010: not of the form of PCODE'
refused "an unknown scheme" 's/^PCODE\tKH1711\t/POST\tKH1711\t/' "scheme 'POST': expected ISO or PCODE"
refused "a missing name" 's/\tKH1711\tKH17\t.*/\tKH1711\tKH17\t\t/' 'KH1711: the English name is missing'
refused "a field too few" 's/\tKH1711\tKH17\t.*/\tKH1711\tKH17/' 'expected scheme, code, parent, English'
refused "a field too many" 's/\tKH-17$/&\tword/' 'expected scheme, code, parent, English'
