#!/usr/bin/env python3
"""An agent from outside: its socket, its queue while the exchange is away, restores, copies, new keys, suspension. Each function is a
transcript; `agent.py NAME` plays one of them. Real processes, loopback only."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from bad_link import BadLink
from office import BIN, PASSPHRASE, SETTINGS, Network, Office, check, form, run_tests, until
from traces import MARK

NEXT_YEAR = "2099-01-01"


def straight_path_works_locked_and_offline():
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple")
        net.broker_end(signal.SIGKILL)
        item = police.refer(["aple"], ref="CASE/1")  # nobody unlocked, nobody to reach
        check(police.item(item)["state"] == "draft" and police.item(item)["delivery"] == "not_sent")
        check(police.ask("status")["connection"] == "unreachable" and "why" not in police.ask("status"))
        again = police.ask("refer", **form(["aple"]), ref="CASE/1")
        check(again["again"] and again["id"] == item)
        net.broker_start()
        police.until("received", item)  # aple's computer is locked too
        aple.refused("locked", "show", id=item)
        check(aple.item(item)["has_brief"] and not aple.item(item)["has_file"])
        shown = aple.unlock().ask("show", id=item, peek=True)
        check(shown["brief"]["need"].startswith(MARK) and "file" not in shown and not shown["acknowledged_now"])
        check(aple.ask("show", id=item)["acknowledged_now"])
        aple.until("acknowledged", item)
        check(not aple.ask("show", id=item)["acknowledged_now"])
        net.broker_end(signal.SIGKILL)  # steps are judged and queued while the exchange is away
        aple.act("accept", item, first_contact_by=NEXT_YEAR)
        aple.refused("not_allowed", "act", act="accept", id=item, first_contact_by=NEXT_YEAR)
        aple.act("start", item, note={"text": "words for the sender"})
        aple.refused("not_allowed", "act", act="confirm_cancel", id=item)
        check(aple.item(item)["pending"] == 2)
        net.broker_start()
        aple.until("in_progress", item)
        until("the file is here", lambda: aple.item(item)["has_file"])
        check(aple.ask("show", id=item)["file"]["case_code"].startswith(MARK))
        aple.act("progress", item, note={"progress": "SESSION"})
        aple.act("complete", item, outcome="SERVICE_PROVIDED")
        police.until("completed", item)
        notes = police.unlock().ask("show", id=item)["notes"]
        check([n["act"] for n in notes] == ["start", "progress", "complete"], notes)
        check(notes[0]["text"] == "words for the sender" and notes[2]["outcome"] == "SERVICE_PROVIDED")
        check([n["act"] for n in aple.ask("show", id=item)["notes"]] == ["start", "progress", "complete"], "own copies")
        police.act("close", item)
        police.until("closed", item)
        aple.until("closed", item)
        check(police.alarms() == [] and aple.alarms() == [])


def what_comes_back_goes_on():
    with Network("police", "aple", "haven", "a21") as net:
        police, aple, haven, a21 = (net.office(n) for n in ("police", "aple", "haven", "a21"))
        for office in (aple, haven, a21):
            office.unlock()
        item = police.refer(["aple", "haven"], scope=["aple", "haven", "a21"])
        aple.until("received", item)
        aple.act("decline", item, reason="NO_CAPACITY", by="BY_PROVIDER")
        haven.until("received", item)
        check(aple.until("left", item)["has_file"] is False)
        haven.ask("show", id=item)
        haven.act("decline", item, reason="OUTSIDE_MANDATE", by="BY_PROVIDER", note={"text": "not here"})
        police.until("returned", item)
        police.refused("locked", "act", act="readdress", id=item, to=["aple"])
        police.unlock()
        police.refused("not_allowed", "act", act="readdress", id=item, to=["council"])  # not in the consent's scope
        police.act("readdress", item, to=["aple"])  # once more to one that was asked before
        aple.until("received", item)
        aple.ask("show", id=item)
        police.ask("lock")
        aple.act("reroute", item, to="a21")  # the brief as it came, marked
        a21.until("received", item)
        shown = a21.ask("show", id=item)
        check(shown["brief"]["by_rerouter"] and "file" not in shown)
        a21.act("accept", item, first_contact_by=NEXT_YEAR)
        police.until("accepted", item)
        until("the sender is asked to unlock", lambda: police.ask("status")["waits_for_unlock"] == 1)
        police.unlock()
        until("the file is here", lambda: a21.item(item)["has_file"])
        check(a21.ask("show", id=item)["file"]["case_code"].startswith(MARK))
        check(police.ask("status")["waits_for_unlock"] == 0)
        a21.act("start", item)
        a21.act("fail", item, reason="CLIENT_MOVED")
        police.until("returned", item)
        police.act("close", item)
        police.until("closed", item)


def wishes_to_cancel():
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        net.broker_end()
        draft = police.refer(["aple"], ref="DRAFT")
        police.act("cancel", draft)  # never sent: nothing of it is left
        check(police.item(draft) is None)
        draft = police.refer(["aple"], ref="DRAFT")
        net.broker_start()
        police.until("received", draft)
        aple.end()
        early = police.refer(["aple"])
        police.until("requested", early)
        police.act("cancel", early)
        police.until("cancelled", early)
        aple.start().unlock()
        gone = aple.until("cancelled", early)
        check(not gone["has_brief"] and "brief" not in aple.ask("show", id=early))
        aple.ask("show", id=draft)
        police.act("cancel", draft, note={"text": "she moved"})
        until("the wish is here", lambda: "cancel_open" in aple.item(draft)["flags"])
        check(aple.item(draft)["awaited"] == ["confirm_cancel", "refuse_cancel"])
        aple.act("refuse_cancel", draft)
        until("it is refused", lambda: police.item(draft)["flags"] == [])
        police.act("cancel", draft)
        until("the wish is here", lambda: "cancel_open" in aple.item(draft)["flags"])
        aple.refused("not_allowed", "act", act="reroute", id=draft, to="council")
        aple.act("confirm_cancel", draft)
        police.until("cancelled", draft)


def bad_input_is_named():
    with Network("police", "aple") as net:
        police = net.office("police")
        check(b"bad_input" in police.say(b"no json at all\n"))
        check(b"bad_input" in police.say(b"[1, 2]\n"))
        check(b"bad_input" in police.say(b'{"do": "sing"}\n'))
        check(b"longer than" in police.say(b" " * 300000))
        check(police.say(b'{"do": "status"}\n' * 50).count(b'"ok":true') == 50)
        check(police.say(os.urandom(100000).replace(b"\n", b"")[:200000] + b"\n").count(b"bad_input") == 1)
        idle = [socket.socket(socket.AF_UNIX) for _ in range(40)]  # more than there are places
        for s in idle:
            s.connect(f"{police.home}/socket")
        for s in idle:
            s.close()
        until("it answers again", police.answers)
        good = form(["aple"])
        for field, value, named in (("to", [], "to"), ("to", ["aple", "aple"], "to"), ("to", ["nobody"], "to"), ("to", "aple", "to"),
                                    ("priority", "URGENT", "priority"), ("priority", None, "priority"), ("basis", 3, "basis"),
                                    ("scope", ["council"], "scope"), ("area", "kh 17", "area"), ("phoned", "yes", "phoned"),
                                    ("consent_until", "tomorrow", "consent_until"), ("ref", "x" * 65, "ref"),
                                    ("brief", {**good["brief"], "sex": "X"}, "brief.sex"), ("brief", 1, "brief"),
                                    ("file", {k: v for k, v in good["file"].items() if k != "contact"}, "file.contact.who"),
                                    ("to", ["police"], "to")):
            wrong = {**good, field: value}
            if value is None:
                del wrong[field]
            answer = police.refused("bad_input", "refer", **wrong)
            check(answer["field"] == named, answer)
            check(MARK not in str(answer))
        police.refused("bad_input", "refer", **good, prioritty="HIGH")
        police.refused("not_allowed", "unlock", passphrase="wrong")
        police.refused("not_found", "show", id="AAAAAA-A")
        police.refused("not_allowed", "invitation", organisation="nobody")
        net.office("ministry").refused("not_found", "invitation", organisation="nobody")
        police.refused("not_allowed", "suspend", organisation="aple")
        check(police.ask("list", box="all")["items"] == [])
        check(police.process.poll() is None)


def restored_from_a_backup():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        first = police.refer(["aple"])
        aple.until("received", first)
        aple.end()
        shutil.copytree(f"{aple.home}/books", f"{net.folder}/backup")
        aple.start().unlock()
        aple.ask("show", id=first)
        second = police.refer(["aple"])
        aple.until("received", second)  # its brief has done its work at the exchange by now
        aple.until("acknowledged", first)
        aple.end()
        shutil.rmtree(f"{aple.home}/books")
        shutil.copytree(f"{net.folder}/backup", f"{aple.home}/books")
        aple.start().unlock()
        aple.until("acknowledged", first)
        aple.until("received", second)
        check(any("backup" in alarm for alarm in aple.alarms()), aple.alarms())
        until("the lost brief is sealed again", lambda: aple.item(second)["has_brief"])
        check(aple.ask("show", id=second)["brief"]["need"].startswith(MARK))
        aple.act("accept", first, first_contact_by=NEXT_YEAR)
        police.until("accepted", first)
        aple.end()
        shutil.rmtree(f"{aple.home}/books")  # the disk is lost, keys and invitation are not
        aple.start().unlock()
        until("the lost file is sealed again", lambda: aple.item(first) and aple.item(first)["has_file"])
        check(aple.ask("show", id=first)["file"]["case_code"].startswith(MARK))
        aple.act("start", first)
        police.until("in_progress", first)
        check(police.alarms() == [])


def sender_restored_with_a_batch_on_its_way():
    """The backup holds a batch that the log then got, and lacks what came behind: nothing is doubled, nothing is lost."""
    with Network("police", "aple") as net:
        police = net.office("police")
        net.broker_end()
        kept = police.refer(["aple"], ref="KEPT")
        police.end(signal.SIGKILL)
        shutil.copytree(f"{police.home}/books", f"{net.folder}/backup")
        net.broker_start()
        police.start().until("received", kept)
        later = police.refer(["aple"], ref="LATER")
        police.until("received", later)
        police.end()
        shutil.rmtree(f"{police.home}/books")
        shutil.copytree(f"{net.folder}/backup", f"{police.home}/books")
        police.start()
        police.until("received", kept)
        police.until("received", later)
        third = police.refer(["aple"], ref="THIRD")
        police.until("received", third)
        check(len(net.office("aple").ask("list", box="all")["items"]) == 3)


def restored_with_steps_that_waited():
    """The backup holds steps that no batch had yet, and the log has them: none is said a second time."""
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        item = police.refer(["aple"])
        aple.until("received", item)
        aple.ask("show", id=item)
        aple.act("accept", item, first_contact_by=NEXT_YEAR)
        aple.act("start", item)
        aple.until("in_progress", item)
        net.broker_end()
        queued = police.refer(["aple"], ref="QUEUED")
        aple.act("progress", item, note={"progress": "SESSION"})
        for office in (police, aple):
            office.end()
            shutil.copytree(f"{office.home}/books", f"{net.folder}/{office.name}-backup")
        net.broker_start()
        aple.start().unlock()
        police.start().until("received", queued)
        until("the report is logged", lambda: aple.item(item)["pending"] == 0)
        for office in (police, aple):
            office.end()
            shutil.rmtree(f"{office.home}/books")
            shutil.copytree(f"{net.folder}/{office.name}-backup", f"{office.home}/books")
            office.start().connected()
        police.until("received", queued)
        aple.until("in_progress", item)
        third = police.refer(["aple"], ref="THIRD")
        police.until("received", third)
        again = police.ask("refer", **form(["aple"]), ref="QUEUED")
        check(again["again"] and again["id"] == queued, again)
        check("refused" not in police.item(queued), police.item(queued))
        check(len(aple.ask("list", box="all")["items"]) == 3)
        for office, about, act in ((police.unlock(), queued, "submit"), (aple.unlock(), item, "progress")):
            acts = [step["act"] for step in office.ask("show", id=about, peek=True)["history"]]
            check(acts.count(act) == 1, acts)


def two_copies_of_one_office():
    with Network("police", "aple") as net:
        police = net.office("police")
        police.end()
        shutil.copytree(police.home, f"{net.folder}/copy", ignore=shutil.ignore_patterns("socket", "lock"))
        copy = net.offices["copy"] = Office(net, "copy", f"{net.folder}/copy")
        police.start().connected()
        first = police.refer(["aple"])
        police.until("received", first)
        copy.start().connected()
        copy.until("received", first)  # it reads what the other one sent, and says that it was behind
        check(copy.alarms() != [])
        police.end()
        second = copy.refer(["aple"])
        copy.until("received", second)
        copy.end()
        police.start()
        police.until("received", second)
        police.until("received", first)
        third = police.refer(["aple"])
        police.until("received", third)


def new_keys():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        old = police.refer(["aple"])
        aple.until("received", old)
        aple.refused("bad_input", "rotate", passphrase="short")
        check(len(aple.ask("rotate", passphrase="another pass phrase")["words"].split()) == 6)
        until("the new keys are in force", lambda: "new keys" in aple.log())
        aple.refused("locked", "show", id=old)
        aple.refused("not_allowed", "unlock", passphrase=PASSPHRASE)
        aple.unlock("another pass phrase").connected()
        check(aple.ask("show", id=old)["brief"]["need"].startswith(MARK))  # sealed to the old key
        new = police.refer(["aple"])
        aple.until("received", new)
        aple.act("accept", new, first_contact_by=NEXT_YEAR)
        police.until("accepted", new)
        until("the file is here", lambda: aple.item(new)["has_file"])
        check(aple.ask("show", id=new)["file"]["case_code"].startswith(MARK))
        aple.end()
        aple.start().unlock("another pass phrase").connected()
        aple.act("start", new)
        police.until("in_progress", new)
        items = [police.refer(["aple"]) for _ in range(6)]  # so that more than one batch is sent at once
        for item in items:
            aple.until("received", item)
        net.broker_end()
        aple.ask("rotate", passphrase="a fourth pass phrase")
        for item in items:
            aple.act("accept", item, first_contact_by=NEXT_YEAR)  # signed with the old key, behind the rotation
        net.broker_start()
        for item in items:
            police.until("accepted", item)
        aple.unlock("a fourth pass phrase")
        check("KEY_ENDED" in aple.log(), "nothing had to be signed again")
        net.office("ministry").unlock().ask("rotate", passphrase="a third pass phrase")  # a registrar's own, too
        until("the registrar is connected", lambda: "new keys" in net.office("ministry").log())
        net.office("ministry").connected()


def new_keys_with_batches_on_their_way():
    """What was signed before and behind the change, and not read back yet, is nobody's fault: it arrives, once."""
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        items = [police.refer(["aple"]) for _ in range(12)]
        for item in items:
            aple.until("received", item)
        aple.end()
        with open(f"{aple.home}/agent.conf", "a") as f:
            f.write("credit_entries = 1\n")  # so that its own entries come back slowly
        net.broker_end()
        aple.start().unlock()
        later = [police.refer(["aple"]) for _ in range(12)]
        for item in items[:6]:
            aple.act("accept", item, first_contact_by=NEXT_YEAR)
        aple.ask("rotate", passphrase="another pass phrase")
        for item in items[6:]:
            aple.act("accept", item, first_contact_by=NEXT_YEAR)
        net.broker_start()
        for item in items:
            aple.until("accepted", item)
            police.until("accepted", item)
        for item in later:
            aple.until("received", item)
        check(aple.alarms() == [] and police.alarms() == [], aple.alarms())
        aple.unlock("another pass phrase")
        for item in items:
            acts = [step["act"] for step in aple.ask("show", id=item, peek=True)["history"]]
            check(acts.count("accept") == 1, acts)
        check(len(aple.ask("list", box="all")["items"]) == 24)


