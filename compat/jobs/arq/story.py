"""arq: bulk, unique names, deferring, retries, aborting, cron, and a worker that is killed."""

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import tasks
from arq import create_pool
from arq.jobs import JobStatus
from stage import VENV, Failed, Story, expect, scaled
from work import answer, kind_of

HERE = Path(__file__).resolve().parent
BULK = scaled(2000)
SMALL = 30
RESULT_LIMIT_S = 120


def start(story, name, settings, queue="arq:queue"):
    return story.start(
        name, VENV / "arq", f"tasks.{settings}",
        environment={"PYTHONPATH": ":".join(sys.path), "ARQ_QUEUE": queue, "ARQ_HEALTH": f"health:{name}"},
    )  # fmt: skip


async def results(jobs):
    return await asyncio.gather(*[job.result(RESULT_LIMIT_S, poll_delay=0.1) for job in jobs])


def expect_answers(case, found):
    expect(f"answers of {case}", found, [answer(kind_of(number), number) for number in range(len(found))])


async def enqueue(pool, function, case, count, **options):
    return [
        await pool.enqueue_job(function, kind_of(number), number, case, **options)
        for number in range(count)
    ]


async def bulk(story, pool):
    jobs = await enqueue(pool, "work", "bulk", BULK)
    await asyncio.to_thread(story.wait_for_jobs, "bulk", BULK)
    expect_answers("bulk", await results(jobs))
    for job in jobs[:: BULK // 20]:
        expect("status", await job.status(), JobStatus.complete)
    kept = [result for result in await pool.all_job_results() if "bulk" in result.args]
    expect("results kept", (len(kept), all(result.success for result in kept)), (BULK, True))
    expect("queued", await pool.queued_jobs(), [])
    story.report("bulk", BULK, f"{len(kept)} results, 0 queued")


async def check_health(story, names):
    """Every worker's own count, as `arq --check` reads it: together they had all jobs."""

    def complete():
        total = 0
        for name in names:
            check = subprocess.run(
                [VENV / "arq", "--check", "tasks.Main"], cwd=HERE, capture_output=True, text=True,
                env=tasks.os.environ | {"PYTHONPATH": ":".join(sys.path), "ARQ_HEALTH": f"health:{name}"},
            )  # fmt: skip
            said = re.search(r"j_complete=(\d+) j_failed=0 ", check.stdout + check.stderr)
            if check.returncode or not said:
                raise Failed(f"arq --check {name}: {check.returncode} {check.stdout}{check.stderr}")
            total += int(said[1])
        return total == BULK

    await asyncio.to_thread(story.wait, "the workers' own counts", complete)
    story.report("health", None, f"{BULK} jobs complete, by arq --check of {len(names)} workers")


async def unique(story, pool):
    """Three callers at once enqueue the same name; one of them is the first."""
    firsts = []
    for number in range(SMALL):
        same = [
            pool.enqueue_job("work", kind_of(number), number, "unique", _job_id=f"unique-{number}")
            for _ in range(3)
        ]
        taken = [job for job in await asyncio.gather(*same) if job]
        expect(f"enqueued of three at once as unique-{number}", len(taken), 1)
        firsts += taken
    expect_answers("unique", await results(firsts))
    story.report("unique", SMALL, "1 of 3 callers was told that it enqueued")


async def deferred(story, pool):
    due = time.time() + 1.0
    jobs = await enqueue(pool, "work_timed", "deferred", SMALL, _defer_by=1.0)
    for job in jobs:
        if await job.status() not in (JobStatus.deferred, JobStatus.complete):
            expect("status of a deferred job", await job.status(), JobStatus.deferred)
    found = await results(jobs)
    expect_answers("deferred", [answer for answer, _ in found])
    if min(began for _, began in found) < due:
        raise Failed("a deferred job ran before its time")
    story.report("deferred", SMALL, "none before its time")


async def retries(story, pool):
    jobs = await enqueue(pool, "fail_first", "retries", SMALL)
    broken = await pool.enqueue_job("fail_always")
    found = await results(jobs)
    expect_answers("retries", [answer for answer, _ in found])
    expect("tries", {tries for _, tries in found}, {tasks.TRIES})
    try:
        await broken.result(RESULT_LIMIT_S)
    except ValueError as error:
        expect("what went wrong", str(error), "no such order")
    else:
        raise Failed("a job that fails has a result")
    told = await broken.result_info()
    expect("the failed job's own view", (told.success, told.job_try), (False, 2))
    story.report("retries", SMALL, f"{tasks.TRIES} tries each; 1 failed for good")


async def aborted(story, pool):
    jobs = await enqueue(pool, "work", "aborted", SMALL, _defer_by=0.5)
    later = await enqueue(pool, "work", "aborted", 5, _defer_by=600)
    running = await pool.enqueue_job("endless", "aborted", _job_id="endless")
    await asyncio.to_thread(story.wait, "endless job", lambda: story.ledger.of("aborted")["begun"])
    expect("aborted", await asyncio.gather(*[job.abort(timeout=RESULT_LIMIT_S) for job in later]), [True] * 5)
    expect("aborted while it ran", await running.abort(timeout=RESULT_LIMIT_S), True)
    expect_answers("aborted", await results(jobs))
    story.report("aborted", [*range(SMALL), "begun"], "5 aborted before, 1 while it ran")


async def cron_ticks(story):
    clocks = [start(story, f"clock-{name}", "Clock", "clock") for name in "ab"]
    await asyncio.to_thread(story.wait_for_jobs, "cron", 4)
    story.stop(*clocks)
    instants = sorted(map(int, story.ledger.of("cron")))
    expect("every second", instants, list(range(instants[0], instants[-1] + 1000, 1000)))
    story.report("cron", instants, "each second once, by two workers")


async def deadly(story, pool):
    """The worker dies in the middle of a job; another worker has it after its time in hand."""
    jobs = await enqueue(pool, "deadly", "killed", SMALL, _queue_name="deadly")
    victim = start(story, "victim", "Victim", "deadly")
    await asyncio.to_thread(story.wait_for_death, victim)
    expect("in progress", await jobs[tasks.DEADLY].status(), JobStatus.in_progress)
    start(story, "heir", "Main", "deadly")
    return jobs


async def after_death(story, jobs):
    found = await results(jobs)
    expect_answers("killed", [answer for answer, _ in found])
    expect("tries", [tries for _, tries in found], [1 + (n == tasks.DEADLY) for n in range(SMALL)])
    story.report("killed", SMALL, "worker killed -9 in a job, which another did at the second try")


async def main():
    with Story() as story:
        pool = await create_pool(tasks.SETTINGS)
        # Its time passes while the others run.
        left = await deadly(story, pool)
        names = ["worker-a", "worker-b"]
        for name in names:
            start(story, name, "Main")
        await bulk(story, pool)
        await check_health(story, names)
        await unique(story, pool)
        await deferred(story, pool)
        await retries(story, pool)
        await aborted(story, pool)
        await cron_ticks(story)
        await after_death(story, left)


asyncio.run(main())
