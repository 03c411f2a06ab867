#!/usr/bin/env python3
"""A floor includes only what is below it: the tables first, then the check over every #include of the tree."""
import re
import sys

from tree import sources

# Lowest first. A file is on the floor with the longest prefix that fits its path.
FLOORS = {
    "base": ["proto/base/"],
    "seal": ["proto/seal/"],
    "wire": ["proto/wire/", "proto/onward.pb-c.h"],
    "rules": ["proto/rules/", "proto/ledger/"],
    "contract": ["proto/"],
    "store": ["proto/store/"],
    "broker": ["broker/"],
    "agents": ["agents/", "proto/case.pb-c.h"],  # the broker cannot read a case: it does not even know its form
    "tests": ["tests/"],
}
APART = ("agents", "broker")  # the first stands on the same ground as the second, not on it

# System headers. The floors named in PURE may include these only; the libraries of ONLY belong to those floors alone.
PURE_ALL = ["inttypes.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h"]
PURE = {
    "base": ["stdio.h"],  # must() prints, then aborts
    "seal": ["openssl/", "sodium.h", "stdatomic.h", "pthread.h"],
    "wire": ["protobuf-c/", "stdio.h"],  # vsnprintf names the field that is wrong; symbols.py sees that it is no more
    "rules": [],
    "contract": [],
}
ONLY = {"sodium.h": ["seal"], "lmdb.h": ["store", "tests"], "zmq.h": ["broker", "agents", "tests"]}

ORDER = list(FLOORS)
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def floor_of(path):
    fits = [(len(p), floor) for floor, prefixes in FLOORS.items() for p in prefixes if path.startswith(p)]
    return max(fits)[1] if fits else None


def fault_of_own(here, included):
    there = floor_of(included)
    if there is None:
        return f"{included} is on no floor: include from the root of the tree, or mend tests/tidy/floors.py"
    if ORDER.index(there) > ORDER.index(here):
        return f"{here} lies below {there} and may not include {included}"
    if (here, there) == APART:
        return f"{here} and {there} never include each other: what both need belongs in proto/"
    return None


def fault_of_system(here, header):
    if here in PURE and not header.startswith(tuple(PURE_ALL + PURE[here])):
        return f"{here} is pure and may not include <{header}>: no I/O, no clock, no allocation below proto/store"
    if here not in ONLY.get(header, [here]):
        return f"<{header}> belongs to {', '.join(ONLY[header])} only"
    return None


faults = 0
for path, text in sources(".c", ".h"):
    here = floor_of(path)
    if here is None:
        print(f"{path}:1: on no floor: add its folder to the table of tests/tidy/floors.py")
        faults += 1
        continue
    for number, line in enumerate(text.split("\n"), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, name = found.groups()
        fault = fault_of_own(here, name) if kind == '"' else fault_of_system(here, name)
        if fault:
            print(f"{path}:{number}: {fault}")
            faults += 1
sys.exit(faults > 0)
