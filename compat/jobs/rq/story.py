"""RQ: bulk, dependencies, scheduler, retries, the failed registry, rate limits, cron, commands, and
workers that are killed; `rq info` and rq-dashboard have to agree."""

import os
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import tasks
from harness.server import free_port
from redis import Redis
from rq import Queue, Repeat, Retry, Worker
from rq.command import send_stop_job_command
from rq.exceptions import DuplicateJobError
from rq.group import Group
from rq.rate_limit import RateLimit
from stage import URL, VENV, Failed, Story, answers, expect, fetch_json, scaled
from work import answer, kind_of

BULK = scaled(300)
SMALL = 20
TURNS = 3
PATH = {"PYTHONPATH": ":".join([os.path.dirname(os.path.abspath(__file__)), *sys.path])}


def start(story, name, *queues):
    return story.start(
        name, VENV / "rq", "worker", "--url", URL, "--name", name, "--with-scheduler", "--quiet", *queues,
        environment=PATH,
    )  # fmt: skip


def wait_finished(story, jobs):
    """Waits until every job is finished in RQ's own view, and gives their results."""
    for job in jobs:
        try:
            story.wait(f"{job.id} to finish", lambda job=job: job.get_status() == "finished")
        except Failed as failure:
            raise Failed(f"{failure}; it is {job.get_status()}") from None
    return [job.return_value() for job in jobs]


def expect_answers(case, found):
    expect(f"answers of {case}", found, [answer(kind_of(number), number) for number in range(len(found))])


def enqueue(queue, function, case, count, **options):
    return [
        queue.enqueue(function, kind_of(number), number, case, **options) for number in range(count)
    ]


def bulk(story, client):
    queue = Queue("bulk", connection=client)
    data = [Queue.prepare_data(tasks.work, (kind_of(n), n, "bulk")) for n in range(BULK)]
    group = Group.create(connection=client, name="bulk")
    jobs = group.enqueue_many(queue, data)
    story.wait_for_jobs("bulk", BULK)
    expect_answers("bulk", wait_finished(story, jobs))
    expect("group", len(Group.fetch("bulk", connection=client).get_jobs()), BULK)
    expect("finished registry", len(queue.finished_job_registry), BULK)
    expect("queued, failed", (queue.count, len(queue.failed_job_registry)), (0, 0))
    story.report("bulk", BULK, f"{BULK} in the finished registry, 0 queued")


def unique(story, client):
    queue = Queue("bulk", connection=client)
    jobs, refused = [], 0
    for number in range(SMALL):
        for _ in range(2):
            try:
                jobs.append(
                    queue.enqueue(
                        tasks.work, kind_of(number), number, "unique",
                        job_id=f"unique-{number}", unique=True,
                    )
                )  # fmt: skip
            except DuplicateJobError:
                refused += 1
    expect("refused", refused, SMALL)
    expect_answers("unique", wait_finished(story, jobs))
    story.report("unique", SMALL, f"{refused} second ones refused")


def dependencies(story, client):
    # Its worker comes later: RQ 3.0.0 now and then leaves a job `ready_to_enqueue` that is enqueued in the
    # instant in which what it depends on ends. It does so on redis-server, once in about a hundred here.
    queue = Queue("chained", connection=client)
    firsts = enqueue(queue, tasks.work, "dependencies", SMALL)
    seconds = [
        queue.enqueue(tasks.after, "render", SMALL + n, "dependencies", depends_on=firsts[n])
        for n in range(SMALL)
    ]
    expect("deferred", len(queue.deferred_job_registry), SMALL)
    start(story, "chainer", "chained")
    wanted = [(answer(kind_of(n), n), answer("render", SMALL + n)) for n in range(SMALL)]
    expect("pairs", wait_finished(story, seconds), wanted)
    expect("deferred", len(queue.deferred_job_registry), 0)
    story.report("dependencies", 2 * SMALL, "each after what it depends on")


def scheduled(story, client):
    queue = Queue("later", connection=client)
    # RQ keeps times in whole seconds.
    due = (datetime.now(timezone.utc) + timedelta(seconds=3)).replace(microsecond=0)
    jobs = [
        queue.enqueue_at(due, tasks.work_timed, kind_of(n), n, "scheduled")
        for n in range(SMALL - 1)
    ]
    jobs.append(
        queue.enqueue_in(timedelta(seconds=3), tasks.work_timed, kind_of(SMALL - 1), SMALL - 1, "scheduled")
    )
    never = queue.enqueue_in(timedelta(hours=1), tasks.work, "hash", 0, "scheduled")
    expect("scheduled", len(queue.scheduled_job_registry), SMALL + 1)
    never.cancel()
    found = wait_finished(story, jobs)
    expect_answers("scheduled", [said for said, _, _ in found])
    if min(began for _, began, _ in found) < due.timestamp():
        raise Failed("a scheduled job ran before its time")
    expect("left scheduled", len(queue.scheduled_job_registry), 0)
    expect("cancelled", (never.get_status(), never.id in queue.canceled_job_registry), ("canceled", True))
    story.report("scheduled", SMALL, "none before its time; 1 cancelled")


