#!/usr/bin/env python3
"""The founding story, exported, checked by a second reader that shares no code with the first; damaged, both refuse it. Then the
auditor's recipes: proofs, witnesses, and a time-stamp of RFC 3161."""
import base64
import importlib.machinery
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from office import Network, check, run_tests

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BIN, SCENARIO = os.environ["ONWARD_BIN"], os.environ["ONWARD_SCENARIO"]
VECTORS = os.environ.get("ONWARD_VECTORS", os.path.join(ROOT, "tests/vectors"))
PARTS = {"whole": [], "hashes": ["--public"], "aple": ["--organisation", "aple"]}


def second_reader():
    loader = importlib.machinery.SourceFileLoader("verifier", f"{BIN}/onward-verify")
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("verifier", loader))
    loader.exec_module(module)
    return module


def run(*words, code=0, program="onward-audit"):
    done = subprocess.run([f"{BIN}/{program}", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(done.returncode == code, f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


verifier = second_reader()
folder = tempfile.mkdtemp(prefix="onward-test-")


def at(*names):
    return os.path.join(folder, *names)


def make():
    os.mkdir(at("data"))
    subprocess.run([SCENARIO, "--books", at("data", "books"), f"{ROOT}/tests/scenarios/founding-story.txt"], check=True,
                   stdout=subprocess.DEVNULL)
    for name, options in PARTS.items():
        run("export", at("data"), at(name), *options)


def log_key():
    with open(at("whole", "keys"), encoding="ascii") as file:
        return next(line[4:-1] for line in file if line.startswith("log "))


def files(name):
    return sorted(os.path.relpath(os.path.join(top, file), at(name)) for top, _, list_ in os.walk(at(name)) for file in list_)


def fault(name):
    try:
        verifier.verify(at(name))
    except verifier.Fault as found:
        return str(found)
    return None


class Damaged:
    """A copy of one file's content, put back at the end."""

    def __init__(self, name, file):
        self.path = at(name, file)
        with open(self.path, "rb") as content:
            self.content = content.read()

    def __enter__(self):
        return self

    def put(self, content):
        with open(self.path, "wb") as file:
            file.write(content)

    def __exit__(self, *_):
        self.put(self.content)


def records(raw, head):
    """Where each entry of a bundle (head 2), or of `entries` (head 10), begins and ends."""
    places, start = [], 0
    while start < len(raw):
        end = start + head + int.from_bytes(raw[start + head - 2:start + head], "big")
        places.append((start, end))
        start = end
    return places


def both_readers_agree():
    for name in PARTS:
        for line in verifier.verify(at(name), verifier.NoteKey(log_key(), verifier.LOG)):
            check("holds" not in line or line.startswith("holds: "), line)
        check("NOT CHECKED" in run("verify", at(name)) or name == "whole", name)
    check("50 entries, 50 of them read" in run(at("whole"), program="onward-verify"), "not all were read")
    check("names another log key" in run(at("whole"), "--log-key", verifier_key(), program="onward-verify", code=1), "any key will do")
    run(at("nothing"), program="onward-verify", code=1)
    run(program="onward-verify", code=2)


def verifier_key():
    with open(f"{VECTORS}/tlog/keys.txt", encoding="ascii") as file:
        return next(line.split()[1] for line in file if line.startswith("public "))


def changed_bits_are_found():
    chance = random.Random(3161)
    for name in PARTS:
        for file in files(name):
            with Damaged(name, file) as damaged:
                size = len(damaged.content)
                for place in range(0, size, 4) if size < 300 else sorted(chance.sample(range(size), 25)):
                    changed = bytearray(damaged.content)
                    changed[place] ^= 1 << chance.randrange(8)
                    damaged.put(changed)
                    found = fault(name)
                    check(found is not None, f"{name}/{file}, byte {place}: not found")
                    entries = file == "entries" or file.startswith("tile/entries")
                    check(("entry " if entries else file) in found, f"{name}/{file}, byte {place}: {found}")
                    if place % 24 == 0:
                        run("verify", at(name), code=1)
        check(fault(name) is None, name)


def moved_entries_are_found():
    for name, file, head in (("whole", "tile/entries/000.p/50", 2), ("aple", "entries", 10)):
        with Damaged(name, file) as damaged:
            raw, places = damaged.content, records(damaged.content, head)
            for i in range(0, len(places) - 1, 5):
                start, end = places[i]
                _, then = places[i + 1]
                one, other, index = raw[start:end], raw[end:then], i if head == 2 else int.from_bytes(raw[start:start + 8], "big")
                for how, changed in (("left out", raw[:start] + raw[end:]), ("moved", raw[:start] + other + one + raw[then:]),
                                     ("twice", raw[:end] + raw[start:]), ("cut", raw[:end - 1])):
                    damaged.put(changed)
                    found = fault(name)
                    if name == "whole" and how != "twice":
                        check((found or "").startswith(f"entry {index}:"), f"{index} {how}: {found}")
                    elif how != "left out":  # of a part, what is no registry entry may be missing
                        check((found or "").startswith("entry "), f"{name}: {index} {how}: {found}")


def other_files_are_refused():
    for name in PARTS:
        for file in files(name):
            with Damaged(name, file) as damaged:
                damaged.put(damaged.content[:-1])
                check(fault(name) is not None, f"{file}: a byte less")
                damaged.put(damaged.content + b"\n")
                check(fault(name) is not None, f"{file}: a byte more")
                os.unlink(damaged.path)
                check((fault(name) or "").startswith(f"{file}: is missing"), f"{file}: {fault(name)}")
        with open(at(name, "more"), "wb"):
            pass
        check(fault(name) == "more: is no file of this export", fault(name))
        os.unlink(at(name, "more"))
        check(fault(name) is None, name)


def published_vectors_are_read():
    key = verifier.NoteKey(verifier_key(), verifier.LOG)
    for size in range(9):
        with open(f"{VECTORS}/tlog/checkpoint.{size}", "rb") as file:
            checkpoint = verifier.Checkpoint(file.read(), key)
        tree = verifier.Folder(f"{VECTORS}/tlog").tree(size)
        check((checkpoint.size, checkpoint.root) == (size, verifier.root_of(tree)), f"tlog {size}")
        entries = list(verifier.Folder(f"{VECTORS}/tlog").bundles(size))
        check([verifier.leaf_hash(raw) for _, raw in entries] == tree, f"tlog bundle {size}")
    tried = 0
    for top, _, names in os.walk(f"{VECTORS}/merkle"):
        for name in names:
            with open(os.path.join(top, name), encoding="utf-8") as file:
                case = json.load(file)
            hashes = {field: base64.b64decode(case.get(field) or "") for field in ("root", "leafHash", "root1", "root2")}
            proof = [base64.b64decode(step) for step in case["proof"] or []]
            if "leafIdx" in case:
                holds = verifier.included(hashes["leafHash"], case["leafIdx"], case["treeSize"], proof, hashes["root"])
            else:
                holds = verifier.consistent(case["size1"], case["size2"], hashes["root1"], hashes["root2"], proof)
            check(holds != case["wantErr"], f"{top}/{name}")
            tried += 1
    check(tried > 30, f"{tried} cases")


def proofs_and_witnesses():
    proof, key, note = at("12.tlog-proof"), log_key(), at("note")
    with open(proof, "w", encoding="utf-8") as file:
        file.write(run("prove", at("whole"), "12"))
    check("Entry 12 is in the log" in run("prove", "--check", proof, "--log-key", key), "it proves nothing")
    check("receive by haven" in run("--proof", proof, "--log-key", key, program="onward-verify"), "it proves nothing")
    witness = run("cosign", "--new-key", at("witness.key"), "witness.example/w1").strip()
    with open(note, "w", encoding="utf-8") as file:
        file.write(run("cosign", at("whole"), "--key", at("witness.key"), "--log-key", key))
    os.mkdir(at("data", "witness"))
    with open(note, encoding="utf-8") as file, open(at("data", "witness", witness.split("+")[1]), "w", encoding="utf-8") as kept:
        kept.write(f"{witness}\n{file.read()}")
    run("export", at("data"), at("cosigned"))
    check("cosigned    50 entries" in run("verify", at("cosigned")), "the cosignature is not told")
    check("cosigned by witness.example/w1" in run(at("cosigned"), "--witness-key", witness, program="onward-verify"), "nor here")
    check("not cosigned by" in run(at("whole"), "--witness-key", witness, program="onward-verify", code=1), "any export is cosigned")
    for file in ("checkpoint", "keys", f"witness/{witness.split('+')[1]}"):
        with Damaged("cosigned", file) as damaged:
            for place in range(0, len(damaged.content), 11 if file != "keys" else 97):
                changed = bytearray(damaged.content)
                changed[place] ^= 4
                damaged.put(changed)
                check(fault("cosigned"), f"{file}: byte {place}: not found")


def operator_keeps_cosignatures():
    """Of an exchange that serves: its live folder is exported, cosigned, and given back."""
    with Network("police", "aple") as net:
        live, key = f"{net.folder}/broker", None
        item = net.office("police").unlock().refer(["aple"])
        net.office("aple").unlock().until("received", item)
        run("export", live, at("first"))
        with open(at("first", "keys"), encoding="ascii") as file:
            key = next(line[4:-1] for line in file if line.startswith("log "))
        witness = run("cosign", "--new-key", at("regulator.key"), "regulator.example").strip()
        notes = []
        for name in ("first", "second"):
            if name == "second":
                net.office("aple").act("acknowledge", item)
                net.office("police").until("acknowledged", item)
                run("export", live, at(name))
            notes.append(at(f"{name}.note"))
            with open(notes[-1], "w", encoding="utf-8") as file:
                file.write(run("cosign", at(name), "--key", at("regulator.key"), "--log-key", key))
        program = {"program": "onward-broker"}
        check("not cosigned by that witness" in run("cosignature", live, at("first", "checkpoint"), witness, code=2, **program), "as it is")
        check("no witness's" in run("cosignature", live, notes[1], key, code=2, **program), "a log's key")
        check("not in its form" in run("cosignature", live, at("whole", "checkpoint"), witness, code=2, **program), "another log's")
        run("cosignature", live, notes[1], witness, **program)
        check("newer one" in run("cosignature", live, notes[0], witness, code=2, **program), "an older one")
        check("regulator.example, " in run("status", live, **program), "status does not tell")
        run("export", live, at("third"))
        check("by regulator.example+" in run("verify", at("third"), "--log-key", key), "it is not exported")
        verifier.verify(at("third"), verifier.NoteKey(key, verifier.LOG))


def the_guide_works():
    """The commands of docs/auditing.md, one after another, in one folder."""
    with open(f"{ROOT}/docs/auditing.md", encoding="utf-8") as file:
        blocks = [block.split("```\n")[0] for block in file.read().split("```sh\n")[1:]]
    check(len(blocks) >= 5, "the guide has lost its commands")
    os.mkdir(at("guide"))
    os.rename(at("data"), at("guide", "copy"))
    shutil.rmtree(at("guide", "copy", "witness"))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(blocks)], cwd=at("guide"), capture_output=True, text=True,
                          env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "VKEY": log_key()}, stdin=subprocess.DEVNULL)
    check(done.returncode == 0, f"{done.stdout}{done.stderr}")
    check("Verification: OK" in done.stdout + done.stderr, f"no time-stamp: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    try:
        make()
        run_tests(os.path.abspath(__file__),
                  [both_readers_agree, changed_bits_are_found, moved_entries_are_found, other_files_are_refused, published_vectors_are_read,
                   proofs_and_witnesses, operator_keeps_cosignatures, the_guide_works])
    finally:
        shutil.rmtree(folder)
