#!/usr/bin/env python3
"""The directory among real processes: services described, assured and found by need; places asked for; what was seen on a day."""
import datetime
import json
import os
import socket
import subprocess
import threading
import time

from office import BIN, Network, check, form, run_tests, until

SERVICE = {"number": 1, "name": "Counselling for children", "group": "PSS", "codes": ["TRAUMA_COUNSELLING", "BASIC_PSYCHOSOCIAL"],
           "age_min": 6, "age_max": 17, "languages": ["km", "en"], "priorities": ["LOW", "HIGH", "MEDIUM"], "areas": ["KH-17"]}


def run(office, *words, given=None, code=0):
    """Both streams of a command that ends with this status."""
    home = ["--home", office.home]
    begin = 0 if not words else 2 if words[0] == "registrar" else 1
    words = [*words[:begin], *home, *words[begin:]]
    done = subprocess.run([f"{BIN}/onward", *words], capture_output=True, text=True, input=given, check=False)
    check(done.returncode == code, f"onward {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def service_of(office, organisation, number=1):
    for one in office.ask("directory")["organisations"]:
        if one["id"] == organisation:
            return next((s for s in one["services"] if s["number"] == number), None)
    return None


def offer(net, name, assured=True, **fields):
    """Describes a service, and has a registrar assure it as it is in the directory then."""
    office, registrar = net.office(name), net.office("ministry")
    service = {**SERVICE, **fields}
    office.ask("service", **service)
    there = until("it is in the directory", lambda: service_of(registrar, name, service["number"]))
    if assured:
        registrar.ask("assure", organisation=name, number=service["number"], index=there["index"])
        until("it is assured", lambda: "assured_ms" in (service_of(office, name, service["number"]) or {}))
    return there


def candidates(office, **conditions):
    return office.ask("candidates", **{"need": "PSS", "area": "KH-17", "age": 12, "language": "km", "priority": "HIGH", **conditions})


def names(answer):
    return [one["id"] for one in answer["candidates"]]


def obstacles(answer):
    return {one["id"]: one["obstacles"] for one in answer["left_out"]}


def found_by_need():
    with Network("police", "aple", "a21", "tpo", "krousar") as net:
        police, a21 = net.office("police"), net.office("a21")
        check(candidates(police)["left_out_count"] == 0)
        check("Nobody in the directory offers this." in run(police, "candidates", "--need", "PSS"))
        offer(net, "a21")
        offer(net, "aple", areas=[{"scheme": "PCODE", "code": "KH1710"}])
        offer(net, "tpo", assured=False)
        offer(net, "krousar", age_min=18, age_max=60, languages=["fr"], areas=["KH"])
        until("the newest is known", lambda: len(candidates(police)["left_out"]) == 2)
        answer = candidates(police)
        check(names(answer) == ["a21", "aple"], answer)  # all of the province, before one district of it
        check([one["area"] for one in answer["candidates"]] == ["covered", "part"] and answer["candidates"][0]["speaks"])
        check(obstacles(answer) == {"tpo": ["not_assured"], "krousar": ["age"]}, obstacles(answer))
        check(answer["candidates"][0]["seen"] == {"now": True, "days": 0}, answer["candidates"][0])
        check(obstacles(candidates(police, never=["a21"], area="KH-12")) == {
            "tpo": ["not_assured", "area"], "krousar": ["age"], "a21": ["never", "area"], "aple": ["area"]})
        a21.ask("capacity", number=1, status="FULL", valid_until=tomorrow())
        until("it is full", lambda: names(candidates(police)) == ["aple"])
        lines = run(police, "candidates", "--need", "pss", "--area", "KH-17", "--age-band", "10_14")
        check("says that it is full" in lines and " 1. aple (test) (aple)" in lines, lines)
        a21.ask("capacity", number=1, status="HAS", available=2, maximum=10, valid_until=tomorrow())
        until("it has places", lambda: names(candidates(police)) == ["a21", "aple"])
        check("2 places free" in run(police, "candidates", "--need", "PSS", "--area", "KH-17"))
        answer = candidates(police, need="BASIC_PSYCHOSOCIAL", age=70, area="KH-12")
        check(answer["most"] == {"obstacle": "age", "count": 4}, answer["most"])
        lines = run(police, "candidates", "--need", "PSS", "--age", "70", "--area", "KH-12")
        check("Nobody in the directory fits." in lines and "What stands in the way of most" in lines, lines)


def tomorrow():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%d")


def referred_by_need():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = (net.office(n) for n in ("police", "aple", "a21"))
        offer(net, "a21")
        offer(net, "aple", codes=["BASIC_PSYCHOSOCIAL"])
        until("both are known", lambda: len(names(candidates(police))) == 2)
        case = form(["nobody"])
        del case["to"]
        case["brief"]["service"] = "TRAUMA_COUNSELLING"
        path = os.path.join(net.folder, "form.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(case, file)
        lines = run(police, "refer", path, "--need", "TRAUMA_COUNSELLING", "--area", "KH1710", "--ref", "N-1")
        check("-> 1. a21 (test) (a21)" in lines and "another kind of service" in lines and "saved on this computer" in lines, lines)
        item = until("it is sent", lambda: next((i for i in police.ask("list", box="sent")["items"] if i["ref"] == "N-1"), None))
        check(item["area"] == "KH-17" and [p["id"] for p in item["parties"]] == ["a21"], item)  # no smaller place is logged
        a21.until("received", item["id"])
        lines = run(police, "refer", path, "--need", "PSS", "--area", "KH-17", "--ref", "N-2", "--first", "2")
        item = until("it is sent", lambda: next((i for i in police.ask("list", box="sent")["items"] if i["ref"] == "N-2"), None))
        check([p["id"] for p in item["parties"]] == ["a21", "aple"], item)
        a21.until("received", item["id"])
        a21.unlock().act("decline", item["id"], reason="NO_CAPACITY", by="BY_PROVIDER")
        aple.until("received", item["id"])  # the exchange goes down the list by itself
        check("nobody fits; nothing was sent" in run(police, "refer", path, "--need", "PSS", "--area", "KH-1", code=5))
        check("leave one of them out" in run(police, "refer", path, "--need", "PSS", "--to", "a21", code=2))
        lines = run(police, "refer", path, "--need", "LEGL", code=2)
        check("the form asks for another service than --need" in lines and "TRAUMA" not in lines, lines)  # that is sealed
        case["needs"] = [{"brief": {"service": "TRAUMA_COUNSELLING"}}]
        check("for one need" in run(police, "refer", "-", "--need", "PSS", "--ref", "N-3", given=json.dumps(case), code=2))
        item = police.refer(["a21"], area="KH1710")  # whoever asks, and however: the log has the province
        check(police.item(item)["area"] == "KH-17" and police.item(police.refer(["a21"], area="TH100101"))["area"] == "TH")
        os.remove(path)


def what_was_seen_on_that_day():
    with Network("police", "a21") as net:
        police, a21 = net.office("police"), net.office("a21")
        offer(net, "a21")
        a21.ask("capacity", number=1, status="HAS", available=2, valid_until=tomorrow())
        until("the places are known", lambda: (service_of(police, "a21") or {}).get("capacity"))
        item = police.refer(["a21"])
        a21.until("received", item)
        seen = police.unlock().ask("show", id=item, peek=True)["item"]["directory_index"]
        then = police.ask("directory", as_of=seen)["organisations"]
        check(then == police.ask("directory")["organisations"], "as now")
        a21.ask("end_service", number=1)
        until("it is ended", lambda: service_of(police, "a21") is None)
        past = police.ask("directory", as_of=seen)
        check(past["organisations"] == then and past["index"] == seen, past)
        lines = run(police, "directory", "--as-of", str(seen))
        check("2 places free" in lines, lines)
        check(service_of(police, "a21") is None)  # the past is looked at, and not brought back
        check([o["id"] for o in police.ask("directory", as_of=0)["organisations"]] == ["council", "ministry"])
        check(police.ask("directory", as_of=item)["organisations"] == then)
        check("2 places free" in run(police, "directory", "--as-of", police.item(item)["short"]))
        check("there is no such item" in police.refused("not_found", "directory", as_of="x")["what"])
        check("no referral that was sent from this computer" in a21.refused("not_found", "directory", as_of=item)["what"])


def places_are_asked_for():
    with Network("police", "aple", "a21") as net:
        police, aple, a21 = (net.office(n) for n in ("police", "aple", "a21"))
        police.end()
        with open(f"{police.home}/agent.conf", "w", encoding="utf-8") as file:
            file.write("[exchange]\nhello_wait_ms = 400\nask_interval_s = 3600\n")
        police.start().connected()
        check("no organisation of the directory fits" in police.refused("not_found", "ask_place", need="PSS", age=12)["what"])
        offer(net, "a21")
        offer(net, "aple")
        answer = candidates(police)  # whom it has never heard of, it asks about in the same request
        check(len(names(answer)) == 2 and all(one["seen"]["now"] for one in answer["candidates"]), answer)
        check("of whom is the question" in police.refused("bad_input", "ask_place", need="PSS")["what"])
        check("2 organisations are asked" in run(police, "ask", "--need", "PSS", "--area", "KH-17", "--age", "12"))
        asked = until("it has come", lambda: a21.ask("questions")["questions"])[0]
        check("group" not in asked and a21.ask("questions")["locked"], asked)  # sealed
        a21.unlock()
        asked = a21.ask("questions")["questions"][0]
        check((asked["group"], asked["age_band"], asked["area"], asked["ours"]) == ("PSS", "AGE_10_14", "KH-17", False), asked)
        lines = run(a21, "questions")
        check("police (test) asks: a place for mental health and psychosocial support, age 10-14, KH-17?" in lines, lines)
        run(a21, "place", str(asked["question"]), "--status", "has")
        run(a21, "place", "1", "--status", "has", code=5)
        ours = until("it is answered", lambda: next((q for q in police.ask("questions")["questions"]
                                                     if any("status" in one for one in q["answers"])), None))
        check(ours["ours"] and {o["id"]: o.get("status") for o in ours["answers"]} == {"a21": "HAS", "aple": None}, ours)
        check("a21 (test) (a21) has a place" in run(police.unlock(), "questions"))
        check("names your own" in police.refused("bad_input", "ask_place", need="PSS", age=12, to=["police"])["what"])
        net.broker_end()
        police.ask("ask_place", need="PSS", age=12)
        check("asked for a place" in run(police, "outbox"))
        check("no such question" in police.refused("not_found", "answer_place", question=asked["question"], status="HAS")["what"])


def what_was_refused_is_told():
    with Network("a21") as net:
        a21, ministry = net.office("a21"), net.office("ministry")
        looked_at = offer(net, "a21", assured=False)
        net.broker_end()
        ministry.ask("assure", organisation="a21", number=1, index=looked_at["index"])
        check("assured a service" in run(ministry, "outbox"))
        ministry.end()
        net.broker_start()
        a21.connected()
        a21.ask("service", **{**SERVICE, "age_max": 12})
        changed = until("it is described anew", lambda: (lambda s: s if s and s["age_max"] == 12 else None)(service_of(a21, "a21")))
        ministry.start()
        until("it is told", lambda: any("was not taken by the exchange" in alarm for alarm in ministry.alarms()))
        check("assured_ms" not in service_of(a21, "a21"))
        until("the newest is known", lambda: service_of(ministry, "a21")["index"] == changed["index"])
        run(ministry, "registrar", "assure", "a21", "1")
        until("it is assured, and nothing is wrong", lambda: "assured_ms" in service_of(a21, "a21") and not ministry.alarms())


def bad_input_is_named():
    with Network("a21") as net:
        a21 = net.office("a21")
        for wrong, field in (({"number": 65}, "number"), ({"name": ""}, None), ({"group": "NOPE"}, "group"), ({"group": "GROUP_NOT_STATED"}, "group"), ({"codes": []}, "codes"),
                             ({"codes": ["FOOD"]}, "codes"), ({"codes": ["TRAUMA_COUNSELLING"] * 2}, "codes"), ({"age_min": 20}, None), ({"age_max": 131}, "age_max"),
                             ({"languages": "km"}, "languages"), ({"priorities": ["URGENT"]}, "priorities"),
                             ({"areas": [{"scheme": "PCODE", "code": "KH-17"}]}, "areas"), ({"languages": ["Khmer"]}, "languages"),
                             ({"areas": ["KH-99"]}, "areas"), ({"areas": ["Siem Reap"]}, "areas"), ({"areas": []}, "areas"),
                             ({"capacity": {"status": "HAS"}}, "valid_until"), ({"capacity": {"status": "SOME"}}, "status"),
                             ({"capacity": {"status": "FULL", "available": 3, "valid_until": tomorrow()}}, "available")):
            refused = a21.refused("bad_input", "service", **{**SERVICE, **wrong})
            check(refused.get("field") == (field or refused.get("field")), refused)
        check(not service_of(a21, "a21"))
        check("expected a list" in run(a21, "service", "-", given='{"services": "abc"}', code=2))
        run(a21, "service", "-", given='{"services": [{"do": "lock"}]}', code=2)  # what a file says is done is not done
        check("there is no" in run(a21, "capacity", "1", "--available", "2", "--until", tomorrow(), code=1)
              or "has no service" in run(a21, "capacity", "1", "--available", "2", "--until", tomorrow(), code=1))
        form_text = run(a21, "service", "--form")
        check("Saved on this computer: 1 service." in run(a21, "service", "-", given=form_text.replace('"name": ""', '"name": "Play"')))
        check("Siem Reap" in run(a21, "areas") and "KH1710" in run(a21, "areas", "KH-17"))
        run(a21, "areas", "KH-99", code=5)
        run(a21, "duty", "--telephone", "+855 12 345 678", "--hours", "day and night")
        until("the telephone is known", lambda: "+855 12 345 678" in json.dumps(a21.ask("directory")))


def imported_and_exported():
    with Network("a21", "police") as net:
        a21, police = net.office("a21"), net.office("police")
        offer(net, "a21")
        a21.ask("capacity", number=1, status="HAS", available=2, maximum=10, valid_until=tomorrow())
        until("the places are known", lambda: (service_of(police, "a21") or {}).get("capacity"))
        hsds = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../agents/hsds/onward-hsds")
        directory = json.loads(run(a21, "directory", "--json"))
        directory["organisations"] = [o for o in directory["organisations"] if o["id"] == "a21"]
        exported = subprocess.run([hsds, "export"], input=json.dumps(directory), capture_output=True, text=True, check=False)
        check(exported.returncode == 0, exported.stderr)
        exported = exported.stdout
        back = subprocess.run([hsds, "import"], input=exported, capture_output=True, text=True, check=False)
        check(back.returncode == 0, back.stderr)
        before = service_of(police, "a21")
        check("Saved on this computer: 1 service." in run(a21, "service", "-", given=back.stdout))
        after = until("it was said again", lambda: (lambda s: s if s and s["index"] > before["index"] else None)(service_of(police, "a21")))
        same = ("number", "name", "group", "codes", "age_min", "age_max", "languages", "priorities", "areas")
        check({k: before[k] for k in same} == {k: after[k] for k in same}, (before, after))


def watched(office):
    """The kinds of all that a watcher is told from now on."""
    kinds = []
    link = socket.socket(socket.AF_UNIX)
    link.connect(os.path.join(office.home, "socket"))
    link.sendall(b'{"do": "watch"}\n')
    lines = link.makefile()
    check(json.loads(lines.readline())["ok"])
    threading.Thread(target=lambda: kinds.extend(json.loads(line)["event"]["kind"] for line in lines), daemon=True).start()
    return kinds


def agreements_end():
    with Network("a21", "police", clocks=True) as net:
        a21, ministry, police = net.office("a21"), net.office("ministry"), net.office("police")
        until_ms = int((time.time() + 70 * 86400) * 1000)
        with open(f"{a21.home}/a21.request", encoding="utf-8") as file:
            ministry.ask("enrol", request=file.read(), agreement_until=time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(until_ms / 1000)))
        until("it is renewed", lambda: any(o["id"] == "a21" and o["agreement_until_ms"] for o in a21.ask("directory")["organisations"]))
        until("the registrar knows", lambda: any(o["id"] == "a21" and o["agreement_until_ms"] for o in ministry.ask("directory")["organisations"]))
        check(a21.ask("status")["agreements"] == [])
        own, theirs = watched(a21), watched(ministry)
        for days, left, count in ((11, 58, 1), (10, 48, 1), (20, 28, 2), (23, 5, 3)):
            net.goes_by(days * 24)
            until(f"{left} days are left", lambda: [one["days"] for one in a21.ask("status")["agreements"]] == [left])
            until("both were warned", lambda: own.count("agreement") == theirs.count("agreement") == count)
        check("ends in 5 days" in run(a21) and "ends in 5 days" in run(ministry))
        check(police.ask("status")["agreements"] == [])  # nobody else's business
        net.goes_by(6 * 24)
        until("it is over", lambda: [one["days"] for one in ministry.ask("status")["agreements"]] == [-1])
        check("has ended: it is offered nothing new" in run(a21))
        check("agreement has ended" in police.refused("not_allowed", "refer", **form(["a21"]))["what"])


TESTS = [agreements_end, found_by_need, referred_by_need, what_was_seen_on_that_day, places_are_asked_for, what_was_refused_is_told, bad_input_is_named, imported_and_exported]

run_tests(__file__, TESTS)
