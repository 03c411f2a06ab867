"""A link as bad as some are: everything passes slowly, and is cut again and again. Loopback only."""
import select
import socket
import threading
import time


class BadLink:
    """Forwards 127.0.0.1:port to a target; `bytes_per_s` each way, each connection cut after `cut_s`."""

    def __init__(self, target, bytes_per_s, cut_s):
        self.target, self.bytes_per_s, self.cut_s, self.cuts = target, bytes_per_s, cut_s, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            near.close()
            return
        end = time.monotonic() + self.cut_s
        slice_s = 0.02
        while time.monotonic() < end:
            begin = time.monotonic()
            ready, _, _ = select.select([near, far], [], [], slice_s)
            try:
                for one in ready:
                    part = one.recv(max(1, int(self.bytes_per_s * slice_s)))
                    if not part:
                        end = 0
                    (far if one is near else near).sendall(part)
            except OSError:
                break
            time.sleep(max(0.0, slice_s - (time.monotonic() - begin)))
        self.cuts += 1
        near.close()
        far.close()

    def close(self):
        self.listener.close()
