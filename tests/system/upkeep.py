#!/usr/bin/env python3
"""What keeps a log alive: erased bodies leave the disk, a backup is made while serving, and a lost exchange comes back from it."""
import json
import os
import re
import subprocess

from office import BIN, Network, check, run_tests, until
from traces import body_lies_in


def broker(*words, code=0):
    done = subprocess.run([f"{BIN}/onward-broker", *words], capture_output=True, text=True)
    check(done.returncode == code, f"onward-broker {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def audit(*words, code=0):
    done = subprocess.run([f"{BIN}/onward-audit", *words], capture_output=True, text=True)
    check(done.returncode == code, f"onward-audit {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def entries(folder):
    return [json.loads(line) for line in audit("show", folder, "--json").splitlines()]


def acts(folder):
    return [entry["act"] for entry in entries(folder)]


def bodies_of(folder, act):
    return [(sealed["sha256"], sealed["size"]) for entry in entries(folder) if entry["act"] == act for sealed in entry["sealed"]]


def accepted(sender, recipient):
    """A referral so far that its bodies have done their work."""
    item = sender.refer([recipient.name])
    recipient.until("received", item)
    recipient.act("acknowledge", item)
    recipient.act("accept", item, first_contact_by="2030-01-01")
    recipient.until("accepted", item)
    until("the file is here", lambda: recipient.item(item)["has_file"])
    recipient.act("start", item)
    recipient.until("in_progress", item)
    return item


def held(folder, number):
    return re.search(rf"sealed bodies held +{number}\n", broker("status", folder))


def purged(serving):
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        folder = f"{net.folder}/broker"
        accepted(police, aple)
        until("its bodies need not exist", lambda: held(folder, 0))
        bodies = bodies_of(folder, "submit")
        check(len(bodies) == 2)
        check(all(body_lies_in(f"{folder}/books", *body) for body in bodies), "deleted rows are still in the file")
        if not serving:
            net.broker_end()
        check(("purged, while serving" if serving else "bytes less") in broker("purge", folder))
        check(not any(body_lies_in(f"{folder}/books", *body) for body in bodies), "nothing of them is left")
        check(os.listdir(f"{folder}/books").count("data.mdb") == 1 and not os.path.exists(f"{folder}/books.next"))
        check(acts(folder).count("purged") == 1)
        if not serving:
            net.broker_start()
        police.connected()
        item = police.refer(["aple"])  # and it goes on
        aple.until("received", item)
        audit("verify", folder)
        audit("replay", folder)


def purged_while_serving():
    purged(True)


def purged_while_stopped():
    purged(False)


def no_room_to_purge():
    """A purge that is not possible leaves all as it was, and says why."""
    with Network("police") as net:
        folder = f"{net.folder}/broker"
        os.mkdir(f"{folder}/books.next")
        open(f"{folder}/books.next/in the way", "w").close()
        size = acts(folder)
        said = broker("purge", folder, code=2)
        check("the exchange could not" in said and "books.next" in said, said)
        check(acts(folder) == size and net.office("police").connected())


def a_backup_has_no_bodies():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        folder, copy = f"{net.folder}/broker", f"{net.folder}/copy"
        accepted(police, aple)
        aple.end()
        item = police.refer(["aple"])
        police.until("requested", item)
        check("newest backup          none" in broker("status", folder))
        check("read back and checked" in broker("backup", folder, copy))
        check(sorted(os.listdir(copy)) == ["backup", "books", "broker.conf"], os.listdir(copy))
        check(not any(body_lies_in(copy, *body) for body in bodies_of(folder, "submit")), "no body is in it")
        check("exists already" in broker("backup", folder, copy, code=2))
        check("0 entries behind" in broker("status", folder), broker("status", folder))
        check("left out" in audit("verify", copy))
        check(acts(copy) == acts(folder))


TESTS = [purged_while_serving, purged_while_stopped, no_room_to_purge, a_backup_has_no_bodies]


if __name__ == "__main__":
    run_tests(__file__, TESTS)