def waits(office):
    return any("replacement" in o for o in office.ask("directory")["organisations"])


def keys_change_one_at_a_time():
    with Network("police", "aple", replace_after_h=1) as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        net.broker_end()
        words = aple.ask("rotate", passphrase="a second pass phrase")["words"]
        before = sorted((f, os.stat(f"{aple.home}/{f}").st_mtime_ns) for f in os.listdir(aple.home) if ".next" in f)
        check(len(before) >= 4, before)
        refused = aple.refused("not_allowed", "rotate", passphrase="a third pass phrase")
        check("new keys" in refused["what"], refused)
        aple.end()
        aple.start().unlock()
        aple.refused("not_allowed", "rotate", passphrase="a third pass phrase")
        after = sorted((f, os.stat(f"{aple.home}/{f}").st_mtime_ns) for f in os.listdir(aple.home) if ".next" in f)
        check(before == after, "key files were touched")
        net.broker_start()
        until("the new keys are in force", lambda: "new keys" in aple.log())
        aple.unlock("a second pass phrase").connected()
        until("the change is in the log", lambda: aple.ask("status")["unsent"] == 0)
        check(aple.ask("rotate", passphrase="a third pass phrase")["words"] != words)  # the next one works
        until("the third keys are in force", lambda: aple.log().count("new keys") == 2)
        aple.unlock("a third pass phrase").connected()
        ministry = net.office("ministry")
        lost = net.new_office("lost/aple", f"{net.folder}/lost-aple")
        with open(f"{lost.home}/aple.request") as f:
            request = f.read()
        ministry.ask("rotate", request=request)  # a registrar's mistake
        until("it waits", lambda: waits(aple) and waits(ministry))
        aple.refused("not_allowed", "rotate", passphrase="a fourth pass phrase")
        ministry.ask("stop_replacement", organisation="aple")
        until("it was stopped", lambda: not waits(aple))
        aple.ask("rotate", passphrase="a fourth pass phrase")
        until("the fourth keys are in force", lambda: aple.log().count("new keys") == 3)
        aple.unlock("a fourth pass phrase").connected()
        with open(f"{aple.home}/aple.request") as f:
            ministry.refused("not_allowed", "rotate", request=f.read())  # keys that it had before
        item = police.refer(["aple"])
        aple.until("received", item)
        check(aple.alarms() == [] and police.alarms() == [])


