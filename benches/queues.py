"""What the queue features cost: the whole cycle of a job with policies beside one without, a million
entries that wait, ten thousand workers that wait; and the same jobs as they are run today.

The server is pinned to one core, the load to the other; what is told is the server process's own CPU
time. Cases are measured in turn, round by round, each beside the one that it is held to: the ratio is
the median of the rounds' ratios. A missed target does not fail the run.
"""

import argparse
import contextlib
import resource
import select
import sys

import today
from measure import ENTRY, cores, encode, exchange, median, table
from harness.server import Server, forebay_binary

BATCH = 500
AT_ONCE = 10
VALUES = 10_000
HOUR_MS = 3_600_000
WAITING = 1_000_000
BLOCKED = (10, 10_000)
CONSUMER = b"c"
GROUP = b"g"

RETRYING = ("LEASE", HOUR_MS, "MAXDELIVERIES", 5, "DLQ", "dead")
ORDERED = (*RETRYING, "ORDERBY", "customer")


def forebay(*settings):
    return Server(forebay_binary(), *settings, core=cores()[0])


def add(key, number, *options):
    """XADD of the entry `number-1`, of one of the customers in turn."""
    customer = b"customer-%05d" % (number % VALUES)
    return encode((b"XADD", key, *options, b"%d-1" % number, b"customer", customer, *ENTRY))


def read(key, count=AT_ONCE):
    words = (b"XREADGROUP", b"GROUP", GROUP, CONSUMER, b"COUNT", b"%d" % count, b"STREAMS", key, b">")
    return encode(words)


def acknowledge(key, number):
    return encode((b"XACK", key, GROUP, b"%d-1" % number))


def new_group(connection, key, policy=(), start="0"):
    connection.ask("XGROUP", "CREATE", key, GROUP, start, "MKSTREAM")
    if policy:
        connection.ask("XCFGSET", key, "GROUP", GROUP, *policy)


def facts(connection, key):
    row = connection.ask("XINFO", "GROUPS", key)[0]
    return dict(zip(row[::2], row[1::2], strict=True))