def retries(story, client):
    queue = Queue("later", connection=client)
    at_once = enqueue(queue, tasks.fail_first, "retries", SMALL, retry=Retry(max=tasks.TRIES))
    later = enqueue(queue, tasks.fail_first, "retries later", 5, retry=Retry(max=tasks.TRIES, interval=1))
    expect_answers("retries", wait_finished(story, at_once))
    expect_answers("retries later", wait_finished(story, later))
    left = {job.retries_left for job in at_once + later if job.refresh() is None}
    expect("retries left", left, {1})
    story.report("retries", SMALL, f"{tasks.TRIES} tries each")
    story.report("retries later", 5, f"{tasks.TRIES} tries each, a second between them")


def repeats(story, client):
    queue = Queue("later", connection=client)
    for number in range(5):
        queue.enqueue(tasks.repeated, kind_of(number), number, "repeats", repeat=Repeat(TURNS - 1, 1))
    wanted = [f"{number}, {turn + 1}" for number in range(5) for turn in range(TURNS)]
    story.wait_for_jobs("repeats", len(wanted))
    story.report("repeats", wanted, f"{TURNS} turns each")


def failed(story, client, board):
    """What fails is kept with its traceback, and runs again when it is put back."""
    queue = Queue("risky", connection=client)
    jobs = enqueue(queue, tasks.fail_once, "failed", SMALL)
    registry = queue.failed_job_registry
    story.wait("failures", lambda: len(registry) == SMALL)
    expect("failed registry", sorted(registry.get_job_ids()), sorted(job.id for job in jobs))
    expect("failed on the dashboard", shown_queues(board)["risky"]["failed_job_registry_count"], SMALL)
    if "ValueError: no order 3" not in jobs[3].latest_result().exc_string:
        raise Failed(f"what RQ kept of a failure: {jobs[3].latest_result().exc_string}")
    for job in jobs[1:]:
        registry.requeue(job)
    command = [VENV / "rq", "requeue", "--url", URL, "--queue", "risky", jobs[0].id]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | PATH)
    expect_answers("failed", wait_finished(story, jobs))
    expect("failed registry", registry.get_job_ids(), [])
    story.report("failed", SMALL, f"{SMALL} in the failed registry, put back, then 0")


def limited(story, client):
    queue = Queue("bulk", connection=client)
    one = RateLimit("pictures", concurrency=1)
    jobs = enqueue(queue, tasks.work_timed, "limited", SMALL, rate_limit=one)
    found = wait_finished(story, jobs)
    expect_answers("limited", [said for said, _, _ in found])
    spans = sorted((began, ended) for _, began, ended in found)
    for (_, ended), (began, _) in zip(spans, spans[1:]):
        if began < ended:
            raise Failed("two jobs of a limit of one ran at once")
    story.report("limited", SMALL, "one at a time, though there are two workers")


def horses_killed(story, client):
    """The process of a job dies with -9: its worker sees it, and the job has another try."""
    queue = Queue("risky", connection=client)
    jobs = enqueue(queue, tasks.kill_horse, "horses killed", 5, retry=Retry(max=1))
    lost = queue.enqueue(tasks.kill_horse, "hash", 99, "horses killed")
    expect_answers("horses killed", wait_finished(story, jobs))
    story.wait("lost job", lambda: lost.get_status() == "failed")
    expect("failed registry", queue.failed_job_registry.get_job_ids(), [lost.id])
    lost.delete()
    story.report("horses killed", 5, "killed -9 once each, retried; 1 without a retry is failed")


def worker_killed(story, client):
    """A worker dies with -9 in a job. What it held is found abandoned and tried again."""
    queue = Queue("deadly", connection=client)
    jobs = enqueue(queue, tasks.work, "worker killed", SMALL - 1)
    jobs.append(
        queue.enqueue(
            tasks.kill_worker, kind_of(SMALL - 1), SMALL - 1, "worker killed", retry=Retry(max=1),
        )
    )  # fmt: skip
    victim = start(story, "victim", "deadly")
    story.wait_for_death(victim)
    expect("started registry", queue.started_job_registry.get_job_ids(), [jobs[-1].id])
    start(story, "heir", "deadly")
    # A job in hand is another's after a minute and a half without a sign; RQ takes the time as an argument.
    queue.started_job_registry.cleanup(time.time() + 600)
    expect_answers("worker killed", wait_finished(story, jobs))
    expect("started registry", queue.started_job_registry.get_job_ids(), [])
    story.report("worker killed", SMALL, "killed -9 in a job, which another worker did")