def key_files_that_do_not_fit():
    """What the network does not know is named; put right, everything goes on: also what was signed with the wrong key."""
    def begin_with(office, name, other):
        office.end()
        shutil.copy(f"{office.home}/{name}", f"{net.folder}/kept")
        shutil.copy(f"{other.home}/{name}", f"{office.home}/{name}")
        office.start()
        check(any(name in alarm for alarm in office.alarms()), office.alarms())

    def put_right(office, name):
        office.end()
        shutil.copy(f"{net.folder}/kept", f"{office.home}/{name}")
        office.start().connected()
        check(not any(name in alarm for alarm in office.alarms()), office.alarms())

    with Network("police", "aple") as net:
        police, aple, stranger = net.office("police"), net.office("aple"), net.new_office("stranger")
        for other, word in ((stranger, "does not know"), (aple, "another organisation")):
            begin_with(police, "link.key", other)
            until("it is refused", lambda: police.ask("status")["connection"] == "refused")
            check(word in police.ask("status")["why"], police.ask("status"))
            put_right(police, "link.key")
            check("why" not in police.ask("status") and police.alarms() == [])
        begin_with(police, "sign.pem", stranger)
        items = [police.refer(["aple"]) for _ in range(3)]
        until("it was refused", lambda: "BAD_SIGNATURE" in police.log())
        until("and people are told", lambda: any("refuses what" in alarm for alarm in police.alarms()))
        put_right(police, "sign.pem")
        for item in items:
            police.until("received", item)
        os.mkdir(f"{net.folder}/old")
        shutil.copy(f"{police.home}/sign.pem", f"{net.folder}/old/sign.pem")
        police.unlock().ask("rotate", passphrase="another pass phrase")
        until("the new keys are in force", lambda: "are in force" in police.log())
        begin_with(police, "sign.pem", Office(net, "old", f"{net.folder}/old"))
        items.append(police.refer(["aple"]))
        until("it was refused", lambda: "KEY_ENDED" in police.log())
        until("and is not sent all the time", lambda: police.ask("status")["unsent"] == 0)
        put_right(police, "sign.pem")
        for item in items:
            police.until("received", item)
        check(police.log().count("KEY_ENDED") < 5, police.log()[-2000:])
        begin_with(police, "seal.pub", stranger)
        put_right(police, "seal.pub")
        police.end()
        os.rename(f"{police.home}/seal.pem", f"{net.folder}/kept")
        police.start()
        check(any("seal.pem" in alarm for alarm in police.alarms()), police.alarms())
        put_right(police, "seal.pem")
        check(len(aple.ask("list", box="all")["items"]) == 4)


