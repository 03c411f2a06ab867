"""`onward` as a test runs it: with nobody at the terminal, or with a terminal before it. Everything it prints is collected, to be searched
for words that no partner's staff should read."""
import os
import pty
import re
import select
import subprocess
import time
import unittest

BIN = os.environ["ONWARD_BIN"]
ONWARD = os.path.join(BIN, "onward")
printed = []


def run(home, *words, given=None, environment=None):
    done = subprocess.run([ONWARD, "--home", home, *words], input=given, capture_output=True, text=True, timeout=60,
                          env=environment, stdin=subprocess.DEVNULL if given is None else None)
    printed.append(done.stdout + done.stderr)
    return done


class Terminal:
    """`onward` with a terminal before it: waits for a text, then types an answer."""

    def __init__(self, home, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(ONWARD, [ONWARD, "--home", home, *words])
        self.seen = ""

    def wait_for(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096).decode().replace("\r\n", "\n")
            except OSError:
                raise AssertionError(f"ended without {text!r}: {self.seen!r}") from None
        before, self.seen = self.seen.split(text, 1)
        printed.append(before + text)
        return before

    def type(self, question, answer):
        self.wait_for(question)
        self.wait_for("> ")
        os.write(self.fd, answer.encode() + b"\n")

    def end(self):
        rest = self.seen
        try:
            while chunk := os.read(self.fd, 4096):
                rest += chunk.decode()
        except OSError:
            pass
        os.close(self.fd)
        printed.append(rest)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), rest


class ZWords(unittest.TestCase):
    """For the end of a file of tests."""

    def test_no_machinery_was_named(self):
        everything = "\n".join(printed)
        self.assertGreater(len(everything), 10000)
        self.assertEqual(re.findall(r".*\b(?:broker|agent)s?\b.*", everything, re.I), [])
