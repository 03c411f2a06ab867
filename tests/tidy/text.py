#!/usr/bin/env python3
"""What a reader may expect of every file: bounded length, clean lines, nothing left open, a README beside it."""
import os
import re
import sys

from tree import paths, sources

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 120
NO_README = ("", ".ci")  # the root has one anyway; .ci holds one line

LEFT_OPEN = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
faults = []


def line_faults(path, number, line):
    if line != line.rstrip():
        faults.append(f"{path}:{number}: space at the end of the line: remove it")
    if INVISIBLE.search(line):
        faults.append(f"{path}:{number}: a character that nobody can see: remove it")
    if LEFT_OPEN.search(line):
        faults.append(f"{path}:{number}: something left open: do it, or open an issue")
    if path.endswith((".c", ".h")) and len(line) > COLUMNS_MAX:
        faults.append(f"{path}:{number}: {len(line)} columns: break it at {COLUMNS_MAX}")


def function_faults(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > FUNCTION_LINES_MAX:
                faults.append(f"{path}:{start}: a function of {number - start - 1} lines: split it by what it does")
            start = None


for path, text in sources(".c", ".h", ".py", ".sh", ".md", ".txt", ".proto", ".json", ".tidy", ".format", ".run"):
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        line_faults(path, number, line)
    if text and not text.endswith("\n"):
        faults.append(f"{path}:{len(lines)}: no newline at the end: add it")
    if path.endswith((".c", ".h")):
        function_faults(path, lines)
        if len(lines) > FILE_LINES_MAX + 1:
            faults.append(f"{path}:{FILE_LINES_MAX}: {len(lines) - 1} lines: split the file by what it does")

REQUIREMENT = re.compile(r"^\* \*\*\[([A-Z]+-\d+)\]\*\*", re.M)
stated = {}
for path, text in sources(".md"):
    for number in REQUIREMENT.findall(text):
        if number in stated:
            faults.append(f"{path}:1: {number} is stated in {stated[number]}, too: a new requirement gets a new number")
        stated[number] = path

everything = set(paths())
folders = {os.path.dirname(path) for path in everything}
parents = {os.path.dirname(folder) for folder in folders}
for folder in sorted((folders | parents) - set(NO_README)):
    if f"{folder}/README.md" not in everything:
        faults.append(f"{folder}/README.md:1: missing: one screen, naming the file to read first")
print(*faults, sep="\n", end="\n" if faults else "")
sys.exit(bool(faults))
