"""The jobs and workers of the arq story. The workers are `arq tasks.Main` and `arq tasks.Victim`."""

import asyncio
import os
import time
from itertools import count

from arq import Retry, cron
from arq.connections import RedisSettings
from mishap import die_with_group, first_time
from work import hash_file, perform, record

SETTINGS = RedisSettings.from_dsn(os.environ["JOBS_URL"])
# The job that takes its worker with it.
DEADLY = 12
TRIES = 3


async def work(_, kind, number, case):
    return perform(kind, number, case)


async def work_timed(_, kind, number, case):
    """Says when it ran, too."""
    began = time.time()
    return perform(kind, number, case), began


async def fail_first(ctx, kind, number, case):
    if ctx["job_try"] < TRIES:
        raise Retry(defer=0.2)
    return perform(kind, number, case), ctx["job_try"]


async def fail_always(ctx):
    if ctx["job_try"] % 2:
        raise Retry
    raise ValueError("no such order")


async def deadly(ctx, kind, number, case):
    if number == DEADLY and first_time("deadly"):
        die_with_group()
    return perform(kind, number, case), ctx["job_try"]


async def endless(_, case):
    """Works until it is cancelled."""
    record(case, "begun")
    for number in count():
        hash_file(number)
        await asyncio.sleep(0)


async def tick(ctx):
    # The name of a cron job ends with the instant that it was meant for.
    perform("render", 1, "cron", ctx["job_id"].rsplit(":", 1)[1])


# arq takes a class's own attributes and not those it inherits.
COMMON = {
    "functions": [work, work_timed, fail_first, fail_always, deadly, endless],
    "redis_settings": SETTINGS,
    "queue_name": os.environ.get("ARQ_QUEUE", "arq:queue"),
    "health_check_key": os.environ.get("ARQ_HEALTH", "arq:queue:health-check"),
    "health_check_interval": 1,
    "allow_abort_jobs": True,
    # What a dead worker had in hand is taken up after this and ten seconds more.
    "job_timeout": 10,
    "poll_delay": 0.1,
}
Main = type("Main", (), COMMON)
# Takes a job at a time, so that only the deadly one is lost.
Victim = type("Victim", (), COMMON | {"max_jobs": 1})
Clock = type("Clock", (), COMMON | {"cron_jobs": [cron(tick, second=set(range(60)), microsecond=0)]})