def key_files_open_to_others():
    with Network("police", "aple") as net:
        police = net.office("police")
        police.end()
        for name in ("link.key", "sign.pem", "seal.pem"):
            os.chmod(f"{police.home}/{name}", 0o640)
            done = subprocess.run([f"{BIN}/onward-agent", "--home", police.home], capture_output=True, text=True, timeout=20)
            check(done.returncode == 2, done)
            check(name in done.stderr and "0640" in done.stderr and "chmod 600" in done.stderr, done.stderr)
            os.chmod(f"{police.home}/{name}", 0o600)
        police.start().connected()


def more_programs_than_places():
    with Network("police") as net:
        police = net.office("police")
        idle = [socket.socket(socket.AF_UNIX) for _ in range(50)]
        for s in idle:
            s.connect(f"{police.home}/socket")
        for _ in range(6):
            answer = police.refused("full", "status")
            check("too many" in answer["what"], answer)
        check(police.process.poll() is None)
        for s in idle:
            s.close()
        until("it answers again", lambda: police.answer("status")["ok"])


MARKER = "zebra-quartz-violin"


def in_memory(office, word):
    """Where in the memory of an office's agent this word stands, once it is done with the last request. Only root may look."""
    office.ask("status")
    pid, found = office.process.pid, []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            place, rights, *rest = line.split()
            start, end = (int(n, 16) for n in place.split("-"))
            if "w" not in rights:
                continue
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            found += [(rest[3:], hex(start + m.start()), content[max(0, m.start() - 60):m.end() + 20])
                      for m in re.finditer(word.encode(), content)]
    return found


