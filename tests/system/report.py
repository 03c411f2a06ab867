#!/usr/bin/env python3
"""The page of a report, over the log of a made-up year (year.c): whole, well-formed, loading nothing, and telling no more than
the report does."""
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

BIN = os.environ["ONWARD_BIN"]
YEAR = os.path.join(BIN, "../tests/onward-year")
OFFICES = ("police", "aple", "a21", "tpo", "clinic", "shelter-1", "legal", "school-9", "hotline")
VOID = ("meta", "br", "img", "link", "input")  # elements without an end


class Page(html.parser.HTMLParser):
    """Every element is closed in order; what it would load, and what stands in its cells, is kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.cells, self.headline, self.svgs = [], [], [], "", 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.svgs += tag == "svg"
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action", "xlink:href")]
        self.loads += [tag] * (tag in ("script", "link", "iframe", "object", "embed", "img"))
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> at {self.getpos()} closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] == "h1":
            self.headline += data
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shared = "/dev/shm"  # a log that is not kept need not reach a disk
        cls.folder = tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None)
        cls.log = os.path.join(cls.folder.name, "log")
        os.mkdir(cls.log)
        subprocess.run([YEAR, cls.log, "120"], check=True)
        cls.json = json.loads(cls.report("--json").stdout)
        cls.path = os.path.join(cls.folder.name, "page.html")
        cls.report("--html", cls.path)
        with open(cls.path, encoding="utf-8") as file:
            cls.text = file.read()
        cls.page = Page(cls.text)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def report(cls, *words, code=0, path=None):
        environment = dict(os.environ, **({"PATH": path} if path else {}))
        done = subprocess.run([f"{BIN}/onward-audit", "report", cls.log, *words], capture_output=True, text=True, env=environment)
        if done.returncode != code:
            raise AssertionError(f"{words}: {done.returncode}: {done.stderr}")
        return done

    def test_page_is_whole_and_well_formed(self):
        self.assertEqual(self.page.open, [])
        self.assertEqual(self.page.headline, self.json["about"]["sentence"])
        self.assertRegex(self.page.headline, r"^Of 1\d\d referrals 0 vanished: ")
        for fact in ("name", "network", "root", "key", "newest"):
            self.assertIn(self.json["about"]["log"][fact], self.text)
        figures = re.findall(r"<svg\b.*?</svg>", self.text, re.S)
        self.assertEqual((len(figures), self.page.svgs), (7, 7))
        ids = re.findall(r"\bid=['\"]([^'\"]+)", self.text)
        self.assertEqual(len(ids), len(set(ids)))
        for figure in figures:
            root = ET.fromstring(figure)
            self.assertTrue(all(root.findtext(f"{{*}}{part}") for part in ("title", "desc")))

    def test_page_loads_nothing(self):
        self.assertTrue(all(load.startswith("#") for load in self.page.loads), self.page.loads)
        self.assertEqual(re.findall(r"url\((?!#)|@import|expression\(", self.text), [])
        self.assertEqual(re.findall(r"https?://(?!www\.w3\.org/2000/svg\b)\S+", self.text), [])

    def test_page_tells_nobody_and_nothing_small(self):
        for name in OFFICES:
            self.assertNotRegex(re.sub(r"<style>.*?</style>", "", self.text, flags=re.S).replace("legal and justice", ""),
                                rf"\b{re.escape(name)}\b")
        counts = [row["value"] for row in self.json["rows"] if not row["measure"].endswith("_h")]
        self.assertIn("<5", counts)
        self.assertFalse({1, 2, 3, 4} & set(counts))
        self.assertFalse({"1", "2", "3", "4"} & set(self.page.cells))
        self.assertIn("<5", self.page.cells)
        for said in re.findall(r"<desc[^>]*>(.*?)</desc>", self.text, re.S):
            self.assertNotRegex(said, r": [1-4](;| sent|$)")

    def test_same_log_same_page(self):
        again = os.path.join(self.folder.name, "again.html")
        self.report("--html", again)
        with open(again, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.text)

    def test_without_gnuplot_it_says_what_to_install(self):
        only = os.path.join(self.folder.name, "bin")
        os.mkdir(only)
        os.symlink(sys.executable, os.path.join(only, "python3"))
        path = os.path.join(self.folder.name, "none.html")
        self.assertIn("apt-get install gnuplot-nox", self.report("--html", path, code=3, path=only).stderr)
        self.assertFalse(os.path.exists(path))

    def test_wrong_words_are_told(self):
        for words, said in [(("--period", "week"), "month, quarter or year"), (("--minimum", "2"), "from 3"),
                            (("--json", "--csv"), "only one of"), (("--from", "3"), "does not take")]:
            self.assertIn(said, self.report(*words, code=2).stderr)
        self.assertIn("--names", self.report("--names", "/nowhere", code=3).stderr)
        self.assertIn("/nowhere/page", self.report("--html", "/nowhere/page", code=3).stderr)


if __name__ == "__main__":
    unittest.main()
