#!/usr/bin/env python3
"""Every office behind a line of its own: 20 kbit/s each way, 1.5 s of round trip, cut again and again. Real programs.

    slow_link.py                                     for CI: a minute; no time is asserted
    slow_link.py --referrals 20 --cut 90 --idle 300  all of it: prints what docs/slow-link.md shows

An office has queued referrals for three others while its line was down. When the first are in the log it refers a child at high
risk. Every referral is sealed to all three, who are first in turn. Asserted: each comes to the one that it names first, once; the
log has the high one before all that had not left when it was saved; the line was cut meanwhile, and nobody raises an alarm.
"""
import argparse
import time

from bad_link import BadLink
from office import Network, form, until

BYTES_PER_S, ROUND_TRIP_S = 2500, 1.5
OTHERS = ["aple", "haven", "lawyers"]
WAIT_S = 1800  # only against hanging
HEADERS = 52   # bytes of IPv4 and of TCP with time stamps: of a segment, and of its acknowledgement


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--referrals", type=int, default=4)
    p.add_argument("--cut", type=float, default=30, metavar="S")
    p.add_argument("--idle", type=float, default=0, metavar="S", help="then look so long at what an idle office costs")
    return p.parse_args()


def behind_a_line(net, name, cut_s):
    """The office's agent, ended, will come back over a line of its own, with the settings that offices have."""
    office = net.office(name)
    office.end()
    office.line = BadLink(net.port, BYTES_PER_S, cut_s, ROUND_TRIP_S)
    with open(f"{office.home}/agent.conf", "w") as f:
        f.write(f"[exchange]\naddress = tcp://127.0.0.1:{office.line.port}\n")


def refer(police, n, priority):
    order = OTHERS[n % 3:] + OTHERS[:n % 3]
    case = form(order)
    case["brief"]["need"] += " needs somebody to talk to, and a place for the nights." * 6
    case["file"]["already_given"] += " Clothes, a telephone, one night at the station." * 12
    item = police.ask("refer", **{**case, "priority": priority, "ref": f"S-{n}"})["id"]
    return order[0], item


def places(police):
    """How far each item is: not_sent, sent (under way), logged."""
    return {i["id"]: i["delivery"] for i in police.ask("list", box="all")["items"]}


def index_of(police, item):
    return min(e["index"] for e in police.ask("show", id=item)["history"])


class Arrivals:
    """When each referral was first seen at whom it names first."""

    def __init__(self, net, items):
        self.net, self.items, self.seen = net, items, {}

    def all(self):
        for name in OTHERS:
            here = {i["id"] for i in self.net.office(name).ask("list", box="inbox")["items"] if i["has_brief"]}
            for to, item in self.items:
                if to == name and item in here:
                    self.seen.setdefault(item, time.monotonic())
        return len(self.seen) == len(self.items)


def send(net, count):
    """All referrals, the high one last; and those that had left, or were leaving, when it was saved."""
    police = net.office("police")
    items = [refer(police, n, "MEDIUM") for n in range(count)]
    arrivals = Arrivals(net, items)
    for name in ["police", *OTHERS]:
        net.office(name).line.cut_in(net.office(name).line.cut_s / 2)
    police.line.target, begin = net.port, time.monotonic()
    until("the first is in the log", lambda: "logged" in places(police).values(), WAIT_S)
    items.append(refer(police, count, "HIGH"))
    saved, left = time.monotonic(), {i for i, where in places(police).items() if where != "not_sent"}
    until("all have come", arrivals.all, WAIT_S)
    for _, item in items:
        police.until("received", item, WAIT_S)
    return begin, saved, items, left - {items[-1][1]}, arrivals.seen


def check(net, items, left):
    police, high = net.office("police"), items[-1][1]
    for to in OTHERS:
        expected = sorted(item for name, item in items if name == to)
        got = sorted(i["id"] for i in net.office(to).ask("list", box="inbox")["items"])
        assert got == expected, f"{to} has {got} in place of {expected}"
    order = sorted((item for _, item in items), key=lambda item: index_of(police, item))
    assert len(left) < len(items) - 1, "all of lower priority had left: there was nothing to overtake"
    before = set(order[:order.index(high)])
    assert before <= left, f"{len(before - left)} of lower priority overtook the high one"
    for name in ["police", *OTHERS]:
        assert net.office(name).alarms() == [], name
    return len(before)


def tell(net, count, begin, saved, items, left, seen, before):
    end = time.monotonic()
    print(f"{count} referrals, and then one of high priority; sealed to three organisations each")
    print(f"  the last has come to its recipient after      {max(seen.values()) - begin:6.0f} s")
    print(f"  its sender knows that of all after            {end - begin:6.0f} s")
    print(f"  the high one has come, since it was saved     {seen[items[-1][1]] - saved:6.0f} s")
    print(f"  under way when it was saved, and before it    {len(left):6d}, {before}")
    for name in ["police", *OTHERS]:
        line, n = net.office(name).line, len([1 for to, _ in items if name in ("police", to)])
        up, down = line.carried(begin)
        print(f"  {name:8} {line.cuts:2} cuts; sent {up:6} bytes, received {down:6}; for each of its {n} referrals {up / n:.0f} and {down / n:.0f}")


def idle(office, seconds):
    """What an office costs that has nothing to say, over a line that is not cut."""
    office.end()
    office.line.cut_s = None
    office.start()
    until("it is connected", lambda: office.ask("status")["connected"], WAIT_S)
    until("all is said", lambda: office.line.quiet(5), WAIT_S)
    since, connections = time.monotonic(), office.line.connections
    time.sleep(seconds)  # what is measured is the time itself
    days = (time.monotonic() - since) / 86400
    assert office.line.connections == connections, "a line that holds was given up"
    total = 0
    for word, way in (("sent", office.line.up), ("received", office.line.down)):
        parts = [size for when, size in list(way) if when >= since]
        total += sum(parts) + 2 * len(parts) * HEADERS
        print(f"  idle: {word:8} in {seconds:.0f} s {sum(parts):6} bytes in {len(parts):3} segments; a day {sum(parts) / days / 1000:6.0f} kB")
    print(f"  idle: with {HEADERS} bytes of headers for each segment and its acknowledgement a day {total / days / 1000:6.0f} kB")


def main():
    a = arguments()
    with Network("police", *OTHERS) as net:
        for name in ["police", *OTHERS]:
            behind_a_line(net, name, a.cut)
        net.office("police").line.target = 1  # nobody is there: the line is down
        for name in ["police", *OTHERS]:
            net.office(name).start().unlock()
        for name in OTHERS:
            until(f"{name} is connected", lambda name=name: net.office(name).ask("status")["connected"], WAIT_S)
        begin, saved, items, left, seen = send(net, a.referrals)
        before = check(net, items, left)
        assert net.office("police").line.cuts >= 1, "the line was never cut"
        tell(net, a.referrals, begin, saved, items, left, seen, before)
        if a.idle:
            idle(net.office("police"), a.idle)


main()