def nothing_of_a_case_stays_in_memory():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        for office in (police, aple):
            with open(f"/proc/{office.process.pid}/status") as status:
                dumpable = os.stat(f"/proc/{office.process.pid}").st_uid == 0
            with open(f"/proc/{office.process.pid}/limits") as limits:
                core = next(line.split()[4:6] for line in limits if line.startswith("Max core file size"))
            check(core == ["0", "0"] and dumpable, core)
        if os.geteuid() != 0:
            print("        not root: memory is not looked at")
            return
        words = form(["aple"])
        words["brief"]["need"] = words["file"]["contact"]["who"] = f"words {MARKER} words " * 9
        item = police.ask("refer", **words)["id"]
        check(in_memory(police, MARKER) == [], "after refer")
        check(in_memory(police, PASSPHRASE) == [], "after unlock")
        aple.until("received", item)
        check(MARKER in aple.ask("show", id=item)["brief"]["need"])
        check(in_memory(aple, MARKER) == [], ("after show", in_memory(aple, MARKER)))
        aple.act("accept", item, first_contact_by=NEXT_YEAR, note={"text": f"words {MARKER} words " * 9})
        check(in_memory(aple, MARKER) == [], "after a note")
        police.until("accepted", item)
        until("the file is here", lambda: aple.item(item)["has_file"])
        check(MARKER in aple.ask("show", id=item)["file"]["contact"]["who"])
        check(MARKER in police.ask("show", id=item)["notes"][0]["text"])
        aple.act("start", item)
        aple.refused("bad_input", "refer", **{**words, "priority": MARKER})
        police.say(json.dumps({"do": "refer", "ref": MARKER}).encode() + b" not json")
        for office in (police, aple):
            office.ask("list", box="all")
            office.ask("lock")
            check(in_memory(office, MARKER) == [], (office.name, "after lock", in_memory(office, MARKER)))


