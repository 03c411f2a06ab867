"""A stand-in for Onward on this computer, so that the command line can be tested alone: it listens on the local socket of a data
folder, answers what a test has put there, and keeps every request."""
import json
import os
import socket
import threading


class FakeOnward:
    """`answers` maps a request's "do" to an answer, to a list of answers given one after another (the last one stays), or to a
    function of the request. Lines in `events` are sent after `watch`; then the connection ends."""

    def __init__(self, home):
        self.home = home
        self.requests = []
        self.answers = {"status": {"ok": True, "organisation": "aple", "name": "APLE", "connected": True, "locked": False,
                                   "unsent": 0, "alarms": [], "network": "one two three four five six"},
                        "directory": {"ok": True, "organisations": []}}
        self.events = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(home, "socket"))
        self.listener.listen()
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def answer(self, request):
        answer = self.answers.get(request["do"], {"ok": False, "code": "broken", "what": "the test has no answer"})
        if callable(answer):
            return answer(request)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def talk(self, connection):
        with connection, connection.makefile("rw", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                request = json.loads(line)
                self.requests.append(request)
                lines.write(json.dumps(self.answer(request)) + "\n")
                lines.flush()
                if request["do"] == "watch":
                    for event in self.events:
                        lines.write(json.dumps(event) + "\n")
                    lines.flush()
                    return

    def asked(self, name):
        return [request for request in self.requests if request["do"] == name]

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits there
        self.server.join()
        self.listener.close()
        os.unlink(os.path.join(self.home, "socket"))
