"""A network with real processes on the loopback address, for tests of the agents: offices speak over their local sockets.

    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple")
        item = police.refer(["aple"])
        aple.until("received", item)

Processes are ended by the pid that was started here. A condition is waited for, never a time. In the end no word of any case or
note may be in a file of the exchange, of an office, or in their logs.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import traces

PASSPHRASE = "not a secret: a test"
TELEPHONE = "+855 23 000 000"
BIN = os.environ["ONWARD_BIN"]
SETTINGS = "[exchange]\nhello_wait_ms = 400\nask_interval_s = 1\n"


class Refused(Exception):
    pass


def check(condition, what="does not hold"):
    if not condition:
        raise AssertionError(what)


def run_tests(script, tests):
    """Those that the command line names, or all; the status of the process tells whether one failed."""
    failed = 0
    for test in tests:
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        try:
            test()
            print(f"ok      {test.__name__}", flush=True)
        except (AssertionError, Refused, OSError, ValueError, KeyError, subprocess.SubprocessError) as e:
            failed += 1
            lines = [frame.lineno for frame in traceback.extract_tb(e.__traceback__) if frame.filename == script]
            print(f"FAILED  {test.__name__}, lines {lines}: {type(e).__name__}: {e}", flush=True)
            if os.environ.get("ONWARD_TRACE"):
                raise
    sys.exit(failed > 0)


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError(f"after {seconds} s still not true: {what}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Office:
    """One organisation: its data folder and its agent."""

    def __init__(self, net, name, home=None):
        self.net, self.name = net, name
        self.home = home or os.path.join(net.folder, name)
        self.process = None

    def onward(self, *words, check=True):
        done = subprocess.run([f"{BIN}/onward", *words[:2], "--home", self.home, *words[2:]] if words[0] == "registrar" else
                              [f"{BIN}/onward", words[0], "--home", self.home, *words[1:]],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"onward {words}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, wait=True):
        log = open(os.path.join(self.net.folder, f"{self.name}.txt"), "a")
        self.process = subprocess.Popen([f"{BIN}/onward-agent", "--home", self.home], stderr=log, env=self.net.environment())
        log.close()
        if wait:
            until(f"{self.name} answers", self.answers)
        return self

    def answers(self):
        try:
            return self.ask("status")
        except (OSError, ValueError):
            return None

    def end(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process = None
        if how == signal.SIGTERM and code != 0:
            raise AssertionError(f"{self.name} ended with {code}: {self.log()[-3000:]}")
        return code

    def log(self):
        with open(os.path.join(self.net.folder, f"{self.name}.txt")) as log:
            return log.read()

    def say(self, raw):
        """Bytes on a new connection, and all lines that come back until the other side is quiet or hangs up."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(self.home, "socket"))
            s.settimeout(10)
            try:
                s.sendall(raw)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # cut off in the middle
            answer = b""
            while True:
                try:
                    part = s.recv(65536)
                except ConnectionResetError:
                    break
                if not part:
                    break
                answer += part
            return answer

    def answer(self, do, **fields):
        self.net.words |= traces.texts([fields.get(part) for part in ("brief", "file", "note")])
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(self.home, "socket"))  # without a time limit: with one it fails while the queue is full
            s.settimeout(20)
            s.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
            with s.makefile() as lines:
                return json.loads(lines.readline())

    def ask(self, do, **fields):
        answer = self.answer(do, **fields)
        if not answer["ok"]:
            raise Refused(f"{answer['code']}: {answer.get('field', '')} {answer['what']}")
        return answer

    def refused(self, code, do, **fields):
        answer = self.answer(do, **fields)
        assert not answer["ok"] and answer["code"] == code, answer
        return answer

    # --- what people do ---

    def unlock(self, passphrase=PASSPHRASE):
        self.ask("unlock", passphrase=passphrase)
        return self

    def refer(self, to, **fields):
        return self.ask("refer", **{**form(to), **fields})["id"]

    def act(self, act, item, **fields):
        return self.ask("act", act=act, id=item, **fields)

    def item(self, item):
        return next((i for i in self.ask("list", box="all")["items"] if i["id"] == item), None)

    def until(self, state, item, seconds=30):
        """Waits until the item is in this state and everything of ours on it is in the log."""
        def there():
            now = self.item(item)
            return now if now and now["state"] == state and now["pending"] == 0 else None
        try:
            return until(f"{self.name} sees {state}", there, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}; it sees {self.item(item)}") from None

    def connected(self):
        return until(f"{self.name} is connected", lambda: self.ask("status")["connected"])

    def alarms(self):
        return self.ask("status")["alarms"]


