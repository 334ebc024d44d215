"""What one operation costs on a small and on a large stream, and what looking for the idle costs.

The same operations on streams of 10^4 and 10^7 entries, all of them pending: CPU of the server an
operation, over one connection with batches in flight. Then a full XAUTOCLAIM pass and XPENDING IDLE
over a million pending entries of which none is idle, beside the peers.
"""

import argparse
import sys
import time

from measure import (
    ENTRY,
    GROUP,
    STREAM,
    batches,
    deliver,
    encode,
    exchange,
    median,
    pinned,
    repeat,
    server_binaries,
    table,
)

RATIO_TARGET = 1.2
CONSUMERS = 100
OPERATIONS = 200_000
ROUNDS = 5
HOUR_MS = b"3600000"


def read(count, start):
    return (b"XREADGROUP", b"GROUP", GROUP, b"c0", b"COUNT", b"%d" % count, b"STREAMS", STREAM, start)


def fill(connection, first, count):
    """Entries `first-1` and on."""
    for start in range(first, first + count, 1000):
        stop = min(start + 1000, first + count)
        ids = (b"%d-1" % ms for ms in range(start, stop))
        exchange(connection, b"".join(encode((b"XADD", STREAM, entry_id, *ENTRY)) for entry_id in ids))


def send_all(connection, payloads):
    for payload in payloads:
        exchange(connection, payload)


def timed(server, action):
    """CPU seconds of the server while `action` runs."""
    before = server.cpu_s()
    action()
    return server.cpu_s() - before


def measure_size(binary, size):
    """CPU microseconds an operation on a stream of `size` entries, all pending."""
    with pinned(binary) as server:
        connection = server.connect(timeout_s=300)
        connection.ask("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM")
        fill(connection, 1, size)
        deliver(connection, size, CONSUMERS)
        costs = {"XADD": [], "XREADGROUP COUNT 1": [], "history of ten": [], "XACK": []}
        next_ms = size + 1
        count = OPERATIONS
        for _ in range(ROUNDS):
            ids = [b"%d-1" % ms for ms in range(next_ms, next_ms + count)]
            # Requests are made before the clock runs, so that the server is not left waiting.
            adds = list(batches((b"XADD", STREAM, entry_id, *ENTRY) for entry_id in ids))
            acks = list(batches((b"XACK", STREAM, GROUP, entry_id) for entry_id in ids))
            reads, histories = count, count // 10
            work = [
                ("XADD", count, lambda: send_all(connection, adds)),
                ("XREADGROUP COUNT 1", reads, lambda: repeat(connection, read(1, b">"), reads)),
                ("history of ten", histories, lambda: repeat(connection, read(10, b"0"), histories, 100)),
                ("XACK", count, lambda: send_all(connection, acks)),
            ]
            for name, operations, action in work:
                costs[name].append(timed(server, action) / operations)
            if connection.ask("XPENDING", STREAM, GROUP)[0] != b"%d" % size:
                raise RuntimeError("not every entry was delivered and acknowledged")
            next_ms += count
            # Back to the size that is measured.
            connection.ask("XDEL", STREAM, *ids)
        return {name: median(values) * 1e6 for name, values in costs.items()}


def measure_idle(binary, pending):
    """Milliseconds of a whole XAUTOCLAIM pass, its calls, and of one XPENDING IDLE."""
    with pinned(binary) as server:
        connection = server.connect(timeout_s=300)
        connection.ask("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM")
        fill(connection, 1, pending)
        deliver(connection, pending, CONSUMERS)
        passes, looks, calls = [], [], 0
        for _ in range(ROUNDS):
            calls, start = 0, b"0-0"
            began = time.perf_counter()
            while True:
                claim = ("XAUTOCLAIM", STREAM, GROUP, "c0", HOUR_MS, start, "COUNT", "100")
                start, claimed, _ = connection.ask(*claim)
                calls += 1
                if claimed:
                    raise RuntimeError("something was idle")
                if start == b"0-0":
                    break
            passes.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            if connection.ask("XPENDING", STREAM, GROUP, "IDLE", HOUR_MS, "-", "+", "10"):
                raise RuntimeError("something was idle")
            looks.append((time.perf_counter() - began) * 1000)
        return median(passes), calls, median(looks)


def main():
    parser = argparse.ArgumentParser(prog="benches/growth", description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--no-peers", action="store_true", help="Forebay alone")
    options = parser.parse_args()
    binaries = server_binaries(peers=not options.no_peers)
    subject = binaries[0][1]
    small = measure_size(subject, options.small)
    large = measure_size(subject, options.large)
    print(f"CPU µs an operation; medians of {ROUNDS} rounds of {OPERATIONS:,} operations")
    rows = []
    for name in small:
        ratio = large[name] / small[name]
        verdict = "met" if ratio <= RATIO_TARGET else "MISSED"
        costs = [f"{small[name]:.3f}", f"{large[name]:.3f}"]
        rows.append([name, *costs, f"{ratio:.2f}", RATIO_TARGET, verdict])
    table(["", f"at {options.small:,}", f"at {options.large:,}", "ratio", "target", ""], rows)
    print(f"\nnone idle of {options.pending:,} pending, round trips included")
    rows = []
    for name, binary in binaries:
        whole_ms, calls, look_ms = measure_idle(binary, options.pending)
        rows.append([name, f"{whole_ms:.3f}", calls, f"{look_ms:.3f}"])
    table(["", "XAUTOCLAIM pass ms", "calls", "XPENDING IDLE ms"], rows)
    return 0


sys.exit(main())