def lost_keys_are_replaced():
    with Network("police", "aple", replace_after_h=0) as net:
        police, aple, ministry = net.office("police").unlock(), net.office("aple"), net.office("ministry")
        item = police.refer(["aple"])
        aple.until("received", item)
        aple.end()
        shutil.move(aple.home, f"{net.folder}/old-home")
        aple = net.new_office("aple")
        with open(f"{aple.home}/aple.request") as f:
            ministry.ask("rotate", request=f.read())
        answer = until("the invitation is made", lambda: (lambda a: a if a["ok"] else None)(
            ministry.answer("invitation", organisation="aple")))
        with open(f"{aple.home}/aple.invitation", "w") as f:
            f.write(answer["invitation"])
        net.join("aple", f"{aple.home}/aple.invitation").start().unlock().connected()
        until("the case is sealed again", lambda: aple.item(item) and aple.item(item)["has_brief"])
        check(aple.ask("show", id=item)["brief"]["need"].startswith(MARK))
        police.until("acknowledged", item)


def invitations_by_the_other_registrar():
    """Which was away while several were enrolled, and hears of all of them in one message."""
    with Network("police") as net:
        council, names = net.office("council"), [f"office-{n}" for n in range(5)]
        council.end()
        for name in names:
            net.enrol(name)
        council.start().connected()
        for name in names:
            answer = until(f"the invitation of {name} is made", lambda: (lambda a: a if a["ok"] else None)(
                council.answer("invitation", organisation=name)))
            home = net.office(name).home
            os.remove(f"{home}/network")  # that of the first registrar's invitation
            with open(f"{home}/{name}.invitation", "w") as f:
                f.write(answer["invitation"])
            net.join(name, f"{home}/{name}.invitation").start().connected()