class Line:
    """A stream and group through which jobs go; `next` is the number of the next one."""

    def __init__(self, name, key, first=1):
        self.name = name
        self.key = key
        self.next = first

    def cycle(self, server, connection, jobs):
        """CPU microseconds for one job: added, delivered with nine others, acknowledged."""
        left = int(facts(connection, self.key)[b"pending"])
        numbers = range(self.next, self.next + jobs)
        self.next += jobs
        payloads = []
        for start in range(0, jobs, BATCH):
            batch = numbers[start : start + BATCH]
            adds = b"".join(add(self.key, number) for number in batch)
            acks = b"".join(acknowledge(self.key, number) for number in batch)
            payloads.append(adds + read(self.key) * (len(batch) // AT_ONCE) + acks)
        before = server.cpu_s()
        for payload in payloads:
            exchange(connection, payload)
        spent_s = server.cpu_s() - before
        found = facts(connection, self.key)
        if int(found[b"pending"]) != left or found[b"last-delivered-id"] != b"%d-1" % numbers[-1]:
            raise RuntimeError(f"{self.name}: not every job was delivered and acknowledged: {found}")
        return spent_s / jobs * 1e6


def compare(server, connection, base, others, jobs, rounds):
    """{name: (median µs, median ratio to the base of the same round)}."""
    costs = {line.name: [] for line in (base, *others)}
    for turn in range(rounds + 1):
        for line in (base, *others):
            cost = line.cycle(server, connection, jobs)
            # The first round warms up.
            if turn:
                costs[line.name].append(cost)
    ratios = lambda name: [a / b for a, b in zip(costs[name], costs[base.name])]
    return {name: (median(values), median(ratios(name))) for name, values in costs.items()}


def verdict(found, target):
    return "met" if found <= target else "MISSED"


def cycle_of_policies(options):
    """Policies beside none, in memory and with a journal."""
    jobs, rows = (20_000 if options.quick else 100_000), []
    lines = {"none": (), "LEASE MAXDELIVERIES DLQ": RETRYING, "the same and ORDERBY": ORDERED}
    targets = (None, 1.15, 1.5)
    for title, settings in (("in memory", ()), ("journal", ("--appendonly", "yes"))):
        with forebay(*settings) as server:
            connection = server.connect(timeout_s=120)
            made = []
            for at, (name, policy) in enumerate(lines.items()):
                made.append(Line(name, b"line-%d" % at))
                new_group(connection, made[-1].key, policy)
            found = compare(server, connection, made[0], made[1:], jobs, options.rounds)
        for (name, (cost, ratio)), target in zip(found.items(), targets):
            told = [f"{ratio:.2f}", f"{target:.2f}", verdict(ratio, target)] if target else ["", "", ""]
            rows.append([f"{name}, {title}", f"{cost:.3f}", *told])
    print("\nCPU µs a job: XADD, its part of XREADGROUP COUNT 10, XACK")
    table(["policy", "µs", "ratio", "target", ""], rows)


def fill(connection, key, count, *words):
    """Entries `1-1` … under a key; the memory that they took, bytes each."""
    for start in range(1, count + 1, BATCH):
        numbers = range(start, min(start + BATCH, count + 1))
        exchange(connection, b"".join(add(key, number, *words) for number in numbers))


def growth(server, connection, action, count):
    """Bytes each by which memory grows while `action` runs."""
    before = server.used_memory(connection)
    action()
    return (server.used_memory(connection) - before) / count


def read_all(connection, key, count):
    """Lets the cursor pass all entries; how many were handed out."""
    while facts(connection, key)[b"last-delivered-id"] != b"%d-1" % count:
        exchange(connection, read(key, 1000) * 20)
    return int(facts(connection, key)[b"pending"])


def million_waiting(options):
    """A million delayed entries, a million leases, none due: the cycle's cost and the memory."""
    count = WAITING // 10 if options.quick else WAITING
    jobs, rows = (20_000 if options.quick else 50_000), []
    delay = (b"DELAY", b"%d" % HOUR_MS)
    with forebay() as server:
        connection = server.connect(timeout_s=300)
        for key in (b"done", b"delayed", b"leased"):
            new_group(connection, key, RETRYING)
        plain = growth(server, connection, lambda: fill(connection, b"done", count), count)
        connection.ask("XGROUP", "SETID", b"done", GROUP, "$")
        delayed = growth(server, connection, lambda: fill(connection, b"delayed", count, *delay), count)
        passed = growth(server, connection, lambda: read_all(connection, b"delayed", count), count)
        fill(connection, b"leased", count)
        leased = growth(server, connection, lambda: read_all(connection, b"leased", count), count)
        for key in (b"delayed", b"leased"):
            if int(facts(connection, key)[b"pending"]) != count:
                raise RuntimeError(f"{key}: not all are waiting: {facts(connection, key)}")
        lines = [Line(key.decode(), key, count + 1) for key in (b"done", b"delayed", b"leased")]
        found = compare(server, connection, lines[0], lines[1:], jobs, options.rounds)
    bytes_each = {"done": 0, "delayed": delayed - plain + passed, "leased": leased}
    for name, (cost, ratio) in found.items():
        told = ["", "", ""]
        if name != "done":
            told = [f"{(ratio - 1) * 100:+.1f} %", "5 %", verdict(ratio, 1.05)]
        memory = [f"{bytes_each[name]:.1f}", 48, verdict(bytes_each[name], 48)]
        rows.append([f"{count:,} {name}", f"{cost:.3f}", *told, *(memory if name != "done" else [])])
    rows[0] += ["", "", ""]
    print(f"\nCPU µs a job beside others that wait; an entry itself takes {plain:.1f} bytes")
    print(f"(of a delayed one {delayed - plain:.1f} for the stream's schedule, {passed:.1f} for the group)")
    table(["", "µs", "change", "target", "", "bytes each", "target", ""], rows)


class Waiters:
    """Workers on one group, each on a connection of its own, that block until they get a job."""

    def __init__(self, server, count):
        self.request = encode(
            (b"XREADGROUP", b"GROUP", GROUP, CONSUMER, b"COUNT", b"1", b"BLOCK", b"0", b"STREAMS", b"s", b">")
        )
        self.poller = select.epoll()
        self.connections = {}
        for _ in range(count):
            connection = server.connect()
            self.connections[connection.socket.fileno()] = connection
            self.poller.register(connection.socket.fileno(), select.EPOLLIN)
            connection.send_raw(self.request)

    def take_one(self):
        """Waits for a job; the worker that has it acknowledges it and waits for the next."""
        ready = self.poller.poll(30)
        if len(ready) != 1:
            raise RuntimeError(f"{len(ready)} workers were woken by one job")
        connection = self.connections[ready[0][0]]
        reply = connection.read()[0].plain()
        connection.ask("XACK", "s", GROUP, reply[0][1][0][0])
        connection.send_raw(self.request)

    def close(self):
        for connection in self.connections.values():
            connection.close()


def blocked_workers(options):
    """One job after the other to a crowd of blocked workers, of two sizes in turn."""
    jobs = 500 if options.quick else 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 3 * max(BLOCKED))), hard))
    costs = {}
    with contextlib.ExitStack() as stack:
        crowds = []
        for size in BLOCKED:
            server = stack.enter_context(forebay("--maxclients", 2 * max(BLOCKED)))
            connection = server.connect(timeout_s=60)
            new_group(connection, b"s", ("LEASE", HOUR_MS))
            waiters = Waiters(server, size)
            stack.callback(waiters.close)
            await_blocked(connection, size)
            crowds.append((size, server, connection, waiters))
            costs[size] = []
        for turn in range(options.rounds + 1):
            for size, server, connection, waiters in crowds:
                before = server.cpu_s()
                for _ in range(jobs):
                    connection.ask("XADD", "s", "*", *ENTRY)
                    waiters.take_one()
                if turn:
                    costs[size].append((server.cpu_s() - before) / jobs * 1e6)
    ratio = median([a / b for a, b in zip(costs[BLOCKED[1]], costs[BLOCKED[0]])])
    print("\nCPU µs a job that wakes one of many blocked workers: XADD, delivery, XACK, XREADGROUP BLOCK")
    rows = [[f"{size:,} blocked", f"{median(costs[size]):.1f}"] for size in BLOCKED]
    table(["", "µs"], rows)
    print(f"ratio {ratio:.2f}; one worker woken by each job")


def await_blocked(connection, count):
    while b"blocked_clients:%d\r\n" % count not in connection.ask("INFO", "clients"):
        pass


def arguments():
    parser = argparse.ArgumentParser(prog="benches/queues", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the jobs, 3 rounds")
    parser.add_argument("--rounds", type=int, help="rounds a case (7, quick 3)")
    parser.add_argument("--only", nargs="*", choices=PARTS, help="only these parts")
    return parser.parse_args()


PARTS = {
    "cycle": cycle_of_policies,
    "waiting": million_waiting,
    "blocked": blocked_workers,
    "today": today.beside,
}


def main():
    options = arguments()
    options.rounds = options.rounds or (3 if options.quick else 7)
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            part(options)
    return 0


sys.exit(main())
