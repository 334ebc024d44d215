"""Bytes an entry, a pending entry and a list element, from what INFO says is in use."""

import argparse
import sys

from measure import (
    ELEMENT,
    ENTRY,
    GROUP,
    LIST,
    STREAM,
    deliver,
    fill_stream,
    pinned,
    repeat,
    server_binaries,
    table,
)

# What DESIGN aims for, bytes.
AIMS = {"entry": 42, "pending, 1 consumer": 24, "pending, 100 consumers": 24}


def measure(binary, count):
    """Bytes for each kind of thing on one server."""
    with pinned(binary) as server:
        connection = server.connect(timeout_s=120)
        used = lambda: server.used_memory(connection)
        results = {}
        before = used()
        fill_stream(connection, count)
        results["entry"] = (used() - before) / count
        for consumers, name in ((1, "pending, 1 consumer"), (100, "pending, 100 consumers")):
            connection.ask("XGROUP", "CREATE", STREAM, GROUP, "0")
            before = used()
            deliver(connection, count, consumers, at_once=10)
            results[name] = (used() - before) / count
            connection.ask("XGROUP", "DESTROY", STREAM, GROUP)
        connection.ask("FLUSHALL", "SYNC")
        before = used()
        repeat(connection, (b"RPUSH", LIST, ELEMENT), count)
        if int(connection.ask("LLEN", LIST)) != count:
            raise RuntimeError("list elements are missing")
        results["list element"] = (used() - before) / count
        return results


def main():
    parser = argparse.ArgumentParser(prog="benches/memory", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--no-peers", action="store_true", help="Forebay alone")
    options = parser.parse_args()
    binaries = server_binaries(peers=not options.no_peers)
    results = [measure(binary, options.count) for _, binary in binaries]
    print(f"bytes each at {options.count:,}; values: {sum(map(len, ENTRY[1::2]))} bytes an entry, "
          f"{len(ELEMENT)} an element")  # fmt: skip
    rows = [
        [name, *(f"{result[name]:.1f}" for result in results), AIMS.get(name, "")]
        for name in results[0]
    ]
    table(["", *(name for name, _ in binaries), "aim"], rows)
    return 0


sys.exit(main())