def suspended_and_back():
    with Network("police", "aple") as net:
        police, aple, ministry = net.office("police"), net.office("aple"), net.office("ministry")
        held = police.refer(["aple"])
        aple.until("received", held)
        aple.act("accept", held, first_contact_by=NEXT_YEAR)
        police.until("accepted", held)
        ministry.ask("suspend", organisation="aple")
        until("it is cut off", lambda: not aple.ask("status")["connected"], 5)
        police.until("returned", held)
        until("and says so", lambda: any("suspended" in a for a in aple.alarms()))
        status = aple.ask("status")
        check(status["connection"] == "refused" and "suspended" in status["why"], status)
        until("the sender knows", lambda: any(o["standing"] == "COMPROMISED" for o in police.ask("directory")["organisations"]))
        police.refused("not_allowed", "refer", **form(["aple"]))
        with open(f"{aple.home}/aple.request") as f:
            ministry.ask("enrol", request=f.read())
        aple.end()
        aple.start().connected()
        check(aple.alarms() == [])
        item = police.refer(["aple"])
        aple.until("received", item)


def suspended_registrars_plans_are_dropped():
    """What a registrar had begun offline is not done when it is let in again."""
    with Network("aple") as net:
        ministry, council = net.office("ministry"), net.office("council")
        net.broker_end()
        until("it is offline", lambda: not ministry.ask("status")["connected"])
        ministry.ask("suspend", organisation="aple")
        check(len(ministry.ask("list", box="outbox")["registry"]) == 1)
        ministry.end()
        net.broker_start()
        council.connected()
        council.ask("suspend", organisation="ministry")
        with open(f"{ministry.home}/ministry.request") as f:
            request = f.read()
        standing = lambda name: next(o["standing"] for o in council.ask("directory")["organisations"] if o["id"] == name)
        until("it is cut off", lambda: standing("ministry") == "COMPROMISED")
        council.ask("enrol", request=request)
        until("it is let in", lambda: standing("ministry") == "ACTIVE")
        ministry.start().connected()
        until("people are told", lambda: any("dropped" in alarm for alarm in ministry.alarms()))
        check(ministry.ask("list", box="outbox")["registry"] == [] and standing("aple") == "ACTIVE")


