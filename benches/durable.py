"""What durability costs: Forebay, redis-server and valkey-server in one run, both cores free for each.

- writes: XADD a second with `appendfsync always` and `everysec`, medians of interleaved rounds. The
  disk's own pace is part of the figure, so only what one run shows side by side can be compared. Beside
  them what is left when nothing is kept, and what the same load gets from a server that only answers
  (benches/answerer.rs): no promise can be cheaper than that.
- startup: seconds until a server answers, on a stream with a quarter of its entries pending: from
  the journal or append-only file that a kill has left, and from a snapshot or RDB file.
- snapshot: the latency that one connection sees beside two that write, without and with BGSAVE, and
  how much the memory grows (the forked child's own pages included, where there is one).

A missed target does not fail the run.
"""

import argparse
import bisect
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from measure import (
    ENTRY,
    GROUP,
    STREAM,
    deliver,
    encode,
    exchange,
    fill_stream,
    median,
    server_binaries,
    table,
)

from harness.server import Server


def settings(directory, fsync):
    if fsync is None:
        return ["--dir", directory, "--appendonly", "no", "--save", ""]
    return ["--dir", directory, "--appendonly", "yes", "--appendfsync", fsync]


# --- writes


def rate(port, clients, pipeline, count):
    command = ["redis-benchmark", "-p", str(port), "-c", str(clients), "-P", str(pipeline), "--csv"]
    command += ["-n", str(count), "XADD", STREAM.decode(), "*", *(word.decode() for word in ENTRY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    rates = re.findall(r'^"[^"]*","([\d.]+)"', done.stdout, re.MULTILINE)
    if done.returncode or not rates:
        raise RuntimeError(f"redis-benchmark failed: {done.stdout}{done.stderr}")
    return float(rates[-1])


WRITES = [
    # Name, fsync, connections, pipeline, operations.
    ("always, 50 connections", "always", 50, 1, 60_000),
    ("always, 50 connections -P 16", "always", 50, 16, 400_000),
    ("always, 1 connection", "always", 1, 1, 4_000),
    ("everysec, 50 connections", "everysec", 50, 1, 60_000),
    ("memory only, 50 connections", None, 50, 1, 60_000),
    ("memory only, 50 connections -P 16", None, 50, 16, 400_000),
]


# How many requests come together.
ANSWERS = {"only answers, 50 connections": 1, "only answers, 50 connections -P 16": 16}


def answers_a_second(pipeline, count):
    """What the load gets from a server that only answers: the most that it can get from any."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([os.environ["ANSWERER"], str(port), str(pipeline)])
    try:
        wait_for_quiet()
        return rate(port, 50, pipeline, count)
    finally:
        server.kill()
        server.wait()


def writes(binaries, rounds, scale):
    found = {case[0]: {name: [] for name, _ in binaries} for case in WRITES}
    answers = {title: [] for title in ANSWERS}
    for _ in range(rounds):
        for title, pipeline in ANSWERS.items():
            count = 60_000 if pipeline == 1 else 400_000
            answers[title].append(answers_a_second(pipeline, max(1000, int(count * scale))))
        for title, fsync, clients, pipeline, count in WRITES:
            for name, binary in binaries:
                with tempfile.TemporaryDirectory(prefix="forebay-bench-") as directory:
                    with Server(binary, *settings(directory, fsync)) as server:
                        wait_for_quiet()
                        count_now = max(1000, int(count * scale))
                        found[title][name].append(rate(server.port, clients, pipeline, count_now))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    names = [name for name, _ in binaries]
    medians = {title: {name: median(rates[name]) for name in names} for title, rates in found.items()}
    better = {title: max(of[name] for name in names[1:]) for title, of in medians.items()}
    always, deep, single, everysec, *unkept = (case[0] for case in WRITES)
    ours = {title: of[names[0]] for title, of in medians.items()}
    rows = [
        row(always, medians[always], names, ours[always] / better[always], 2.0),
        row(deep, medians[deep], names, ours[deep] / better[deep], 2.0),
        row(single, medians[single], names, ours[single] / better[single], 1.0),
        row(everysec, medians[everysec], names, ours[everysec] / better[everysec], None),
        [
            "always against the better's everysec",
            *([""] * len(names)),
            f"{ours[always] / better[everysec]:.2f}",
            "0.80",
            "met" if ours[always] / better[everysec] >= 0.8 else "MISSED",
        ],
        *(row(title, medians[title], names, ours[title] / better[title], None) for title in unkept),
        *(
            bound(title, median(answers[title]), better[peer], names)
            for title, peer in zip(ANSWERS, (always, deep))
        ),
    ]
    print(f"XADD a second, medians of {rounds} rounds; the ratio is to the better peer")
    table(["", *names, "ratio", "target", ""], rows)


def row(title, medians, names, ratio, target):
    verdict = "" if target is None else ("met" if ratio >= target else "MISSED")
    cells = [f"{medians[name]:,.0f}" for name in names]
    return [title, *cells, f"{ratio:.2f}", "" if target is None else f"{target:.2f}", verdict]


def bound(title, most, peer, names):
    """What the load allows any server, beside what the better peer has with `always`."""
    blanks = [""] * (len(names) - 1)
    return [title, f"{most:,.0f}", *blanks, f"{most / peer:.2f}", "", "of the better's always"]


def wait_for_quiet():
    """A server that has just started makes room on the disk; both get the same moment for it."""
    time.sleep(0.7)


# --- startup


def startup(binaries, scale):
    entries = int(2_000_000 * scale)
    rows, medians = [], {}
    for name, binary in binaries:
        with tempfile.TemporaryDirectory(prefix="forebay-bench-") as directory:
            kept = settings(directory, "everysec")
            kept += ["--auto-aof-rewrite-percentage", "0"]
            if not name.startswith("forebay"):
                kept += ["--aof-use-rdb-preamble", "no"]
            server = Server(binary, *kept)
            with server:
                connection = server.connect(timeout_s=600)
                fill_stream(connection, entries)
                connection.ask("XGROUP", "CREATE", STREAM.decode(), GROUP.decode(), "0")
                deliver(connection, entries // 4, 10)
                # What the last second has written is with the kernel, which survives the kill.
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
            from_log = median([started(binary, kept, entries) for _ in range(3)])
            save(binary, kept)
            if name.startswith("forebay"):
                from_snapshot = median([started(binary, kept, entries) for _ in range(3)])
            else:
                only = ["--dir", directory, "--appendonly", "no"]
                from_snapshot = median([started(binary, only, entries) for _ in range(3)])
            medians[name] = (from_snapshot, from_log)
            rows.append([name, f"{from_snapshot:.2f}", f"{from_log:.2f}"])
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"\nSeconds to start on {entries:,} entries, a quarter of them pending; medians of 3")
    table(["", "snapshot or RDB", "journal or AOF"], rows)
    if len(binaries) > 1:
        ours = medians[binaries[0][0]]
        rdb = min(medians[name][0] for name, _ in binaries[1:])
        log = min(medians[name][1] for name, _ in binaries[1:])
        print(f"from the snapshot: {ours[0] / rdb:.2f} of the better peer's RDB (target 0.50), ", end="")
        print(f"{ours[0] / log:.2f} of its AOF (target 0.25)")
        print(f"from the journal alone: {ours[1] / rdb:.2f} of its RDB, {ours[1] / log:.2f} of its AOF")


def started(binary, kept, entries):
    begun = time.monotonic()
    server = Server(binary, *kept)
    with server:
        took = time.monotonic() - begun
        with_entries = int(server.connect(timeout_s=60).ask("XLEN", STREAM.decode()))
        if with_entries != entries:
            raise RuntimeError(f"{binary} came back with {with_entries} of {entries} entries")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    return took


def save(binary, kept):
    with Server(binary, *kept) as server:
        server.connect(timeout_s=600).ask("SAVE")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()


# --- snapshot


def snapshot(binaries, scale):
    entries, keys = int(5_000_000 * scale), int(10_000_000 * scale)
    rows, counted = [], []
    for name, binary in binaries:
        with tempfile.TemporaryDirectory(prefix="forebay-bench-") as directory:
            kept = settings(directory, "everysec") + ["--auto-aof-rewrite-percentage", "0"]
            with Server(binary, *kept) as server:
                found, growth, took = beside_snapshot(server, entries, keys)
                rows.append([f"{name}, before", *percentiles(found["before"]), "", ""])
                rows.append([f"{name}, during", *percentiles(found["during"]), took, growth])
                counted += [[f"{name}, {when}", *histogram(found[when])] for when in found]
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"\nLatency in µs of XADD beside two connections that write, {entries:,} entries with a")
    print(f"fifth pending and {keys:,} small keys; the growth of memory is of the process and its child")
    table(["", "p50", "p99", "p99.9", "max", "took s", "memory"], rows)
    print("\nThe same as a histogram: how many XADDs took less than so many µs, and no less than the")
    print("column before says")
    table(["", *(f"{bound:,}" for bound in BOUNDS_US), "more"], counted)


def beside_snapshot(server, entries, keys):
    connection = server.connect(timeout_s=900)
    fill_stream(connection, entries)
    connection.ask("XGROUP", "CREATE", STREAM.decode(), GROUP.decode(), "0")
    deliver(connection, entries // 5, 10)
    for first in range(0, keys, 1000):
        many = b"".join(encode((b"SET", b"key:%d" % at, b"v")) for at in range(first, first + 1000))
        exchange(connection, many)
    stop = threading.Event()
    writers = [threading.Thread(target=write_on, args=(server, stop, nth)) for nth in range(2)]
    for writer in writers:
        writer.start()
    without = latencies(server, 4.0, lambda: True)
    before = memory(server.process.pid)
    connection.ask("BGSAVE")
    begun, peak = time.monotonic(), [0]

    def runs():
        peak[0] = max(peak[0], memory(server.process.pid))
        info = connection.ask("INFO", "persistence").decode()
        return "rdb_bgsave_in_progress:1" in info

    during = latencies(server, 60.0, runs)
    took = time.monotonic() - begun
    stop.set()
    for writer in writers:
        writer.join()
    growth = f"x{peak[0] / before:.2f}"
    return {"before": without, "during": during}, growth, f"{took:.1f}"


def write_on(server, stop, nth):
    """A load on the very stream: adds, deliveries, acknowledgements and deletes, pipelined."""
    connection = server.connect(timeout_s=60)
    batch = encode((b"XADD", STREAM, b"*", *ENTRY)) * 8
    read = (b"XREADGROUP", b"GROUP", GROUP, b"w%d" % nth, b"COUNT", b"8", b"STREAMS", STREAM, b">")
    batch += encode(read)
    at = nth
    while not stop.is_set():
        key, entry = b"key:%d" % (at % 1000), b"%d-0" % at
        done = encode((b"XACK", STREAM, GROUP, entry)) + encode((b"XDEL", STREAM, entry))
        exchange(connection, batch + encode((b"SET", key, b"w")) + done)
        at += 2


def latencies(server, longest_s, goes_on):
    connection = server.connect(timeout_s=60)
    request = encode((b"XADD", STREAM, b"*", *ENTRY))
    found = []
    end = time.monotonic() + longest_s
    looked = time.monotonic()
    while time.monotonic() < end:
        begun = time.perf_counter_ns()
        exchange(connection, request)
        found.append((time.perf_counter_ns() - begun) / 1000)
        if time.monotonic() - looked > 0.05:
            looked = time.monotonic()
            if not goes_on():
                break
    return sorted(found)


def percentiles(found):
    at = [found[min(len(found) - 1, int(len(found) * share))] for share in (0.5, 0.99, 0.999)]
    return [f"{value:,.0f}" for value in [*at, found[-1]]]


BOUNDS_US = [2**power for power in range(6, 18)]


def histogram(found):
    at = [bisect.bisect_left(found, bound) for bound in BOUNDS_US]
    counts = [below - before for before, below in zip([0, *at], [*at, len(found)], strict=True)]
    return [f"{count:,}" if count else "" for count in counts]


def memory(pid):
    """Resident bytes of a process and its children, shared pages counted once (PSS)."""
    total = 0
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    for one in [pid, *map(int, children.stdout.split())]:
        try:
            with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as rollup:
                found = re.search(r"^Pss:\s+(\d+) kB", rollup.read(), re.MULTILINE)
                total += int(found.group(1)) * 1024 if found else 0
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def main():
    parser = argparse.ArgumentParser(prog="benches/durable", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, 3 rounds")
    parser.add_argument("--rounds", type=int, help="rounds of the writes (5, quick 3)")
    parser.add_argument("--only", nargs="*", choices=("writes", "startup", "snapshot"))
    parser.add_argument("--no-peers", action="store_true", help="Forebay alone")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 5)
    scale = 0.1 if options.quick else 1.0
    binaries = server_binaries(peers=not options.no_peers)
    chosen = options.only or ["writes", "startup", "snapshot"]
    if "writes" in chosen:
        writes(binaries, rounds, 0.5 if options.quick else 1.0)
    if "startup" in chosen:
        startup(binaries, scale)
    if "snapshot" in chosen:
        snapshot(binaries, scale)
    return 0


sys.exit(main())
