"""Invariants under fire: workers that succeed, fail, hang and are killed with -9, a server that is
killed with -9 as well, groups with policies; and what the clients wrote down, checked afterwards.

    python3 compat/fire [--seconds N] [--bouts N] [--seed N] [--keep FOLDER]
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import checks
import selftest
from arena import FireFailed
from bout import Bout
from history import Oops
from stations import STATIONS, drawn

SHOWN = 10


def judge(epochs):
    """What is wrong, as lines."""
    for epoch in epochs:
        for check in checks.CHECKS:
            found = list(check(epoch))
            for line in found[:SHOWN]:
                yield f"{epoch.station.name}: {check.__name__}: {line}"
            if len(found) > SHOWN:
                yield f"{epoch.station.name}: {check.__name__}: and {len(found) - SHOWN} more"


def lateness(epochs, outages):
    """(why, median, 99th of a hundred, count) of the ms from due to handed out, at the most: the
    spread of BACKOFF and the time that busy workers take to ask are in it.

    Returns that came due while the server was away are left out.
    """
    late = {}
    for epoch in epochs:
        if epoch.station.policy.order_by or epoch.station.policy.max_in_flight or epoch.station.policy.rate:
            continue  # these may hold an entry back for good reason
        for found in checks.returns(epoch):
            there = found.delivery.there
            if not any(begun < there and over > found.due for begun, over in outages):
                late.setdefault(found.why, []).append((there - found.due) / 1000)
    for why, values in sorted(late.items()):
        values.sort()
        yield why, statistics.median(values), values[len(values) * 99 // 100], len(values)


def told(bout, epochs):
    """What happened, so that an empty run shows."""
    for epoch in epochs:
        policy, seen = epoch.station.policy, epoch.seen
        done = sum(end.effect or 0 for end in seen.ends if end.mode == "ACK")
        words = f"{len(epoch.entries)} entries, {len(seen.deliveries)} deliveries, {done} done"
        words += f", {len(epoch.dead)} dead, {len(seen.lost)} reads without an answer"
        if policy.max_in_flight:
            words += f", at most {checks.most_in_flight(epoch)} of {policy.max_in_flight} in flight"
        print(f"  {epoch.station.name}: {words}")
    print(f"  {bout.server.kills} kills of the server, {bout.crew.killed} of workers")
    for why, middle, high, count in lateness(epochs, bout.server.outages):
        print(f"  late after {why}: median {middle:.1f} ms, 99 % within {high:.1f} ms of {count}")


def check_load(epochs):
    """A run in which little happened shows little."""
    entries = sum(len(epoch.entries) for epoch in epochs[::2])
    redriven = sum(len(epoch.entries) for epoch in epochs[1::2])
    if entries < 100 or redriven < 10:
        raise FireFailed(f"there was hardly any load: {entries} entries, {redriven} given back")


def run_bout(number, options, dice, tried):
    """One bout in a directory of its own; the lines of what is wrong."""
    directory = tempfile.mkdtemp(prefix="forebay-fire-")
    bout = Bout(directory, [*STATIONS, drawn(dice)], options.seconds, dice.randrange(1 << 32), options.rate)
    print(f"bout {number}: drawn {bout.stations[-1].policy}", flush=True)
    failures = ["it did not come to its end"]
    try:
        bout.run()
        epochs = list(bout.epochs())
        told(bout, epochs)
        check_load(epochs)
        failures = list(judge(epochs)) or list(selftest.try_breaches(epochs, tried))
    except (FireFailed, Oops) as error:
        failures = [str(error)]
    finally:
        if failures and options.keep:
            shutil.copytree(directory, Path(options.keep) / f"bout-{number}", dirs_exist_ok=True)
        if failures:
            log = Path(directory, "log").read_text(errors="replace")[-3000:]
            print(log, file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)
    return failures


def arguments():
    parser = argparse.ArgumentParser(prog="compat/fire", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="that each bout is under fire")
    parser.add_argument("--bouts", type=int, default=2)
    parser.add_argument("--rate", type=float, default=60, help="jobs a second and stream, about")
    parser.add_argument("--seed", type=int, help="of policies, dice and instants; drawn if not given")
    parser.add_argument("--keep", help="a folder for the histories of a bout that failed")
    return parser.parse_args()


def main():
    options = arguments()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    dice = random.Random(seed)
    failures, tried = [], set()
    for number in range(1, options.bouts + 1):
        failures = run_bout(number, options, dice, tried)
        if failures:
            break
    failures = failures or list(selftest.untried(tried))
    for line in failures:
        print(f"FAILED: {line}", file=sys.stderr)
    if failures:
        print(f"the seed was {seed}", file=sys.stderr)
    else:
        print(f"{len(checks.CHECKS)} checks hold, {len(selftest.BREACHES)} breaches of them are seen")
    return 1 if failures else 0


if __name__ == "__main__":
    os.chdir(HERE)
    sys.exit(main())
