"""What the clients wrote down, put together: who was given what and when, and what was done about it.

A request that was answered took effect between its sending and its answer. One without an answer did
so between its sending and the moment the client saw the connection end, or at any time after if the
client itself was killed (its bytes may have lain in a socket), or never.
"""

import json
from dataclasses import dataclass, field, replace

FOREVER = float("inf")


@dataclass(frozen=True)
class Delivery:
    """An entry handed to a worker. Times are unix µs: asked before, there after."""

    entry: str
    asked: int
    there: int
    # poll, block (both plain `>`), recall (history), auto (XAUTOCLAIM), claim (CLAIM),
    # take over (XCLAIM)
    how: str
    # Entries of the same reply.
    together: int
    worker: str = ""
    # Least idle time that a claim asked for, ms.
    idle: int = 0

    @property
    def is_plain(self):
        return self.how in ("poll", "block")

    @property
    def begins(self):
        """Whether a lease begins with it beyond doubt: a history read may or may not renew one."""
        return self.how != "recall"


@dataclass(frozen=True)
class End:
    """XACK (mode "ACK") or XNACK of one entry; `effect` is the reply, None without one."""

    entry: str
    asked: int
    over: float
    mode: str
    delay: int
    effect: int | None

    @property
    def may_have_acted(self):
        return self.effect != 0


@dataclass(frozen=True)
class Touch:
    """A lease renewed by its holder."""

    entry: str
    asked: int
    there: int
    begins = True


@dataclass(frozen=True)
class LostRead:
    """A read whose answer nobody saw: up to `count` entries may have been handed out by it."""

    asked: int
    over: float
    count: int
    how: str


@dataclass
class Seen:
    """All that the workers of one station wrote down."""

    deliveries: list = field(default_factory=list)
    ends: list = field(default_factory=list)
    touches: list = field(default_factory=list)
    lost: list = field(default_factory=list)


@dataclass(frozen=True)
class Added:
    job: str
    stream: str
    key: str
    delay: int
    asked: int
    over: float
    entry: str | None


class Oops(Exception):
    """A client was told an error that it did not expect."""


def exchanges(path):
    """(request line, answer line or None) of a history in order; both as lists."""
    open_requests = {}
    with open(path) as lines:
        for text in lines:
            if not text.endswith("\n"):
                continue  # killed in the midst of it
            line = json.loads(text)
            if line[2] == "oops":
                raise Oops(f"{path}: {line[3]}")
            if line[2] == "?":
                open_requests[line[1]] = line
            else:
                yield open_requests.pop(line[1]), line
    for request in open_requests.values():
        yield request, None


def read_worker(path, worker, seen):
    """Adds one worker's history to what was seen."""
    for (asked, _, _, op, *words), answer in exchanges(path):
        is_answered = answer is not None and answer[2] == "!"
        over = answer[0] if answer else FOREVER
        if op == "read":
            how, count, option = words
            if not is_answered:
                seen.lost.append(LostRead(asked, over, count, how))
                continue
            idle = option if how in ("auto", "claim", "take over") else 0
            for entry, _, _ in answer[3]:
                together = len(answer[3])
                seen.deliveries.append(Delivery(entry, asked, over, how, together, worker, idle))
        elif op == "touch":
            if is_answered and answer[3]:
                seen.touches.append(Touch(words[0], asked, over))
        else:
            mode, entry, delay = ("ACK", words[0], -1) if op == "ack" else words
            effect = int(answer[3]) if is_answered else None
            seen.ends.append(End(entry, asked, over, mode, delay, effect))


def read_producer(path):
    added = []
    for (asked, job, _, _, stream, key, delay), answer in exchanges(path):
        over = answer[0] if answer else FOREVER
        entry = answer[3] if answer and answer[2] == "!" else None
        added.append(Added(str(job), stream, key, delay, asked, over, entry))
    return added


@dataclass
class Epoch:
    """One station from where nothing is under way to where nothing is again.

    `entries` are those that the group was to be given: id to (job, key); `batches` says which came
    together, where later ones may have lower ids; `delays` are the earliest unix µs of those added with
    DELAY; `added` are the entries that XADD answered; `dead` are the dead-letter stream's rows of the group
    in this epoch, each a dict of its fields; `parked` counts what was left in the group.
    """

    station: object
    entries: dict
    batches: dict
    delays: dict
    added: dict
    seen: Seen
    dead: list
    parked: int
    samples: list
    slack_us: int

    def with_seen(self, **lists):
        return replace(self, seen=replace(self.seen, **lists))


def split(seen, at_us):
    """What was seen before a moment at which nothing was under way, and after.

    An answer tells the side: a read that was asked before and answered after was waiting. What has no
    answer may have acted on either side.
    """
    before, after = Seen(), Seen()
    for delivery in seen.deliveries:
        (before if delivery.there < at_us else after).deliveries.append(delivery)
    for touch in seen.touches:
        (before if touch.there < at_us else after).touches.append(touch)
    for end in seen.ends:
        if end.over >= at_us:
            after.ends.append(end)
        if end.over < at_us or (end.asked < at_us and end.effect is None):
            before.ends.append(end)
    for lost in seen.lost:
        if lost.asked < at_us:
            before.lost.append(lost)
        if lost.over >= at_us:
            after.lost.append(lost)
    return before, after
