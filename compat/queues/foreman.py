"""Where workers under test ask how their work ends, and what they did is written down."""

import socketserver
import threading
import time
from dataclasses import dataclass


@dataclass
class Attempt:
    """One run of a job by a worker. Times are of `time.monotonic`."""

    worker: str
    id: str
    job: dict
    began: float
    # How many have begun this entry, this one included, those of the same group only.
    nth: int
    ended: float | None = None
    verdict: str | None = None


class Foreman:
    """A server on a port of its own; `decide(attempt)` may take its time and says `ok` or what failed."""

    def __init__(self, decide=None):
        self.decide = decide or (lambda attempt: "ok")
        self.attempts = []
        self.lock = threading.Lock()
        foreman = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                foreman.answer(self.rfile, self.wfile)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 100

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, reader, writer):
        line = reader.readline().decode().rstrip("\n")
        if not line:
            return  # It was killed before it could say what it does.
        worker, id, *fields = line.split("\t")
        job = dict(field.split("=", 1) for field in fields)
        with self.lock:
            group = worker.split("/")[0]
            before = [it for it in self.attempts if it.id == id and it.worker.split("/")[0] == group]
            attempt = Attempt(worker, id, job, time.monotonic(), len(before) + 1)
            self.attempts.append(attempt)
        verdict = self.decide(attempt)
        with self.lock:
            # Before the worker knows: whatever it does next comes later.
            attempt.ended, attempt.verdict = time.monotonic(), verdict
        try:
            writer.write(verdict.encode() + b"\n")
        except OSError:
            attempt.verdict = "gone"

    def of(self, **fields):
        """The attempts at jobs that have these fields, in the order in which they began."""
        with self.lock:
            found = list(self.attempts)
        return [it for it in found if all(it.job.get(name) == str(v) for name, v in fields.items())]

    def done(self, **fields):
        return [it for it in self.of(**fields) if it.verdict == "ok"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
