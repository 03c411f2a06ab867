#!/usr/bin/env python3
"""What keeps a log alive: erased bodies leave the disk, a backup is made while serving, and a lost exchange comes back from it."""
import json
import os
import re
import shutil
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


def lose(net):
    """The exchange's computer is no more."""
    net.broker_end()
    os.rename(f"{net.folder}/broker", f"{net.folder}/lost")


def restore(net, registrar, copy, epoch=2):
    """From a backup and the keys that were kept, up to where it serves again."""
    folder, keys = f"{net.folder}/broker", f"{net.folder}/lost"
    said = broker("restore", copy, folder, "--keys", keys)
    check("every one checked" in said and "restore.request" in said, said)
    check("a registrar signs" in broker("serve", folder, code=2))
    registrar.onward("registrar", "restore", f"{folder}/restore.request", "--yes")
    check("signs" in broker("purge", folder, code=2), "nothing is written before that")
    check(f"epoch {epoch}" in broker("confirm-restore", folder, f"{folder}/restore.request.signed"))
    check("signed that already" in broker("confirm-restore", folder, f"{folder}/restore.request.signed", code=2))
    net.broker_start()


def nothing_was_lost():
    with Network("police", "aple") as net:
        police, aple = net.office("police").unlock(), net.office("aple").unlock()
        council = net.office("council")
        item = accepted(police, aple)
        aple.end()  # it will not know who signs, nor with which key, and goes on all the same
        council.onward("rotate", "--passphrase-file", net.passphrase, "--new-passphrase-file", net.passphrase)
        until("its new key counts", lambda: "rotate" in acts(f"{net.folder}/broker"))
        until("all have read it", lambda: all(o.ask("status")["log_size"] == len(acts(f"{net.folder}/broker")) for o in net.offices.values() if o.process))
        broker("backup", f"{net.folder}/broker", f"{net.folder}/copy")
        lose(net)
        restore(net, council, f"{net.folder}/copy")
        aple.start()
        aple.unlock()
        for office in net.offices.values():
            office.connected()
            check(not office.alarms(), office.alarms())
        aple.act("complete", item, outcome="SERVICE_PROVIDED")
        police.until("completed", item)
        again = police.refer(["aple"])
        aple.until("received", again)
        audit("verify", f"{net.folder}/broker")
        audit("replay", f"{net.folder}/broker")


def what_was_lost_is_said_again():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = (net.office(name).unlock() for name in ("police", "aple", "a21"))
        folder, copy = f"{net.folder}/broker", f"{net.folder}/copy"
        old = police.refer(["aple"])
        aple.until("received", old)
        police.until("received", old)
        broker("backup", folder, copy)
        before = len(acts(copy))
        aple.act("acknowledge", old)  # answers what is in the backup
        aple.until("acknowledged", old)
        new = police.refer(["a21"])  # is wholly lost
        a21.until("received", new)
        a21.act("acknowledge", new)
        a21.act("accept", new, first_contact_by="2030-01-01")
        a21.until("accepted", new)
        police.until("accepted", new)
        lose(net)
        for office in (police, aple, a21):
            office.ask("lock")
        restore(net, net.office("ministry"), copy)
        until("it asks", lambda: any("onward restored" in alarm for alarm in police.alarms()))
        check(not police.ask("status")["connected"], "nothing is taken before somebody agrees")
        told = police.ask("restored")
        check(told["entries"] == before and told["seen"] > before and told["by"] == "ministry" and told["epoch"] == 2, told)
        check("Agreed" in a21.onward("restored", "--yes"))
        a21.connected()
        lost = until("a21 sees that it is lost", lambda: a21.item(new) if a21.item(new)["state"] == "lost" else None)
        check(lost["sender"] == "police", lost)
        check("lost by the exchange" in a21.onward("inbox"), a21.onward("inbox"))
        police.ask("restored", agree=True)
        police.connected()
        until("it waits for unlocking", lambda: police.ask("status")["waits_for_unlock"] == 1)
        police.unlock()
        a21.unlock()
        a21.until("received", new)  # the same referral, sealed again
        until("people are told to say it again", lambda: a21.item(new).get("refused", {}).get("act") == "accept")
        check(a21.item(new)["refused"]["verdict"] == "LOST")
        check(a21.ask("show", id=new)["brief"]["need"])
        a21.act("accept", new, first_contact_by="2030-01-01")
        police.until("accepted", new)
        aple.ask("restored", agree=True)
        aple.until("acknowledged", old)  # said again by itself
        police.until("acknowledged", old)
        for office in (police, aple, a21):
            check(not office.alarms(), office.alarms())
            office.refused("not_allowed", "restored")
        audit("verify", folder)
        audit("replay", folder)
        entries_now = acts(folder)
        check(entries_now.count("submit") == 2 and entries_now.count("restored") == 1, entries_now)


def restored_twice():
    """The same backup again: the old signature is not for that, and the epoch is another one."""
    with Network("police") as net:
        police, folder, copy = net.office("police").unlock(), f"{net.folder}/broker", f"{net.folder}/copy"
        broker("backup", folder, copy)
        lose(net)
        restore(net, net.office("council"), copy)
        until("all are there", lambda: all(o.ask("status")["connected"] for o in net.offices.values()))
        net.broker_end()
        old = f"{net.folder}/old.signed"
        os.rename(f"{folder}/restore.request.signed", old)
        shutil.rmtree(folder)
        broker("restore", copy, folder, "--keys", f"{net.folder}/lost")
        check("another request" in broker("confirm-restore", folder, old, code=2))
        shutil.rmtree(folder)
        restore(net, net.office("council"), copy, epoch=3)
        until("it asks", lambda: any("onward restored" in alarm for alarm in police.alarms()))
        check(police.ask("restored")["epoch"] == 3)
        police.ask("restored", agree=True)
        police.connected()
        audit("verify", folder)


def restored_without_a_signature():
    """Whoever steals a backup and the keys has a log that no agent goes on with."""
    with Network("police") as net:
        police, folder = net.office("police").unlock(), f"{net.folder}/broker"
        broker("backup", folder, f"{net.folder}/copy")
        lose(net)
        broker("restore", f"{net.folder}/copy", folder, "--keys", f"{net.folder}/lost")
        request = f"{folder}/restore.request"
        said = police.onward("registrar", "restore", request, "--yes", check=False)
        check(said == "" and not os.path.exists(f"{request}.signed"))
        check("not fit" in broker("confirm-restore", folder, request, code=2) or "registrar" in broker("confirm-restore", folder, request, code=2))
        for name, words in (("absent", "cannot read"), ("copy/broker.conf", "no request to go on")):
            check(words in broker("confirm-restore", folder, f"{net.folder}/{name}", code=2), name)
        other = broker("restore", f"{net.folder}/copy", f"{net.folder}/other", "--keys", f"{net.folder}/police", code=2)
        check("log.key" in other and not os.path.exists(f"{net.folder}/other") and not os.path.exists(f"{net.folder}/other.partial"), other)
        os.remove(request)  # an operator who takes a short cut is found out by everybody's checkpoint
        net.broker_start()


TESTS = [nothing_was_lost, what_was_lost_is_said_again, restored_twice, restored_without_a_signature, purged_while_serving, purged_while_stopped, no_room_to_purge, a_backup_has_no_bodies]


if __name__ == "__main__":
    run_tests(__file__, TESTS)
