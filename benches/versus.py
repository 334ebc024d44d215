"""CPU time per operation of Forebay, redis-server and valkey-server, in one run.

Each server is pinned to one core and `redis-benchmark -c 50` to the other. What is told is the
server process's own user and system time over the operations, median of interleaved rounds: the
clock on the wall would measure the load generator as well. A missed target does not fail the run.
"""

import argparse
import contextlib
import sys
from dataclasses import dataclass

from measure import (
    ELEMENT,
    ENTRY,
    GROUP,
    LIST,
    STREAM,
    Load,
    encode,
    exchange,
    fill_stream,
    group_facts,
    median,
    pinned,
    repeat,
    server_binaries,
    table,
)


@dataclass(frozen=True)
class Case:
    """One line of the table. `target` is the most that Forebay may cost, in parts of the better peer."""

    name: str
    pipeline: int
    count: int
    command: tuple
    target: float | None = None
    # Entries one operation delivers; the stream is filled for all of them beforehand.
    delivers: int = 0
    acknowledges: bool = False
    # How many numbers `__rand_int__` stands for; 0 where the command holds none.
    random_below: int = 0


def read_group(count):
    return (b"XREADGROUP", b"GROUP", GROUP, b"c0", b"COUNT", b"%d" % count, b"STREAMS", STREAM, b">")


