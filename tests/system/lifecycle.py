#!/usr/bin/env python3
"""The whole life of a referral between two offices, an exchange and a registrar, all real: questions, the waiting list, messages about
safety, silence, consent that changes, taking back, and the duty to erase. Each function is a transcript; `lifecycle.py NAME` plays one."""
import datetime
import json
import os
import re
import shutil
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from office import BIN, SETTINGS, TELEPHONE, Network, Office, check, form, run_tests, until
from traces import body_lies_in, texts

NEXT_YEAR = "2099-01-01"
NOTE = {"text": "words for the other side"}


def onward(office, *words, given=None, code=0):
    """The command line, as a person types it with nobody at the terminal."""
    office.net.words |= texts(given)
    done = subprocess.run([f"{BIN}/onward", "--home", office.home, *words], capture_output=True, text=True, input=given, timeout=60)
    check(done.returncode == code, f"onward {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def short(office, item):
    return office.item(item)["short"]


def flagged(office, item, flag, up=True):
    until(f"{office.name} sees {flag} {up}", lambda: (flag in office.item(item)["flags"]) == up and office.item(item)["pending"] == 0)


def notes(office, item):
    return [(n["act"], n.get("text", "")) for n in office.ask("show", id=item, peek=True)["notes"]]


said_fields = set()  # every member of every answer but the case's own


def names(value):
    if isinstance(value, list):
        return set().union(*map(names, value))
    return set(value).union(*map(names, value.values())) if isinstance(value, dict) else set()


def ask_and_note(office, do, **fields):
    answer = asked(office, do, **fields)
    said_fields.update(names({key: value for key, value in answer.items() if key not in ("brief", "file")}))
    return answer


asked, Office.ask = Office.ask, ask_and_note


def every_field_is_in_the_specification():
    with open("docs/spec/local-socket.md", encoding="utf-8") as file:
        known = set(re.findall(r"`([a-z_]+)`", file.read())) | {"ok", "text"}
    check(said_fields - known == set(), said_fields - known)
    if len(sys.argv) == 1:
        check(said_fields >= {"overdue", "call", "to_erase", "kept_by", "safety", "expected_ms", "outcome_by", "clock", "of_name"})


def received(sender, recipient, to, **fields):
    item = sender.refer(to, **fields)
    recipient.until("received", item)
    return item


def questions_and_answers():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        item = received(police, aple, ["aple"])
        check(aple.refused("bad_input", "act", act="request_info", id=item)["field"] == "note.text")
        check(aple.refused("bad_input", "act", act="request_info", id=item, note={"text": ""})["field"] == "note.text")
        check("--note FILE" in onward(aple, "ask", item, code=2))
        onward(aple, "ask", item, "--note", "-", given="How old is she?\n")
        flagged(police, item, "info_open")
        check(police.item(item)["awaited"] == ["supply_info"] and police.item(item)["awaited_from"] == "police")
        check(f"onward answer {short(police, item)}" in onward(police))
        check("How old is she?" in onward(police, "show", item))
        check("awaited from police (test): an answer to the question" in onward(aple, "inbox"))
        onward(police, "answer", item, "--note", "-", given="About twelve.\n")
        for office in (police, aple):
            flagged(office, item, "info_open", False)
        check(notes(aple, item) == [("request_info", "How old is she?"), ("supply_info", "About twelve.")], notes(aple, item))
        check(notes(police, item) == notes(aple, item))
        police.refused("not_allowed", "act", act="supply_info", id=item, note=NOTE)
        aple.act("request_info", item, note=NOTE)
        flagged(police, item, "info_open")
        police.act("supply_info", item, note=NOTE)
        for office in (police, aple):
            flagged(office, item, "info_open", False)
        check("asked twice" in aple.refused("not_allowed", "act", act="request_info", id=item, note=NOTE)["what"])
        shown = onward(police, "show", item)
        check("aple (test) asked a question\n" in shown and "police (test) answered the question\n" in shown, shown)


def the_waiting_list():
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        item = received(police, aple, ["aple"])
        check("--expected DATE" in onward(aple, "waitlist", item, code=2))
        check("expected: is over" in onward(aple, "waitlist", item, "--expected", "2020-01-01", code=2))
        check("expected: must be a date" in onward(aple, "waitlist", item, "--expected", "soon", code=2))
        check("expected: is too far away: must be a date within 366 days" in onward(aple, "waitlist", item, "--expected", NEXT_YEAR, code=2))
        soon = datetime.date.today() + datetime.timedelta(days=300)
        onward(aple, "waitlist", item, "--expected", soon.isoformat())
        police.until("waitlisted", item)
        check(police.item(item)["expected_ms"] == aple.item(item)["expected_ms"] > 0)
        check("there is a waiting list" in onward(police, "sent"))
        check(f"expected to begin {soon:%d %b %Y}" in onward(police, "sent"))
        aple.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        check("expected_ms" not in police.item(item))


def help_begins_from_the_waiting_list():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = (net.office(n).unlock() for n in net.names)
        soon = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
        item, passed_on = received(police, aple, ["aple"]), received(police, aple, ["aple"], scope=["aple", "a21"])
        aple.act("reroute", passed_on, to="a21")  # for whom the sender has sealed no file yet
        a21.until("received", passed_on)
        for office, case in ((aple, item), (a21, passed_on)):
            onward(office, "waitlist", case, "--expected", soon)
            police.until("waitlisted", case)
            check(not office.item(case)["has_file"])
            if office is a21:  # whom she no longer wants is not given her name
                onward(police, "narrow-consent", case, "--scope", "aple")
                until("it is told", lambda: office.item(case)["scope"] == ["aple"])
                check("does not cover" in onward(office, "start", case, code=1))
                onward(police, "renew-consent", case, "--scope", "aple,a21")
                until("it is told", lambda: office.item(case)["scope"] == ["aple", "a21"])
            onward(office, "start", case)
            police.until("in_progress", case)
            until("name and contact come", lambda: office.item(case)["has_file"])
            check(police.item(case)["who"] == office.name and "name" in office.ask("show", id=case)["file"])
        check(police.alarms() == [])


def consent_and_priority_change():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = net.office("police").unlock(), net.office("aple").unlock(), net.office("a21").unlock()
        item = received(police, aple, ["aple"], priority="LOW", consent_until="2098-01-01")
        aple.refused("not_allowed", "act", act="reroute", id=item, to="a21")
        for words, field in ((["renew-consent", item], "scope"), (["renew-consent", item, "--scope", "a22"], "scope"),
                             (["renew-consent", item, "--scope", "a21", "--until", "2020-01-01"], "consent_until"),
                             (["narrow-consent", item], "scope"), (["raise", item], "priority"),
                             (["raise", item, "--priority", "urgent"], "priority")):
            check(f"{field}: " in onward(police, *words, code=2), words)
        check("must be one of HIGH, MEDIUM" in onward(police, "raise", item, "--priority", "urgent", code=2))
        check("only be raised" in onward(police, "raise", item, "--priority", "low", code=1))
        onward(police, "raise", item, "--priority", "medium")
        onward(police, "renew-consent", item, "--scope", "aple,a21", "--until", NEXT_YEAR)
        until("both hear of it", lambda: all(o.item(item)["scope"] == ["aple", "a21"] and o.item(item)["priority"] == "MEDIUM"
                                             for o in (police, aple)))
        aple.ask("show", id=item)
        aple.act("reroute", item, to="a21")
        a21.until("received", item)
        check(a21.item(item)["scope"] == ["aple", "a21"] and a21.item(item)["priority"] == "MEDIUM", a21.item(item))
        check("does not cover" in onward(police, "narrow-consent", item, "--scope", "a21,council", code=1))
        onward(police, "narrow-consent", item, "--scope", "a21")
        until("a21 hears of it", lambda: a21.item(item)["scope"] == ["a21"])
        a21.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER")
        police.until("returned", item)
        police.refused("not_allowed", "act", act="readdress", id=item, to=["aple"])
        net.broker_end()  # what waits is judged as if it were in the log
        onward(police, "renew-consent", item, "--scope", "aple")
        police.act("readdress", item, to=["aple"])
        net.broker_start()
        aple.until("received", item)
        aple.refused("not_allowed", "act", act="renew_consent", id=item, scope=["aple"])


def the_next_one_please():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = net.office("police"), net.office("aple").unlock(), net.office("a21").unlock()
        item = received(police, aple, ["aple", "a21"])
        aple.ask("show", id=item)
        police.until("acknowledged", item)
        aple.refused("not_allowed", "act", act="next", id=item)
        check(police.refused("bad_input", "act", act="next", id=item, note=NOTE)["field"] == "note")
        onward(police, "next", item)
        a21.until("received", item)
        check(aple.until("left", item)["state"] == "left")
        police.until("received", item)
        a21.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        police.refused("not_allowed", "act", act="next", id=item)


def safety_is_read_first():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        item, other = received(police, aple, ["aple"]), received(police, aple, ["aple"])
        onward(aple, "show", item)
        police.until("acknowledged", item)
        police.refused("bad_input", "act", act="tell", id=item, note=NOTE, safety="yes")
        aple.act("tell", item, note={"text": "we have a question"})  # without the flag nothing waits
        until("it is here", lambda: ("tell", "we have a question") in notes(police, item))
        check(police.item(item)["flags"] == [] and "we have a question" in onward(police, "show", item))
        said = onward(police, "tell", item, "--safety", "--note", "-", given="Do not call the father.\n")
        check("call them" in said, said)
        flagged(aple, item, "safety_at_recipient")
        check(police.item(item)["call"]["why"] == "safety" and police.item(item)["call"]["id"] == "aple")
        check("your message about safety is not read yet" in onward(police) and "call aple (test), " in onward(police, "sent"))
        for words in ([], ["inbox"]):
            lines = onward(aple, *words)
            check(lines.index(short(aple, item)) < lines.index(short(aple, other)), lines)
            check("read it before anything else" in lines and f"onward accept {short(aple, item)}" not in lines, lines)
        check(aple.item(item)["awaited"] == ["acknowledge"])
        check("read it first" in onward(aple, "accept", item, "--first-contact", NEXT_YEAR, code=1))
        check("read it first" in onward(aple, "start", item, code=1))
        aple.refused("not_allowed", "act", act="tell", id=item, note=NOTE)
        onward(aple, "show", item, "--peek")
        check(aple.item(item)["awaited"] == ["acknowledge"])  # whoever looked on has not read it
        lines = onward(aple, "show", item)
        check("ABOUT SAFETY" in lines and "Do not call the father." in lines and "wrote a message about safety" in lines, lines)
        flagged(police, item, "safety_at_recipient", False)
        check("call" not in police.item(item))
        aple.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        aple.act("tell", item, safety=True, note={"text": "she is not safe at home"})  # the other way round
        flagged(police, item, "safety_at_sender")
        check(aple.item(item)["call"]["id"] == "police" and "not read yet" in onward(aple))
        police.refused("not_allowed", "act", act="cancel", id=item)
        aple.act("start", item)
        police.until("in_progress", item)
        net.broker_end()  # a second one crosses the reading of the first
        onward(police, "show", item)
        check(police.item(item)["awaited"] != ["acknowledge"])
        aple.act("tell", item, safety=True, note={"text": "now she is"})
        police.end()
        net.broker_start()
        until("the second is logged", lambda: aple.item(item)["pending"] == 0)
        police.start().unlock()
        flagged(police, item, "safety_at_sender")
        check(police.item(item)["awaited"] == ["acknowledge"], police.item(item))
        check("now she is" in onward(police, "show", item))
        flagged(aple, item, "safety_at_sender", False)


def taken_back_by_the_child():
    with Network("police", "aple", "a21", "hope") as net:
        police, aple, a21, hope = (net.office(n).unlock() for n in net.names)
        item = received(police, aple, ["aple", "a21"])
        aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER")
        a21.until("received", item)
        until("aple has to erase it", lambda: "to_erase" in aple.item(item))
        a21.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        onward(police, "withdraw", item, "--note", "-", given="She does not want it any more.\n")
        for office in (police, a21):
            office.until("withdrawn", item)
        aple.until("withdrawn", item)  # also who had it before
        check([o["id"] for o in police.item(item)["to_erase"]] == ["aple", "a21"], police.item(item))
        check([o["id"] for o in a21.item(item)["to_erase"]] == ["a21"])  # nobody is told who else had it
        lines = onward(a21)
        check("the consent was withdrawn" in lines and "you have to erase this case" in lines, lines)
        check("She does not want it any more." in onward(a21, "show", item))
        a21.refused("not_allowed", "act", act="start", id=item)
        police.refused("not_allowed", "act", act="withdraw", id=item)
        law = received(police, hope, ["hope"], basis="LEGAL_OBLIGATION")
        check("does not rest on a consent" in onward(police, "withdraw", law, code=1))
        check("other side" in onward(hope, "error", law, code=1))
        onward(police, "error", law)
        hope.until("error", law)
        check("sent by mistake" in onward(hope) and f"onward erase {short(hope, law)}" in onward(hope))
        done = received(police, hope, ["hope"])
        hope.act("accept", done, first_contact_by=NEXT_YEAR)
        hope.act("complete", done, outcome="SERVICE_PROVIDED")
        police.until("completed", done)
        onward(hope, "withdraw", done)  # on the child's word, also after the service
        police.until("withdrawn", done)


def silence_is_overdue():
    with Network("police", "aple", "a21", clocks=True) as net:
        police, aple, a21 = (net.office(n).unlock() for n in net.names)
        aple.end()
        item = police.refer(["aple", "a21"])
        police.until("requested", item)
        net.goes_by(1.1)
        late = until("it is overdue", lambda: police.item(item).get("overdue"))
        check([(o["clock"], o["id"]) for o in late] == [("RECEIVE", "aple")], late)
        quiet = police.refer(["a21"], priority="LOW")
        a21.until("received", quiet)
        lines = onward(police, "sent")
        check("it was due that it arrives on the computer of aple (test)" in lines and "call aple (test), " in lines, lines)
        check(f"onward next {short(police, item)}" in lines and lines.index(short(police, item)) < lines.index(short(police, quiet)))
        aple.start().unlock()
        aple.until("received", item)
        until("it arrived, and is overdue no more", lambda: "overdue" not in police.item(item))
        net.goes_by(4.1)  # nobody reads it: it moves on by itself
        a21.until("received", item)
        aple.until("left", item)
        shown = onward(police, "show", item)
        check("the exchange took it from them, as nobody there had received or read it in time" in shown, shown)
        check("the exchange offered it to a21 (test)" in shown and "said: it was due that it arrives on the computer of aple" in shown)
        until("aple has to erase it", lambda: "to_erase" in aple.item(item))
        a21.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        net.goes_by(25)
        until("the first contact is overdue", lambda: [o["clock"] for o in a21.item(item).get("overdue", [])] == ["CONTACT"])
        lines = onward(a21)
        check("it was due that your organisation begins to help" in lines and "call" not in lines, lines)
        a21.act("start", item)
        check("overdue" not in a21.item(item))
        police.until("in_progress", item)
        check("overdue" not in police.item(item))


def the_last_resort_is_told():
    with Network("police", "aple", "hotline", clocks=True) as net:
        police, aple, hotline = (net.office(n).unlock() for n in net.names)
        onward(net.office("ministry"), "registrar", "policy", "-", "--yes", given="[policy]\nlast_resort = hotline\n")
        until("it is in force", lambda: "last_resort = hotline\n" in onward(police, "policy"))
        aple.end()
        items = [police.refer(["aple"]) for _ in range(3)]
        for item in items:
            police.until("requested", item)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(f"{hotline.home}/socket")
            s.sendall(b'{"do": "watch"}\n')
            lines = s.makefile()
            check('"ok":true' in lines.readline())
            net.goes_by(1.1)
            event = json.loads(lines.readline())["event"]
            check((event["id"], event["short"], event["kind"]) == ("0" * 32, "-", "unattended"), event)
        told = hotline.ask("status")["unattended"]
        check([(one["id"], one["count"], one["oldest_h"]) for one in told] == [("aple", 3, 0)], told)
        said = onward(hotline)
        check("3 items unattended at aple (test), oldest less than an hour: telephone them\n          call aple (test)" in said, said)
        check(not any(short(police, item) in said for item in items) and "police" not in said, said)
        check(hotline.ask("list", box="all")["items"] == [] and police.ask("status")["unattended"] == [])
        net.goes_by(4)  # nobody received them: they come back
        for item in items:
            police.until("returned", item)
        net.goes_by(24 * 9)  # now their sender is silent; of aple nothing was said for so long that it is over
        until("the sender is told of", lambda: [one["id"] for one in hotline.ask("status")["unattended"]] == ["police"])


def nobody_reads_it_about_safety():
    with Network("police", "aple", clocks=True) as net:
        police, aple = (net.office(n).unlock() for n in net.names)
        item = received(police, aple, ["aple"])
        aple.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        police.act("tell", item, safety=True, note={"text": "he knows where she is"})
        flagged(aple, item, "safety_at_recipient")
        net.goes_by(1.1)
        for office in (police, aple):
            until("it is overdue", lambda: [(o["clock"], o["id"]) for o in office.item(item).get("overdue", [])] == [("SAFETY_READ", "aple")])
        lines = onward(police)
        check(f"your message about safety is not read yet: do not wait, phone them\n            call aple (test), {TELEPHONE}" in lines, lines)
        check(f"it was due that a person at aple (test) reads the message about safety\n            call aple (test), {TELEPHONE}" in lines, lines)
        check("it was due that a person at your organisation reads the message about safety" in onward(aple))
        onward(aple, "show", item)  # somebody looks, at last
        until("nothing is overdue", lambda: "overdue" not in police.item(item) and "call" not in police.item(item))
        check("call" not in onward(police))


def the_consent_ends_in_the_middle():
    with Network("police", "aple", "a21", clocks=True) as net:
        police, aple = (net.office(n).unlock() for n in ("police", "aple"))
        days = (datetime.date.today() + datetime.timedelta(days=2)).isoformat()
        item = received(police, aple, ["aple", "a21"], priority="LOW", consent_until=days)
        onward(aple, "show", item)
        police.until("acknowledged", item)
        check("the consent" not in onward(police) + onward(aple))
        net.goes_by(24 * 3)
        for office in (police, aple):
            until("it has ended", lambda: [(o["clock"], o["id"]) for o in office.item(item).get("overdue", [])] == [("CONSENT_END", "police")])
            office.unlock().connected()
        lines, theirs = onward(police), onward(aple)
        check("it was due that your organisation renews the consent: it has ended, and nobody new is asked" in lines, lines)
        check("it was due that police (test) renews the consent: it has ended, and nobody new is asked\n            call police (test), " in theirs,
              theirs)
        check("police (test) renews the consent: it has ended" in onward(aple, "show", item))
        check("consent" in aple.refused("not_allowed", "act", act="reroute", id=item, to="a21", brief=form([])["brief"])["what"])
        aple.act("accept", item, first_contact_by=NEXT_YEAR)  # who has it may help
        aple.act("start", item)
        police.until("in_progress", item)
        onward(police, "renew-consent", item, "--scope", "aple,a21", "--until", NEXT_YEAR)
        until("it holds again", lambda: "overdue" not in police.item(item) and "overdue" not in aple.item(item))


def urgent_and_not_sent():
    with Network("police", "aple", clocks=True) as net:
        police = net.office("police")
        net.broker_end()
        item, low = police.refer(["aple"]), police.refer(["aple"], priority="LOW")
        check("call" not in police.item(item) and "has not left this computer" not in onward(police))
        net.goes_by(0.26)
        check(police.item(item)["call"]["why"] == "not_sent" and "call" not in police.item(low))
        lines = onward(police)
        check("it is urgent, and has not left this computer: phone them" in lines and "call aple (test), " in lines, lines)
        net.broker_start()
        police.until("received", item)
        check("call" not in police.item(item) and "phone them" not in onward(police))


def duties_to_erase():
    with Network("police", "aple", "a21", clocks=True) as net:
        police, aple, a21 = (net.office(n).unlock() for n in net.names)
        item = received(police, aple, ["aple", "a21"])
        aple.refused("not_allowed", "act", act="erase_receipt", id=item)  # it has no duty
        onward(aple, "show", item)
        aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER", note={"text": "no place"})
        until("it has to erase", lambda: aple.item(item)["awaited"] == ["erase_receipt", "legal_hold"])
        check("you have to erase this case" in onward(aple) and f"onward erase {short(aple, item)}" in onward(aple))
        a21.until("received", item)
        check("still to be erased by aple (test)" in onward(police, "sent"))
        aple.end()
        shutil.copytree(f"{aple.home}/books", f"{net.folder}/backup")
        aple.start().unlock()
        net.goes_by(24 * 31)
        until("it is overdue", lambda: any(o["id"] == "aple" and o["overdue"] for o in police.item(item)["to_erase"]))
        check("still to be erased by aple (test), which is overdue\n            call aple (test), " in onward(police))
        ministry = net.office("ministry")  # who can do more about it than the sender
        told = until("so are registrars", lambda: [(o["id"], o["clock"], o["call"]["id"]) for o in ministry.ask("status")["told"]])
        check(told == [(item, "ERASURE", "aple")], told)
        check("it was due that aple (test) erases the case, or says why it must keep it\n          call aple (test), " in onward(ministry))
        until("and it knows", lambda: aple.item(item)["to_erase"][0]["overdue"])
        check("you have to erase this case, which is overdue" in onward(aple))
        aple.unlock().connected()  # after so long without use they had locked themselves
        police.unlock()
        said = subprocess.run([f"{BIN}/onward-audit", "show", f"{net.folder}/broker", "--json"], capture_output=True, text=True).stdout
        entry = next(e for e in map(json.loads, said.split("\n")) if e["act"] == "submit")
        brief = next((b["sha256"], b["size"]) for b in entry["sealed"] if (b["recipient"], b["part"]) == ("aple", "brief"))
        check(body_lies_in(aple.home, *brief))  # so that the look can find it
        check("is erased" in onward(aple, "erase", item))
        check(not body_lies_in(aple.home, *brief))
        until("the sender is told", lambda: "aple" not in [o["id"] for o in police.item(item).get("to_erase", [])])
        shown = aple.ask("show", id=item, peek=True)
        check("brief" not in shown and shown["notes"] == [] and "to_erase" not in shown["item"], shown)
        check("aple (test) erased the case" in onward(police, "show", item))
        check("have no duty" in onward(aple, "erase", item, code=1))
        aple.end()  # books from a backup have the case again, until they read that it was erased
        shutil.rmtree(f"{aple.home}/books")
        shutil.copytree(f"{net.folder}/backup", f"{aple.home}/books")
        aple.start().unlock()
        until("it was erased", lambda: "to_erase" not in aple.item(item) and aple.item(item)["pending"] == 0)
        check("brief" not in aple.ask("show", id=item, peek=True))


def a_case_is_kept_by_law():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        item = received(police, aple, ["aple"])
        aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER")
        until("it has to erase", lambda: "to_erase" in aple.item(item))
        onward(aple, "keep", item, "--note", "-", given="a court asks for it\n")
        until("the sender is told", lambda: [o["id"] for o in police.item(item).get("kept_by", [])] == ["aple"])
        check("kept by law by aple (test)" in onward(police, "sent") and "kept by law by you" in onward(aple, "inbox"))
        check("a court asks for it" in onward(police, "show", item))
        check("aple (test) kept the case, as the law demands" in onward(police, "show", item))
        police.act("close", item)
        police.until("closed", item)
        onward(aple, "erase", item)  # the court has finished
        until("the sender is told", lambda: "kept_by" not in police.item(item))


def who_must_never_have_it():
    with Network("police", "aple", "a21", "hope") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        case = form(["aple"])
        check(police.refused("bad_input", "refer", **case, never=["aple"])["field"] == "never")
        check(police.refused("bad_input", "refer", **case, never=["hopee"])["field"] == "never")
        item = received(police, aple, ["aple"], scope=["aple", "a21", "hope"], never=["hope"])
        check(police.item(item)["scope"] == aple.item(item)["scope"] == ["aple", "a21"])
        aple.refused("not_allowed", "act", act="reroute", id=item, to="hope", brief=case["brief"])
        check("locked" in police.refused("locked", "act", act="renew_consent", id=item, scope=["aple", "hope"])["code"])
        police.unlock()
        check(police.refused("bad_input", "act", act="renew_consent", id=item, scope=["aple", "hope"])["field"] == "scope")
        police.act("renew_consent", item, scope=["aple"])
        until("it is recorded", lambda: police.item(item)["pending"] == 0)
        check("hope" not in json.dumps(police.ask("show", id=item)))
        said = subprocess.run([f"{BIN}/onward-audit", "show", f"{net.folder}/broker"], capture_output=True, text=True).stdout
        check("submit" in said and not any("hope" in line for line in said.split("\n") if "enrol" not in line), said)


def a_hook_learns_id_and_kind():
    with Network("police", "aple", clocks=True) as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        seen, hook = f"{net.folder}/seen", f"{net.folder}/hook"
        with open(hook, "w") as f:
            f.write(f'#!/bin/sh\n{{ echo "$@"; cat; ls /proc/$$/fd; }} >>{seen}\n')
        os.chmod(hook, 0o700)
        for office in (police, aple):
            office.end()
            with open(f"{office.home}/agent.conf", "a") as f:
                f.write(f"[office]\nhook = {hook}\n" if office is aple else "[office]\nhook = /no/such\n")
        done = subprocess.run([f"{BIN}/onward-agent", "--home", police.home], capture_output=True, text=True, timeout=20)
        check(done.returncode == 2 and "hook: expected a program" in done.stderr, done)
        with open(f"{police.home}/agent.conf", "w") as f:
            f.write(SETTINGS)
        aple.start().unlock()
        police.start()

        def lines():
            if not os.path.exists(seen):
                return []
            with open(seen) as f:
                return [line for line in f.read().split("\n") if line and not line.isdigit()]

        def files():
            with open(seen) as f:
                return {line for line in f.read().split("\n") if line.isdigit()}

        item = police.refer(["aple"])
        until("new", lambda: lines() == [f"{item} new"])
        aple.until("received", item)
        police.act("tell", item, note={"text": "zebra"})
        until("changed", lambda: lines()[1:] == [f"{item} changed"])
        police.act("tell", item, safety=True, note={"text": "zebra"})
        until("safety", lambda: lines()[2:] == [f"{item} safety"])
        net.goes_by(1.1)  # a safety message is to be read within an hour
        until("overdue", lambda: f"{item} overdue" in lines()[3:])
        police.act("withdraw", item)
        until("duty", lambda: f"{item} duty" in lines())
        check({line.split(" ", 1)[0] for line in lines()} == {item}, lines())
        check({line.split(" ", 1)[1] for line in lines()} == {"new", "changed", "safety", "overdue", "duty"}, lines())
        check(files() <= {"0", "1", "2", "3", "10", "11", "255"}, files())  # no file of the agent's: only the shell's own


def needs_of_one_child():
    root = "5eed" * 8
    with Network("police", "aple", "a21", "hope") as net:
        police, aple, a21, hope = (net.office(n) for n in net.names)
        for office in (aple, a21, hope):
            office.unlock()

        def case(service, number=root):
            one = form([])
            return {"brief": one["brief"] | {"service": service}, "file": one["file"] | {"root": number}}

        first = received(police, aple, ["aple"], **case("CHILD_PROTECTION"))
        aple.act("accept", first, first_contact_by=NEXT_YEAR)
        until("the file is here", lambda: aple.item(first)["has_file"])
        talks = received(aple, a21, ["a21"], **case("TRAUMA_COUNSELLING"))
        food, law = received(aple, hope, ["hope"], **case("FOOD")), received(aple, hope, ["hope"], **case("LEGAL_COUNSELLING"))
        aple.refer(["hope"], **case("CASH", "0" * 31 + "1"))
        aple.refer(["hope"])
        a21.act("accept", talks, first_contact_by=NEXT_YEAR)
        a21.act("start", talks)
        hope.act("decline", law, reason="NO_CAPACITY", by="BY_PROVIDER")
        aple.until("in_progress", talks)
        aple.until("returned", law)
        check("locked" in police.refused("locked", "needs")["what"])
        check(len(aple.ask("needs")["children"]) == 3)  # who names no number is given one
        child, = aple.ask("needs", id=root)["children"]
        check({n["service"]: n["state"] for n in child["needs"]} == {"CHILD_PROTECTION": "accepted", "TRAUMA_COUNSELLING": "in_progress",
                                                                       "FOOD": "received", "LEGAL_COUNSELLING": "returned"}, child)
        check(aple.ask("needs", id=short(aple, food))["children"][0]["root"] == root)
        lines = onward(aple, "needs", root)
        for words in ("begins       child protection\n               you will help, since", "being met    trauma counselling\n",
                      "a21 (test): they are helping, since", "waits        food\n", "came back    legal counselling\n"):
            check(words in lines, lines)
        a21.act("complete", talks, outcome="SERVICE_PROVIDED")
        aple.until("completed", talks)
        aple.act("close", talks)
        aple.until("closed", talks)
        check("met          trauma counselling, by a21 (test)\n" in onward(aple, "needs", root), onward(aple, "needs", root))
        check(hope.ask("needs")["children"] == [])  # who did not get the file cannot join them
        hope.refused("not_found", "needs", id=food)


def assessment(*needs, **fields):
    """What all needs have in common, and each need's own."""
    one = form([])
    shared = {"basis": "ASSENT_AND_CAREGIVER", "priority": "MEDIUM", "ref": "A-12", "file": one["file"],
              "brief": {"sex": "FEMALE", "age_band": "AGE_10_14", "need": "a test"}}
    return shared | {"needs": list(needs)} | fields


TALKS = {"to": ["a21"], "priority": "HIGH", "brief": {"service": "TRAUMA_COUNSELLING", "need": "somebody to talk to"}}
LAW = {"to": ["hope", "a21"], "ref": "A-12/LAW", "brief": {"service": "LEGAL_COUNSELLING"}}
FOOD = {"ourselves": True, "brief": {"service": "FOOD"}}


def one_assessment_several_needs():
    with Network("police", "aple", "a21", "hope") as net:
        police, aple, a21, hope = (net.office(n).unlock() for n in net.names)
        answer = police.ask("refer", **form(["aple"]))
        first = answer["id"]
        check(re.fullmatch("[0-9a-f]{32}", answer["root"]), answer)
        aple.until("received", first)
        aple.refused("not_found", "assess", **assessment(TALKS), **{"with": first})  # the number comes with the file
        aple.act("accept", first, first_contact_by=NEXT_YEAR)
        until("the file is here", lambda: aple.item(first)["has_file"])

        wrong = [([TALKS, {"to": ["apel"], "brief": {"service": "FOOD"}}], {}, 2, "to"),
                 ([TALKS, LAW | {"brief": {"service": "LAW"}}], {}, 2, "brief.service"),
                 ([TALKS, LAW | {"to": ["aple"]}], {}, 2, "to"),
                 ([TALKS, LAW | {"priority": "URGENT"}], {}, 2, "priority"),
                 ([TALKS, {"brief": {"service": "FOOD"}}], {}, 2, "to"),
                 ([TALKS, FOOD | {"to": ["a21"]}], {}, 2, "to"),
                 ([TALKS, FOOD, FOOD | {"ref": "A-12/2"}], {}, 3, "ref"),
                 ([TALKS, LAW | {"file": {"root": "5eed" * 8}}], {}, 2, "file.root"),
                 ([TALKS, LAW | {"needs": []}], {}, 2, None), ([TALKS, "LAW"], {}, 2, None),
                 ([TALKS, FOOD], {"basis": "WISH"}, None, "basis"), ([FOOD], {"ref": 17}, 1, "ref"), ([FOOD], {"ref": ""}, 1, "ref"),
                 ([TALKS, LAW], {"consent_until": "2020-01-01"}, None, "consent_until"),
                 ([TALKS], {"file": form([])["file"] | {"contact": {"who": "a test"}}}, 1, "file.contact.telephone"),
                 ([TALKS], {"with": "K7MQ4X-T"}, None, "with"), ([], {}, None, "needs"), ([FOOD] * 17, {}, None, "needs")]
        for needs, fields, need, field in wrong:
            said = aple.answer("assess", **assessment(*needs, **fields))
            check((said["ok"], said.get("need"), said.get("field")) == (False, need, field), (said, needs, fields))
        said = aple.answer("assess", **{name: value for name, value in assessment(TALKS).items() if name != "ref"})
        check((said["field"], said["need"]) == ("ref", 1), said)
        named = form([])["file"] | {"root": "5eed" * 8}
        check(aple.refused("bad_input", "assess", **assessment(TALKS, file=named), **{"with": first})["field"] == "with")
        check([i["id"] for i in aple.ask("list", box="all")["items"]] == [first])  # nothing was saved, not even of the needs that were right

        given = json.dumps(assessment(TALKS, LAW | {"brief": {"service": "LAW"}}))
        check("need 2: brief.service: must be one of EMERGENCY_SHELTER, " in onward(aple, "refer", "-", given=given, code=2))
        given = json.dumps(assessment(TALKS, LAW, FOOD))
        net.broker_end()
        aple.ask("lock")
        check("with: the case that it names is locked" in onward(aple, "refer", "-", "--with", first, given=given, code=4))
        aple.unlock()
        said = onward(aple, "refer", "-", "--with", first, given=given)
        talks, law, food = re.findall(r"^(\S+): saved on this computer\.$", said, re.M)
        check(f"onward complete {food} --outcome CODE" in said and f"onward needs {food}" in said, said)
        child, = aple.ask("needs", id=talks)["children"]
        check(child["root"] == answer["root"] and len(child["needs"]) == 4, child)
        check(aple.ask("show", id="A-12/LAW")["item"]["short"] == law and aple.ask("show", id="A-12/3")["item"]["short"] == food)

        again = aple.ask("assess", **json.loads(given))["referrals"]  # in doubt, the same file once more
        check([(r["short"], r["again"], r["compared"], r["root"]) for r in again] ==
              [(s, True, True, answer["root"]) for s in (talks, law, food)], again)
        check(aple.refused("bad_input", "assess", **assessment(TALKS, LAW, FOOD | {"priority": "LOW"}))["need"] == 3)
        onward(aple, "cancel", law)  # taken back: its reference is free
        aple.ask("lock")
        check("made before" in aple.refused("locked", "assess", **json.loads(given))["what"])
        said = aple.ask("assess", **assessment(TALKS))["referrals"]
        check([(r["short"], r["again"], r["compared"], r.get("root")) for r in said] == [(talks, True, False, None)], said)
        aple.unlock()
        again = aple.ask("assess", **json.loads(given))["referrals"]
        check([(r["again"], r["root"] == answer["root"]) for r in again] == [(True, True), (False, True), (True, True)], again)
        net.broker_start()

        talks, law, food = (r["id"] for r in again)
        a21.until("received", talks)
        hope.until("received", law)
        check(aple.item(food)["state"] == "own" and "delivery" not in aple.item(food))
        for box in ("sent", "outbox"):
            check(food not in [i["id"] for i in aple.ask("list", box=box)["items"]])
        lines = onward(aple)
        check(f"onward complete {short(aple, food)} --outcome CODE" in lines and "kept by yourselves, since" in lines, lines)
        lines = onward(aple, "needs", law)
        check("being met    food, by yourselves\n               kept by yourselves, since" in lines, lines)
        aple.refused("not_allowed", "act", act="start", id=food)
        check(aple.refused("bad_input", "act", act="complete", id=food, outcome="SERVICE_PROVIDED", note=NOTE)["field"] == "note")
        check("must be one of" in onward(aple, "complete", food, code=2))
        onward(aple, "complete", food, "--outcome", "service-provided-in-part")
        aple.refused("not_allowed", "act", act="complete", id=food, outcome="SERVICE_PROVIDED")
        check("met in part  food, by yourselves\n" in onward(aple, "needs", law))
        child, = aple.ask("needs", id=food)["children"]
        own, = (n for n in child["needs"] if n["id"] == food)
        check((own["outcome"], own["outcome_by"], own["awaited"]) == ("SERVED_IN_PART", "aple", []), own)
        said = json.loads(onward(aple, "refer", "-", "--json", given=json.dumps(form([]) | {"ourselves": True, "with": law})
                                 .replace('"to": [], ', "")))
        check(said["root"] == answer["root"], said)
        check("put away. Nothing of it is left" in onward(aple, "cancel", said["id"]) and aple.item(said["id"]) is None)
        check(aple.alarms() == [] and police.alarms() == [])


def kinds_of_suspension():
    with Network("police", "aple", "a21") as net:
        police, aple, ministry = net.office("police"), net.office("aple").unlock(), net.office("ministry")
        item = received(police, aple, ["aple", "a21"])
        check("must be one of LAPSED, LEAVING, COMPROMISED" in onward(ministry, "registrar", "suspend", "aple", "--as", "active", code=2))
        onward(ministry, "registrar", "suspend", "aple", "--as", "lapsed")
        until("all know", lambda: all(o["standing"] == "LAPSED" for office in (police, aple)
                                      for o in office.ask("directory")["organisations"] if o["id"] == "aple"))
        aple.act("accept", item, first_contact_by=NEXT_YEAR)  # it finishes what it has
        aple.act("start", item)
        police.until("in_progress", item)
        check(aple.ask("status")["connected"])
        check("has lapsed" in police.refused("not_allowed", "refer", **form(["aple"]))["what"])
        check("begin nothing new" in aple.refused("not_allowed", "refer", **form(["police"]))["what"])
        onward(ministry, "registrar", "suspend", "aple")  # now it is cut off: the case comes back
        police.until("returned", item)
        check("the exchange took it from them, as they were suspended" in onward(police.unlock(), "show", item))


def the_sender_is_cut_off():
    with Network("police", "aple", "a21") as net:
        police, aple, a21, ministry, council = (net.office(n) for n in ("police", "aple", "a21", "ministry", "council"))
        aple.unlock(), a21.unlock()
        item = received(police, aple, ["aple", "a21"])
        own = received(police, ministry, ["ministry", "a21"])  # a registrar that has a part in it, and then none
        ministry.unlock().act("decline", own, reason="NO_CAPACITY", by="BY_PROVIDER")
        a21.until("received", own)
        onward(ministry, "registrar", "suspend", "police", "--yes")
        until("it is cut off", lambda: not police.ask("status")["connected"])
        aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER")
        a21.until("received", item)
        for case in (item, own):
            a21.act("accept", case, first_contact_by=NEXT_YEAR)
        for office in (ministry, council):  # in its place those are told who can do something about it
            until("the registrars are told", lambda: ("accept", item) in [(t["act"], t["id"]) for t in office.ask("status")["told"]])
            lines = onward(office)
            check(f"! {short(a21, item)}, told to registrars: " in lines and "a21 (test) said yes\n          call a21 (test), " in lines, lines)
            check(office.item(item) is None and office.alarms() == [], office.alarms())
        until("of both", lambda: own in [t["id"] for t in council.ask("status")["told"]])
        check("told to registrars" not in onward(aple) and aple.ask("status")["told"] == [])
        onward(ministry, "registrar", "suspend", "aple")  # they still can
        until("aple is cut off", lambda: not aple.ask("status")["connected"])
        check(ministry.alarms() == [] and council.alarms() == [])


TESTS = [questions_and_answers, the_waiting_list, help_begins_from_the_waiting_list, consent_and_priority_change, the_next_one_please, safety_is_read_first,
         nobody_reads_it_about_safety, the_consent_ends_in_the_middle,
         silence_is_overdue, the_last_resort_is_told, urgent_and_not_sent, taken_back_by_the_child, duties_to_erase, a_case_is_kept_by_law,
         who_must_never_have_it, a_hook_learns_id_and_kind, needs_of_one_child, one_assessment_several_needs, kinds_of_suspension,
         the_sender_is_cut_off,
         every_field_is_in_the_specification]

run_tests(__file__, TESTS)
