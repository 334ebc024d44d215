"""The brokers and jobs of the taskiq story: `taskiq worker tasks:BROKER`, `taskiq scheduler tasks:scheduler`."""

import os
import socket
import time

from mishap import die_with_group, first_time, times
from taskiq import TaskiqScheduler
from taskiq.middlewares import SmartRetryMiddleware
from taskiq_redis import (
    ListQueueBroker,
    ListRedisScheduleSource,
    PubSubBroker,
    RedisAsyncResultBackend,
    RedisStreamBroker,
)
from work import hash_file, perform

URL = os.environ["JOBS_URL"]
TRIES = 3
DEADLY = 14
# Above what any job takes, prefetched ones included: else the living would be robbed.
IDLE_MS = 8000

schedules = ListRedisScheduleSource(URL)


def broker_with(kind, queue, **options):
    results = RedisAsyncResultBackend(URL, prefix_str=f"result:{queue}", result_ex_time=3600)
    retries = SmartRetryMiddleware(TRIES, default_delay=0.2, schedule_source=schedules)
    # The brokers wait without end for the next job; redis-py 8 gives up on any reply after five seconds.
    broker = kind(URL, queue_name=queue, socket_timeout=None, **options)
    return broker.with_result_backend(results).with_middlewares(retries)


lists = broker_with(ListQueueBroker, "lists")
streams = broker_with(
    RedisStreamBroker, "streams", consumer_name=f"{socket.gethostname()}-{os.getpid()}",
    xread_count=10, xread_block=500, idle_timeout=IDLE_MS, unacknowledged_lock_timeout=10,
)  # fmt: skip
everyone = broker_with(PubSubBroker, "everyone")
scheduler = TaskiqScheduler(lists, [schedules])


def work(kind, number, case):
    return perform(kind, number, case)


def work_timed(kind, number, case):
    """Says when it ran, too."""
    began = time.time()
    return perform(kind, number, case), began


def fail_first(kind, number, case):
    if times(f"try-{case}-{number}") < TRIES:
        raise OSError("try again")
    return perform(kind, number, case)


def fail_always(number):
    raise ValueError(f"no order {number}")


def deadly(kind, number, case):
    if number == DEADLY and first_time("deadly"):
        die_with_group()
    return perform(kind, number, case)


def everywhere(kind, number, case):
    """Each worker does it: the job is known by its number and the worker."""
    return perform(kind, number, case, f"{number} by {os.environ['TASKIQ_WORKER']}")


def nudge(number):
    return hash_file(number)


JOBS = (work, work_timed, fail_first, fail_always, deadly, everywhere, nudge)
# Named before, because taskiq renames a function that it has taken.
NAMES = {job: job.__name__ for job in JOBS}
for broker in (lists, streams, everyone):
    for job, name in NAMES.items():
        broker.register_task(job, name, retry_on_error=job is fail_first)
