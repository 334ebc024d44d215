"""The server's CPU time for a job of BullMQ's: adding it, and the whole way from adding to completion.

Nearly all of that is scripts. The server is pinned to one core, BullMQ runs on the other; what is told
is the server process's own user and system time, median of interleaved rounds. A missed target does
not fail the run; a job that was not added or not completed does.
"""

import argparse
import contextlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import cores, median, pinned, server_binaries, table

LOAD = Path(__file__).with_suffix(".mjs")
TARGET = 0.9
LIMIT_S = 300


@dataclass(frozen=True)
class Case:
    """One line of the table; `mode` is what jobs.mjs calls it."""

    name: str
    mode: str
    count: int


def cases(scale):
    jobs = int(20_000 * scale)
    return [
        Case("add one by one, 50 at a time", "add", jobs),
        Case("add in bulks of 100", "bulk", jobs),
        Case("add, work and complete", "cycle", jobs),
        Case("the same, delayed and by priority", "ranked", jobs),
    ]


class Load:
    """jobs.mjs in a process of its own. It says when it is connected and waits for the word to begin."""

    def __init__(self, port, case):
        command = ["taskset", "-c", str(cores()[1]), "node", str(LOAD), str(port), case.mode, str(case.count)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def expect(self, word):
        said = self.process.stdout.readline().strip()
        if said != word:
            raise RuntimeError(f"the load said {said!r}, not {word!r}")

    def begin(self):
        self.process.stdin.write("begin\n")

    def end(self):
        if self.process.wait(LIMIT_S):
            raise RuntimeError(f"the load ended with {self.process.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def measure(case, server, connection):
    """One round: CPU microseconds a job."""
    connection.ask("FLUSHALL", "SYNC")
    with Load(server.port, case) as load:
        load.expect("ready")
        before = server.cpu_s()
        load.begin()
        load.expect("done")
        spent_s = server.cpu_s() - before
        load.end()
    return spent_s / case.count * 1e6


def line(case, costs, names):
    """One row of the table."""
    medians = [median(costs[name]) for name in names]
    row = [case.name, *(f"{cost:.1f}" for cost in medians)]
    if len(names) == 1:
        return [*row, "", "", ""]
    ratio = medians[0] / min(medians[1:])
    return [*row, f"{ratio:.2f}", f"{TARGET:.2f}", "met" if ratio <= TARGET else "MISSED"]


def arguments():
    parser = argparse.ArgumentParser(prog="benches/jobs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the jobs, 3 rounds")
    parser.add_argument("--rounds", type=int, help="rounds a case (5, quick 3)")
    parser.add_argument("--only", nargs="*", help="cases whose name holds one of these words")
    parser.add_argument("--no-peers", action="store_true", help="Forebay alone")
    return parser.parse_args()


def main():
    options = arguments()
    rounds = options.rounds or (3 if options.quick else 5)
    chosen = [
        case
        for case in cases(0.2 if options.quick else 1.0)
        if not options.only or any(word in case.name for word in options.only)
    ]
    binaries = server_binaries(peers=not options.no_peers)
    names = [name for name, _ in binaries]
    rows = []
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(pinned(binary)) for name, binary in binaries}
        connections = {name: server.connect(timeout_s=60) for name, server in servers.items()}
        for case in chosen:
            costs = {name: [] for name in names}
            for _ in range(rounds):
                for name in names:
                    costs[name].append(measure(case, servers[name], connections[name]))
            rows.append(line(case, costs, names))
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    print(f"CPU µs a job; medians of {rounds} rounds")
    table(["BullMQ", *names, "ratio", "target", ""], rows)
    return 0 if rows else 1


sys.exit(main())
