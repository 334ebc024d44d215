"""Jobs that go wrong on purpose: that end their worker with -9, or fail a few times first.

What has happened already is kept in files, since nothing in the worker's memory survives.
"""

import os
import signal
from pathlib import Path

FOLDER = Path(os.environ["JOBS_FOLDER"])


def first_time(what):
    """True for the first caller that asks about this, of all processes."""
    try:
        os.close(os.open(FOLDER / f"happened-{what}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def times(what):
    """1 at the first call about this, 2 at the second, and so on; not for callers at once."""
    number = 1
    while not first_time(f"{what}-{number}"):
        number += 1
    return number


def die_with_group():
    """Kills the worker and all that it forked with -9, in the middle of a job."""
    os.killpg(os.getpgid(0), signal.SIGKILL)
