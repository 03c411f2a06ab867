"""A link as bad as some are: slow, far, and cut again and again. Loopback only."""
import collections
import select
import socket
import threading
import time

PART_S = 0.05  # how much of the line one read may take


class Way:
    """One direction of one connection: bytes enter one behind the other at the line's rate, and come out half a round trip later."""

    def __init__(self, link, source, target, counts):
        self.link, self.source, self.target, self.counts = link, source, target, counts
        self.on_the_line = collections.deque()  # (when it comes out, bytes)
        self.free = time.monotonic() + link.round_trip_s  # TCP's own handshake
        self.ended = False

    def reads(self, now):
        return not self.ended and now >= self.free

    def enter(self, now):
        part = self.source.recv(max(1, int(self.link.bytes_per_s * PART_S)))
        self.ended = not part
        self.counts.append((now, len(part)))
        self.free = max(now, self.free) + len(part) / self.link.bytes_per_s
        self.on_the_line.append((self.free + self.link.round_trip_s / 2, part))

    def leave(self, now):
        """False: what was on the line when its source hung up has come out."""
        while self.on_the_line and self.on_the_line[0][0] <= now:
            self.target.sendall(self.on_the_line.popleft()[1])
        return not self.ended or bool(self.on_the_line)

    def due(self):
        return min([self.free] * (not self.ended) + [when for when, _ in list(self.on_the_line)[:1]], default=0)


class BadLink:
    """Forwards 127.0.0.1:port to a target; `bytes_per_s` each way, each connection cut after `cut_s` (None: never)."""

    def __init__(self, target, bytes_per_s, cut_s=None, round_trip_s=0.0):
        self.target, self.bytes_per_s, self.cut_s, self.round_trip_s = target, bytes_per_s, cut_s, round_trip_s
        self.cuts, self.connections, self.cut_at = 0, 0, 0.0
        self.up, self.down = [], []  # (when, bytes) of every part that entered the line: TCP's payload
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what is not on the line waits at its sender
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connection, args=(near,), daemon=True).start()

    def connection(self, near):
        far = socket.socket()
        try:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            far.connect(("127.0.0.1", self.target))
            self.connections += 1
            self.carry(Way(self, near, far, self.up), Way(self, far, near, self.down))
        except OSError:
            pass
        finally:
            near.close()
            far.close()

    def carry(self, *ways):
        begin = time.monotonic()
        end = begin + (self.cut_s or 1e9)
        for one in (ways[0].source, ways[1].source):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (now := time.monotonic()) < (min(end, self.cut_at) if self.cut_at > begin else end):
            if not all([way.leave(now) for way in ways]):
                return
            waiting = [way.source for way in ways if way.reads(now)]
            later = [way.due() for way in ways if way.due() > now]
            ready, _, _ = select.select(waiting, [], [], max(0.0, min(later + [end, now + 0.2]) - now))
            for way in ways:
                if way.source in ready:
                    way.enter(time.monotonic())
        self.cuts += 1

    def cut_in(self, seconds):
        """Once, before its time."""
        self.cut_at = time.monotonic() + seconds

    def quiet(self, seconds):
        """Nothing has entered the line for so long."""
        return all(when < time.monotonic() - seconds for way in (self.up, self.down) for when, _ in way[-1:])

    def carried(self, since=0.0):
        """Bytes up and down that entered the line since then (time.monotonic)."""
        return [sum(size for when, size in list(way) if when >= since) for way in (self.up, self.down)]

    def close(self):
        self.listener.close()
