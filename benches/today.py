"""The same jobs by Forebay's queue features and as they are run on redis-server today.

Half of the jobs are due at once, half a while later; one in fifty is dropped by the worker that has
it and has to come back when its second is over. On redis-server that takes a scheduler process that
moves what is due from a sorted set to the stream by a Lua script, and workers that look by XAUTOCLAIM
for what others dropped, both ten times a second; BullMQ and Celery do the like in their own ways, as
they are shipped (of them no job is dropped). Told are the CPU time of the server and of all clients for
a job, the start of their processes with it, and how long after its time a job was handed to a worker.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from measure import ROOT, cores, median, table
from harness.server import Server, forebay_binary, oracle_binary

HERE = Path(__file__).resolve().parent
WORKERS = 4
LEASE_MS = 1000
LIMIT_S = 240
CACHE = ROOT / ".cache" / "jobs"


def on_other_core(*command):
    return ["taskset", "-c", str(cores()[1]), *map(str, command)]


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(*command, **options):
    return subprocess.Popen(on_other_core(*command), stdout=subprocess.PIPE, text=True, **options)


def finish(process):
    """What a client says at its end, a JSON a line."""
    told, _ = process.communicate(timeout=LIMIT_S)
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    return [json.loads(line) for line in told.splitlines()]


def await_count(count, wanted):
    """Waits until a counter of the server is where it is wanted."""
    deadline = time.monotonic() + LIMIT_S
    while int(count() or 0) < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{count()} of {wanted} jobs are done")
        time.sleep(0.2)


def streams(way, jobs):
    """Runs the jobs by streams; (server, [[job, unix ms at which it was handed out or dropped, what]])."""

    def run(server, connection):
        connection.ask("XGROUP", "CREATE", "jobs", "g", "0", "MKSTREAM")
        if way == "forebay":
            words = ("LEASE", LEASE_MS, "MAXDELIVERIES", 5, "DLQ", "dead", "BACKOFF", 0, 0)
            connection.ask("XCFGSET", "jobs", "GROUP", "g", *words)
        script = [sys.executable, HERE / "today_client.py"]
        others = [start(*script, "work", way, server.port, f"w{n}") for n in range(WORKERS)]
        if way == "redis":
            others.append(start(*script, "schedule", way, server.port))
        finish(start(*script, "produce", way, server.port, jobs))
        await_count(lambda: connection.ask("GET", "done"), jobs)
        connection.ask("SET", "stop", 1)
        return [event for other in others for event in finish(other)]

    return run


def bullmq(jobs):
    def run(server, _):
        environment = os.environ | {"JOBS_CACHE": str(CACHE / "bullmq")}
        return finish(start("node", HERE / "today.mjs", server.port, jobs, env=environment))

    return run


def celery(jobs):
    def run(server, connection):
        python = CACHE / "celery" / "venv" / "bin" / "python"
        environment = os.environ | {"TODAY_PORT": str(server.port)}
        words = ["-m", "celery", "-A", "today_celery", "worker", "-c", WORKERS, "--loglevel", "ERROR"]
        worker = start(python, *words, cwd=HERE, env=environment, stderr=subprocess.DEVNULL)
        try:
            # The first one tells that the worker is there.
            for count in (1, jobs):
                connection.ask("DEL", "late")
                finish(start(python, HERE / "today_celery.py", count, env=environment))
                await_count(lambda: connection.ask("LLEN", "late"), count)
            return [json.loads(late) for late in connection.ask("LRANGE", "late", 0, -1)]
        finally:
            worker.terminate()
            worker.communicate(timeout=60)

    return run


def times_late(events):
    """(ms late after the due time, ms late after a dropped job's lease), sorted each."""
    dropped, late, again = {}, [], []
    for job, at_ms, what in sorted(events, key=lambda event: event[1]):
        if what == "dropped":
            dropped[job] = at_ms
        elif job in dropped:
            again.append(at_ms - dropped[job] - LEASE_MS)
        else:
            late.append(what)
    return sorted(late), sorted(again)


def share(values, percent):
    return f"{values[min(len(values) * percent // 100, len(values) - 1)]:.1f}" if values else ""


def run_one(name, binary, run, jobs):
    with Server(binary, core=cores()[0]) as server:
        connection = server.connect(timeout_s=60)
        clients, before = children_cpu_s(), server.cpu_s()
        events = run(server, connection)
        spent, clients = server.cpu_s() - before, children_cpu_s() - clients
    late, again = times_late(events)
    if len(late) + len(again) < jobs:
        raise RuntimeError(f"{name}: {len(late)} of {jobs} jobs were seen")
    costs = [f"{spent / jobs * 1e6:.0f}", f"{clients / jobs * 1e6:.0f}"]
    return [name, *costs, share(late, 50), share(late, 99), share(again, 50), share(again, 99)]


def beside(options):
    jobs = 1500 if options.quick else 6000
    redis = oracle_binary("redis")
    ways = [
        ("Forebay: DELAY and LEASE", forebay_binary(), streams("forebay", jobs)),
        ("redis-server: sorted set, Lua, XAUTOCLAIM", redis, streams("redis", jobs)),
        ("redis-server: BullMQ", redis, bullmq(jobs)),
        ("redis-server: Celery", redis, celery(jobs)),
    ]
    rows = [run_one(name, binary, run, jobs) for name, binary, run in ways]
    print(f"\n{jobs:,} jobs, half of them delayed; CPU µs a job, and ms from due to handed out")
    heads = ["", "server", "clients", "median", "99 %", "dropped: median", "99 %"]
    table(heads, rows)
