"""Job libraries, unchanged, on redis-server and then on Forebay: the same story on both.

    python compat/jobs [NAME ...]

Each library has a folder here with a story: a program that starts the library's own workers against
the server it is told, gives them jobs, and asks the library what it thinks happened. `library.py`
says how a story is started and what it is told; `verdict.py` judges what it leaves behind.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from library import SERVERS, StoryFailed, all_libraries, run_story
from verdict import Unfit, compare, judge


def arguments():
    parser = argparse.ArgumentParser(prog="compat/jobs", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="libraries; all if none is named")
    parser.add_argument("--server", choices=SERVERS, help="run on this server alone, compare nothing")
    parser.add_argument("--at-once", type=int, default=2, help="stories that run at the same time")
    parser.add_argument("--limit", type=float, default=400.0, help="seconds that one story may take")
    parser.add_argument(
        "--again", type=int, default=0, help="how often a story that failed is told anew, and said so"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="times as many jobs in large cases")
    parser.add_argument(
        "--whole", action="append", default=[], metavar="NAME", help="a library that --scale leaves alone"
    )
    return parser.parse_args()


def one_run(name, server, options):
    """Runs one story to its end: its cases with what was counted, and how long it took."""
    left = options.again
    scale = 1.0 if name in options.whole else options.scale
    while True:
        began = time.monotonic()
        try:
            report, ledger = run_story(name, server, options.limit, scale)
            return judge(report, ledger), time.monotonic() - began
        except (StoryFailed, Unfit) as failure:
            # A job that Forebay has lost is never told anew.
            is_lost = server == "forebay" and isinstance(failure, Unfit)
            if left == 0 or is_lost:
                raise
            left -= 1
            print(f"{name} on {server}: failed, and is told anew\n{failure}", flush=True)


def tell(name, server, cases, seconds):
    print(f"{name} on {server}, {seconds:.1f} s:")
    for case in cases.values():
        twice = f", {case.duplicates} run again" if case.duplicates else ""
        view = f"; {case.view}" if case.view else ""
        took = "" if case.seconds is None else f"{case.seconds:.1f}"
        jobs = f"{case.jobs:>6} jobs" if case.jobs else " " * 11
        print(f"  {case.name:<22} {took:>6} {jobs}{twice}{view}")
    sys.stdout.flush()


def run_all(names, servers, options):
    """Every story on every server. What came of it, and a line for each that failed."""
    outcomes, failures = {}, []
    with ThreadPoolExecutor(options.at_once) as pool:
        tasks = {
            pool.submit(one_run, name, server, options): (name, server)
            for name in names
            for server in servers
        }
        for task in as_completed(tasks):
            name, server = tasks[task]
            try:
                cases, seconds = task.result()
            except (StoryFailed, Unfit) as failure:
                print(f"{name} on {server}: FAILED\n{failure}", flush=True)
                failures.append(f"{name} on {server}: {str(failure).splitlines()[0]}")
                continue
            outcomes[name, server] = cases
            tell(name, server, cases, seconds)
    return outcomes, failures


def main():
    options = arguments()
    known = all_libraries()
    for name in options.names + options.whole:
        if name not in known:
            sys.exit(f"no library {name}; there are: {' '.join(known)}")
    # What takes longest begins first.
    names = sorted(options.names or known, key=lambda name: name not in options.whole)
    servers = [options.server] if options.server else list(SERVERS)
    outcomes, failures = run_all(names, servers, options)
    for name in names:
        pair = [outcomes.get((name, server)) for server in SERVERS]
        if None not in pair:
            failures += [f"{name}: {difference}" for difference in compare(*pair)]
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures or not outcomes else 0


sys.exit(main())
