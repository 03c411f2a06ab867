#!/usr/bin/env python3
"""Makes a copy of one source file with one mistake in it, or says what mistakes there are.

    plant.py MISTAKES ROOT NAME OUT    the copy, and nothing when the text that it changes is not there exactly once
    plant.py MISTAKES                  the names, each with its file
"""
import re
import sys


def read(path):
    mistakes, here = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line.startswith("#") or not line:
                continue
            if line[:2] == ": ":
                here["what"] = line[2:]
            elif line[:2] in ("- ", "+ "):
                side = "old" if line[0] == "-" else "new"
                if side == "old" and (not here["changes"] or here["changes"][-1]["new"]):
                    here["changes"].append({"old": [], "new": []})
                here["changes"][-1][side].append(line[2:].strip())
            else:
                name, source = line.split()
                here = mistakes[name] = {"source": source, "changes": []}
    return mistakes


def planted(text, change):
    # indentation may differ: it is no part of the mistake
    pattern = r"\s+".join(re.escape(line) for line in change["old"])
    if len(re.findall(pattern, text)) != 1:
        sys.exit(f"what the mistake changes is not there exactly once: {change['old'][0]}")
    return re.sub(pattern, lambda _: "\n".join(change["new"]), text)


def main():
    mistakes = read(sys.argv[1])
    if len(sys.argv) == 2:
        for name, mistake in mistakes.items():
            print(name, mistake["source"])
        return
    root, name, out = sys.argv[2:]
    with open(f"{root}/{mistakes[name]['source']}", encoding="utf-8") as file:
        text = file.read()
    for change in mistakes[name]["changes"]:
        text = planted(text, change)
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)


main()
