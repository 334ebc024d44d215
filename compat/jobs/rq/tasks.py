"""The jobs of the RQ story."""

import os
import signal
import time
from itertools import count

from mishap import die_with_group, first_time, times
from rq import get_current_job
from work import hash_file, perform, record

TRIES = 3


def work(kind, number, case):
    return perform(kind, number, case)


def work_timed(kind, number, case):
    """Says when it began and when it was done, too."""
    began = time.time()
    return perform(kind, number, case), began, time.time()


def after(kind, number, case):
    """Does what it was given, and says what the job before it said."""
    return get_current_job().fetch_dependencies()[0].return_value(), perform(kind, number, case)


def fail_first(kind, number, case):
    if times(f"try-{case}-{number}") < TRIES:
        raise OSError("try again")
    return perform(kind, number, case)


def fail_once(kind, number, case):
    """Fails until somebody puts it back by hand."""
    if first_time(f"once-{case}-{number}"):
        raise ValueError(f"no order {number}")
    return perform(kind, number, case)


def repeated(kind, number, case):
    return perform(kind, number, case, f"{number}, {times(f'turn-{case}-{number}')}")


def kill_horse(kind, number, case):
    """Ends the process that RQ forked for this job, and that one only."""
    if first_time(f"horse-{case}-{number}"):
        die_with_group()
    return perform(kind, number, case)


def kill_worker(kind, number, case):
    """Ends the worker, and then the process forked for this job."""
    if first_time(f"worker-{case}-{number}"):
        os.kill(os.getppid(), signal.SIGKILL)
        die_with_group()
    return perform(kind, number, case)


def endless(case):
    """Works until it is stopped."""
    record(case, "begun")
    for number in count():
        hash_file(number)


def tick(case):
    return perform("render", 1, case, f"tick {times(f'turn-{case}')}")
