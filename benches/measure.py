"""What the measurements share: pinned servers, fast filling, medians, tables."""

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "compat"))

from harness.resp import encode
from harness.server import Server, forebay_binary, oracle_binary

# Two fields with 33 bytes of values: a job's kind and a small payload.
ENTRY = [b"kind", b"thumbnail:300x200", b"payload", b"picture-00000042"]
ELEMENT = b"thumbnail:300x200picture-00000042"
STREAM, GROUP, LIST = b"stream", b"group", b"list"
MARKER = b"end-of-batch"


def cores():
    """The core for servers and the core for whoever loads them."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def server_binaries(peers):
    """[(name, binary)], Forebay first."""
    named = [("forebay", forebay_binary())]
    if peers:
        named += [("redis 8.2.3", oracle_binary("redis")), ("valkey 9.1.2", oracle_binary("valkey"))]
    return named


def pinned(binary):
    """A server that runs on its own core."""
    return Server(binary, core=cores()[0])


def exchange(connection, payload):
    """Sends a batch of requests and takes all their replies, unparsed: only the end is looked for."""
    connection.send_raw(payload + encode((b"ECHO", MARKER)))
    tail = b""
    while not tail.endswith(MARKER + b"\r\n"):
        chunk = connection.socket.recv(1 << 18)
        if not chunk:
            raise RuntimeError("the server closed the connection")
        tail = (tail + chunk)[-64:]


def batches(commands, size=500):
    """Requests of many commands, `size` to one write."""
    chunk = []
    for command in commands:
        chunk.append(encode(command))
        if len(chunk) == size:
            yield b"".join(chunk)
            chunk = []
    if chunk:
        yield b"".join(chunk)


def run_all(connection, commands):
    for payload in batches(commands):
        exchange(connection, payload)


def repeat(connection, command, count, size=500):
    """The same command `count` times."""
    payload = encode(command) * size
    for _ in range(count // size):
        exchange(connection, payload)
    if count % size:
        exchange(connection, encode(command) * (count % size))


def fill_stream(connection, count):
    """`count` entries under ids of the clock."""
    repeat(connection, (b"XADD", STREAM, b"*", *ENTRY), count)
    found = connection.ask("XLEN", STREAM)
    if int(found) < count:
        raise RuntimeError(f"stream has {found} entries, wanted {count}")


def deliver(connection, count, consumers, at_once=100):
    """Delivers `count` entries of the stream in turn to consumers `c0` … and leaves them pending."""
    left, turn = count, 0
    while left > 0:
        take = min(left, at_once)
        consumer = b"c%d" % (turn % consumers)
        command = (b"XREADGROUP", b"GROUP", GROUP, consumer, b"COUNT", b"%d" % take, b"STREAMS", STREAM, b">")
        exchange(connection, encode(command))
        left -= take
        turn += 1
    found = pending_count(connection)
    if found < count:
        raise RuntimeError(f"{found} entries are pending, wanted {count}")


def group_facts(connection):
    """The first group of XINFO GROUPS, by field name."""
    row = connection.ask("XINFO", "GROUPS", STREAM)[0]
    return dict(zip(row[::2], row[1::2], strict=True))


def pending_count(connection):
    return int(group_facts(connection)[b"pending"])


class Load:
    """redis-benchmark on the other core."""

    def __init__(self, port, pipeline, clients=50):
        self.common = ["taskset", "-c", str(cores()[1]), "redis-benchmark", "-p", str(port)]
        self.common += ["-c", str(clients), "-P", str(pipeline), "--csv"]

    def run(self, count, command, random_below=None):
        """Runs one command `count` times. Gives operations a second as the load saw them."""
        words = [*self.common, "-n", str(count)]
        if random_below:
            words += ["-r", str(random_below)]
        words += [word.decode() for word in command]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
        rates = re.findall(r'^"[^"]*","([\d.]+)"', done.stdout, re.MULTILINE)
        if done.returncode or not rates or "rror" in done.stdout:
            raise RuntimeError(f"redis-benchmark failed: {done.stdout}{done.stderr}")
        return float(rates[-1])


def median(values):
    return statistics.median(values)


def table(heads, rows):
    """Prints rows in columns; the first is text, the rest stands right."""
    cells = [list(map(str, row)) for row in [heads, *rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    for row in cells:
        padded = [
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(padded).rstrip())
