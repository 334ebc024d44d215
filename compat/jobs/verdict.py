"""Judges what a story left behind: the ledger of finished jobs against what it says it gave out."""

from collections import Counter, defaultdict
from dataclasses import dataclass

NAMED_MAX = 5


class Unfit(Exception):
    """A job did not run, or one ran that nobody had given out."""


@dataclass(frozen=True)
class Case:
    """One case of a story on one server. `duplicates` counts every run of a job after its first."""

    name: str
    jobs: int
    duplicates: int
    view: str
    seconds: float | None
    # How many jobs there are depends on how long it took.
    is_by_time: bool


def judge(report, ledger):
    """The cases by name. Raises Unfit unless exactly the jobs given out were done."""
    if not report:
        raise Unfit("the story reported no case")
    runs = defaultdict(Counter)
    for case, job in ledger:
        runs[case][job] += 1
    cases = {}
    for entry in report:
        name, jobs = entry["case"], entry["jobs"]
        wanted = set(map(str, range(jobs) if isinstance(jobs, int) else jobs or []))
        if not wanted and jobs is not None:
            raise Unfit(f"{name}: no jobs")
        _expect_none(name, "never ran", wanted - runs[name].keys())
        _expect_none(name, "ran though they must not", runs[name].keys() - wanted)
        duplicates = runs[name].total() - len(wanted)
        view, seconds = entry.get("view", ""), entry.get("seconds")
        cases[name] = Case(name, len(wanted), duplicates, view, seconds, entry.get("by_time", False))
    _expect_none("ledger", "are cases nobody reported", runs.keys() - cases.keys())
    return cases


def _expect_none(case, what, jobs):
    if jobs:
        named = ", ".join(sorted(jobs)[:NAMED_MAX])
        raise Unfit(f"{case}: {len(jobs)} {what}: {named}{' …' if len(jobs) > NAMED_MAX else ''}")


def compare(redis, forebay):
    """Lines that say where Forebay's run was worse than redis-server's."""
    for name in redis.keys() - forebay.keys():
        yield f"{name}: did not run on forebay"
    for name in forebay.keys() - redis.keys():
        yield f"{name}: did not run on redis"
    for name in redis.keys() & forebay.keys():
        theirs, ours = redis[name], forebay[name]
        if ours.jobs != theirs.jobs and not ours.is_by_time:
            yield f"{name}: {ours.jobs} jobs on forebay, {theirs.jobs} on redis"
        if ours.duplicates > theirs.duplicates:
            yield f"{name}: {ours.duplicates} run again on forebay, {theirs.duplicates} on redis"
