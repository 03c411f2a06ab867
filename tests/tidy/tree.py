"""The files of the tree that are ours to keep tidy: tracked or about to be, published and generated data left out."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = ("tests/vectors/", "tests/fuzz/corpus/")  # not ours to tidy


def paths(*endings):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    present = [path for path in listed.split("\0") if path and os.path.isfile(os.path.join(ROOT, path))]
    return sorted(path for path in set(present) if path.endswith(endings or "") and not path.startswith(DATA))


def sources(*endings):
    for path in paths(*endings):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            yield path, file.read()
