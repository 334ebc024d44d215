"""What is under fire: a server that is killed and started again, and the processes around it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.resp import Closed, Connection
from harness.server import ROOT, example_binary, forebay_binary, free_port

HERE = Path(__file__).resolve().parent
PATIENCE_S = 60.0
CLIENTS = {
    "python": lambda: [sys.executable, str(HERE / "worker.py")],
    "node": lambda: ["node", str(HERE / "worker.mjs")],
    "rust": lambda: [example_binary("fire_worker")],
}


class FireFailed(Exception):
    """The run itself did not work, or something did not come to its end."""


class Server:
    """One server on one directory and port, over many lives."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.kills = 0
        self.outages = []
        self.process = None
        self.connection = None
        self.log = open(f"{directory}/log", "ab")

    def start(self):
        command = [forebay_binary(), "--port", str(self.port), "--save", ""]
        command += os.environ.get("FOREBAY_SETTINGS", "").split()
        command += ["--dir", self.directory, "--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise FireFailed(f"it does not start: {self.process.returncode}")
            try:
                self.connection = Connection(self.port, timeout_s=PATIENCE_S)
                if not self.connection.call("PING").is_error:
                    return
            except (ConnectionError, Closed):
                pass
            # It is on its way; nothing tells when it has arrived but trying.
            time.sleep(0.005)
        raise FireFailed("it does not get ready")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.connection.close()
        self.kills += 1

    def restart(self, pause_s):
        begun = time.time_ns() // 1000
        self.kill()
        time.sleep(pause_s)
        self.start()
        self.outages.append((begun, time.time_ns() // 1000))

    def ask(self, *words):
        return self.connection.ask(*words)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Worker:
    """One worker process of a station, and where it writes its history."""

    def __init__(self, station, kind, name, path, orders):
        self.station = station
        self.kind = kind
        self.name = name
        self.path = path
        environment = os.environ | {"COMPAT_NODE": str(ROOT / ".cache" / "node")}
        # It may be killed before it has written anything.
        Path(path).touch()
        with open(f"{path}.log", "wb") as log:
            self.process = subprocess.Popen(
                [*CLIENTS[kind](), path, json.dumps(orders)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def kill(self):
        self.process.kill()
        self.process.wait()

    def has_vanished(self):
        """Whether it killed itself. That it ended otherwise is a failure."""
        status = self.process.poll()
        if status is None:
            return False
        if status != -signal.SIGKILL:
            log = Path(f"{self.path}.log").read_text(errors="replace")[-2000:]
            raise FireFailed(f"{self.kind} worker {self.name} ended with {status}:\n{log}")
        return True


class Crew:
    """The workers of all stations; who is killed is replaced at once."""

    def __init__(self, server, stations, fates, dice):
        self.server = server
        self.fates = fates
        self.dice = dice
        self.hired = 0
        self.killed = 0
        self.at_work = []
        self.past = []
        for station in stations:
            for _ in range(station.workers):
                self.hire(station)

    def hire(self, station, name=None):
        self.hired += 1
        # Node takes longest to start, Rust least to run.
        kind = self.dice.choices(list(CLIENTS), (4, 2, 5))[0]
        recall = name is not None
        name = name or f"{kind}-{self.hired}"
        path = f"{self.server.directory}/worker-{self.hired}"
        orders = {
            "port": self.server.port,
            "name": name,
            "seed": self.dice.randrange(1 << 32),
            "stream": station.stream,
            "group": station.group,
            "lease": station.policy.lease,
            "fates": self.fates,
            "reads": station.reads,
            "count": station.count,
            "work": station.work,
            "recall": recall,
        }
        self.at_work.append(Worker(station, kind, name, path, orders))

    def replace(self, worker):
        """Somebody new, or the same consumer again, who first asks what it holds."""
        self.at_work.remove(worker)
        self.past.append(worker)
        self.killed += 1
        self.hire(worker.station, worker.name if self.dice.random() < 0.5 else None)

    def kill_one(self):
        worker = self.dice.choice(self.at_work)
        worker.kill()
        self.replace(worker)

    def replace_vanished(self):
        for worker in [worker for worker in self.at_work if worker.has_vanished()]:
            self.replace(worker)

    def everyone(self):
        return self.past + self.at_work

    def end(self):
        for worker in self.at_work:
            worker.kill()


class Producer:
    """The process that adds jobs."""

    def __init__(self, server, path, orders):
        self.path = path
        with open(f"{path}.log", "wb") as log:
            command = [sys.executable, str(HERE / "producer.py"), path]
            command.append(json.dumps(orders | {"port": server.port}))
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_over(self):
        status = self.process.poll()
        if status not in (None, 0):
            log = Path(f"{self.path}.log").read_text(errors="replace")[-2000:]
            raise FireFailed(f"the producer ended with {status}:\n{log}")
        return status == 0

    def end(self):
        self.process.kill()
        self.process.wait()
