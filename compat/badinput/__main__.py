"""Bad input and bad company: after each case the server still serves others, has let go of what it
held, and has said in its log what it refused, in a line each.

    python3 compat/badinput [--seed N] [--connections N]
"""

import argparse
import random
import resource
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.resp import Closed, Connection, encode
from harness.server import Server, forebay_binary

MIB = 1 << 20
SETTLE_TIMEOUT_S = 10.0
# What may stay behind after a case: allocator caches, grown tables.
MEMORY_SLACK_BYTES = 8 * MIB
CONNECTIONS = 10_000
# Descriptors that the test and the server need beside the silent connections.
SPARE_DESCRIPTORS = 200

# Requests that Redis refuses, and its words.
REFUSED = [
    (b"*2147483648\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*x\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*99999999999999999999\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1\r\n$536870913\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$-1\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$x\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n+PING\r\n", b"-ERR Protocol error: expected '$', got '+'\r\n"),
    (b'SET "unbalanced\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"*" + b"1" * 70_000, b"-ERR Protocol error: too big mbulk count string\r\n"),
    (b"*1\r\n$" + b"1" * 70_000, b"-ERR Protocol error: too big bulk count string\r\n"),
    (b"x" * 70_000, b"-ERR Protocol error: too big inline request\r\n"),
]


class Failed(Exception):
    """The server did not bear something."""


class Company:
    """The server with a bystander, whose requests have to be answered whatever others do."""

    def __init__(self, server):
        self.server = server
        self.bystander = server.connect()
        self.turn = 0
        self.logs_refusals = b"forebay_version" in self.bystander.ask("INFO", "server")

    def others_are_served(self):
        """Writes and reads, on the bystander's connection and on a new one."""
        self.turn += 1
        newcomer = self.server.connect()
        for connection in (self.bystander, newcomer):
            connection.ask("SET", "turn", self.turn)
            if connection.ask("GET", "turn") != b"%d" % self.turn:
                raise Failed("the bystander read what it did not write")
        newcomer.close()

    def used_memory(self):
        return self.server.used_memory(self.bystander)

    def await_clients(self, count):
        """Until the server counts `count` connections besides the bystander."""
        self._await(
            lambda: b"connected_clients:%d\r" % (count + 1) in self.bystander.ask("INFO", "clients"),
            lambda: self.bystander.ask("INFO", "clients").decode(),
        )

    def await_memory(self, limit_bytes):
        """Until no more than `limit_bytes` is in use."""
        self._await(lambda: self.used_memory() <= limit_bytes, lambda: self.used_memory())

    def _await(self, met, tell):
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while not met():
            if time.monotonic() > deadline:
                raise Failed(f"not settled after {SETTLE_TIMEOUT_S} s: {tell()}")

    def log_lines(self):
        # A snapshot may be told of at any time.
        lines = self.server.log().splitlines()
        return sum("Snapshot written" not in line for line in lines)

    def expect_log(self, before, low, high, what):
        """Between `low` and `high` lines have been logged since `before`."""
        if not self.logs_refusals:
            return
        self._await(lambda: self.log_lines() - before >= low, lambda: f"{what}: log is silent")
        grown = self.log_lines() - before
        if grown > high:
            raise Failed(f"{what}: {grown} log lines for {high} connections")


def read_to_end(connection, timeout_s=5.0):
    """All that comes until the server closes."""
    said = b""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            connection.receive(deadline - time.monotonic())
        except Closed:
            return said + bytes(connection.buffer)
    raise Failed(f"the server did not close; it said {bytes(connection.buffer[:200])!r}")


def refused_requests(company, _):
    """Every request that breaks the protocol gets Redis's words, then the end."""
    before = company.log_lines()
    for payload, wanted in REFUSED:
        connection = company.server.connect()
        connection.send_raw(payload)
        said = read_to_end(connection)
        if said != wanted:
            raise Failed(f"{payload[:40]!r}: {said[:200]!r}, wanted {wanted!r}")
        connection.close()
    company.expect_log(before, len(REFUSED), len(REFUSED), "refused requests")


def random_bytes(company, rng):
    """Noise of every length, whole and in pieces, some of it dressed as a request."""
    before = company.log_lines()
    count = 400
    for at in range(count):
        noise = rng.randbytes(rng.choice([1, 7, 64, 1000, 20_000]))
        if at % 3 == 0:
            noise = rng.choice([b"*", b"*3\r\n$3\r\n", b"$", b"*1\r\n", b"SET "]) + noise
        connection = company.server.connect()
        half = rng.randrange(len(noise) + 1)
        connection.send_raw(noise[:half])
        connection.send_raw(noise[half:])
        if at % 2:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        if at % 20 == 0:
            company.others_are_served()
    company.await_clients(0)
    company.expect_log(before, 0, count, "random bytes")


def truncated_requests(company, _):
    """A pipeline cut at every byte: what is whole is done, what is not leaves no trace."""
    whole = [(b"XADD", b"cut", b"*", b"field", b"value"), (b"RPUSH", b"cutlist", b"element")]
    payload = b"".join(map(encode, whole))
    first = len(encode(whole[0]))
    for cut in range(len(payload)):
        connection = company.server.connect()
        connection.send_raw(payload[:cut])
        connection.socket.shutdown(socket.SHUT_WR)
        connection.close()
    company.await_clients(0)
    entries, elements = company.bystander.ask("XLEN", "cut"), company.bystander.ask("LLEN", "cutlist")
    if int(elements) or int(entries) > len(payload) - first:
        raise Failed(f"{entries} entries and {elements} elements came from truncated requests")


def oversized_requests(company, _):
    """More in one request than the settings allow: refused, and what had come in is let go."""
    base = company.used_memory()
    company.bystander.ask("CONFIG", "SET", "proto-max-bulk-len", MIB)
    company.bystander.ask("CONFIG", "SET", "client-query-buffer-limit", 2 * MIB)
    before = company.log_lines()
    connection = company.server.connect()
    connection.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (MIB + 1))
    said = read_to_end(connection)
    if said != b"-ERR Protocol error: invalid bulk length\r\n":
        raise Failed(f"a bulk over proto-max-bulk-len: {said!r}")
    connection = company.server.connect()
    # No single argument is over its limit, but what the transaction holds is.
    connection.ask("MULTI")
    connection.send_raw(encode((b"DEL", b"k" * 900_000)) * 6)
    read_to_end(connection)
    company.expect_log(before, 2, 2, "oversized requests")
    company.await_clients(0)
    company.await_memory(base + MEMORY_SLACK_BYTES)
    company.bystander.ask("CONFIG", "SET", "proto-max-bulk-len", 512 * MIB)
    company.bystander.ask("CONFIG", "SET", "client-query-buffer-limit", 1024 * MIB)