def cases(scale):
    """The cases at a scale: 1.0 is the full run."""
    deep, shallow = int(1_000_000 * scale), int(200_000 * scale)
    xadd = (b"XADD", STREAM, b"*", *ENTRY)
    lpush = (b"LPUSH", LIST, ELEMENT)
    xack = (b"XACK", STREAM, GROUP, b"__rand_int__-1")
    return [
        *others(deep),
        Case("XADD", 32, deep, xadd, 0.7),
        Case("LPUSH", 32, deep, lpush, 0.7),
        Case("XREADGROUP COUNT 1", 32, deep // 2, read_group(1), 0.25, delivers=1),
        Case("XREADGROUP COUNT 10", 32, deep // 10, read_group(10), delivers=10),
        Case("XACK", 32, deep // 2, xack, acknowledges=True, random_below=deep // 2),
        Case("SET", 32, deep, (b"SET", b"key", ELEMENT)),
        Case("GET", 32, deep, (b"GET", b"key")),
        Case("XADD", 1, shallow, xadd, 1.0),
        Case("LPUSH", 1, shallow, lpush, 1.0),
        Case("XREADGROUP COUNT 1", 1, shallow, read_group(1), 1.0, delivers=1),
        Case("XACK", 1, shallow, xack, 1.0, acknowledges=True, random_below=shallow),
        Case("SET", 1, shallow, (b"SET", b"key", ELEMENT), 1.0),
        Case("GET", 1, shallow, (b"GET", b"key"), 1.0),
    ]


def others(deep):
    """Types beside streams, lists and strings: 10,000 members of one large value."""
    member = b"member:__rand_int__"
    commands = [
        ("HSET", (b"HSET", b"hash", member, ELEMENT)),
        ("HGET", (b"HGET", b"hash", member)),
        ("SADD", (b"SADD", b"set", member)),
        ("SISMEMBER", (b"SISMEMBER", b"set", member)),
        ("ZADD", (b"ZADD", b"zset", b"__rand_int__", member)),
        ("ZSCORE", (b"ZSCORE", b"zset", member)),
        ("PUBLISH", (b"PUBLISH", b"channel", ELEMENT)),
    ]
    return [Case(name, 32, deep // 2, command, random_below=10_000) for name, command in commands]


def prepare(case, connection):
    """Brings the server to where the case starts."""
    connection.ask("FLUSHALL", "SYNC")
    connection.ask("SET", "key", ELEMENT)
    if case.name in ("HGET", "SISMEMBER", "ZSCORE"):
        fill_members(connection)
    if case.delivers:
        fill_stream(connection, case.count * case.delivers)
        connection.ask("XGROUP", "CREATE", STREAM, GROUP, "0")
    if case.acknowledges:
        fill_numbered(connection, case.count)
        connection.ask("XGROUP", "CREATE", STREAM, GROUP, "0")
        repeat(connection, read_group(500), case.count // 500 + 1, size=4)


def fill_members(connection):
    """Every member that `__rand_int__` (twelve digits) can name, in each of the large values."""
    for number in range(10_000):
        member = b"member:%012d" % number
        connection.ask("HSET", "hash", member, ELEMENT)
        connection.ask("SADD", "set", member)
        connection.ask("ZADD", "zset", number, member)


def fill_numbered(connection, count):
    """Entries `1-1` … `count-1`, so that redis-benchmark's random numbers name them."""
    for start in range(0, count, 500):
        ids = range(start + 1, min(start + 500, count) + 1)
        payload = b"".join(encode((b"XADD", STREAM, b"%d-1" % ms, *ENTRY)) for ms in ids)
        exchange(connection, payload)


def check(case, connection):
    """Holds the case to have done what it is measured for."""
    if case.delivers:
        facts = group_facts(connection)
        wanted = case.count * case.delivers
        if int(facts[b"entries-read"]) < wanted or int(facts[b"pending"]) < wanted:
            raise RuntimeError(f"{case.name}: not every read returned entries: {facts}")
    if case.acknowledges:
        left = int(group_facts(connection)[b"pending"])
        # Random picks with replacement leave a share of 1/e pending.
        if not 0.3 * case.count < left < 0.45 * case.count:
            raise RuntimeError(f"{case.name}: {left} of {case.count} still pending")
    if case.name == "XADD" and int(connection.ask("XLEN", STREAM)) < case.count:
        raise RuntimeError("XADD: entries are missing")
    if case.name == "LPUSH" and int(connection.ask("LLEN", LIST)) < case.count:
        raise RuntimeError("LPUSH: elements are missing")


def measure(case, server, connection):
    """One round: CPU microseconds an operation, and operations a second."""
    prepare(case, connection)
    load = Load(server.port, case.pipeline)
    before = server.cpu_s()
    rate = load.run(case.count, case.command, case.random_below or None)
    spent_s = server.cpu_s() - before
    check(case, connection)
    return spent_s / case.count * 1e6, rate


def line(case, costs, rates, names):
    """One row of the table."""
    medians = [median(costs[name]) for name in names]
    row = [f"{case.name}  -P {case.pipeline}", *(f"{cost:.3f}" for cost in medians)]
    row += [f"{median(rates[name]) / 1000:.0f}" for name in names]
    if len(names) == 1:
        return [*row, "", "", ""]
    ratio = medians[0] / min(medians[1:])
    target = "" if case.target is None else f"{case.target:.2f}"
    verdict = "" if case.target is None else ("met" if ratio <= case.target else "MISSED")
    return [*row, f"{ratio:.2f}", target, verdict]


def arguments():
    parser = argparse.ArgumentParser(prog="benches/versus", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the operations, 3 rounds")
    parser.add_argument("--rounds", type=int, help="rounds a case (5, quick 3)")
    parser.add_argument("--only", nargs="*", help="cases whose name holds one of these words")
    parser.add_argument("--pipeline", type=int, choices=(1, 32), help="only this depth")
    parser.add_argument("--no-peers", action="store_true", help="Forebay alone")
    return parser.parse_args()


def main():
    options = arguments()
    rounds = options.rounds or (3 if options.quick else 5)
    chosen = [
        case
        for case in cases(0.2 if options.quick else 1.0)
        if (not options.only or any(word in case.name for word in options.only))
        and options.pipeline in (None, case.pipeline)
    ]
    binaries = server_binaries(peers=not options.no_peers)
    names = [name for name, _ in binaries]
    rows = []
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(pinned(binary)) for name, binary in binaries}
        connections = {name: server.connect(timeout_s=60) for name, server in servers.items()}
        for case in chosen:
            costs = {name: [] for name in names}
            rates = {name: [] for name in names}
            for _ in range(rounds):
                for name in names:
                    cost, rate = measure(case, servers[name], connections[name])
                    costs[name].append(cost)
                    rates[name].append(rate)
            rows.append(line(case, costs, rates, names))
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    print(f"CPU µs an operation and thousands of operations a second; medians of {rounds} rounds")
    heads = ["", *names, *(f"k/s {name.split()[0]}" for name in names), "ratio", "target", ""]
    table(heads, rows)
    return 0 if rows else 1


sys.exit(main())
