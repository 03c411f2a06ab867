#!/usr/bin/env python3
"""The command line against Onward itself, with real processes on the loopback address: what it says has to be true while the exchange is
away, when it is back, and when it says no. And what the documents say to type has to work."""
import json
import os
import re
import shlex
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from command import BIN, ZWords, printed, run  # ZWords is a test, too: the last
from office import Network, Office, form, until
from traces import texts

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class RealOnes(unittest.TestCase):
    """Against Onward itself: an exchange and three organisations, made once."""

    @classmethod
    def setUpClass(cls):
        cls.net = Network("police", "aple", "a21")
        cls.net.__enter__()
        cls.police, cls.aple, cls.a21 = (cls.net.office(name).unlock() for name in ("police", "aple", "a21"))

    @classmethod
    def tearDownClass(cls):
        cls.net.__exit__(None, None, None)

    def run_at(self, office, *words, code=0, given=None):
        self.net.words |= texts(given)
        done = run(office.home, *words, given=given)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def short(self, office, item):
        return office.item(item)["short"]

    def away(self):
        """The exchange is away until the test is over."""
        self.net.broker_end()
        self.addCleanup(self.back)

    def back(self):
        if self.net.broker is None:
            self.net.broker_start()
        for office in self.net.offices.values():
            if office.process:
                office.connected()

    def test_own_steps_count_before_they_are_recorded(self):
        item = self.police.refer(["aple"])
        self.aple.until("received", item)
        self.away()
        name = self.short(self.aple, item)
        self.assertIn("its sender is told", self.run_at(self.aple, "show", name))
        for words in ([], ["inbox"], ["outbox"], ["show", name]):
            lines = self.run_at(self.aple, *words)
            self.assertIn("you read it: written down on this computer, not yet sent", lines)
            self.assertIn("awaited from you: yes or no", lines)
        self.assertIn(f"onward accept {name}", self.run_at(self.aple))
        self.assertIn("you did that already", self.run_at(self.aple, "acknowledge", name, code=1))
        self.run_at(self.aple, "accept", name, "--first-contact", "2099-01-01")
        lines = self.run_at(self.aple)
        self.assertIn("you said yes: written down on this computer, not yet sent", lines)
        self.assertIn("until your yes is recorded", lines)
        self.assertIn(f"onward start {name}", lines)
        self.assertNotIn(f"onward accept {name}", lines)
        self.assertIn("you did that already", self.run_at(self.aple, "accept", name, "--first-contact", "2099-01-01", code=1))
        kept = self.aple.item(item)
        self.assertEqual([step["act"] for step in kept["steps"]], ["acknowledge", "accept"])
        self.assertEqual((kept["state"], kept["awaited"], kept["who"]), ("received", ["start"], "police"))
        second = self.police.refer(["aple"])
        self.assertEqual(self.police.item(second)["steps"], [{"act": "submit", "delivery": "not_sent"}])
        self.back()
        self.aple.until("accepted", item)
        self.assertEqual(self.aple.item(item)["steps"], [])
        self.aple.until("received", second)
        self.aple.act("decline", second, reason="NO_CAPACITY", by="BY_PROVIDER")
        self.police.until("returned", second)

    def test_what_comes_too_early_or_twice_is_said_plainly(self):
        item = self.police.refer(["aple"])
        self.aple.until("received", item)
        self.aple.ask("show", id=item)
        self.aple.until("acknowledged", item)
        name = self.short(self.aple, item)
        lines = self.run_at(self.aple, "start", name, code=1)
        self.assertIn("say yes first", lines)
        self.assertIn(f"accept {name} --first-contact DATE", lines)
        self.police.act("cancel", item)
        until("the wish is recorded", lambda: "cancel_open" in self.police.item(item)["flags"])
        self.assertIn("you have asked already; their answer is awaited", self.run_at(self.police, "cancel", name, code=1))
        until("the wish is here", lambda: "cancel_open" in self.aple.item(item)["flags"])
        self.aple.act("confirm_cancel", item)
        self.police.until("cancelled", item)
        lines = self.refer(self.police, code=2, colour="red")
        self.assertIn("colour is none of this request's fields: to ourselves priority", lines)
        self.assertIn("field number", self.refer(self.police, code=2, **{"c\x1b[2J": "red"}))

    def test_invitations_that_never_come_are_not_waited_for(self):
        ministry = self.net.office("ministry")
        self.assertIn("only registrars have invitations", self.run_at(self.police, "registrar", "invitation", "aple", code=1))
        self.assertIn("first registrars", self.run_at(ministry, "registrar", "invitation", "ministry", code=1))
        self.assertIn("if it was not enrolled", self.run_at(ministry, "registrar", "invitation", "nobody", code=5))

    def test_reports_name_whom_a_registrar_signed(self):
        self.aple.until("received", self.police.refer(["aple"]))
        path = os.path.join(self.net.folder, "names")
        report = [f"{BIN}/onward-audit", "report", f"{self.net.folder}/broker", "--minimum", "3", "--csv", "--names", path]
        for office, code in ((self.net.office("ministry"), 0), (self.police, 3)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.run_at(office, "registrar", "names", "aple,a21"))
            self.assertEqual(subprocess.run(report, capture_output=True, check=False).returncode, code)
        self.assertIn("is no organisation's id", self.run_at(self.police, "registrar", "names", "aple, a21", code=2))

    def test_a_registrar_changes_the_policy_once(self):
        ministry, path = self.net.office("ministry"), os.path.join(self.net.folder, "policy.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.run_at(ministry, "policy").replace("\nread = 4 h, ", "\nread = 3 h, "))
        self.assertIn("nothing was sent", self.run_at(ministry, "registrar", "policy", "-", given="[clocks]\nread = 4 h, 24 h, 72 h\n"))
        self.assertIn("only a registrar may do this", self.run_at(self.police, "registrar", "policy", path, "--yes", code=1))
        self.assertIn("Saved", self.run_at(ministry, "registrar", "policy", path, "--yes"))
        since = until("it is in force", lambda: self.police.ask("policy")["since_entry"])
        self.assertIn(f"entry {since} of the log, set by ministry (test).", self.run_at(self.police, "policy"))
        self.assertEqual(self.police.ask("policy")["clocks"]["READ"], {"high_s": 3 * 3600, "medium_s": 24 * 3600, "low_s": 72 * 3600})
        self.assertIn("nothing was sent", self.run_at(ministry, "registrar", "policy", path))
        self.assertIn("alpe is not in the directory; there is: aple", self.run_at(ministry, "registrar", "policy", "-", "--yes", code=2,
                                                                                  given="[policy]\nlast_resort = alpe\n"))
        for wrong, field in (({"clocks": 3}, "clocks"), ({"last_resort": 7}, "last_resort"), ({"last_resort": "alpe"}, "last_resort"), ({"clocks": {"NAP": {}}}, "clocks"), ({"clocks": {"READ": {"high_s": 0}}}, "clocks.READ.high_s"),
                             ({"clocks": {"READ": {"low_s": 31622401}}}, "clocks.READ.low_s"), ({"clocks": {"READ": 3}}, "clocks"),
                             ({"clocks": {"READ": {"high_s": "3 h"}}}, "clocks.READ.high_s"), ({"clocks": {"READ": {"high": 3}}}, "clocks")):
            self.assertEqual(ministry.refused("bad_input", "set_policy", **wrong)["field"], field)
        self.away()
        ministry.ask("set_policy", clocks={"READ": {"high_s": 60}})
        self.assertIn("on its way", self.run_at(ministry, "registrar", "policy", "-", "--yes", given="[clocks]\nread = 2 h, 1 d, 3 d\n",
                                                code=1))
        self.back()
        until("that one is, too", lambda: self.police.ask("policy")["since_entry"] > since)

    def test_who_has_the_child_is_true_to_the_end(self):
        item = self.police.refer(["aple", "a21"])
        self.aple.until("received", item)
        self.aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER")
        self.a21.until("received", item)
        self.a21.act("accept", item, first_contact_by="2099-01-01")
        self.police.until("accepted", item)
        until("the file is here", lambda: self.a21.item(item)["has_file"])
        name = self.short(self.a21, item)
        self.assertIn("responsible for the child: a21 (test)\n", self.run_at(self.police, "show", item))
        self.assertIn(f"name and contact: here, onward show {name}\n", self.run_at(self.a21))
        self.assertNotIn("who", self.aple.until("left", item)) # who has it now is not told to those who said no
        self.police.act("cancel", item)
        until("the wish is here", lambda: "cancel_open" in self.a21.item(item)["flags"])
        self.a21.act("confirm_cancel", item)
        self.assertEqual(self.police.until("cancelled", item)["who"], "police")

    def test_every_field_of_an_answer_is_in_the_specification(self):
        item = self.police.refer(["aple"], ref="FIELDS", area="KH-17", consent_until="2099-01-01")
        self.aple.until("received", item)
        self.aple.ask("show", id=item)
        self.aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER", note={"text": "no place"})
        self.police.until("returned", item)
        with open(os.path.join(ROOT, "docs/spec/local-socket.md"), encoding="utf-8") as file:
            known = set(re.findall(r"`([a-z_]+)`", file.read())) | {"ok", "text"}

        def names(value):
            if isinstance(value, list):
                return set().union(*map(names, value))
            return set(value).union(*map(names, value.values())) if isinstance(value, dict) else set()

        shown = self.police.ask("show", id=item)
        self.assertGreater(len(shown["notes"]), 0)
        shown.pop("brief"), shown.pop("file") # theirs are proto/case.proto's
        for answer in (shown, self.police.ask("receipt", id=item), self.police.ask("alarms"), self.police.ask("status"), self.police.ask("directory"), self.police.ask("list", box="all"),
                       self.police.ask("refer", **form(["aple"]), ref="SECOND"), self.police.ask("refer", **form(["aple"]), ref="SECOND")):
            self.assertEqual(names(answer) - known, set())

    def test_a_receipt_needs_no_exchange(self):
        item = self.police.refer(["aple"])
        self.aple.until("received", item)
        self.aple.act("accept", item, first_contact_by="2099-01-01")
        self.police.until("accepted", item)
        self.away()
        name, folder = self.short(self.police, item), os.path.join(self.net.folder, "receipts")
        path = os.path.join(self.net.folder, "one.tlog-proof")
        told = self.run_at(self.police, "receipt", name, "--out", path)
        self.assertIn("aple (test) said yes", told)
        self.assertIn("no word of the case", told)
        self.assertIn("Give it to organisations that have a part in it", told)
        key = self.police.ask("receipt", id=item)["log_key"]
        self.assertIn(f"--log-key {key}", told)
        self.assertIn("said yes", self.run_at(self.aple, "receipt", name, "--out", self.net.folder))
        self.run_at(self.police, "receipt", name, "--all", "--out", folder)
        receipts = self.police.ask("receipt", id=item, all=True)["receipts"]
        self.assertEqual(sorted(os.listdir(folder)), sorted(f"{name}-{one['index']}.tlog-proof" for one in receipts))
        with open(path, encoding="utf-8") as file:
            self.assertIn(file.read(), [one["proof"] for one in receipts])
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        # A kept entry is judged as one that was offered: it is in the tree, and that proves no lie.
        os.rename(path, os.path.join(folder, "offered.tlog-proof"))
        audit = subprocess.run([os.path.join(BIN, "onward-audit"), "fraud", folder, "--log-key", key], capture_output=True, text=True)
        self.assertEqual(audit.returncode, 1, audit.stdout + audit.stderr)
        self.assertIn("accept by aple", audit.stdout)
        self.assertIn("no entry of this item", self.run_at(self.police, "receipt", name, "--entry", "0", code=5))
        self.assertIn("in the exchange's log yet", self.run_at(self.police, "receipt", self.police.refer(["aple"]), code=5))

    def test_the_log_is_followed_without_mail(self):
        before = self.a21.ask("status")["log_size"]
        self.police.refer(["aple"])
        until("it asked and was shown", lambda: self.a21.ask("status")["log_size"] > before)
        self.a21.refused("not_found", "evidence") # it followed
        self.assertIn("never an alarm", self.run_at(self.a21, "alarms"))

    def test_a_registrar_sees_what_is_not_sent(self):
        ministry, later = self.net.office("ministry"), self.net.new_office("later")
        self.addCleanup(self.net.offices.pop, "later")
        self.away()
        lines = self.run_at(ministry, "registrar", "enrol", os.path.join(later.home, "later.request"), "--words", later.words,
                            "--wait", "0", code=5)
        self.assertIn("registrar invitation later", lines)
        lines = self.run_at(ministry, "outbox")
        self.assertIn("you enrolled an organisation: written down on this computer, not yet sent", lines)
        self.assertNotIn("Everything has been sent", lines)

    def test_a_step_that_ends_it_leaves_nothing_to_do(self):
        item = self.police.refer(["aple"])
        self.aple.until("received", item)
        self.aple.ask("show", id=item)
        self.aple.until("acknowledged", item)
        self.away()
        name = self.short(self.aple, item)
        self.run_at(self.aple, "decline", name, "--reason", "no-capacity", "--by", "provider")
        lines = self.run_at(self.aple)
        self.assertIn("they do not know of it yet", lines)
        self.assertFalse(re.search(f"onward [a-z]+ {name}", lines), lines)
        self.assertIn("you said no: written down on this computer, not yet sent", self.run_at(self.aple, "inbox"))


    def test_a_replacement_is_shown_to_everybody(self):
        lost = self.net.new_office("a21", os.path.join(self.net.folder, "again")) # new keys for an organisation that lost the old ones
        request = os.path.join(lost.home, "a21.request")
        self.run_at(self.net.office("ministry"), "registrar", "rotate", request, "--words", lost.words)
        self.net.offices["a21"] = self.a21
        until("a21 is told", lambda: self.a21.ask("status").get("replacement"))
        until("the registrar sees it", lambda: any("replacement" in one for one in
                                                   self.net.office("ministry").ask("directory")["organisations"]))
        self.assertIn("waits already", self.run_at(self.net.office("ministry"), "registrar", "rotate", request, "--words", lost.words,
                                                   code=1))
        self.assertRegex(self.run_at(self.a21), r"! A replacement of your keys was asked for by ministry \(test\) at \w+ \S+; it takes")
        self.assertIn("onward registrar stop a21", self.run_at(self.a21, "status"))
        self.assertIn("other keys were asked for by ministry (test)", self.run_at(self.police, "directory"))
        self.run_at(self.a21, "registrar", "stop", "a21")
        until("it is stopped", lambda: "replacement" not in self.a21.ask("status"))


    def refer(self, office, *words, code=0, **fields):
        return self.run_at(office, "refer", "-", *words, code=code, given=json.dumps(form(["aple"]) | fields))

    def test_dates_that_are_over_are_refused(self):
        item = self.police.refer(["aple"])
        self.aple.until("received", item)
        self.assertIn("--first-contact DATE", self.run_at(self.aple, "accept", self.short(self.aple, item), code=2))
        self.assertIn("reason: must be one of NO_CAPACITY, ", self.run_at(self.aple, "decline", self.short(self.aple, item), code=2))
        self.assertIn("first_contact_by: is over: must be a date",
                      self.run_at(self.aple, "accept", self.short(self.aple, item), "--first-contact", "2020-01-01", code=2))
        self.assertIn("consent_until: is over", self.refer(self.police, "--until", "2020-01-01", code=2))
        self.assertEqual(self.police.refused("bad_input", "refer", **form(["aple"]), consent_until="2020-01-01T00:00Z")["field"],
                         "consent_until")
        today = time.strftime("%Y-%m-%d", time.gmtime())
        self.refer(self.police, "--until", today)
        newcomer = self.net.new_office("newcomer")
        self.addCleanup(self.net.offices.pop, "newcomer")
        request = os.path.join(newcomer.home, "newcomer.request")
        self.assertIn("agreement_until: is over", self.run_at(self.net.office("ministry"), "registrar", "enrol", request, "--words",
                                                              newcomer.words, "--agreement-until", "2020-01-01", code=2))

    def test_taking_back_what_was_never_sent_says_so(self):
        self.away()
        item = self.police.refer(["aple"])
        for box in ("sent", "outbox"):
            self.assertIn("not yet sent from this computer", self.run_at(self.police, box))
        lines = self.run_at(self.police, "cancel", self.short(self.police, item))
        self.assertIn("taken back before it was sent: no organisation was asked", lines)
        self.assertNotIn("are told", lines)
        self.assertIsNone(self.police.item(item))

    def test_a_reference_stands_for_one_case(self):
        self.refer(self.police, "--ref", "CASE-1", "--json")
        item = self.short(self.police, self.police.ask("show", id="CASE-1", peek=True)["item"]["id"])
        self.assertIn("nothing new was made.\n", self.refer(self.police, "--ref", "CASE-1"))
        case = form(["aple"])
        for other in ({"priority": "LOW"}, {"brief": case["brief"] | {"need": "another"}}, {"file": case["file"] | {"name": "A."}},
                      {"file_now": True}):
            lines = self.refer(self.police, "--ref", "CASE-1", code=2, **other)
            self.assertIn(f"ref: was used for another referral, {item}; nothing was saved", lines)
        self.police.ask("lock")
        try:
            self.assertIn("could not be compared: it is locked",
                          self.refer(self.police, "--ref", "CASE-1", brief=case["brief"] | {"need": "another"}))
            self.refer(self.police, "--ref", "CASE-1", code=2, priority="LOW")
        finally:
            self.police.unlock()
        for ref in ("CASE\n1", "CASE\x1b[2J", "x" * 65, ""):
            self.assertEqual(self.police.refused("bad_input", "refer", **case, ref=ref)["field"], "ref")

    def test_organisations_that_are_not_there_are_named(self):
        for field, more in (("to", {"to": ["apel"]}), ("scope", {"scope": ["aple", "apel"]})):
            lines = self.refer(self.police, code=2, **more)
            self.assertIn(f"{field}: apel is not in the directory; there is: aple", lines)
        item = self.police.refer(["aple"])
        self.aple.until("received", item)
        self.assertIn("to: a22 is not in the directory; there is: a21",
                      self.aple.refused("bad_input", "act", act="reroute", id=item, to="a22")["field"] + ": " +
                      self.aple.refused("bad_input", "act", act="reroute", id=item, to="a22")["what"])

    def test_a_step_that_was_not_taken_is_told_until_it_was_seen(self):
        item = self.police.refer(["aple"], scope=["aple", "a21"])
        self.aple.until("received", item)
        self.aple.ask("show", id=item)
        self.aple.until("acknowledged", item)
        self.away()
        self.aple.act("reroute", item, to="a21")
        self.aple.end()
        self.net.broker_start()
        self.police.act("cancel", item)
        until("the wish is recorded", lambda: "cancel_open" in self.police.item(item)["flags"])
        self.aple.start().unlock()
        until("it was not taken", lambda: "refused" in self.aple.item(item))
        self.assertIn("not taken: that you passed it on", self.run_at(self.aple))
        self.run_at(self.aple, "show", item, "--peek")
        self.assertIn("refused", self.aple.item(item))
        self.assertIn("not taken: that you passed it on", self.run_at(self.aple, "show", item))
        self.assertNotIn("not taken: that you passed it on", self.run_at(self.aple))
        self.aple.act("confirm_cancel", item)
        self.police.until("cancelled", item)


    def test_new_keys_of_a_locked_office(self):
        new = os.path.join(self.net.folder, "new-passphrase")
        with open(new, "w", encoding="utf-8") as file:
            file.write("another pass phrase\n")
        self.a21.ask("lock")
        self.addCleanup(self.a21.unlock, "another pass phrase")
        self.assertIn("passphrase is needed", self.run_at(self.a21, "rotate", "--new-passphrase-file", new, code=4))
        self.assertTrue(self.a21.ask("status")["locked"])
        lines = self.run_at(self.a21, "rotate", "--new-passphrase-file", new, "--passphrase-file", self.net.passphrase)
        self.assertIn("Their six words", lines)
        until("the new keys are in force", lambda: self.a21.answer("unlock", passphrase="another pass phrase")["ok"])


class Documents(unittest.TestCase):
    """What the documents say to type is what Onward takes."""

    def test_every_command_in_the_documents_parses(self):
        found = {}
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in ("build", ".git")]
            for name in names:
                if name.endswith(".md"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        text = file.read()
                    for line in re.findall(r"`onward ([^`]+)`|^(?:    |\$ )*onward ((?:--|[a-z]).*)$", text, re.M):
                        found[re.split(r" *[|&;>#…]", "".join(line).replace("\n", " "))[0]] = name
        self.assertGreater(len(found), 5)
        for line, name in sorted(found.items()):
            done = run("/nowhere", *shlex.split(line), "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), f"{name}: onward {line}")

    def test_the_examples_of_the_manual_work(self):
        with open(os.path.join(ROOT, "docs/man/onward.1"), encoding="utf-8") as file:
            examples = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh", file.read(), re.M | re.S).group(1)
        blocks = [re.findall(r"^\$ (.*)$", block.replace("\\e\n", ""), re.M) for block in examples.split(".Bd")[1:]]
        (today,), (empty, refer), (another, needs), (inbox, show, accept), (decline,), (backup, check, restore), (init, enrol, join, start) = blocks
        with Network("aple", "hope") as net:
            aple, hope = net.office("aple").unlock(), net.office("hope").unlock()
            a21 = net.offices["a21"] = Office(net, "a21")
            os.mkdir(a21.home, 0o700)

            def type_at(office, line, given=""):
                done = subprocess.run(["bash", "-c", line], cwd=a21.home, input=given, capture_output=True, text=True, timeout=60,
                                      env={"PATH": f"{BIN}:{os.environ['PATH']}", "ONWARD_HOME": office.home})
                printed.append(done.stdout + done.stderr)
                self.assertEqual(done.returncode, 0, line + "\n" + done.stdout + done.stderr)
                return done.stdout

            # what the terminal would ask for comes behind
            words = re.search(r"words: (.*)\n", type_at(a21, f"{init} --passphrase-file {net.passphrase}")).group(1)
            type_at(net.office("ministry"), f"{enrol} --words '{words}'")
            type_at(a21, join)
            a21.process = subprocess.Popen(["bash", "-c", f"exec {start} 2>/dev/null"],
                                           env={"PATH": f"{BIN}:{os.environ['PATH']}", "ONWARD_HOME": a21.home})
            until("a21 answers", a21.answers)
            a21.connected()
            a21.unlock()
            type_at(aple, today)
            type_at(aple, empty)
            with open(os.path.join(a21.home, "form.json"), "r+", encoding="utf-8") as file:
                case = json.load(file)
                for part in ("brief", "file"):
                    case[part].update(form([])[part])
                file.seek(0)
                json.dump(case, file)
                file.truncate()
            short = json.loads(type_at(aple, refer + " --json"))["short"]
            self.assertEqual(json.loads(type_at(aple, refer + " --json"))["again"], True)
            legal = json.loads(type_at(aple, another + " --json"))["short"]
            for needed in (short, legal):
                self.assertIn(needed, type_at(aple, needs))
            item = next(i["id"] for i in aple.ask("list", box="all")["items"] if i["short"] == short)
            a21.until("received", item)
            self.assertIn(short, type_at(a21, inbox))
            for line in (show, accept):
                type_at(a21, line.replace("K7MQ4X-T", short))
            aple.until("accepted", item)
            item = aple.refer(["hope"])
            hope.until("received", item)
            type_at(hope, decline.replace("K7MQ4X-T", hope.item(item)["short"]), given="there is no place\n")
            aple.until("returned", item)
            type_at(a21, "onward backup --new-words --recovery-file words")
            type_at(a21, backup)
            for line in (check, restore):
                type_at(a21, f"{line} --recovery-file words")
            os.remove(os.path.join(a21.home, "form.json"))  # theirs to keep or not: nothing else holds words of the case


if __name__ == "__main__":
    unittest.main()
