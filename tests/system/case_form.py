#!/usr/bin/env python3
"""A case form whose every sealed field holds a marker word of its own, and a search for those words.

    case_form.py form MARKERS ROUTING-JSON    makes the markers' file if it is absent; prints a form for `onward refer -`
    case_form.py search MARKERS PATH...       looks for each marker in all files below: plain, hex, base64 at each alignment
    case_form.py sample FOLDER                prints arguments and environment of all programs from FOLDER, until it is stopped
    case_form.py has MARKERS N                the standard input holds at least N of the markers
"""
import base64
import json
import os
import secrets
import sys
import time

BRIEF = ["need", "risk_note"]
FILE = ["case_code", "name", "already_given", "focal_point"]
CONTACT = ["who", "telephone", "when", "words", "must_not_learn"]
CAREGIVER = ["who", "why_not"]
CONSENT = ["given_by", "may_be_shared", "withhold", "withhold_why"]


def markers(path):
    if not os.path.exists(path):
        names = [f"{part}.{name}" for part, names in
                 (("brief", BRIEF), ("file", FILE), ("contact", CONTACT), ("caregiver", CAREGIVER), ("consent", CONSENT))
                 for name in names] + ["note"]
        with open(path, "w", encoding="ascii") as file:
            json.dump({name: "Q" + secrets.token_hex(8) + "Z" for name in names}, file)
    with open(path, encoding="ascii") as file:
        return json.load(file)


def form(path, routing):
    words = markers(path)

    def part(kind, names):
        return {name: words[f"{kind}.{name}"] for name in names}

    case = json.loads(routing)
    case["brief"] = part("brief", BRIEF) | {"service": "TRAUMA_COUNSELLING", "sex": "FEMALE", "language": "km",
                                            "risk": "RISK_HIGH"}
    case["file"] = part("file", FILE) | {"age": 12, "contact": part("contact", CONTACT), "legal_status": "REPORTED",
                                         "caregiver": part("caregiver", CAREGIVER), "consent": part("consent", CONSENT)}
    print(json.dumps(case))


def forms_of(word):
    """All byte strings in which the word could hide; base64 depends on where in the text it begins."""
    raw = word.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield raw.decode().encode("utf-16-le")
    for skip in range(3):
        padded = base64.b64encode(b"\0" * skip + raw)
        yield padded[4 if skip else 0:-4]


def search(path, folders):
    needles = {form: name for name, word in markers(path).items() for form in forms_of(word)}
    files = found = 0
    for top in folders:
        for folder, _, names in os.walk(top):
            for name in names:
                place = os.path.join(folder, name)
                if not os.path.isfile(place):
                    continue
                with open(place, "rb") as file:
                    content = file.read()
                files += 1
                for needle, field in needles.items():
                    if needle in content:
                        found += 1
                        print(f"{place}: holds the marker of {field}")
    print(f"{len(needles)} forms of {len(markers(path))} markers searched in {files} files: {found} found")
    return 1 if found or not files else 0


def sample(folder):
    while True:
        for process in (name for name in os.listdir("/proc") if name.isdigit()):
            try:
                if os.readlink(f"/proc/{process}/exe").startswith(folder):
                    for what in ("cmdline", "environ"):
                        with open(f"/proc/{process}/{what}", "rb") as file:
                            sys.stdout.buffer.write(file.read() + b"\n")
            except OSError:
                continue  # it has ended
        sys.stdout.flush()
        time.sleep(0.01)


def has(path, count):
    text = sys.stdin.read()
    there = [name for name, word in markers(path).items() if word in text]
    print(f"{len(there)} markers are there")
    return 0 if len(there) >= int(count) else 1


if __name__ == "__main__":
    command = {"form": lambda: form(sys.argv[2], sys.argv[3]), "search": lambda: search(sys.argv[2], sys.argv[3:]),
               "sample": lambda: sample(sys.argv[2]), "has": lambda: has(sys.argv[2], sys.argv[3])}
    sys.exit(command[sys.argv[1]]())
