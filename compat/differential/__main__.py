"""Random command sequences to Forebay and to redis-server 8.2.3; the replies have to be the same.

    python3 compat/differential [--seconds 60] [--seed N] [--sequences N] [--keep-going]
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from generate import Generator
from grammar import FAMILIES, OPTIONAL, load
from harness.server import forebay_binary, oracle_binary
from runner import Pair
from shrink import shrink
from steps import show

SHOWN_BYTES_MAX = 1500
FAILURES_MAX = 25
# From so many on all that goes on beside them has taken place.
SEQUENCES_THAT_SHOW = 20


def arguments():
    parser = argparse.ArgumentParser(prog="differential", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to go on")
    parser.add_argument("--seed", type=int, help="where to start; drawn and printed if not given")
    parser.add_argument("--sequences", type=int, help="end after so many sequences")
    parser.add_argument("--without", nargs="*", default=[], help="leave out forms of these commands")
    parser.add_argument("--scripts", type=float, help="how much of all commands are scripts, 0 to 1")
    parser.add_argument("--first", action="store_true", help="end at the first failure")
    return parser.parse_args()


def shown(reply):
    """A reply for a person, cut when it is long."""
    text = repr(reply.plain()) if isinstance(reply.value, list) else repr(reply.value)
    if len(text) > SHOWN_BYTES_MAX:
        text = text[:SHOWN_BYTES_MAX] + " …"
    return f"{reply.kind} {text}"


def unbuilt(pair):
    """Commands that the promise does not cover and the server under test does not list."""
    return {
        name
        for name in OPTIONAL
        if pair.subject.control.call("COMMAND", "INFO", name).plain() in (None, [None], [])
    }


def report(pair, seed, steps, mismatch):
    """Shrinks a failing sequence and prints it."""
    print(f"\nFAILED: seed {seed}, {len(steps)} steps; shrinking …", flush=True)
    wanted = mismatch.signature()

    def fails(candidate):
        found = pair.run(candidate)
        return found is not None and found.signature() == wanted

    if fails(steps):
        steps = shrink(steps[: mismatch.step + 1] if fails(steps[: mismatch.step + 1]) else steps, fails)
        mismatch = pair.run(steps) or mismatch
    else:
        print("  (a second run did not fail: the outcome depends on timing)")
    for step in steps:
        print(f"  {show(step)}")
    words = b" ".join(word for word in mismatch.command if isinstance(word, bytes))
    print(f"  at: {words!r}")
    print(f"  oracle:  {shown(mismatch.oracle)}")
    print(f"  forebay: {shown(mismatch.subject)}", flush=True)


def explore(options, pair):
    """Runs sequences until the time is over. Gives how many were run, and failures by signature."""
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed} ({options.seconds:g} s)", flush=True)
    without = unbuilt(pair) | {name.upper().encode() for name in options.without}
    families = load(FAMILIES, without)
    deadline = time.monotonic() + options.seconds
    failures = {}
    run = 0
    while time.monotonic() < deadline and len(failures) < FAILURES_MAX:
        if options.sequences is not None and run >= options.sequences:
            break
        # Each sequence has a seed of its own, so that one can be run again alone.
        sequence_seed = seed + run
        steps = Generator(random.Random(sequence_seed), families, options.scripts).sequence()
        mismatch = pair.run(steps)
        run += 1
        if mismatch is None:
            continue
        signature = mismatch.signature()
        failures[signature] = failures.get(signature, 0) + 1
        if failures[signature] == 1:
            report(pair, sequence_seed, steps, mismatch)
            if options.first:
                break
    return run, failures


def main():
    options = arguments()
    pair = Pair(oracle_binary("redis"), forebay_binary())
    try:
        run, failures = explore(options, pair)
    finally:
        pair.stop()
    for signature, count in failures.items():
        print(f"  {count} sequences: {signature}")
    print(f"{run} sequences, {pair.commands_run} commands, {len(failures)} kinds of difference")
    print(pair.beside.told())
    if run >= SEQUENCES_THAT_SHOW and not pair.beside.has_worked():
        print("nothing went on beside the sequences")
        return 1
    return 1 if failures or run == 0 else 0


sys.exit(main())
