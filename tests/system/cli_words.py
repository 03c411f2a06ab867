#!/usr/bin/env python3
"""The command line against a stand-in for Onward on this computer: what it sends, what it prints, how it ends. Everything it prints is
collected, and searched at the end for words that no partner's staff should read."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from command import BIN, ONWARD, Terminal, ZWords, run  # ZWords is a test, too: the last
from fake_onward import FakeOnward

MARKER = "Q7markerZ"

ITEM = {"id": "00" * 16, "short": "K7MQ4X-T", "role": "recipient", "sender": "police", "sender_name": "Police Siem Reap",
        "state": "received", "flags": [], "delivery": "logged", "pending": 0, "who": "police", "who_name": "Police Siem Reap",
        "with": "aple", "with_name": "APLE", "since_ms": int(time.time() * 1000) - 3 * 3600 * 1000, "awaited": ["acknowledge"],
        "awaited_from": "aple", "leg": 1, "hops": 0, "priority": "HIGH", "group": "PSS", "phoned": False, "drill": False,
        "parties": [{"id": "aple", "name": "APLE", "rank": 1, "visited": True}], "opened": False, "new": True}
SENT = ITEM | {"role": "sender", "sender": "aple", "sender_name": "APLE", "with": "a21", "with_name": "A21 Cambodia", "new": False,
               "who": "aple", "who_name": "APLE", "awaited_from": "a21", "short": "AAAAAA-A",
               "parties": [{"id": "a21", "name": "A21 Cambodia", "rank": 1}, {"id": "hope", "name": "Hope", "rank": 2}]}
DIRECTORY = {"ok": True, "organisations": [
    {"id": "ministry", "name": "Ministry", "kind": "STATUTORY", "standing": "ACTIVE", "registrar": True, "telephone": "+855 23 111 111",
     "hours": "always"},
    {"id": "aple", "name": "APLE", "kind": "NGO", "standing": "ACTIVE", "yourself": True},
    {"id": "a21", "name": "A21 Cambodia", "kind": "NGO", "standing": "ACTIVE", "telephone": "+855 23 000 000",
     "hours": "Mon-Fri 08:00-17:00"},
    {"id": "gone", "name": "Gone", "kind": "NGO", "standing": "COMPROMISED"},
    {"id": "hope", "name": "Hope", "kind": "HEALTH", "standing": "ACTIVE"}]}
CALL = {"id": "a21", "name": "A21 Cambodia", "telephone": "+855 23 000 000", "hours": "Mon-Fri 08:00-17:00"}
BRIEF = {"service": "FOOD", "need": MARKER + " need", "sex": "FEMALE", "age_band": "AGE_10_14"}
FORM = {"to": ["a21"], "priority": "LOW", "basis": "CONSENT", "brief": BRIEF, "file": {"case_code": MARKER}}


class Case(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="onward-cli-")
        self.home = os.path.join(self.work, "home")
        os.mkdir(self.home, 0o700)
        self.fake = FakeOnward(self.home)

    def tearDown(self):
        self.fake.close()
        shutil.rmtree(self.work)

    def run_here(self, *words, **options):
        return run(self.home, *words, **options)

    def file(self, name, content):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path


class Lists(Case):
    def test_states_read_as_sentences(self):
        at_sender = {"requested": "A21 Cambodia: sent, not yet arrived on their computer",
                     "received": "A21 Cambodia: arrived on their computer", "acknowledged": "A21 Cambodia: a person has read it",
                     "accepted": "A21 Cambodia: they will help", "in_progress": "A21 Cambodia: they are helping",
                     "completed": "they have finished", "returned": "it came back", "cancelled": "you took it back"}
        at_recipient = {"received": "arrived on this computer, nobody here has read it yet",
                        "acknowledged": "a person here has read it", "accepted": "you will help",
                        "in_progress": "you are helping", "gone": "moved on", "left": "no longer with you"}
        for base, sentences, box in ((SENT, at_sender, "sent"), (ITEM, at_recipient, "inbox")):
            for state, sentence in sentences.items():
                self.fake.answers["list"] = {"ok": True, "items": [base | {"state": state}]}
                done = self.run_here(box)
                self.assertEqual(done.returncode, 0)
                self.assertIn(sentence, done.stdout)
        self.assertEqual({request["box"] for request in self.fake.asked("list")}, {"sent", "inbox"})

    def test_an_item_says_who_since_when_and_what_is_awaited(self):
        self.fake.answers["list"] = {"ok": True, "items": [SENT | {"state": "accepted", "who": "a21", "who_name": "A21 Cambodia",
                                                                   "awaited": ["start"], "ref": "CASE-1/PSS"}]}
        lines = self.run_here("sent").stdout
        self.assertIn("AAAAAA-A  high priority, mental health and psychosocial support, to A21 Cambodia, then Hope", lines)
        self.assertIn("your reference CASE-1/PSS", lines)
        self.assertRegex(lines, r"they will help, since (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d, 3 h\n")
        self.assertIn("awaited from A21 Cambodia: the first contact\n", lines)
        self.assertIn("responsible for the child: A21 Cambodia\n", lines)

    def test_drafts_tell_how_far_they_are(self):
        for delivery, sentence in (("not_sent", "not yet sent from this computer"),
                                   ("sent", "sent, not yet confirmed by the exchange")):
            self.fake.answers["list"] = {"ok": True, "items": [SENT | {"state": "draft", "delivery": delivery, "pending": 1,
                                                                       "awaited": [], "awaited_from": ""}]}
            self.assertIn(sentence, self.run_here("outbox").stdout)

    def test_own_steps_and_refusals_are_told(self):
        self.fake.answers["list"] = {"ok": True, "items": [ITEM | {
            "pending": 1, "delivery": "not_sent", "steps": [{"act": "progress", "delivery": "not_sent"}],
            "flags": ["cancel_open"], "awaited": ["confirm_cancel", "refuse_cancel"],
            "refused": {"act": "accept", "verdict": "CANCEL_IS_OPEN", "what": "Answer the wish first."}}]}
        lines = self.run_here("inbox").stdout
        self.assertIn("you reported progress: written down on this computer, not yet sent", lines)
        self.assertIn("not taken: that you said yes. Answer the wish first.", lines)
        self.assertIn("the sender wishes to take it back", lines)
        self.assertEqual(lines.count("an answer to the wish to take it back"), 1)

    def test_json_is_the_answer_itself(self):
        answer = {"ok": True, "items": [ITEM]}
        self.fake.answers["list"] = answer
        self.assertEqual(json.loads(self.run_here("inbox", "--json").stdout), answer)

    def test_nothing_that_steers_the_terminal_is_printed(self):
        self.fake.answers["list"] = {"ok": True, "items": [ITEM | {"sender_name": "P\x1b[2J\u202eo\u009bl\x07ice"}]}
        self.assertIn("P?[2J?o?l?ice", self.run_here("inbox").stdout)
        done = self.run_here("inbox", "--json")
        self.assertTrue(done.stdout.isascii() and "\x1b" not in done.stdout)
        self.assertEqual(json.loads(done.stdout), self.fake.answers["list"]) # nothing of it is lost
        self.fake.answers["show"] = Show.ANSWER | {
            "brief": BRIEF | {"need": "a\x1b]0;x\x07\nb"}, "notes": [Show.ANSWER["notes"][0] | {"text": "c\r\u2066d\n! Call 0"}]}
        lines = self.run_here("show", "K7MQ4X-T").stdout
        self.assertRegex(lines, r"Need +a\?\]0;x\?\n {20,}b\n")
        self.assertRegex(lines, r"Note +c\?\?d\n {20,}! Call 0\n") # not a line of Onward's own
        self.fake.answers["show"] = {"ok": False, "code": "bad_input", "what": "e\x1b[Kf"}
        self.assertIn("e?[Kf", self.run_here("show", "K7MQ4X-T").stderr)


class Today(Case):
    def test_what_to_do_comes_with_its_command(self):
        mine = ITEM | {"state": "acknowledged", "awaited": ["accept", "decline"], "new": False}
        self.fake.answers["list"] = {"ok": True, "items": [ITEM, mine | {"short": "CCCCCC-C"}, SENT]}
        self.fake.answers["status"] |= {"alarms": ["Two copies are running."], "locked": True}
        lines = self.run_here().stdout
        order = [lines.index(text) for text in ("! Two copies are running.", "onward show K7MQ4X-T",
                                                "onward accept CCCCCC-C --first-contact DATE", "onward decline CCCCCC-C",
                                                "1 with others", "onward unlock")]
        self.assertEqual(order, sorted(order))
        self.assertEqual(self.fake.asked("list")[0]["box"], "all")

    def test_what_is_on_its_way_is_not_asked_for_again(self):
        read = ITEM | {"opened": True, "new": False, "pending": 1, "awaited": ["accept", "decline", "reroute"],
                       "steps": [{"act": "acknowledge", "delivery": "sent"}]}  # read here, not yet recorded
        self.fake.answers["list"] = {"ok": True, "items": [read]}
        for words in ([], ["inbox"]):
            lines = self.run_here(*words).stdout
            self.assertIn("a person here has read it, the sender waits for yes or no", lines)
            self.assertIn("you read it: sent, waiting to be recorded", lines)
            self.assertIn("awaited from you: yes or no", lines)
        lines = self.run_here().stdout
        self.assertIn("onward accept K7MQ4X-T", lines)
        self.assertNotIn("onward show", lines)
        said = read | {"pending": 2, "awaited": ["start"],
                       "steps": [{"act": "acknowledge", "delivery": "sent"}, {"act": "accept", "delivery": "not_sent"}]}
        self.fake.answers["list"] = {"ok": True, "items": [said]}
        lines = self.run_here().stdout
        self.assertIn("you said yes: written down on this computer, not yet sent", lines)
        self.assertIn("responsible for the child: Police Siem Reap, until your yes is recorded", lines)
        self.assertIn("onward start K7MQ4X-T", lines)
        self.assertNotIn("onward accept", lines)

    def test_what_a_computer_does_by_itself_is_no_task(self):
        self.fake.answers["list"] = {"ok": True, "items": [ITEM | {
            "state": "requested", "new": False, "awaited": ["receive"], "steps": [{"act": "receive", "delivery": "sent"}]}]}
        self.assertIn("Nothing waits for you.", self.run_here().stdout)
        self.assertNotIn("you received", self.run_here("inbox").stdout)

    def test_what_was_done_to_the_directory_is_in_the_outbox(self):
        self.fake.answers["list"] = {"ok": True, "items": [], "registry": [{"act": "suspend", "delivery": "not_sent"}]}
        lines = self.run_here("outbox").stdout
        self.assertIn("In the directory, you cut an organisation off: written down on this computer, not yet sent\n", lines)
        self.assertNotIn("Everything has been sent", lines)

    def test_somebody_who_cannot_open_a_case_is_waiting(self):
        self.fake.answers["list"] = {"ok": True, "items": []}
        self.fake.answers["status"] |= {"waits_for_unlock": 2, "locked": True}
        lines = self.run_here().stdout
        self.assertIn("2 of your cases cannot be opened yet by those who have them", lines)
        self.assertNotIn("Nothing waits for you", lines)

    def test_news_are_to_be_read_first(self):
        done = SENT | {"state": "completed", "awaited": ["close"], "awaited_from": "aple", "new": True}
        self.fake.answers["list"] = {"ok": True, "items": [done]}
        lines = self.run_here().stdout
        self.assertLess(lines.index("onward show AAAAAA-A"), lines.index("onward close AAAAAA-A"))

    def test_a_quiet_day(self):
        self.fake.answers["list"] = {"ok": True, "items": []}
        self.assertIn("Nothing waits for you.", self.run_here().stdout)
        together = json.loads(self.run_here("--json").stdout)
        self.assertEqual((together["items"], together["status"]["organisation"]), ([], "aple"))

    def test_urgent_and_not_sent_says_whom_to_phone(self):
        draft = SENT | {"state": "draft", "delivery": "not_sent", "awaited": [], "awaited_from": ""}
        self.fake.answers["list"] = {"ok": True, "items": [ITEM, draft | {"call": CALL | {"why": "not_sent"}}]}
        self.fake.answers["status"] |= {"connected": False, "unsent": 1, "alarms": ["Two copies are running."]}
        lines = self.run_here().stdout
        self.assertIn("! it is urgent, and has not left this computer: phone them\n            call A21 Cambodia, +855 23 000 000 "
                      "(Mon-Fri 08:00-17:00)\n", lines)
        self.assertLess(lines.index("AAAAAA-A"), lines.index("! Two copies"))
        self.assertIn("The exchange has not been reached yet.\n1 not yet sent from this computer: onward outbox\n", lines)
        self.fake.answers["status"]["last_contact_ms"] = int(time.time() * 1000) - 3600 * 1000
        for words in ([], ["sent"], ["inbox"], ["outbox"]): # what is told may have moved on
            self.assertRegex(self.run_here(*words).stdout, r"The exchange cannot be reached now. Last heard \w+ \d\d:\d\d \(1 h\).\n")


    def test_what_is_stuck_is_a_task_though_the_exchange_is_connected(self):
        self.fake.answers["directory"] = DIRECTORY
        draft = SENT | {"state": "draft", "delivery": "sent", "awaited": [], "awaited_from": ""}
        self.fake.answers["list"] = {"ok": True, "items": [draft]}
        lines = self.run_here().stdout # three hours old
        self.assertIn("it is urgent and not sent: call A21 Cambodia", lines)
        self.assertNotIn("Nothing waits for you", lines)
        self.fake.answers["list"] = {"ok": True, "items": [draft | {"since_ms": int(time.time() * 1000)}]}
        self.assertNotIn("call A21", self.run_here().stdout)
        self.fake.answers["status"] |= {"stalled": True}
        self.assertIn("call A21", self.run_here().stdout)
        said = ITEM | {"state": "acknowledged", "awaited": ["start"], "new": False, "pending": 1, "delivery": "sent",
                       "sender": "ministry", "sender_name": "Ministry", "steps": [{"act": "accept", "delivery": "sent"}]}
        self.fake.answers["list"] = {"ok": True, "items": [said]}
        for status in ({"stalled": True}, {"stalled": False, "connected": False}):
            self.fake.answers["status"] |= status
            lines = self.run_here().stdout
            self.assertIn("they do not know of it yet; if it is urgent, call Ministry, +855 23 111 111 (always)\n", lines)
            self.assertEqual(lines.count("onward start K7MQ4X-T"), 1)
        self.fake.answers["status"] |= {"connected": True}
        self.assertNotIn("call Ministry", self.run_here().stdout)
        self.fake.answers["list"] = {"ok": True, "items": [draft | {"delivery": "logged", "refused": {"act": "submit", "what": "no"}}]}
        self.assertNotIn("call A21", self.run_here().stdout) # it was sent, and not taken

    def test_a_full_exchange_and_a_full_disk_are_told(self):
        self.fake.answers["list"] = {"ok": True, "items": []}
        self.fake.answers["status"] |= {"busy": True, "unsent": 3, "unconfirmed": 2}
        for words in ([], ["status"]):
            lines = self.run_here(*words).stdout
            self.assertIn("The exchange is full for the moment: what waits is sent again by itself.\n", lines)
            self.assertIn("3 not yet sent from this computer: onward outbox\n2 sent, not yet confirmed by the exchange", lines)
            self.assertNotIn("Everything has been sent", lines)
        self.fake.answers["status"] |= {"busy": False, "disk_full": True, "connected": False, "last_contact_ms": 1000}
        for words in ([], ["status"], ["inbox"]):
            lines = self.run_here(*words).stdout
            self.assertIn("The disk of this computer is full: make room.", lines)
            self.assertNotIn("cannot be reached", lines)

    def test_a_refusal_says_whom_to_call(self):
        self.fake.answers["list"] = {"ok": True, "items": []}
        self.fake.answers |= {"directory": DIRECTORY, "refer": {"ok": True, "id": "0" * 32, "short": "K7MQ4X-T"}}
        self.fake.answers["status"] |= {"connected": False, "connection": "refused", "why": "it does not know these keys", "unsent": 2}
        for words in ([], ["status"], ["outbox"]):
            lines = self.run_here(*words).stdout
            self.assertIn("The exchange refuses this computer: it does not know these keys.", lines)
            self.assertIn("call Ministry, +855 23 111 111 (always)", lines)
            self.assertNotIn("cannot be reached", lines)
            self.assertNotIn("Nothing waits for you", lines)
        self.assertIn("the exchange refuses it", self.run_here("refer", "-", given=json.dumps(FORM)).stdout)
        self.fake.answers["status"] |= {"connection": "unreachable", "last_contact_ms": 1000}
        self.assertIn("cannot be reached", self.run_here("outbox").stdout + self.run_here().stdout)

    def test_what_was_not_taken_can_be_put_away(self):
        refused = SENT | {"state": "draft", "awaited": [], "awaited_from": "",
                          "refused": {"act": "submit", "verdict": "CONSENT_IS_OVER", "what": "the consent has ended"}}
        self.fake.answers["list"] = {"ok": True, "items": [refused]}
        self.fake.answers["act"] = {"ok": True, "id": "0" * 32, "short": "AAAAAA-A", "taken_back": "refused"}
        self.assertIn("put this one away: onward cancel AAAAAA-A\n", self.run_here().stdout)
        self.assertIn("put away. It had not been taken: no organisation was asked.", self.run_here("cancel", "AAAAAA-A").stdout)

    def test_other_keys_that_were_asked_for_are_told(self):
        asked, due = 1000 * int(time.time() - 3600), 1000 * int(time.time() + 86400)
        replacement = {"asked_ms": asked, "due_ms": due, "by": "ministry", "by_name": "Ministry"}
        self.fake.answers["list"] = {"ok": True, "items": []}
        self.fake.answers["status"]["replacement"] = replacement
        self.fake.answers["directory"] = {"ok": True, "organisations": [one | {"replacement": replacement} if one["id"] == "hope" else one
                                                                        for one in DIRECTORY["organisations"]]}
        at = [time.strftime("%a %H:%M", time.localtime(ms / 1000)) for ms in (asked, due)]
        for words in ([], ["status"]):
            lines = self.run_here(*words).stdout
            self.assertIn(f"A replacement of your keys was asked for by Ministry at {at[0]}; it takes effect at {at[1]}.", lines)
            self.assertIn("onward registrar stop aple", lines)
            self.assertIn("call Ministry, +855 23 111 111", lines)
            self.assertNotIn("Nothing waits for you", lines)
        self.assertIn(f"other keys were asked for by Ministry at {at[0]}, and count from {at[1]}", self.run_here("directory").stdout)


    def test_safety_stands_before_everything(self):
        for base, flag, box in ((ITEM, "safety_at_recipient", "inbox"), (SENT, "safety_at_sender", "sent")):
            item = base | {"state": "accepted", "flags": [flag], "awaited": ["acknowledge"], "awaited_from": "aple", "new": True}
            self.fake.answers["list"] = {"ok": True, "items": [item, ITEM | {"short": "CCCCCC-C"}]}
            self.fake.answers["status"] |= {"alarms": ["Two copies are running."]}
            lines = self.run_here().stdout
            self.assertLess(lines.index("wrote about safety: read it before anything else"), lines.index("! Two copies"))
            self.assertEqual(re.findall(r"onward (?!show).* " + item["short"], lines), []) # nothing else is offered
            self.assertIn(f"onward show {item['short']}", lines)
            self.assertIn("wrote about safety", self.run_here(box).stdout)
            read = item | {"steps": [{"act": "acknowledge", "delivery": "sent"}], "awaited": ["start"]}
            self.fake.answers["list"] = {"ok": True, "items": [read]}
            self.assertNotIn("wrote about safety", self.run_here().stdout)

    def test_unread_there_says_whom_to_phone(self):
        for base, flag in ((SENT, "safety_at_recipient"), (ITEM, "safety_at_sender")):
            self.fake.answers["list"] = {"ok": True, "items": [base | {"flags": [flag], "call": CALL | {"why": "safety"}}]}
            lines = self.run_here().stdout
            self.assertIn("your message about safety is not read yet", lines)
            self.assertIn("phone them\n            call A21 Cambodia, +855 23 000 000", lines)
        self.fake.answers["list"] = {"ok": True, "items": [SENT | {"flags": [flag], "call": CALL | {"why": "safety", "telephone": ""}}]}
        self.assertIn("call A21 Cambodia, whose number is not in the directory", self.run_here("sent").stdout)

    def test_what_is_overdue_is_a_sentence_for_each_clock(self):
        since = int(time.time() * 1000) - 26 * 3600 * 1000
        due = {"RECEIVE": "arrives on the computer of A21", "READ": "a person at A21 Cambodia reads it", "DECIDE": "says yes or no",
               "CONTACT": "begins to help", "RETURNED_ACT": "chooses whom to ask next", "RESEAL_ASKED": "unlock there",
               "REPORT": "reports progress", "CLOSING": "reads the result", "SAFETY_READ": "the message about safety",
               "EXPECTED": "as the waiting list said", "CONSENT_END": "renews the consent"}
        for clock, words in due.items():
            late = SENT | {"state": "acknowledged", "overdue": [CALL | {"clock": clock, "since_ms": since}]}
            self.fake.answers["list"] = {"ok": True, "items": [late]}
            lines = self.run_here().stdout
            self.assertRegex(lines, r"! overdue since \w+ \d\d:\d\d, 26 h: it was due that .*" + words)
            self.assertIn("            call A21 Cambodia, +855 23 000 000 (Mon-Fri 08:00-17:00)\n", lines)
            self.assertIn("or ask the next one: onward next AAAAAA-A\n", lines)
            self.fake.answers["list"]["items"] = [late | {"state": "accepted"}]
            self.assertNotIn("onward next", self.run_here().stdout)
        self.fake.answers["list"]["items"] = [ITEM | {"overdue": [{"clock": "READ", "since_ms": since, "id": "aple", "name": "APLE"}]}]
        lines = self.run_here().stdout
        self.assertIn("it was due that a person at your organisation reads it\n", lines)
        self.assertNotIn("call", lines)

    def test_duties_to_erase(self):
        mine = ITEM | {"state": "left", "new": False, "awaited": ["erase_receipt", "legal_hold"], "to_erase": [{"id": "aple", "name": "APLE", "overdue": True}]}
        theirs = SENT | {"state": "withdrawn", "awaited": [], "awaited_from": "",
                         "to_erase": [CALL | {"overdue": True}, {"id": "hope", "name": "Hope", "overdue": False}],
                         "kept_by": [{"id": "tpo", "name": "TPO"}]}
        self.fake.answers["list"] = {"ok": True, "items": [mine]}
        lines = self.run_here().stdout
        self.assertIn("you have to erase this case, which is overdue\n", lines)
        self.assertIn("onward erase K7MQ4X-T\n          onward keep K7MQ4X-T --note FILE\n", lines)
        self.fake.answers["list"] = {"ok": True, "items": [theirs]}
        self.assertIn("AAAAAA-A", self.run_here().stdout) # it is overdue: a task, although it has ended
        lines = self.run_here("sent").stdout
        self.assertIn("! still to be erased by A21 Cambodia, which is overdue\n            call A21 Cambodia, +855", lines)
        self.assertIn("  still to be erased by Hope\n", lines)
        self.assertIn("kept by law by TPO\n", lines)
        self.assertIn("the consent was withdrawn", lines)


class Endings(Case):
    def test_each_refusal_has_its_exit_code(self):
        for code, number in (("bad_input", 2), ("not_allowed", 1), ("not_found", 5), ("locked", 4), ("full", 6), ("broken", 70)):
            refusal = {"ok": False, "code": code, "what": "what was wrong", "field": "brief.need", "try": "what to do"}
            self.fake.answers["show"] = refusal
            done = self.run_here("show", "K7MQ4X-T")
            self.assertEqual(done.returncode, number)
            self.assertIn("brief.need: what was wrong\n        what to do\n", done.stderr)
            self.assertEqual(done.stdout, "")
            done = self.run_here("show", "K7MQ4X-T", "--json")
            self.assertEqual((done.returncode, json.loads(done.stdout), done.stderr), (number, refusal, ""))

    def test_not_running_is_said(self):
        for home in (os.path.join(self.work, "nowhere"), self.work):
            done = run(home, "inbox")
            self.assertEqual(done.returncode, 3)
            command = "init" if home.endswith("nowhere") else "join INVITATION"
            self.assertIn(f"onward --home {home} {command}\n", done.stderr) # for the folder that was asked about
        self.file("network", "")
        self.assertIn(f"onward --home {self.work} run\n", run(self.work, "inbox").stderr)
        self.assertEqual(json.loads(run(self.work, "inbox", "--json").stdout)["code"], "not_running")

    def test_answers_that_cannot_be_read_are_a_fault(self):
        self.fake.answers["list"] = lambda request: 17
        self.assertEqual(self.run_here("inbox").returncode, 70)

    def test_wrong_usage_says_what_was_expected(self):
        for words, expected in ((["refr"], "did you mean: onward refer"), (["registrar", "enroll"], "onward registrar enrol"),
                                (["registrar"], "expected enrol"), (["decline", "ID", "--reson", "X"], "did you mean --reason"),
                                (["decline", "ID", "--reason"], "--reason needs a value"),
                                (["show", "ID", "--peek=1"], "--peek takes no value"), (["accept"], "too few arguments"),
                                (["inbox", "x"], "too many arguments"), (["refer"], "expected a file with the form"),
                                (["decline", "ID", "--text", MARKER], "is not an option"), (["--nonsense"], "is not an option")):
            done = self.run_here(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(expected, done.stderr)
        self.assertEqual(self.fake.requests, [])

    def test_arguments_that_are_no_text_are_refused(self):
        bad = os.fsdecode(b"\xff")
        for words in ([bad], ["show", bad], ["close", bad], ["registrar", "suspend", bad], ["registrar", "invitation", bad],
                      ["readdress", "ID", "--to", bad], ["accept", "ID", "--first-contact", bad], ["inbox", bad], ["--" + bad]):
            for more in ([], ["--json"]):
                done = subprocess.run([ONWARD, "--home", self.home, *words, *more], capture_output=True, stdin=subprocess.DEVNULL)
                self.assertEqual(done.returncode, 2, words)
        self.assertEqual(self.fake.requests, [])

    def test_every_command_has_help(self):
        names = re.findall(r"^  onward ((?:registrar )?[a-z-]+)  +\S", self.run_here("help").stdout, re.M)
        self.assertGreater(len(names), 30)
        for name in names:
            done = self.run_here(*name.split(), "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("onward " + name, done.stdout)


class Refer(Case):
    def setUp(self):
        super().setUp()
        self.fake.answers["refer"] = {"ok": True, "id": "0" * 32, "short": "K7MQ4X-T", "again": False}

    def refer(self, form, *words):
        return self.run_here("refer", "-", *words, given=form if isinstance(form, str) else json.dumps(form))

    def test_form_and_options_come_together(self):
        done = self.refer(FORM, "--to", "a21,hope", "--priority=high", "--basis", "vital-interests", "--scope", "a21,hope",
                          "--never", "gone", "--until", "2030-01-01", "--area", "KH-17", "--group", "pss", "--ref", "CASE/1", "--reroute", "never",
                          "--phoned", "--drill", "--file-now", "--no-feedback")
        self.assertEqual(done.returncode, 0)
        self.assertIn("K7MQ4X-T: saved on this computer.", done.stdout)
        self.assertEqual(self.fake.asked("refer"), [FORM | {
            "do": "refer", "to": ["a21", "hope"], "priority": "HIGH", "basis": "VITAL_INTERESTS", "scope": ["a21", "hope"], "never": ["gone"],
            "consent_until": "2030-01-01", "area": "KH-17", "group": "PSS", "ref": "CASE/1", "reroute": "REROUTE_NEVER",
            "phoned": True, "drill": True, "file_now": True, "feedback": False}])

    def test_the_empty_form_is_json_and_says_nothing(self):
        form = json.loads(self.run_here("refer", "--form").stdout)
        self.assertEqual(form["brief"]["need"], "")
        self.assertIn("Compulsory", form["brief"]["need?"])
        self.assertIn("TRAUMA_COUNSELLING", form["brief"]["service?"])
        self.assertEqual(self.refer(form).returncode, 0)
        self.assertEqual(self.fake.asked("refer"), [{"do": "refer"}])

    def test_a_file_serves_as_well(self):
        self.assertEqual(self.run_here("refer", self.file("form.json", json.dumps(FORM))).returncode, 0)
        self.assertEqual(self.fake.asked("refer"), [FORM | {"do": "refer"}])
        for path in (os.path.join(self.work, "none"), "/"):
            done = self.run_here("refer", path)
            self.assertEqual(done.returncode, 5)
            self.assertIn("cannot read " + path, done.stderr)

    def test_what_is_wrong_is_told_without_its_content(self):
        for text, expected in (('{"brief":\n {"need": "' + MARKER + '" oops}}', "line 2, column"), ('["' + MARKER + '"]', "JSON object"),
                               ('{"a": "' + MARKER + '", "a": 1}', "not JSON"), ('{"a": "' + MARKER * 40000 + '"}', "too long")):
            done = self.refer(text)
            self.assertEqual(done.returncode, 2)
            self.assertIn(expected, done.stderr)
            self.assertNotIn(MARKER, done.stdout + done.stderr)

    def test_repetition_and_absence_are_told(self):
        self.fake.answers["refer"]["again"] = True
        self.assertIn("nothing new was made", self.refer(FORM).stdout)
        self.fake.answers["refer"]["again"] = False
        self.fake.answers["status"]["connected"] = False
        self.assertIn("Not yet sent from this computer", self.refer(FORM).stdout)

    def test_the_terminal_asks_question_by_question(self):
        self.fake.answers["directory"] = DIRECTORY
        self.fake.answers["refer"] = [{"ok": False, "code": "bad_input", "field": "brief.need", "what": "is too vague"},
                                      {"ok": True, "id": "0" * 32, "short": "K7MQ4X-T"}]
        t = Terminal(self.home, "refer", "--basis", "CONSENT")
        self.assertIn("No incident details", t.wait_for("Which organisations"))
        t.type("3  hope", "nobody")
        t.type("nobody is not in the list", "3, a21")
        t.type("How urgent", "?")
        t.type("Call them as well", "1")
        t.type("Until when", "soon")
        t.type("must be a date", "2020-01-01")
        t.type("is over: today or later", "")
        t.type("by telephone?", "yes")
        t.type("3  mental health and psychosocial support", "3")
        t.type("5  trauma counselling", "5")
        t.type("few words?", "")
        t.type("compulsory", MARKER)
        t.type("How old", "12")
        t.type("Sex?", "female")
        for question, answer in (("Which language", "km"), ("How great is the risk", ""), ("to be safe, and", ""),
                                 ("Your case code", "C-1"), ("called?", ""), ("Who may be called", "aunt"), ("number?", "012"),
                                 ("When is it safe", ""), ("Which words", ""), ("must not learn", ""), ("takes care", "father"),
                                 ("been informed?", "no"), ("Why has the caregiver not", "not safe"), ("help has been given", ""),
                                 ("Who gave consent", "the girl"), ("What may be shared", ""), ("must be withheld?", ""),
                                 ("legal proceedings", "2"), ("Whom can they call", "duty desk")):
            t.type(question, answer)
        t.type("Send it now?", "perhaps")
        t.type("Send it now?", "more")
        for question, answer in (("may ever be given", "hope,a21"), ("must never be given", "ministry"), ("Which group of services", ""), ("Which area", "KH-17"),
                                 ("an exercise", "no"), ("To whom may they pass it on", ""), ("sent at once", ""),
                                 ("referral of the same child", "K7MQ4X-T"), ("Your own reference", "CASE-1")):
            t.type(question, answer)
        t.wait_for("CASE-1")
        t.type("Send it now?", "yes")
        t.type("is too vague", "weekly talks")
        t.type("Send it now?", "y")
        code, rest = t.end()
        self.assertEqual(code, 0)
        self.assertIn("K7MQ4X-T: saved", rest)
        first, second = self.fake.asked("refer")
        self.assertEqual(first["brief"]["need"], MARKER)
        self.assertEqual(second, {
            "do": "refer", "basis": "CONSENT", "to": ["hope", "a21"], "priority": "HIGH", "phoned": True,
            "scope": ["hope", "a21"], "never": ["ministry"], "area": "KH-17", "drill": False, "with": "K7MQ4X-T", "ref": "CASE-1",
            "brief": {"service": "TRAUMA_COUNSELLING", "need": "weekly talks", "sex": "FEMALE", "language": "km"},
            "file": {"age": 12, "case_code": "C-1", "contact": {"who": "aunt", "telephone": "012"},
                     "caregiver": {"who": "father", "informed": False, "why_not": "not safe"},
                     "consent": {"given_by": "the girl"}, "legal_status": "REPORTED", "focal_point": "duty desk"}})

    def test_an_assessment_is_one_request(self):
        needs = [{"to": ["a21"], "brief": {"service": "FOOD"}}, {"ourselves": True, "ref?": "an explanation", "brief": {"service": "CASH", "need": ""}}]
        self.fake.answers["assess"] = {"ok": True, "referrals": [{"short": "K7MQ4X-T"}, {"short": "ATDFVC-H"}]}
        lines = self.refer(FORM | {"needs": needs}, "--ref", "A-12").stdout
        for words in ("K7MQ4X-T: saved", "ATDFVC-H: saved", "met: onward complete ATDFVC-H --outcome CODE", "It is being sent",
                      "onward refer --with ATDFVC-H"):
            self.assertIn(words, lines)
        self.assertEqual(self.fake.asked("refer"), [])
        self.assertEqual(self.fake.asked("assess"), [FORM | {"do": "assess", "ref": "A-12", "needs": [
            needs[0], {"ourselves": True, "brief": {"service": "CASH"}}]}])
        self.fake.answers["assess"] = {"ok": False, "code": "bad_input", "need": 2, "field": "priority", "what": "is missing"}
        done = self.refer(FORM | {"needs": needs})
        self.assertEqual((done.returncode, done.stderr), (2, "onward: need 2: priority: is missing\n"))

    def test_the_case_that_is_joined_is_opened_first(self):
        self.fake.answers |= {"directory": DIRECTORY, "show": {"ok": False, "code": "not_found", "field": "id", "what": "is not here"}}
        t = Terminal(self.home, "refer", "--with", "K7MQ4X-T")
        code, rest = t.end()
        self.assertEqual((code, self.fake.asked("refer")), (5, []))
        self.assertIn("is not here", rest)
        self.assertEqual(self.fake.asked("show"), [{"do": "show", "id": "K7MQ4X-T", "peek": True}])

    def test_the_present_passphrase_is_asked_first(self):
        self.fake.answers["status"]["locked"] = True
        self.fake.answers |= {"unlock": {"ok": True}, "rotate": {"ok": True, "words": "one two three four five six"}}
        t = Terminal(self.home, "rotate")
        for prompt, answer in (("The present passphrase: ", "the old words"), ("New passphrase: ", "the new words"),
                               ("once more: ", "the new words")):
            t.wait_for(prompt)
            os.write(t.fd, answer.encode() + b"\n")
        self.assertEqual(t.end()[0], 0)
        self.assertEqual([(request["do"], request.get("passphrase")) for request in self.fake.requests],
                         [("status", None), ("unlock", "the old words"), ("rotate", "the new words")])

    def test_a_person_can_change_their_mind(self):
        self.fake.answers["directory"] = DIRECTORY
        form = self.file("form.json", json.dumps(FORM))
        t = Terminal(self.home, "refer")
        t.wait_for("> ")
        os.write(t.fd, b"\x04")
        code, rest = t.end()
        self.assertEqual((code, self.fake.asked("refer")), (1, []))
        self.assertIn("nothing was done", rest)
        self.assertTrue(os.path.exists(form))


class Show(Case):
    ANSWER = {"ok": True, "acknowledged_now": True, "brief": BRIEF, "item": ITEM | {"state": "acknowledged", "awaited": ["accept"]},
              "notes": [{"index": 4, "time_ms": 1000, "from": "police", "act": "cancel", "text": "line one\nline two"}],
              "history": [{"index": 1, "time_ms": 1000, "act": "submit", "by": "police", "by_name": "Police Siem Reap",
                           "verdict": "ACCEPTED"},
                          {"index": 2, "time_ms": 2000, "act": "accept", "by": "aple", "verdict": "NOT_IN_THIS_STATE"},
                          {"index": 3, "time_ms": 2000, "act": "leg_opened", "verdict": "ACCEPTED"}]}

    def test_opening_says_that_it_acknowledges(self):
        self.fake.answers["show"] = self.ANSWER
        lines = self.run_here("show", "K7MQ4X-T").stdout
        for text in ("its sender is told that a person has read it", MARKER + " need", "10-14", "food", "line one\n", "line two\n", "Police Siem Reap wished to take it back\n",
                     "Police Siem Reap sent it\n", "aple said yes: not taken, not in this state\n", "the exchange offered it",
                     "onward accept K7MQ4X-T --first-contact DATE", "Name and contact come once you have said yes."):
            self.assertIn(text, lines)
        self.assertEqual(self.fake.asked("show"), [{"do": "show", "id": "K7MQ4X-T", "peek": False}])

    def test_a_message_about_safety_that_does_not_open_is_told(self):
        item = ITEM | {"state": "accepted", "flags": ["safety_at_recipient"], "awaited": ["acknowledge"]}
        self.fake.answers["show"] = self.ANSWER | {"acknowledged_now": False, "item": item}
        self.assertIn("Call them, ask what it says, then: onward acknowledge K7MQ4X-T", self.run_here("show", "K7MQ4X-T").stdout)
        self.assertNotIn("Call them", self.run_here("show", "K7MQ4X-T", "--peek").stdout)
        self.fake.answers["show"] = self.ANSWER | {"item": item | {"awaited": ["start"]}}
        self.assertNotIn("Call them", self.run_here("show", "K7MQ4X-T").stdout)

    def test_what_moved_on_promises_nothing(self):
        for state in ("left", "gone", "cancelled"):
            self.fake.answers["show"] = self.ANSWER | {"item": ITEM | {"state": state, "awaited": []}}
            self.assertNotIn("once you have said yes", self.run_here("show", "K7MQ4X-T").stdout)

    def test_peek_does_not(self):
        self.fake.answers["show"] = self.ANSWER | {"acknowledged_now": False}
        self.assertNotIn("is told", self.run_here("show", "K7MQ4X-T", "--peek").stdout)
        self.assertIs(self.fake.asked("show")[0]["peek"], True)

    def test_locked_asks_unlocks_and_goes_on(self):
        locked = {"ok": False, "code": "locked", "what": "the cases are locked", "try": "onward unlock"}
        self.fake.answers |= {"show": [locked, self.ANSWER], "unlock": {"ok": True}}
        done = self.run_here("show", "K7MQ4X-T", "--passphrase-file", self.file("pass", "river stone lamp\nmore\n"))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.fake.asked("unlock"), [{"do": "unlock", "passphrase": "river stone lamp"}])
        self.fake.answers["show"] = locked
        self.assertEqual(self.run_here("show", "K7MQ4X-T").returncode, 4)

    def test_the_passphrase_is_not_echoed(self):
        locked = {"ok": False, "code": "locked", "what": "the cases are locked"}
        self.fake.answers |= {"show": [locked, self.ANSWER], "unlock": {"ok": True}}
        t = Terminal(self.home, "show", "K7MQ4X-T")
        t.wait_for("Passphrase: ")
        os.write(t.fd, b"river stone lamp\n")
        code, rest = t.end()
        self.assertEqual(code, 0)
        self.assertNotIn("river", rest)
        self.assertIn(MARKER, rest)
        self.assertEqual(self.fake.asked("unlock")[0]["passphrase"], "river stone lamp")


class Acts(Case):
    def setUp(self):
        super().setUp()
        self.fake.answers["act"] = {"ok": True, "id": "0" * 32, "short": "K7MQ4X-T"}

    def act(self, *words, **options):
        done = self.run_here(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.fake.asked("act")[-1]

    def test_what_each_step_sends(self):
        base = {"do": "act", "id": "ID"}
        for words, expected in (
                (["acknowledge", "ID"], {"act": "acknowledge"}),
                (["accept", "ID", "--first-contact", "2030-01-02"], {"act": "accept", "first_contact_by": "2030-01-02"}),
                (["decline", "ID", "--reason", "no_capacity", "--by", "provider"],
                 {"act": "decline", "reason": "NO_CAPACITY", "by": "BY_PROVIDER"}),
                (["start", "ID"], {"act": "start"}), (["close", "ID"], {"act": "close"}), (["cancel", "ID"], {"act": "cancel"}),
                (["progress", "ID", "--kind", "no-show"], {"act": "progress", "note": {"progress": "NO_SHOW"}}),
                (["complete", "ID", "--outcome", "ADVICE_ONLY"], {"act": "complete", "outcome": "ADVICE_ONLY"}),
                (["fail", "ID", "--reason", "CLIENT_MOVED"], {"act": "fail", "reason": "CLIENT_MOVED"}),
                (["readdress", "ID", "--to", "a21,hope"], {"act": "readdress", "to": ["a21", "hope"]}),
                (["waitlist", "ID", "--expected", "2030-01-02"], {"act": "waitlist", "expected": "2030-01-02"}),
                (["next", "ID"], {"act": "next"}), (["withdraw", "ID"], {"act": "withdraw"}), (["error", "ID"], {"act": "enter_in_error"}),
                (["renew-consent", "ID", "--scope", "a21,hope", "--until", "2030-01-01"],
                 {"act": "renew_consent", "scope": ["a21", "hope"], "consent_until": "2030-01-01"}),
                (["narrow-consent", "ID", "--scope", "a21"], {"act": "narrow_consent", "scope": ["a21"]}),
                (["raise", "ID", "--priority", "high"], {"act": "raise_priority", "priority": "HIGH"}),
                (["erase", "ID"], {"act": "erase_receipt"}),
                (["confirm-cancel", "ID"], {"act": "confirm_cancel"}), (["refuse-cancel", "ID"], {"act": "refuse_cancel"})):
            self.assertEqual(self.act(*words), base | expected)

    def test_notes_come_from_files_only(self):
        path = self.file("note", MARKER + "\nsecond line\n")
        expected = {"text": MARKER + "\nsecond line"}
        self.assertEqual(self.act("accept", "ID", "--note", path)["note"], expected)
        self.assertEqual(self.act("close", "ID", "--note", "-", given=MARKER + "\nsecond line\n")["note"], expected)
        for text in ("x" * 2001, "x" * 2001 + "\n", "x" * 2000 + "\nx"):
            done = self.run_here("close", "ID", "--note", self.file("long", text))
            self.assertEqual(done.returncode, 2)
            self.assertIn("expected at most 2000 bytes", done.stderr)
        for text in ("x" * 2000, "x" * 2000 + "\n"):
            self.assertEqual(self.act("close", "ID", "--note", self.file("long", text))["note"]["text"], "x" * 2000)

    def test_what_people_write_is_compulsory(self):
        for words, expected in ((["ask", "ID"], {"act": "request_info"}), (["answer", "ID"], {"act": "supply_info"}),
                                (["tell", "ID"], {"act": "tell"}), (["tell", "ID", "--safety"], {"act": "tell", "safety": True}),
                                (["keep", "ID"], {"act": "legal_hold"})):
            done = self.run_here(*words)
            self.assertEqual((done.returncode, self.fake.asked("act")), (2, []), words)
            self.assertIn("--note FILE", done.stderr)
            sent = self.act(*words, "--note", "-", given=MARKER)
            self.assertEqual(sent, {"do": "act", "id": "ID", "note": {"text": MARKER}} | expected)
            self.fake.requests.clear()
        t = Terminal(self.home, "ask", "K7MQ4X-T")
        t.type("What do you need to know?", "")
        os.write(t.fd, MARKER.encode() + b"\n")
        self.assertEqual(t.end()[0], 0)
        self.assertEqual(self.fake.asked("act")[-1]["note"], {"text": MARKER})

    def test_a_reroute_carries_a_brief(self):
        expected = {"do": "act", "id": "ID", "act": "reroute", "to": "a21", "brief": BRIEF | {"by_rerouter": True}}
        self.assertEqual(self.act("reroute", "ID", "-", "--to", "a21", given=json.dumps(BRIEF)), expected)
        self.assertEqual(self.act("reroute", "ID", "-", "--to", "a21", given=json.dumps({"brief": BRIEF})), expected)
        self.assertEqual(self.run_here("reroute", "ID", "-", "--to", "a21,hope", given=json.dumps(BRIEF)).returncode, 2)

    def test_what_is_missing_is_asked_for(self):
        t = Terminal(self.home, "decline", "K7MQ4X-T")
        t.type("16  another reason", "1")
        t.type("Who says no?", "1")
        t.type("A note", MARKER)
        code, rest = t.end()
        self.assertEqual(code, 0)
        self.assertIn("you said no", rest)
        self.assertEqual(self.fake.asked("act"), [{"do": "act", "act": "decline", "id": "K7MQ4X-T", "reason": "NO_CAPACITY",
                                                   "by": "BY_PROVIDER", "note": {"text": MARKER}}])


class Office(Case):
    def test_directory_and_status(self):
        self.fake.answers["directory"] = DIRECTORY
        lines = self.run_here("directory").stdout
        self.assertRegex(lines, r"a21 +A21 Cambodia \(ngo\)\n +telephone \+855 23 000 000, Mon-Fri")
        self.assertIn("Gone (ngo), cut off", lines)
        self.assertIn("APLE (ngo), you", lines)
        self.fake.answers["status"] |= {"connected": False, "last_contact_ms": int(time.time() * 1000) - 300000, "unsent": 2}
        lines = self.run_here("status").stdout
        for text in ("APLE (aple)", "one two three", "cannot be reached now. Last heard", "(5 min).", "2 not yet sent"):
            self.assertIn(text, lines)

    def test_alarms_show_both_heads_and_evidence_is_files(self):
        head = {"signed": True, "origin": "exchange.test/log/1", "size": 61, "root": "T1X2Gdkh" + "A" * 35 + "="}
        self.fake.answers["alarms"] = {"ok": True, "alarms": [
            {"kind": "fork", "text": "Two logs.", "raised_ms": int(time.time() * 1000), "over": False, "halts": True, "held": head,
             "offered": head | {"size": 62, "root": "zY1lN35v" + "B" * 35 + "="}},
            {"kind": "bad_note", "text": "No head.", "raised_ms": 1, "over": True, "halts": True, "held": head,
             "offered": {"signed": False}}]}
        lines = self.run_here("alarms").stdout
        self.assertRegex(lines, "! Two logs.\n    raised .*\n    this computer had: 61 entries, root T1X2GdkhAAAAAAAA...\n"
                                "    the exchange showed: 62 entries, root zY1lN35vBBBBBBBB...\n"
                                "    what proves it, as files: onward evidence fork --out DIR\n")
        self.assertRegex(lines, "- No head.\n    raised .*; it is over, or somebody has looked into it\n.*\n"
                                "    the exchange showed: not signed by the log's key\n")
        self.fake.answers["evidence"] = {"ok": True, "kind": "fork", "files": [{"name": "statement.txt", "text": "What was seen.\n"},
                                                                              {"name": "held.checkpoint", "text": "a head\n"}]}
        folder = os.path.join(self.work, "evidence")
        self.assertIn("2 files are in", self.run_here("evidence", "fork", "--out", folder).stdout)
        self.assertEqual(self.fake.asked("evidence"), [{"do": "evidence", "kind": "fork"}])
        with open(os.path.join(folder, "held.checkpoint"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "a head\n")
        done = self.run_here("evidence", "--out", folder) # never two alarms in one folder
        self.assertEqual((done.returncode, "not there yet" in done.stderr), (2, True))
        self.assertEqual(self.run_here("evidence").returncode, 2)

    def test_lock_unlock_rotate(self):
        self.fake.answers |= {"lock": {"ok": True}, "unlock": {"ok": True}, "rotate": {"ok": True, "words": "six words"}}
        path = self.file("pass", "river stone lamp\n")
        self.assertEqual(self.run_here("lock").returncode, 0)
        self.assertEqual(self.run_here("unlock", "--passphrase-file", path).returncode, 0)
        self.assertEqual(self.run_here("unlock").returncode, 4)
        self.assertIn("six words", self.run_here("rotate", "--new-passphrase-file", path).stdout)
        self.assertEqual(self.fake.asked("rotate"), [{"do": "rotate", "passphrase": "river stone lamp"}])

    def test_a_hook_gets_id_and_kind_and_nothing_else(self):
        seen = os.path.join(self.work, "seen")
        hook = self.file("hook", '#!/bin/sh\n{ for word in "$@"; do echo "[$word]"; done; env; cat; } >>' + seen + "\n")
        os.chmod(hook, 0o700)
        self.fake.answers["watch"] = {"ok": True}
        self.fake.events = [{"event": {"id": "a" * 32, "short": "K7MQ4X-T", "kind": "accept"}},
                            {"event": {"id": "b" * 32, "short": "AAAAAA-A", "kind": "$(touch x)"}}]
        environment = {"PATH": "/usr/bin:/bin", "MINE": "1"}
        done = self.run_here("watch", "--exec", hook, environment=environment, given="not for hooks\n")
        self.assertEqual(done.returncode, 3) # the stand-in hung up
        with open(seen, encoding="utf-8") as file:
            lines = [line for line in file.read().split("\n") if line and not re.match("PWD=|OLDPWD=|SHLVL=|_=", line)]
        expected = sorted(f"{name}={value}" for name, value in environment.items())
        self.assertEqual(lines[:2], [f"[{'a' * 32}]", "[accept]"])
        self.assertEqual(sorted(lines[2:4]), expected)
        self.assertEqual(lines[4:6], [f"[{'b' * 32}]", "[$(touch x)]"])
        self.assertEqual(len(lines), 8)
        asked = len(self.fake.requests)
        for nothing in ("no-such-program", "/dev/null", self.work, ""):
            done = self.run_here("watch", "--exec", nothing)
            self.assertEqual(done.returncode, 5)
            self.assertIn("there is no program", done.stderr)
        self.assertEqual(len(self.fake.requests), asked) # said before anything is waited for
        self.assertEqual(self.run_here("watch").stdout, "K7MQ4X-T accept\nAAAAAA-A $(touch x)\n")
        lines = self.run_here("watch", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines[:2]], self.fake.events)


class Joining(Case):
    def init(self, name, *more):
        home = os.path.join(self.work, name.replace("/", "-"))
        done = run(home, "init", "--organisation", name, "--name", name.upper() + " office", "--kind", "ngo", "--passphrase-file",
                   self.file("pass", "river stone lamp\n"), *more)
        return home, done

    def test_init_makes_keys_and_a_request_once(self):
        home, done = self.init("aple/sr")
        self.assertEqual(done.returncode, 0, done.stderr)
        words = re.search(r"words: (([a-z]{5} ?){6})\n", done.stdout).group(1)
        for name in os.listdir(home):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(home, name)).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(home).st_mode), 0o700)
        self.assertIn("aple-sr.request", os.listdir(home))
        _, again = self.init("aple/sr", "--json")
        self.assertEqual(json.loads(again.stdout)["words"], words) # the keys are the same
        _, other = self.init("aple/sr", "--passphrase-file", self.file("other", "another pass phrase\n"))
        self.assertEqual(other.returncode, 1)
        self.assertIn("the keys are there already, locked by the passphrase that was given first", other.stderr)
        for option, value in (("--organisation", "APLE"), ("--kind", "shop"), ("--name", "x" * 121), ("--telephone", "call me")):
            self.assertEqual(self.init("aple/sr", option, value)[1].returncode, 2, option)

    def test_init_asks_for_the_passphrase_twice(self):
        home = os.path.join(self.work, "asked")
        t = Terminal(home, "init", "--organisation", "a21", "--name", "A21", "--kind", "NGO", "--telephone", "", "--hours", "", "--no-recovery")
        for prompt, answer in (("New passphrase: ", "short"), ("New passphrase: ", "river stone lamp"), ("once more: ", "other words"),
                               ("not the same", None), ("New passphrase: ", "river stone lamp"), ("once more: ", "river stone lamp")):
            t.wait_for(prompt)
            if answer:
                os.write(t.fd, answer.encode() + b"\n")
        code, rest = t.end()
        self.assertEqual(code, 0)
        self.assertNotIn("river", rest)
        self.assertIn("seal.pem", os.listdir(home))

    def test_a_registrar_compares_words_and_waits_for_the_log(self):
        home, done = self.init("a21")
        words = re.search(r"words: (.*)\n", done.stdout).group(1)
        request = os.path.join(home, "a21.request")
        absent = {"ok": False, "code": "not_found", "what": "not yet in the log"}
        self.fake.answers |= {"enrol": {"ok": True, "organisation": "a21", "words": words},
                              "invitation": [absent, absent, {"ok": True, "invitation": "the invitation\n"}]}
        self.assertEqual(self.run_here("registrar", "enrol", request).returncode, 2)
        self.assertEqual(self.run_here("registrar", "enrol", request, "--words", words[:-1] + "x").returncode, 1)
        self.assertEqual(self.fake.requests, [])
        done = self.run_here("registrar", "enrol", request, "--words", words.upper().replace(" ", "  "), "--agreement-until",
                             "2030-01-01")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(home, "a21.invitation"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "the invitation\n")
        with open(request, encoding="utf-8") as file:
            self.assertEqual(self.fake.asked("enrol"), [{"do": "enrol", "request": file.read(), "agreement_until": "2030-01-01"}])
        self.fake.answers["invitation"] = absent
        done = self.run_here("registrar", "enrol", request, "--words", words, "--wait", "0")
        self.assertEqual(done.returncode, 5)
        self.assertIn("not yet in the log", done.stderr)
        self.assertIn(f"onward --home {self.home} registrar invitation a21\n", done.stderr)

    def test_a_name_that_is_in_use_is_asked_about(self):
        home, done = self.init("a22", "--name", "a21-CAMBODIA")
        words = re.search(r"words: (.*)\n", done.stdout).group(1)
        enrol = ["registrar", "enrol", os.path.join(home, "a22.request"), "--words", words, "--wait", "0"]
        self.fake.answers |= {"directory": DIRECTORY, "enrol": {"ok": True, "organisation": "a22", "words": words},
                              "invitation": {"ok": True, "invitation": "the invitation\n"}}
        done = self.run_here(*enrol)
        self.assertEqual((done.returncode, self.fake.asked("enrol")), (1, []))
        self.assertIn("A21 Cambodia is in the directory already: a21, telephone +855 23 000 000.", done.stderr)
        self.fake.answers["directory"] = {"ok": True, "organisations": [DIRECTORY["organisations"][2] | {"telephone": ""}]}
        self.assertIn("A21 Cambodia is in the directory already: a21. Cases", self.run_here(*enrol).stderr)
        self.fake.answers["directory"] = DIRECTORY
        t = Terminal(self.home, *enrol)
        t.type("Enrol a22 all the same?", "no")
        self.assertEqual((t.end()[0], self.fake.asked("enrol")), (1, []))
        self.assertEqual(self.run_here(*enrol, "--yes").returncode, 0)

    def test_registrars_are_not_cut_off_by_a_slip(self):
        self.fake.answers |= {"directory": DIRECTORY, "suspend": {"ok": True}}
        for name, words in (("ministry", "a registrar of this network"), ("aple", "your own organisation: only another registrar")):
            done = self.run_here("registrar", "suspend", name)
            self.assertEqual((done.returncode, self.fake.asked("suspend")), (1, []))
            self.assertIn(words, done.stderr)
        t = Terminal(self.home, "registrar", "suspend", "hope")
        t.type("Hope (hope) is in the directory", "no")
        self.assertEqual((t.end()[0], self.fake.asked("suspend")), (1, []))
        self.assertEqual(self.run_here("registrar", "suspend", "ministry", "--yes").returncode, 0)
        self.assertEqual(self.run_here("registrar", "suspend", "hope").returncode, 0)
        self.assertEqual(len(self.fake.asked("suspend")), 2)

    def test_the_policy_is_read_as_it_is_printed(self):
        names = ("RECEIVE", "READ", "DECIDE", "CONTACT", "UNDELIVERED", "ANSWER_INFO", "ANSWER_CANCEL", "RETURNED_ACT", "RESEAL_ASKED",
                 "REPORT", "CLOSING", "ERASURE", "SAFETY_READ")
        clocks = {name: {"high_s": 90 + i, "medium_s": 3600 * (i + 1), "low_s": 31622400 - 86400 * i} for i, name in enumerate(names)}
        self.fake.answers |= {"policy": {"ok": True, "clocks": clocks, "since_entry": 7, "since_ms": 0, "by": "ministry",
                                         "by_name": "Ministry"},
                              "set_policy": lambda request: {"ok": True, "changed": request["clocks"] != {}}}
        shown = self.run_here("policy").stdout
        self.assertIn("entry 7 of the log, set by Ministry.", shown)
        self.assertIn("\nreceive = 90 s, 1 h, 366 d\n", shown)
        self.assertEqual(self.run_here("registrar", "policy").stdout, shown)
        for name in names:
            self.assertIn(f"\n{name.lower()} = ", shown)
        done = self.run_here("registrar", "policy", self.file("same", shown))
        self.assertIn("nothing was sent", done.stdout)
        self.assertEqual((done.stderr, self.fake.asked("set_policy").pop()["clocks"]), ("", {}))
        self.assertIn("\nlast_resort =\n", shown)
        path = self.file("other", shown.replace("last_resort =", "last_resort = hope").replace("receive = 90 s, 1 h", "receive = 2 min, 1 h") + "# a word\n")
        done = self.run_here("registrar", "policy", path)
        self.assertEqual((done.returncode, len(self.fake.asked("set_policy"))), (1, 1))
        self.assertIn("receive, high priority: 2 min, until now 90 s\n", done.stderr)
        self.assertIn("last_resort: hope, until now nobody\n", done.stderr)
        self.assertIn("--yes", done.stderr)
        t = Terminal(self.home, "registrar", "policy", path)
        t.type("It counts for the whole network. Change it?", "no")
        self.assertEqual((t.end()[0], len(self.fake.asked("set_policy"))), (1, 1))
        self.assertIn("Saved on this computer", self.run_here("registrar", "policy", path, "--yes").stdout)
        self.assertEqual(self.fake.asked("set_policy")[1],
                         {"do": "set_policy", "clocks": {"RECEIVE": {"high_s": 120}}, "last_resort": "hope"})
        self.fake.answers["policy"] |= {"last_resort": "hope"}
        self.assertIn("\nlast_resort = hope\n", self.run_here("policy").stdout)
        done = self.run_here("registrar", "policy", self.file("none", "[policy]\nlast_resort =\n"), "--yes")
        self.assertIn("last_resort: nobody, until now hope\n", done.stderr)
        self.assertEqual(self.fake.asked("set_policy")[2], {"do": "set_policy", "clocks": {}, "last_resort": ""})

    def test_the_last_resort_reads_whom_to_telephone(self):
        self.fake.answers["list"] = {"ok": True, "items": []}
        now = int(time.time() * 1000)
        self.fake.answers["status"] |= {"unattended": [CALL | {"count": 1, "oldest_h": 1, "since_ms": now},
                                                       CALL | {"name": "Hope", "count": 3, "oldest_h": 52, "since_ms": now}]}
        lines = self.run_here().stdout
        self.assertRegex(lines, r"! \w+ \S+: 1 item unattended at A21 Cambodia, oldest 1 hour: telephone them\n +call A21 Cambodia, "
                                r"\+855 23 000 000 \(Mon-Fri 08:00-17:00\)\n")
        self.assertIn("3 items unattended at Hope, oldest 52 hours: telephone them", lines)
        self.assertNotIn("Nothing waits", lines)

    def test_a_registrar_reads_what_it_is_told_in_the_place_of_others(self):
        self.fake.answers["list"] = {"ok": True, "items": []}
        entry = {"index": 7, "time_ms": int(time.time() * 1000), "verdict": "ACCEPTED", "short": "K7MQ4X-T", "id": "0" * 32}
        self.fake.answers["status"] |= {"told": [
            entry | {"act": "overdue", "clock": "ERASURE", "of": "a21", "of_name": "A21 Cambodia", "call": CALL},
            entry | {"act": "returned"}]}
        lines = self.run_here().stdout
        self.assertRegex(lines, r"! K7MQ4X-T, told to registrars: \w+ \S+  the exchange said: it was due that A21 Cambodia erases the case, "
                                r"or says why it must keep it\n +call A21 Cambodia, \+855 23 000 000 \(Mon-Fri 08:00-17:00\)\n")
        self.assertRegex(lines, r"! K7MQ4X-T, told to registrars: \w+ \S+  the exchange gave it back to its sender\n")
        self.assertNotIn("Nothing waits", lines)

    def test_a_policy_that_does_not_fit_is_not_sent(self):
        self.fake.answers["policy"] = {"ok": True, "clocks": dict.fromkeys(
            ("RECEIVE", "READ", "DECIDE", "CONTACT", "UNDELIVERED", "ANSWER_INFO", "ANSWER_CANCEL", "RETURNED_ACT", "RESEAL_ASKED", "REPORT",
             "CLOSING", "ERASURE", "SAFETY_READ"), {"high_s": 1, "medium_s": 2, "low_s": 3}), "since_entry": 0, "since_ms": 0}
        self.assertIn("with which the network began", self.run_here("policy").stdout)
        for line, words in (("read = 1 h, 2 h", "each from 1 s to 366 d"), ("read = 1 h, 2 h, 367 d", "each from 1 s to 366 d"),
                            ("read = 0 s, 2 h, 3 h", "such as: 4 h, 24 h, 3 d"), ("read = 1 h, 2 h, 3", "in s, min, h or d"),
                            ("read = 1 h, 2 h, 3 h, 4 h", "three times"), ("read = 1 week, 2 h, 3 h", "in s, min, h or d"),
                            ("read = 99999999999999999999 s, 2 h, 3 h", "each from 1 s to 366 d"), ("read =", "three times"),
                            ("raed = 1 h, 2 h, 3 h", "raed: there is no such key"), ("read", "key = value")):
            done = self.run_here("registrar", "policy", self.file("wrong", f"# so\n[clocks]\n{line}\n"), "--yes")
            self.assertEqual(done.returncode, 2, line)
            self.assertIn("wrong:3: ", done.stderr)
            self.assertIn(words, done.stderr)
            self.assertIn("onward --home", done.stderr)
        twice = self.file("twice", "[clocks]\nread = 1 h, 2 h, 3 h\nread = 1 h, 2 h, 3 h\n")
        self.assertIn("twice:3: read: stands here for the second time", self.run_here("registrar", "policy", twice, "--yes").stderr)
        self.assertEqual(self.run_here("registrar", "policy", os.path.join(self.work, "absent"), "--yes").returncode, 5)
        self.assertEqual(self.fake.asked("set_policy"), [])

    def test_other_steps_of_registrars(self):
        home, done = self.init("a21")
        words = re.search(r"words: (.*)\n", done.stdout).group(1)
        self.fake.answers |= {"suspend": {"ok": True}, "stop_replacement": {"ok": True},
                              "rotate": {"ok": True, "organisation": "a21", "words": words}}
        self.assertEqual(self.run_here("registrar", "suspend", "a21").returncode, 0)
        self.assertEqual(self.run_here("registrar", "stop", "a21").returncode, 0)
        self.assertIn("finishes what it has", self.run_here("registrar", "suspend", "a21", "--as", "lapsed").stdout)
        self.assertEqual(self.fake.requests.pop()["standing"], "LAPSED")
        self.assertEqual(self.run_here("registrar", "rotate", os.path.join(home, "a21.request"), "--words", words).returncode, 0)
        self.assertEqual([request["do"] for request in self.fake.requests if request["do"] != "directory"],
                         ["suspend", "stop_replacement", "rotate"])
        self.assertIn("BEGIN ONWARD REQUEST", self.fake.asked("rotate")[0]["request"])

    def test_an_invitation_is_held_against_the_keys(self):
        homes = {name: self.init(name)[0] for name in ("council", "ministry")}
        made = subprocess.run([os.path.join(BIN, "onward-broker"), "init", os.path.join(self.work, "exchange"), "--name",
                               "exchange.example", "--listen", "tcp://127.0.0.1:7070"]
                              + [word for name, home in homes.items() for word in ("--registrar", f"{home}/{name}.request")],
                              capture_output=True, text=True, check=True)
        self.assertIn("council", made.stdout)
        invitation = {name: os.path.join(self.work, "exchange", name + ".invitation") for name in homes}
        stranger = self.init("stranger")[0]
        self.assertEqual(run(stranger, "join", invitation["ministry"]).returncode, 1)
        self.assertNotIn("network", os.listdir(stranger))
        done = run(homes["council"], "join", invitation["council"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"six words: ([a-z]{5} ?){6}\n")
        self.assertLessEqual({"network", "agent.conf"}, set(os.listdir(homes["council"])))
        self.assertEqual(run(homes["council"], "join", invitation["council"]).returncode, 0)
        self.assertEqual(self.init("council")[1].returncode, 2) # it has joined


if __name__ == "__main__":
    unittest.main()
