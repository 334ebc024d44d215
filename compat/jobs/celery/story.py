"""Celery over a Redis broker and result backend: bulk, groups, chords, chains, retries, ETA, priorities,
revoking, beat, late acknowledgement with a worker that is killed; `celery inspect`, events and Flower agree."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta, timezone

import tasks
from celery import chain, chord, group
from celery.exceptions import ChordError, TaskRevokedError
from celery.result import AsyncResult, GroupResult
from harness.server import free_port
from redis import Redis
from stage import FOLDER, VENV, Failed, Story, answers, expect, fetch, fetch_json, scaled
from tasks import app, late
from work import answer, kind_of

BULK = scaled(10_000)
SMALL = 20
CHORDS = 10
FAR = 2
RESULT_LIMIT_S = 240
HERE = os.path.dirname(os.path.abspath(__file__))
PATH = {"PYTHONPATH": ":".join([HERE, *sys.path]), "FLOWER_UNAUTHENTICATED_API": "true"}
NODES = ("main-a@here", "main-b@here")


def start(story, node, *options, application="tasks"):
    return story.start(
        node.split("@")[0], VENV / "celery", "--app", application, "--quiet", "worker",
        "--hostname", node, "--events", "--loglevel", "WARNING", *options, environment=PATH,
    )  # fmt: skip


def command(*words):
    """What a celery command prints as JSON."""
    line = [VENV / "celery", "--app", "tasks", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, env=os.environ | PATH, cwd=HERE)
    if done.returncode:
        raise Failed(f"celery {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def ask():
    """What `celery inspect` uses; it waits no longer than for the answers of both nodes."""
    return app.control.inspect(timeout=RESULT_LIMIT_S, limit=len(NODES))


def wanted(count, start=0):
    return [answer(kind_of(number), number) for number in range(start, start + count)]


def signatures(case, count, task=tasks.work, first=0):
    return [task.s(kind_of(number), number, case) for number in range(first, first + count)]


def results(asked):
    return [result.get(timeout=RESULT_LIMIT_S) for result in asked]


class Events:
    """Counts what the workers tell while the story runs."""

    def __init__(self):
        self.seen = Counter()
        self.ready = threading.Event()
        threading.Thread(target=self._capture, daemon=True).start()

    def _note(self, event):
        self.seen[event["type"]] += 1

    def _capture(self):
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={"*": self._note})
            receiver.capture(limit=None, timeout=None, wakeup=True)


def bulk(story, client):
    asked = [signature.delay() for signature in signatures("bulk", BULK)]
    story.wait_for_jobs("bulk", BULK, limit_s=RESULT_LIMIT_S)
    # A worker notes its work before the result is kept. Taken together: to ask for one after the other
    # would take longer than the work.
    keys = [f"celery-task-meta-{result.id}" for result in asked]
    kept = story.wait("all results", lambda: None not in (found := client.mget(keys)) and found)
    states, said = zip(*((one["status"], one["result"]) for one in map(json.loads, kept)))
    expect("states of bulk", set(states), {"SUCCESS"})
    expect("answers of bulk", list(said), wanted(BULK))
    expect("the last one's result", asked[-1].get(timeout=RESULT_LIMIT_S), said[-1])
    expect("queued", client.llen("celery"), 0)
    story.wait("acknowledgements", lambda: not client.hlen("unacked") + client.zcard("unacked_index"))
    story.report("bulk", BULK, f"{BULK} results, 0 queued, 0 unacknowledged")


def groups(story):
    whole = group(signatures("groups", SMALL)).apply_async()
    whole.save()
    expect("answers of groups", whole.get(timeout=RESULT_LIMIT_S), wanted(SMALL))
    again = GroupResult.restore(whole.id, app=app)
    expect("group restored", (again.completed_count(), again.successful()), (SMALL, True))
    story.report("groups", SMALL, f"{SMALL} completed, saved and restored")


def chords(story):
    """Each body runs once, after all of its header, with the answers in order."""
    asked = [
        chord(signatures("chords", SMALL, first=n * SMALL), tasks.digest.s("chords", f"body {n}")).delay()
        for n in range(CHORDS)
    ]
    for n, said in enumerate(results(asked)):
        expect(f"body {n}", said, digest_of(wanted(SMALL, n * SMALL)))
    broken = chord([*signatures("broken", 3), tasks.fail_always.s()], tasks.digest.s("broken", "body")).delay()
    try:
        broken.get(timeout=RESULT_LIMIT_S)
    except (ChordError, ValueError) as error:
        # The failed task's own error, if that is seen before the body's.
        if "no such order" not in str(error):
            raise Failed(f"the chord's error is {error}") from None
    else:
        raise Failed("a chord whose header failed has a result")
    jobs = [*range(CHORDS * SMALL), *(f"body {n}" for n in range(CHORDS))]
    story.report("chords", jobs, f"{CHORDS} bodies over {SMALL} tasks each")
    story.wait("the body's end", lambda: broken.state == "FAILURE")
    story.wait_for_jobs("broken", 3)
    story.report("broken", 3, "the body did not run")


def digest_of(parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def chains(story):
    asked = [
        chain(
            tasks.work.s(kind_of(n), n, "chains"),
            *(tasks.extend.s(kind_of(m), m, "chains") for m in (n + SMALL, n + 2 * SMALL)),
        ).delay()
        for n in range(SMALL)
    ]
    ended = ["|".join(answer(kind_of(m), m) for m in range(n, 3 * SMALL, SMALL)) for n in range(SMALL)]
    expect("answers of chains", results(asked), ended)
    story.report("chains", 3 * SMALL, f"{SMALL} of 3 links")


def retries(story):
    asked = [signature.delay() for signature in signatures("retries", SMALL, tasks.fail_first)]
    broken = tasks.fail_always.delay()
    found = results(asked)
    expect("answers of retries", [said for said, _ in found], wanted(SMALL))
    expect("tries", {tries for _, tries in found}, {tasks.TRIES})
    try:
        broken.get(timeout=RESULT_LIMIT_S)
    except ValueError as error:
        expect("what went wrong", str(error), "no such order")
    else:
        raise Failed("a task that fails has a result")
    expect("state", broken.state, "FAILURE")
    story.report("retries", SMALL, f"{tasks.TRIES} tries each, with a countdown; 1 failed for good")


def scheduled():
    return {entry["request"]["id"] for node in ask().scheduled().values() for entry in node}


def eta(story):
    due = datetime.now(timezone.utc) + timedelta(seconds=2)
    asked = [
        tasks.work_timed.apply_async((kind_of(n), n, "eta"), eta=due) for n in range(SMALL)
    ]
    # These are not due before the story ends: the workers have them and say so.
    far = datetime.now(timezone.utc) + timedelta(hours=1)
    later = {tasks.work.apply_async(("hash", n, "eta"), eta=far).id for n in range(FAR)}
    story.wait("scheduled, by inspect", lambda: scheduled() >= later)
    found = results(asked)
    expect("answers of eta", [said for said, _ in found], wanted(SMALL))
    if min(began for _, began in found) < due.timestamp():
        raise Failed("a task ran before its ETA")
    story.report("eta", SMALL, "none before its time")


def priorities(story):
    """All are queued before their worker starts; 0 comes first."""
    levels = [9, 6, 3, 0]
    asked = [
        tasks.work.apply_async(
            (kind_of(n), n, "priorities"), queue="ordered", priority=levels[n % len(levels)]
        )
        for n in range(SMALL)
    ]
    worker = start(
        story, "ordered@here", "--queues", "ordered", "--concurrency", 1, "--prefetch-multiplier", 1
    )
    expect("answers of priorities", results(asked), wanted(SMALL))
    ran = [levels[int(number) % len(levels)] for number in story.ledger.of("priorities")]
    expect("order by priority", ran, sorted(ran))
    story.stop(worker)
    story.report("priorities", SMALL, "in order of 4 levels")


def revoked(story):
    names = [f"revoked-{n}" for n in range(3)]
    # All workers have said that they know before the tasks are sent.
    told = app.control.revoke(names, reply=True, limit=len(NODES), timeout=RESULT_LIMIT_S)
    expect("told", {node for reply in told for node in reply}, set(NODES))
    never = [tasks.work.apply_async(("hash", 99, "revoked"), task_id=name) for name in names]
    asked = [signature.delay() for signature in signatures("revoked", SMALL)]
    past = datetime.now(timezone.utc) - timedelta(minutes=1)
    never.append(tasks.work.apply_async(("hash", 97, "revoked"), expires=past))
    running = tasks.endless.delay("revoked")
    story.wait("the endless task", lambda: story.ledger.of("revoked")["begun"])
    active = ask().active()
    shown = [task["id"] for node in active.values() for task in node]
    expect("active, by inspect", running.id in shown, True)
    running.revoke(terminate=True, signal="SIGKILL")
    for result in [*never, running]:
        try:
            result.get(timeout=RESULT_LIMIT_S)
        except TaskRevokedError:
            expect("state", result.state, "REVOKED")
        else:
            raise Failed(f"the revoked task {result.id} has a result")
    expect("answers of revoked", results(asked), wanted(SMALL))
    known = ask().revoked()
    for node in NODES:
        expect(f"revoked at {node}", set(names) - set(known[node]), set())
    story.report("revoked", [*range(SMALL), "begun"], "3 revoked before, 1 expired, 1 terminated as it ran")


def beat(story):
    clock = story.start(
        "beat", VENV / "celery", "--app", "tasks", "beat", "--schedule", FOLDER / "beat",
        "--loglevel", "INFO", environment=PATH,
    )  # fmt: skip
    story.wait_for_jobs("beat", 3)
    story.stop(clock)
    sent = clock.said().count("Sending due task tick")
    client = Redis.from_url(tasks.URL)
    story.wait("an empty queue", lambda: (client.llen("celery"), client.hlen("unacked")) == (0, FAR))
    story.wait("the last tick", lambda: not any(ask().active().values()))
    story.report("beat", [f"tick {n + 1}" for n in range(sent)], "as many as it says it sent", by_time=True)


def killed(story):
    """A worker dies in the middle of a task that it has not acknowledged."""
    client = Redis.from_url(tasks.LATE_URL)
    victim = start(story, "victim@here", "--concurrency", 1, application="tasks:late")
    began = datetime.now(timezone.utc)
    asked = [signature.delay() for signature in signatures("killed", SMALL, tasks.deadly)]
    story.wait_for_death(victim)
    if not client.hlen("unacked"):
        raise Failed("the dead worker held nothing")
    expect("index of the unacknowledged", client.zcard("unacked_index"), client.hlen("unacked"))
    heir = start(story, "heir@here", "--concurrency", 1, application="tasks:late")
    return asked, heir, client, began


def after_death(story, asked, heir, client, began):
    expect("answers of killed", results(asked), wanted(SMALL))
    # It was delivered to the victim after `began`, and is away for as long.
    away = asked[tasks.DEADLY].date_done.replace(tzinfo=timezone.utc) - began
    if away < timedelta(seconds=tasks.VISIBILITY_S):
        raise Failed(f"the dead worker's task was given back within {away}")
    story.wait("acknowledgements", lambda: not client.hlen("unacked") + client.zcard("unacked_index"))
    expect("queued", client.llen("celery"), 0)
    story.stop(heir)
    story.report("killed", SMALL, f"killed -9 in a task, which came back after {tasks.VISIBILITY_S} s")


def inspect(story):
    """The commands people type, and what they are made of, against what the ledger knows."""
    both = ("--json", "--timeout", RESULT_LIMIT_S, "--destination", ",".join(NODES))
    expect("ping", command("inspect", "ping", *both), {node: {"ok": "pong"} for node in NODES})
    stats = command("inspect", "stats", *both)
    expect("nodes with stats", set(stats), set(NODES))
    total = sum(stats[node]["total"].get("tasks.work", 0) for node in NODES)
    expect("tasks.work by stats", total, count_works(story))
    expect("active", command("inspect", "active", *both), {node: [] for node in NODES})
    expect("reserved", ask().reserved(), {node: [] for node in NODES})
    expect("scheduled", len(scheduled()), FAR)
    expect("registered", {"tasks.work" in known for known in ask().registered().values()}, {True})
    queues = ask().active_queues()
    expect("queues", [queue["name"] for queue in queues[NODES[1]]], ["celery"])
    story.report("inspect", None, f"2 nodes, {total} tasks.work done, none active, {FAR} scheduled")


def count_works(story):
    """How many tasks.work the two nodes have finished, by the ledger."""
    cases = ("bulk", "groups", "broken")
    count = sum(story.ledger.of(case).total() for case in cases)
    count += sum(job.isdigit() for job in story.ledger.of("chords"))
    count += SMALL  # the first links of the chains
    return count + sum(job.isdigit() for job in story.ledger.of("revoked"))


def flower(story, board):
    """Flower has heard of every task by events, and asks the workers and the broker."""
    done = count_works(story)

    def succeeded():
        shown = fetch_json(f"{board}/workers?json=1")["data"]
        nodes = [node for node in shown if node["hostname"] in NODES]
        return sum(node.get("task-succeeded", 0) for node in nodes)

    ended = sum(runs.total() for case, runs in story.ledger.runs.items() if case not in ("killed", "priorities"))
    ended -= story.ledger.of("revoked")["begun"]
    try:
        story.wait("Flower's count", lambda: succeeded() == ended, limit_s=60)
    except Failed:
        raise Failed(f"Flower counts {succeeded()} tasks, the ledger {ended}") from None
    works = fetch_json(f"{board}/api/tasks?taskname=tasks.work&state=SUCCESS&limit={2 * done}")
    found = [task for task in works.values() if task["worker"] in NODES]
    expect("tasks.work in Flower", len(found), done)
    story.wait(
        "Flower's workers", lambda: set(NODES) <= fetch_json(f"{board}/api/workers?refresh=1").keys()
    )

    def lengths():
        queues = fetch_json(f"{board}/api/queues/length")["active_queues"]
        return [queue["messages"] for queue in queues if queue["name"] == "celery"]

    # It looks at the queues that the workers have told it of.
    expect("Flower's queue", story.wait("Flower's queues", lengths), [0])
    if "flower_events_total" not in fetch(f"{board}/metrics"):
        raise Failed("Flower has no metrics")
    return ended


def start_flower(story):
    port = free_port()
    story.start(
        "flower", VENV / "celery", "--app", "tasks", "flower", "--address=127.0.0.1", f"--port={port}",
        f"--max_tasks={BULK + 10_000}", environment=PATH,
    )  # fmt: skip
    board = f"http://127.0.0.1:{port}"
    story.wait("Flower", lambda: answers(f"{board}/healthcheck"))
    return board


def main():
    client = Redis.from_url(tasks.URL)
    with Story() as story:
        board = start_flower(story)
        events = Events()
        # Both listen before anything happens.
        story.wait("listeners", lambda: sum(one["psub"] != "0" for one in client.client_list()) >= 2)
        for node, processes in zip(NODES, (2, 1)):
            start(story, node, "--concurrency", processes)
        story.wait("workers", lambda: len(app.control.ping(timeout=1)) == len(NODES))
        left = killed(story)
        bulk(story, client)
        after_death(story, *left)
        groups(story)
        chords(story)
        chains(story)
        retries(story)
        eta(story)
        priorities(story)
        revoked(story)
        beat(story)
        inspect(story)
        ended = flower(story, board)
        story.report("flower", None, f"{ended} tasks succeeded, by events; 2 workers; 0 queued")
        story.wait("events", lambda: events.seen["task-succeeded"] >= ended)


main()
