"""What the stories in Python share: their server, workers as processes, waiting, and the report."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections import Counter, defaultdict
from pathlib import Path

URL = os.environ["JOBS_URL"]
PORT = int(os.environ["JOBS_PORT"])
FOLDER = Path(os.environ["JOBS_FOLDER"])
LEDGER = Path(os.environ["JOBS_LEDGER"])
REPORT = Path(os.environ["JOBS_REPORT"])
SCALE = float(os.environ["JOBS_SCALE"])
VENV = Path(os.environ["JOBS_CACHE"]) / "venv" / "bin"

# Nothing here takes a tenth of this on a quiet machine.
WAIT_LIMIT_S = 120
STOP_LIMIT_S = 60
POLL_S = 0.02
LOG_TAIL_BYTES = 1500


class Failed(Exception):
    """Something is not as the story wants it."""


def expect(what, found, wanted):
    if found != wanted:
        raise Failed(f"{what}: {found!r}, wanted {wanted!r}")


def scaled(count):
    return max(1, round(count * SCALE))


class Ledger:
    """Reads the ledger as it grows."""

    def __init__(self):
        self.file = open(LEDGER, "rb")
        self.rest = b""
        self.runs = defaultdict(Counter)

    def of(self, case):
        """How often each job of a case was finished by now."""
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in lines:
            name, job = line.decode().split("\t")
            self.runs[name][job] += 1
        return self.runs[case]


class Worker:
    """A process of the library's, in a group of its own with whatever it forks."""

    def __init__(self, name, *command, environment=None):
        self.name = name
        self.log = FOLDER / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), env=os.environ | (environment or {}), process_group=0,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def ended(self):
        return self.process.poll() is not None

    def said(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        """Kills it and all it has forked with -9."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            # It had killed itself, as some jobs do.
            pass
        self.process.wait()

    def stop(self):
        """Asks it to finish what it is at and go; raises if it does not, or goes with an error."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not stop") from None


class Story:
    """One run: a context manager that ends its workers and shows their logs if it failed."""

    def __init__(self):
        self.ledger = Ledger()
        self.workers = []
        self.reported_at = time.monotonic()
        # Those that were stopped or died as they should; for their logs.
        self.gone = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for worker in self.workers:
            worker.kill()
        if kind is not None:
            for worker in self.gone + self.workers:
                print(f"-- {worker.name}:\n{worker.said()[-LOG_TAIL_BYTES:]}")

    def start(self, name, *command, environment=None):
        worker = Worker(name, *command, environment=environment)
        self.workers.append(worker)
        return worker

    def stop(self, *workers):
        for worker in workers:
            worker.stop()
            self._bury(worker)

    def kill(self, worker):
        """Kills a worker with -9, and what it forked."""
        worker.kill()
        self._bury(worker)

    def wait_for_death(self, worker):
        """Waits until a worker has been killed with -9 by a job of its own."""
        self._bury(worker)
        self.wait(f"the death of {worker.name}", worker.ended)
        expect(f"how {worker.name} ended", worker.process.returncode, -signal.SIGKILL)

    def _bury(self, worker):
        self.workers.remove(worker)
        self.gone.append(worker)

    def wait(self, what, condition, limit_s=WAIT_LIMIT_S):
        """Waits until the condition gives something true, and gives that."""
        deadline = time.monotonic() + limit_s
        while True:
            found = condition()
            if found:
                return found
            for worker in self.workers:
                if worker.ended():
                    raise Failed(f"{worker.name} ended while waiting: {what}")
            if time.monotonic() > deadline:
                raise Failed(f"waited {limit_s} s in vain: {what}")
            # The libraries' workers tell nobody here; looking again is the only way.
            time.sleep(POLL_S)

    def wait_for_jobs(self, case, count, limit_s=WAIT_LIMIT_S):
        """Waits until so many different jobs of a case were finished."""
        try:
            self.wait(f"{count} jobs of {case}", lambda: len(self.ledger.of(case)) >= count, limit_s)
        except Failed as failure:
            raise Failed(f"{failure}; {len(self.ledger.of(case))} are done") from None

    def report(self, case, jobs, view="", by_time=False):
        """Ends a case: its jobs (names, their number if they are 0 to N-1, None if it has none of its
        own) and what the library says; whether there are more jobs the longer it takes."""
        now = time.monotonic()
        line = {
            "case": case,
            "jobs": list(jobs) if isinstance(jobs, (list, tuple)) else jobs,
            "view": view,
            "by_time": by_time,
            "seconds": now - self.reported_at,
        }
        self.reported_at = now
        with open(REPORT, "a") as report:
            report.write(json.dumps(line) + "\n")


def fetch(address, limit_s=30):
    """Text of a page. Raises urllib's errors."""
    with urllib.request.urlopen(address, timeout=limit_s) as reply:
        return reply.read().decode()


def fetch_json(address):
    return json.loads(fetch(address))


def answers(address):
    """Whether something serves HTTP there by now."""
    try:
        fetch(address)
    except OSError:
        # Also what urllib raises for a reply that is an error.
        return False
    return True