def promised_much(company, _):
    """Connections that announce large arguments and send little: memory goes by what came."""
    base = company.used_memory()
    liars = []
    for _ in range(50):
        connection = company.server.connect()
        connection.send_raw(b"*1000000\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nx")
        liars.append(connection)
    company.others_are_served()
    held = company.used_memory() - base
    if held > 50 * 2 * MIB:
        raise Failed(f"50 announcements of 512 MiB hold {held} bytes")
    for connection in liars:
        connection.close()
    company.await_clients(0)
    company.await_memory(base + MEMORY_SLACK_BYTES)


def silent_connections(company, _, wanted=CONNECTIONS):
    """Many connections that say nothing."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(wanted, hard - SPARE_DESCRIPTORS)
    if count < wanted:
        print(f"  (only {count} silent connections: the limit of open files is {hard})")
    base = company.used_memory()
    silent = []
    try:
        for at in range(count):
            silent.append(Connection(company.server.port))
            if at % 1000 == 0:
                company.others_are_served()
        company.await_clients(count)
        held = company.used_memory() - base
        began = time.monotonic()
        for _ in range(100):
            company.others_are_served()
        each_ms = (time.monotonic() - began) * 10
        print(f"  {count} silent connections: {held // count} bytes each, "
              f"the others' round of requests takes {each_ms:.1f} ms")  # fmt: skip
    finally:
        for connection in silent:
            connection.close()
    company.await_clients(0)
    company.await_memory(base + MEMORY_SLACK_BYTES)


def never_reads(company, _):
    """A client that asks for 400 MiB of replies and takes none is closed at its output limits, the
    hard one or, where the server stops reading from it before, the soft one after a second."""
    limit = 16 * MIB
    # How much is left when the kernel takes no more is chance, so the soft limit is a byte.
    limits = f"normal {limit} 1 1"
    company.bystander.ask("CONFIG", "SET", "client-output-buffer-limit", limits)
    company.bystander.ask("SET", "big", b"v" * MIB)
    base = company.used_memory()
    before = company.log_lines()
    greedy = company.server.connect()
    most = 0
    for _ in range(400):
        greedy.send("GET", "big")
        most = max(most, company.used_memory() - base)
        company.others_are_served()
        if greedy.closed:
            break
    if most > limit + 16 * MIB:
        raise Failed(f"replies nobody read held {most} bytes at a limit of {limit}")
    company.await_clients(0)
    company.await_memory(base + MEMORY_SLACK_BYTES)
    company.expect_log(before, 1, 1, "a client that never reads")
    print(f"  closed; its replies held {most / MIB:.1f} MiB at most, of a limit of {limit // MIB}")
    company.bystander.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
    company.bystander.ask("DEL", "big")


def slow_sender(company, rng):
    """Requests that arrive byte by byte on many connections at once are all answered."""
    senders = [company.server.connect() for _ in range(50)]
    payload = encode((b"ECHO", b"a\r\nb")) + b"PING\r\n"
    for byte in payload:
        rng.shuffle(senders)
        for connection in senders:
            connection.send_raw(bytes([byte]))
    for connection in senders:
        if connection.read()[1] + connection.read()[1] != b"$4\r\na\r\nb\r\n+PONG\r\n":
            raise Failed("a request sent byte by byte was misread")
        if connection.receive(0):
            raise Failed("there was more than the replies")
        connection.close()
    company.await_clients(0)


CASES = [
    refused_requests,
    random_bytes,
    truncated_requests,
    slow_sender,
    oversized_requests,
    promised_much,
    never_reads,
    silent_connections,
]


def main():
    parser = argparse.ArgumentParser(prog="badinput", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    # The server inherits the limit.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    failed = 0
    with Server(forebay_binary(), "--maxclients", CONNECTIONS + 100) as server:
        company = Company(server)
        for case in CASES:
            try:
                case(company, random.Random(options.seed))
                company.others_are_served()
                company.await_clients(0)
                print(f"passed  {case.__name__}", flush=True)
            except (Failed, RuntimeError, Closed, OSError) as problem:
                failed += 1
                print(f"FAILED  {case.__name__}: {problem}", flush=True)
                if not server.alive():
                    print(f"the server died:\n{server.log()[-3000:]}")
                    break
        if failed:
            print(f"the server's log ends:\n{server.log()[-2000:]}")
    return 1 if failed else 0


sys.exit(main())