def form(to):
    return {"to": to, "priority": "HIGH", "basis": "CONSENT", **traces.case()}


class Network:
    """`clocks`: all processes run under clocks that `goes_by` moves (tests/system/shift.c)."""

    def __init__(self, *names, replace_after_h=None, clocks=False):
        self.names, self.replace_after_h = names, replace_after_h
        self.clocks, self.shift_ms = clocks, 0
        self.folder = tempfile.mkdtemp(prefix="onward-test-")
        self.offices, self.broker = {}, None
        self.words = set()  # of cases and notes, beside the mark in every form

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, *rest):
        for office in self.offices.values():
            office.end(signal.SIGTERM if kind is None else signal.SIGKILL)
        self.broker_end()
        found = traces.words_in(self.folder, self.words) if kind is None else []
        if (found or kind is not None) and os.environ.get("ONWARD_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if found:
            raise AssertionError(f"words of a case are in the clear in {found}")

    def make(self):
        self.passphrase = os.path.join(self.folder, "passphrase")
        with open(self.passphrase, "w") as f:
            f.write(PASSPHRASE)
        os.chmod(self.passphrase, 0o600)
        self.port = free_port()
        registrars = ("ministry", "council")
        for name in registrars:
            self.new_office(name)
        command = [f"{BIN}/onward-broker", "init", f"{self.folder}/broker", "--name", "exchange.example", "--listen",
                   f"tcp://127.0.0.1:{self.port}"]
        for name in registrars:
            command += ["--registrar", f"{self.folder}/{name}/{name}.request"]
        if self.replace_after_h is not None:
            command += ["--replace-after-h", str(self.replace_after_h)]
        subprocess.run(command, check=True, capture_output=True)
        self.broker_start()
        self.join("ministry", f"{self.folder}/broker/ministry.invitation").start()
        self.join("council", f"{self.folder}/broker/council.invitation").start()
        for name in self.names:
            self.enrol(name).start()
        for name in self.names:
            self.office(name).connected()
            self.office(name).ask("directory")  # asks the exchange: now everybody knows everybody

    def office(self, name):
        return self.offices[name]

    def new_office(self, name, home=None):
        office = self.offices[name] = Office(self, name, home)
        made = office.onward("init", "--organisation", os.path.basename(name), "--name", f"{name} (test)", "--kind", "NGO",
                             "--telephone", TELEPHONE, "--passphrase-file", self.passphrase, "--json")
        office.words = json.loads(made)["words"]
        return office

    def enrol(self, name):
        office = self.new_office(name)
        self.office("ministry").onward("registrar", "enrol", f"{office.home}/{name}.request", "--words", office.words,
                                       "--out", f"{office.home}/{name}.invitation")
        return self.join(name, f"{office.home}/{name}.invitation")

    def join(self, name, invitation):
        office = self.office(name)
        office.onward("join", invitation)
        with open(f"{office.home}/agent.conf", "w") as f:
            f.write(SETTINGS)
        return office

    def environment(self):
        if not self.clocks:
            return None
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return os.environ | {"LD_PRELOAD": os.environ["ONWARD_SHIFT_LIBRARY"], "ONWARD_SHIFT": f"{self.folder}/shift",
                             "ASAN_OPTIONS": sanitizer.lstrip(":")}

    def goes_by(self, hours):
        """Time passes for everybody, as if they had been awake."""
        self.shift_ms += int(hours * 3600000)
        with open(f"{self.folder}/shift.next", "w") as f:
            f.write(f"{self.shift_ms} {self.shift_ms} {self.shift_ms}\n")
        os.replace(f"{self.folder}/shift.next", f"{self.folder}/shift")

    def broker_start(self):
        log = open(f"{self.folder}/broker.txt", "a")
        self.broker = subprocess.Popen([f"{BIN}/onward-broker", "serve", f"{self.folder}/broker"], stderr=log,
                                       env=self.environment())
        log.close()
        until("the exchange listens", self.listens)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def broker_end(self, how=signal.SIGTERM):
        if self.broker is not None:
            self.broker.send_signal(how)
            self.broker.wait(30)
            self.broker = None
            for office in self.offices.values():
                until("the exchange is missed", lambda: not office.process or not office.ask("status")["connected"])
