"""taskiq-redis: list and stream brokers, broadcast, retries and schedules, and a worker that is killed."""

import asyncio
import datetime
import sys
import time

import tasks
from redis.asyncio import Redis
from stage import VENV, Failed, Story, expect, scaled
from taskiq.task import AsyncTaskiqTask
from work import answer, kind_of

BULK = scaled(1500)
SMALL = 30
RESULT_LIMIT_S = 120
GROUP = "taskiq"


def start(story, name, broker, *options):
    return story.start(
        name, VENV / "taskiq", "worker", f"tasks:{broker}", *options,
        environment={"PYTHONPATH": ":".join(sys.path), "TASKIQ_WORKER": name},
    )  # fmt: skip


async def results(jobs):
    """What the result backend kept, in order."""
    return [
        await job.wait_result(check_interval=0.05, timeout=RESULT_LIMIT_S, with_logs=False)
        for job in jobs
    ]


def expect_answers(case, found):
    for result in found:
        if result.is_err:
            raise Failed(f"{case}: {result.error}")
    wanted = [answer(kind_of(number), number) for number in range(len(found))]
    expect(f"answers of {case}", [result.return_value for result in found], wanted)


async def kick(broker, job, case, count):
    task = broker.find_task(job)
    return [await task.kiq(kind_of(number), number, case) for number in range(count)]


async def bulk(story, broker, case):
    jobs = await kick(broker, "work", case, BULK)
    await asyncio.to_thread(story.wait_for_jobs, case, BULK)
    expect_answers(case, await results(jobs))


async def over_lists(story, client):
    await bulk(story, tasks.lists, "lists")
    expect("queued", await client.llen("lists"), 0)
    story.report("lists", BULK, f"{BULK} results, 0 queued")


async def over_streams(story, client):
    await bulk(story, tasks.streams, "streams")
    expect("entries", await client.xlen("streams"), BULK)

    async def settled():
        groups = await client.xinfo_groups("streams")
        return [(group["pending"], group["lag"], group["entries-read"]) for group in groups]

    await until("all acknowledged", settled, [(0, 0, BULK)])
    story.report("streams", BULK, f"{BULK} results, pending 0, lag 0")


async def until(what, ask, wanted):
    deadline = time.monotonic() + RESULT_LIMIT_S
    while (found := await ask()) != wanted:
        if time.monotonic() > deadline:
            raise Failed(f"{what}: {found!r}, wanted {wanted!r}")
        await asyncio.sleep(0.05)


async def broadcast(story, client):
    names = ["listener-a", "listener-b"]
    for name in names:
        start(story, name, "everyone", "--workers", 1)

    async def listening():
        return (await client.pubsub_numsub("everyone"))[0][1]

    await until("listeners", listening, len(names))
    await kick(tasks.everyone, "everywhere", "broadcast", SMALL)
    wanted = [f"{number} by {name}" for number in range(SMALL) for name in names]
    await asyncio.to_thread(story.wait_for_jobs, "broadcast", len(wanted))
    story.report("broadcast", wanted, "each by both listeners")


async def retries(story):
    """Over the schedule source: a failed task is scheduled anew."""
    jobs = await kick(tasks.lists, "fail_first", "retries", SMALL)
    broken = await tasks.lists.find_task("fail_always").kiq(7)
    expect_answers("retries", await results(jobs))
    (failed,) = await results([broken])
    expect("what went wrong", (failed.is_err, repr(failed.error)), (True, "ValueError('no order 7')"))
    story.report("retries", SMALL, f"{tasks.TRIES} tries each; 1 failed for good")


async def scheduled(story, client):
    due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    task = tasks.lists.find_task("work_timed")
    for number in range(SMALL):
        named = task.kicker().with_task_id(f"scheduled-{number}")
        await named.schedule_by_time(tasks.schedules, due, kind_of(number), number, "scheduled")
    far = due + datetime.timedelta(hours=1)
    never = await task.kicker().schedule_by_time(tasks.schedules, far, "hash", SMALL, "scheduled")
    expect("schedules, with the one of later", await client.exists(f"schedule:data:{never.schedule_id}"), 1)
    await never.unschedule()
    backend = tasks.lists.result_backend
    found = await results([AsyncTaskiqTask(f"scheduled-{number}", backend) for number in range(SMALL)])
    timed = [result.return_value for result in found]
    for result, (said, _) in zip(found, timed, strict=True):
        result.return_value = said
    expect_answers("scheduled", found)
    if min(began for _, began in timed) < due.timestamp():
        raise Failed("a scheduled job ran before its time")

    async def left():
        return await client.keys("schedule:*")

    await until("schedules left", left, [])
    story.report("scheduled", SMALL, "none before its time; 1 unscheduled; 0 schedules left")


async def killed(story, client):
    """A worker dies with entries in hand; they are pending until another claims them."""
    victim = start(story, "victim", "streams", "--workers", 1, "--max-async-tasks", 1)
    jobs = await kick(tasks.streams, "deadly", "killed", SMALL)
    await asyncio.to_thread(story.wait_for_death, victim)
    held = (await client.xpending("streams", GROUP))["pending"]
    if not held:
        raise Failed("the dead worker held nothing")
    heir = start(story, "heir", "streams", "--workers", 1)

    async def pending():
        # The library looks for what is left over each time it has read something new.
        nudge = await tasks.streams.find_task("nudge").kiq(1)
        await results([nudge])
        return (await client.xpending("streams", GROUP))["pending"]

    await until("pending", pending, 0)
    expect_answers("killed", await results(jobs))
    story.stop(heir)
    story.report("killed", SMALL, "worker killed -9 while it held entries, which another claimed")


async def main():
    with Story() as story:
        client = Redis.from_url(tasks.URL)
        brokers = (tasks.lists, tasks.streams, tasks.everyone)
        for broker in brokers:
            await broker.startup()
        start(story, "list-workers", "lists", "--workers", 2)
        readers = start(story, "stream-workers", "streams", "--workers", 2)
        await over_lists(story, client)
        await over_streams(story, client)
        story.stop(readers)
        story.start(
            "scheduler", VENV / "taskiq", "scheduler", "tasks:scheduler", "--update-interval", 1,
            environment={"PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        await retries(story)
        await scheduled(story, client)
        await broadcast(story, client)
        await killed(story, client)
        for broker in brokers:
            await broker.shutdown()


asyncio.run(main())