def stopped(story, client):
    """A command over publish/subscribe stops a job that would not end."""
    queue = Queue("risky", connection=client)
    job = queue.enqueue(tasks.endless, "stopped")
    story.wait_for_jobs("stopped", 1)
    send_stop_job_command(client, job.id)
    story.wait("the stop", lambda: job.get_status() == "stopped")
    expect("failed registry", queue.failed_job_registry.get_job_ids(), [job.id])
    job.delete()
    story.report("stopped", ["begun"], "told to stop while it ran")


def cron(story, client):
    clock = story.start("clock", VENV / "rq", "cron", "--url", URL, "clock.py", environment=PATH)
    story.wait_for_jobs("cron", TURNS)
    story.stop(clock)
    queue = Queue("cron", connection=client)
    story.wait("cron queue", lambda: not queue.count and not len(queue.started_job_registry))
    turns = sorted(story.ledger.of("cron"))
    expect("finished ticks", len(queue.finished_job_registry), len(turns))
    if len(turns) < TURNS:
        raise Failed(f"ticks: {turns}")
    story.report("cron", [f"tick {n + 1}" for n in range(len(turns))])


def info(client, workers):
    """`rq info` counts queues and workers."""
    command = [VENV / "rq", "info", "--url", URL, "--raw"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | PATH).stdout
    expect("rq info, bulk", re.search(r"^queue bulk (\d+)", said, re.MULTILINE)[1], "0")
    shown = set(re.findall(r"^worker (\S+)", said, re.MULTILINE))
    expect("rq info, workers", workers - shown, set())


def start_dashboard(story):
    port = free_port()
    story.start(
        "rq-dashboard", VENV / "rq-dashboard", "--bind", "127.0.0.1", "--port", port, "--redis-url", URL,
        environment=PATH,
    )  # fmt: skip
    board = f"http://127.0.0.1:{port}"
    story.wait("rq-dashboard", lambda: answers(f"{board}/"))
    return board


def shown_queues(board):
    return {queue["name"]: queue for queue in fetch_json(f"{board}/0/data/queues.json")["queues"]}


def dashboard(story, client, workers, board):
    """rq-dashboard over HTTP, when all is done but some jobs that nobody takes."""
    idle = Queue("idle", connection=client)
    waiting = enqueue(idle, tasks.work, "nobody's", 7)
    shown = shown_queues(board)
    expect("queues", set(shown), {queue.name for queue in Queue.all(connection=client)})
    expect("waiting", {name: queue["count"] for name, queue in shown.items() if queue["count"]}, {"idle": 7})
    for name, queue in shown.items():
        expect(f"failed in {name}", queue["failed_job_registry_count"], 0)
        expect(f"started in {name}", queue["started_job_registry_count"], 0)
        finished = len(Queue(name, connection=client).finished_job_registry)
        expect(f"finished in {name}", queue["finished_job_registry_count"], finished)
    there = {worker["name"]: worker for worker in fetch_json(f"{board}/0/data/workers.json")["workers"]}
    expect("workers", workers - there.keys(), set())
    # Whatever stands in the ledger succeeded, but for the job that was told to stop.
    done = sum(runs.total() for case, runs in story.ledger.runs.items() if case != "stopped")
    expect("jobs done by all workers", sum(worker["successful_job_count"] for worker in there.values()), done)
    page = fetch_json(f"{board}/0/data/jobs/idle/queued/5/asc/2.json")
    expect("second page", [job["id"] for job in page["jobs"]], [job.id for job in waiting[5:]])
    expect("pages", page["pagination"]["num_pages"], 2)
    expect("a job", fetch_json(f"{board}/0/data/job/{waiting[0].id}.json")["status"], "queued")
    idle.empty()
    expect("emptied", shown_queues(board)["idle"]["count"], 0)
    view = f"{done} jobs done by {len(there)} workers, 7 queued, 0 failed, 0 started"
    story.report("rq-dashboard", None, view)


def main():
    client = Redis.from_url(URL)
    workers = {"worker-a", "worker-b"}
    with Story() as story:
        board = start_dashboard(story)
        for name in sorted(workers):
            start(story, name, "bulk", "later", "risky", "cron")
        story.wait("workers", lambda: Worker.count(connection=client) == len(workers))
        for case in (bulk, unique, dependencies, scheduled, retries, repeats, limited, horses_killed):
            case(story, client)
        failed(story, client, board)
        worker_killed(story, client)
        stopped(story, client)
        cron(story, client)
        info(client, workers)
        dashboard(story, client, workers, board)


main()