def watchers_are_told():
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(f"{aple.home}/socket")
            s.sendall(b'{"do": "watch"}\n')
            lines = s.makefile()
            check('"ok":true' in lines.readline())
            item = police.refer(["aple"])
            event = lines.readline()
            check(item in event and '"new"' in event and MARK not in event, event)
            aple.act("accept", item, first_contact_by=NEXT_YEAR) if aple.until("received", item) else None
            police.until("accepted", item)
            police.act("cancel", item)
            check('"changed"' in lines.readline())
            police.act("tell", item, safety=True, note={"text": "zebra"})
            check('"safety"' in lines.readline())
            aple.ask("show", id=item)
            aple.act("confirm_cancel", item)
            event = lines.readline()
            check('"duty"' in event and set(json.loads(event)["event"]) == {"id", "short", "kind"}, event)


def killed_while_it_starts():
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple")
        items = []
        for n in range(12):
            aple.end(signal.SIGKILL)
            items.append(police.refer(["aple"], ref=f"K-{n}"))
            aple.start(wait=n % 3 == 0)
        until("it answers", aple.answers)
        for item in items:
            police.until("received", item)
        check(len(aple.ask("list", box="all")["items"]) == 12)
        check(police.alarms() == [] and aple.alarms() == [])


def the_outbox_has_a_bound():
    with Network("police", "aple") as net:
        police = net.office("police")
        police.end()
        with open(f"{police.home}/agent.conf", "a", encoding="utf-8") as file:
            file.write("[office]\noutbox_events = 2\n")
        net.broker_end()
        police.start()
        items = [police.refer(["aple"]) for _ in range(2)]
        police.refused("full", "refer", **form(["aple"]))
        police.refused("full", "duty", telephone="+855 23 000 001")
        net.broker_start()
        for item in [*items, police.connected() and police.refer(["aple"])]:
            net.office("aple").until("received", item)  # what was taken arrives, and there is room again


def bad_link_carries_everything_once():
    with Network("police", "aple") as net:
        police, aple = net.office("police"), net.office("aple").unlock()
        aple.end()
        link = BadLink(net.port, bytes_per_s=20000, cut_s=1.2)
        with open(f"{aple.home}/agent.conf", "w") as f:
            f.write(f"{SETTINGS}address = tcp://127.0.0.1:{link.port}\n".replace("= 400", "= 1500"))
        items = [police.refer(["aple"], ref=f"B-{n}") for n in range(40)]
        aple.start().unlock()
        for item in items:
            aple.until("received", item, 90)
            aple.act("accept", item, first_contact_by=NEXT_YEAR)
        for item in items:
            police.until("accepted", item, 90)
        until("all files are here", lambda: all(i["has_file"] for i in aple.ask("list", box="inbox")["items"]), 90)
        link.close()
        check(link.cuts >= 3, f"only {link.cuts} cuts")
        check(len(aple.ask("list", box="all")["items"]) == 40 and aple.alarms() == [] and police.alarms() == [])


TESTS = [straight_path_works_locked_and_offline, what_comes_back_goes_on, wishes_to_cancel, bad_input_is_named, restored_from_a_backup,
         sender_restored_with_a_batch_on_its_way, restored_with_steps_that_waited, two_copies_of_one_office, new_keys, new_keys_with_batches_on_their_way, keys_change_one_at_a_time,
         key_files_that_do_not_fit, key_files_open_to_others, more_programs_than_places, nothing_of_a_case_stays_in_memory, lost_keys_are_replaced,
         invitations_by_the_other_registrar, suspended_and_back,
         suspended_registrars_plans_are_dropped,
         watchers_are_told, the_outbox_has_a_bound, bad_link_carries_everything_once, killed_while_it_starts]

run_tests(__file__, TESTS)
