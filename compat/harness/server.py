"""Starts a server the way people start redis-server, and stops it again."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .resp import Closed, Connection

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0
# CPUCLOCK_SCHED of the kernel: user and system time of all threads.
CPU_CLOCK_OF_PROCESS = 2


def forebay_binary():
    """The binary under test: FOREBAY_BIN, or the release build of this checkout."""
    return os.environ.get("FOREBAY_BIN") or str(ROOT / "target" / "release" / "forebay")


def example_binary(name):
    """An example of the crate, as `compat/run` has built it."""
    folder = os.environ.get("COMPAT_EXAMPLES") or ROOT / "target" / "debug" / "examples"
    return str(Path(folder) / name)


def oracle_binary(name):
    """A peer's binary (`redis` or `valkey`), as `compat/run` unpacked it or as the caller says."""
    named = os.environ.get(f"{name.upper()}_ORACLE_BIN")
    return named or str(ROOT / ".cache" / "oracles" / f"{name}-server")


def free_port():
    """A port nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server process with a directory of its own; a context manager."""

    def __init__(self, binary, *settings, core=None):
        self.binary = binary
        self.settings = settings
        self.core = core
        self.process = None
        self.port = None
        self.directory = None
        self.log_path = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="forebay-compat-")
        self.log_path = os.path.join(self.directory, "log")
        self.port = free_port()
        command = [self.binary, "--port", str(self.port), "--save", "", "--appendonly", "no"]
        if self.binary == forebay_binary():
            # The suites say here what durability they run with; measurements say so themselves.
            command += os.environ.get("FOREBAY_SETTINGS", "").split()
        command += ["--dir", self.directory, *map(str, self.settings)]
        if self.core is not None:
            command = ["taskset", "-c", str(self.core), *command]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._await_answer()

    def _await_answer(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(
                    f"{self.binary} ended with {self.process.returncode} at start:\n{self.log()}"
                )
            try:
                connection = Connection(self.port)
                reply = connection.call("PING")
                connection.close()
                if not (reply.is_error and reply.value.startswith(b"LOADING")):
                    return
            except (ConnectionError, Closed):
                pass
            # Nothing tells a stranger that the port is open, or the data loaded, but trying it.
            time.sleep(0.01)
        raise RuntimeError(f"{self.binary} did not answer:\n{self.log()}")

    def connect(self, timeout_s=10.0):
        return Connection(self.port, timeout_s=timeout_s)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def cpu_s(self):
        """User and system time of the process so far, seconds.

        By the process's CPU clock (clock_getcpuclockid), which counts nanoseconds;
        /proc/PID/stat has ticks of 10 ms, an eighth of a short measurement.
        """
        clock = (~self.process.pid << 3) | CPU_CLOCK_OF_PROCESS
        return time.clock_gettime(clock)

    def used_memory(self, connection):
        """`used_memory` of INFO, bytes."""
        text = connection.ask("INFO", "memory").decode()
        return int(re.search(r"^used_memory:(\d+)", text, re.MULTILINE).group(1))

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None
