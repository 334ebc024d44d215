"""The applications and jobs of the Celery story: `celery -A tasks worker`, `celery -A tasks:late worker`."""

import hashlib
import os
import signal
import time
from itertools import count

from celery import Celery
from mishap import die_with_group, first_time, times
from work import hash_file, perform, record

URL = os.environ["JOBS_URL"]
TRIES = 3
DEADLY = 7
VISIBILITY_S = 10

app = Celery("jobs", broker=URL, backend=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"queue_order_strategy": "priority"},
    result_expires=3600,
    result_extended=True,
    timezone="UTC",
    worker_hijack_root_logger=False,
)
app.conf.beat_schedule = {"tick": {"task": "tasks.tick", "schedule": 1.0, "args": ("beat",)}}

# Tasks whose worker dies come back here. In a database of its own, because it is whatever worker looks
# that gives tasks back, and by its own idea of what is too long.
LATE_URL = URL.removesuffix("/0") + "/1"
late = Celery("late", broker=LATE_URL, backend=LATE_URL)
late.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_S,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)


@app.task
def work(kind, number, case):
    return perform(kind, number, case)


@app.task
def work_timed(kind, number, case):
    """Says when it ran, too."""
    began = time.time()
    return perform(kind, number, case), began


@app.task
def digest(answers, case, job):
    """One answer of many: the body of a chord."""
    record(case, job)
    return hashlib.sha256("\n".join(answers).encode()).hexdigest()


@app.task
def extend(text, kind, number, case):
    """A link of a chain."""
    return f"{text}|{perform(kind, number, case)}"


@app.task(bind=True, max_retries=TRIES)
def fail_first(self, kind, number, case):
    if self.request.retries + 1 < TRIES:
        raise self.retry(countdown=1, exc=OSError("try again"))
    return perform(kind, number, case), self.request.retries + 1


@app.task(bind=True, max_retries=1)
def fail_always(self):
    raise self.retry(countdown=0.1, exc=ValueError("no such order"))


@app.task
def endless(case):
    """Works until it is terminated."""
    record(case, "begun")
    for number in count():
        hash_file(number)


@app.task
def tick(case):
    perform("render", 1, case, f"tick {times(f'turn-{case}')}")


@late.task
def deadly(kind, number, case):
    if number == DEADLY and first_time("deadly"):
        os.kill(os.getppid(), signal.SIGKILL)
        die_with_group()
    return perform(kind, number, case)
