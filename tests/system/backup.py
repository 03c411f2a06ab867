#!/usr/bin/env python3
"""An office's computer is backed up while it runs, lost, and restored on another one; nobody opens it without the words, nothing that was
done to the file passes, and an old backup is missed."""
import json
import os
import re
import subprocess
import tempfile

from command import Terminal
from office import BIN, PASSPHRASE, Network, Office, check, run_tests, until
from traces import MARK

NEXT_YEAR = "2099-01-01"
OF_THE_LINK = {"last_contact_ms", "connected", "connection", "busy", "stalled", "backup"}


def onward(home, *words, code=0, given=None):
    done = subprocess.run([f"{BIN}/onward", "--home", home, *words], capture_output=True, text=True, input=given, timeout=60)
    check(done.returncode == code, f"onward {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def new_words(office, name="words"):
    path = f"{office.net.folder}/{office.name}.{name}"
    onward(office.home, "backup", "--new-words", "--recovery-file", path)
    return path


def seen(office):
    """All that people and programs see of it."""
    items = office.ask("list", box="all")
    status = {key: value for key, value in office.ask("status").items() if key not in OF_THE_LINK}
    shown = {item["id"]: office.ask("show", id=item["id"], peek=True) for item in items["items"]}
    return json.dumps([items, status, shown, office.ask("needs"), office.ask("directory"), office.ask("questions")], sort_keys=True, indent=1)


def inbox_and_cases_are_equal_on_another_computer():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = (net.office(n).unlock() for n in net.names)
        words = new_words(aple)
        cases = [police.refer(["aple", "a21"], ref=f"P/{n}") for n in range(4)]
        own = aple.refer(["a21"], ref="A/1")
        for case in cases:
            aple.until("received", case)
        aple.act("acknowledge", cases[1])
        for case in cases[2:]:
            aple.act("acknowledge", case)
            aple.act("accept", case, first_contact_by=NEXT_YEAR, note={"text": "from tomorrow on"})
            until("the file is here", lambda: aple.item(case)["has_file"])
        police.act("tell", cases[2], safety=True, note={"text": "be careful there"})
        until("it is here", lambda: "safety_at_recipient" in aple.item(cases[2])["flags"])
        until("all is logged", lambda: not any(i["pending"] for i in aple.ask("list", box="all")["items"]))
        a21.until("received", own)
        aple.until("received", own)
        net.broker_end()  # so that nothing moves while it is compared
        draft = aple.refer(["a21"], ref="A/2")  # not sent yet: only here
        before, backup = seen(aple), f"{net.folder}/first.backup"
        said = onward(aple.home, "backup", backup)  # while it runs
        check("read back from the disk" in said and "--check" in said and "newest two" in said, said)
        check(f"{aple.ask('status')['backup']['days']}" == "0" and aple.ask("status")["backup"]["words"])
        with open(backup, "rb") as f:
            content = f.read()
        check(content.startswith(b"ONWARD BACKUP 1\norganisation aple\nmade ") and b"tcp://" not in content and MARK.encode() not in content)
        check("opens with these words, whole" in onward(aple.home, "backup", backup, "--check", "--recovery-file", words))
        aple.end()
        stopped = f"{net.folder}/second.backup"
        onward(aple.home, "backup", stopped)  # and while it does not run
        os.rename(aple.home, f"{net.folder}/lost")
        for number, file in enumerate((backup, stopped)):
            home = f"{net.folder}/new{number}"
            said = onward(home, "restore", file, "--recovery-file", words)
            network = re.search(r"Network: (.*)", onward(police.home, "status")).group(1)
            check("Restored: aple" in said and f"the network's six words are  {network}\n" in said, said)
            again = net.offices["aple"] = Office(net, "aple", home).start()
            again.refused("locked", "show", id=cases[2])
            again.unlock(PASSPHRASE)
            after = seen(again)
            check(after == before, f"{before}\n{after}")
            check(again.ask("show", id=cases[2], peek=True)["file"]["name"].startswith(MARK))
            again.end()
        net.offices["aple"] = again.start().unlock()
        net.broker_start()  # and it goes on
        a21.until("received", draft)
        again.act("acknowledge", cases[0])
        again.act("acknowledge", cases[2])
        again.act("start", cases[2])
        police.until("in_progress", cases[2])
        check(again.alarms() == [] and police.alarms() == [])


def an_old_one_is_missed(net, aple):
    net.goes_by(6 * 24 + 23)
    check("days old" not in onward(aple.home) and aple.ask("status")["backup"]["days"] == 6)
    net.goes_by(2)
    for words in ([], ["status"]):
        check("The newest backup of this computer is 7 days old: onward backup FILE" in onward(aple.home, *words))
    check(aple.ask("status")["backup"]["warn"] == "old")
    aple.end()
    with open(f"{aple.home}/agent.conf", "a") as f:
        f.write("[office]\nbackup_warn_days = 0\n")
    aple.start()
    check("days old" not in onward(aple.home) and "warn" not in aple.ask("status")["backup"])


def what_came_after_it_is_read_again():
    with Network("police", "aple", clocks=True) as net:
        police, aple = (net.office(n).unlock() for n in net.names)
        backup = f"{net.folder}/old.backup"
        check("There is no backup" not in onward(aple.home))  # there is nothing to lose
        first = police.refer(["aple"])
        aple.until("received", first)
        check("There is no backup of this computer yet: onward backup --new-words" in onward(aple.home))
        words = new_words(aple)
        left = police.refer(["aple"])
        aple.until("received", left)
        check(onward(aple.home).count("There is no backup of this computer yet: onward backup FILE") == 1)
        onward(aple.home, "backup", backup)
        check("There is no backup" not in onward(aple.home) and "Newest backup: " in onward(aple.home, "status"))
        aple.act("decline", left, reason="NO_CAPACITY", by="BY_PROVIDER")
        police.until("returned", left)
        until("it has to be erased", lambda: "to_erase" in aple.item(left))
        check("erased_ms" not in aple.ask("status")["backup"])
        aple.act("erase_receipt", left)
        said = onward(aple.home)
        check("still hold a case that was erased here" in said and "onward backup --destroyed" in said, said)
        second = police.refer(["aple"])
        aple.until("received", second)
        aple.act("acknowledge", first)
        aple.until("acknowledged", first)
        until("all is logged", lambda: not any(i["pending"] for i in aple.ask("list", box="all")["items"]))
        aple.end()
        os.rename(aple.home, f"{net.folder}/lost")
        onward(aple.home, "restore", backup, "--recovery-file", words)
        aple.start().unlock()
        aple.until("acknowledged", first)
        aple.until("received", second)
        check(any("backup" in alarm for alarm in aple.alarms()), aple.alarms())
        until("what was erased is erased again", lambda: not aple.item(left)["has_brief"])
        check("still hold a case" in onward(aple.home))  # the one that it was restored from does
        check("destroyed" in onward(aple.home, "backup", "--destroyed", code=1))  # nobody has said so
        onward(aple.home, "backup", f"{net.folder}/new.backup")
        check("erased_ms" in aple.ask("status")["backup"])
        check("Noted.\n" in onward(aple.home, "backup", "--destroyed", "--yes"))
        check("erased_ms" not in aple.ask("status")["backup"] and "newest_ms" in aple.ask("status")["backup"])
        check("no case was erased" in onward(aple.home, "backup", "--destroyed", "--yes", code=1))
        an_old_one_is_missed(net, aple)


def nothing_is_left_where_it_fails():
    with Network("aple") as net:
        aple = net.office("aple")
        backup, new = f"{net.folder}/a.backup", f"{net.folder}/new"
        check("--new-words" in onward(aple.home, "backup", backup, code=5))
        words = new_words(aple)
        onward(aple.home, "backup", backup)
        check("exists already" in onward(aple.home, "backup", backup, code=2))
        check("exists already" in onward(aple.home, "backup", "--new-words", "--recovery-file", words, code=2))
        others = new_words(aple, "other")
        with open(words) as f:
            twelve = f.read().split()
        mistyped = f"{net.folder}/mistyped"
        with open(mistyped, "w") as f:
            f.write(" ".join(twelve[:6] + ["babad"] + twelve[7:]))
        listed = sorted(os.listdir(net.folder))

        def refused(code, text, file, given=words):
            for command in (["restore", file], ["backup", file, "--check"]):
                said = onward(new, *command, "--recovery-file", given, code=code)
                check(text in said, said)
            check(sorted(os.listdir(net.folder)) == listed, os.listdir(net.folder))

        refused(1, "another's", backup, others)
        refused(2, "a recovery word is wrong", backup, mistyped)
        refused(5, "No such file", f"{net.folder}/nowhere")
        refused(2, "is no backup of Onward", words)
        with open(backup, "rb") as f:
            content = f.read()
        changed = f"{net.folder}/changed"
        listed = sorted(listed + ["changed"])
        for what, text in ((content[:-1], "does not open"), (content + b"x", "does not open"), (content[:120], "does not open"),
                           (content.replace(b"BACKUP 1", b"BACKUP 2"), "of format 2"), (content.replace(b"aple", b"aplf"), "does not open"),
                           (content[:5000] + bytes([content[5000] ^ 4]) + content[5001:], "does not open")):
            with open(changed, "wb") as f:
                f.write(what)
            refused(2, text, changed)
        check("4" in str(subprocess.run([f"{BIN}/onward", "restore", backup, "--home", new], stdin=subprocess.DEVNULL,
                                        capture_output=True).returncode))
        check("is in use" in onward(aple.home, "restore", backup, "--recovery-file", words, code=1))
        os.mkdir(new)
        os.mkdir(f"{new}/mine")
        check("is in use" in onward(new, "restore", backup, "--recovery-file", words, code=1))
        os.rmdir(f"{new}/mine")
        check(json.loads(onward(new, "restore", backup, "--recovery-file", words, "--json"))["organisation"] == "aple")
        check(os.stat(new).st_mode & 0o777 == 0o700 and not os.path.exists(f"{new}.restored"))


def words_are_shown_once_and_typed_back():
    with tempfile.TemporaryDirectory(prefix="onward-test-") as folder:
        home, passphrase = f"{folder}/typed", f"{folder}/passphrase"
        with open(passphrase, "w") as f:
            f.write(PASSPHRASE)
        t = Terminal(home, "init", "--organisation", "a21", "--name", "A21", "--kind", "NGO", "--telephone", "", "--hours", "",
                     "--passphrase-file", passphrase)
        t.wait_for("only this once:")
        shown = t.wait_for("Whoever has them").split()
        check(len(shown) == 12 and all(re.fullmatch("[a-z]{5}", word) for word in shown), shown)
        check("recovery.pub" not in os.listdir(home))  # before they are typed back there are none
        t.wait_for("press Enter: the screen is cleared.")
        os.write(t.fd, b"\n")
        t.type("type all twelve", " ".join(shown[:11] + ["zuzuz"]))
        t.type("a recovery word is wrong", " ".join(shown[:6]))
        t.wait_for("> ")
        os.write(t.fd, " ".join(shown[6:]).upper().encode() + b"\n")
        code, rest = t.end()
        check(code == 0 and "Its six words" in rest, rest)
        check(not any(word in rest.split("Its six words")[1] for word in shown) and "recovery.pub" in os.listdir(home))
        t = Terminal(home, "restore", f"{folder}/nowhere")  # a folder in use is said before anything is asked
        check(t.end()[0] == 1)


TESTS = [inbox_and_cases_are_equal_on_another_computer, what_came_after_it_is_read_again, nothing_is_left_where_it_fails,
         words_are_shown_once_and_typed_back]


if __name__ == "__main__":
    run_tests(__file__, TESTS)
