"""What has to hold of every history.

Each check gets an epoch and gives what is wrong with it, as texts. It only says so where no order of
events that fits the clients' clocks would be right: bounds are taken against it. `selftest.py` shows
that each can fail.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby

from history import FOREVER


def number(entry):
    """An id as what it sorts by."""
    ms, _, sequence = entry.partition("-")
    return int(ms), int(sequence)


def by_entry(items):
    groups = defaultdict(list)
    for item in items:
        groups[item.entry].append(item)
    return groups


def rows_of(epoch):
    return by_id(epoch.dead)


def by_id(rows):
    groups = defaultdict(list)
    for row in rows:
        groups[row["dlq.id"]].append(row)
    return groups


def died_us(row):
    return int(row["dlq.time"]) * 1000


def nothing_lost(epoch):
    """What XADD answered is in the stream, as it was sent."""
    for entry, job in epoch.added.items():
        if epoch.entries.get(entry) != job:
            yield f"{entry} was added as {job} and is {epoch.entries.get(entry)}"


def seen_by_its_own(epoch):
    """A group is given what it is to have and nothing else: a redriven entry, that is, only its own."""
    for delivery in epoch.seen.deliveries:
        if delivery.entry not in epoch.entries:
            yield f"{delivery.entry} was handed to {delivery.worker}, and is none of this group's"


def finished_once(epoch):
    """Every entry is done or in the dead-letter stream, exactly once."""
    acks, maybe = Counter(), set()
    for end in epoch.seen.ends:
        if end.mode == "ACK" and end.effect is None:
            maybe.add(end.entry)
        elif end.mode == "ACK":
            acks[end.entry] += end.effect
    rows = rows_of(epoch)
    for entry in epoch.entries:
        times = acks[entry] + len(rows.get(entry, ()))
        if times > 1 or (times == 0 and entry not in maybe):
            yield f"{entry}: acknowledged {acks[entry]} times, dead {len(rows.get(entry, ()))} times"
    for entry in rows:
        if entry not in epoch.entries:
            yield f"{entry} is dead and was none of this group's"
    if epoch.parked:
        yield f"{epoch.parked} entries are still in the group"


def counts(epoch):
    """(delivery, least that the server had counted before it).

    Deliveries whose reply was lost only add; those taken back by SILENT, or perhaps so, are left out.
    """
    silents = by_entry(e for e in epoch.seen.ends if e.mode == "SILENT" and e.may_have_acted)
    for entry, deliveries in by_entry(epoch.seen.deliveries).items():
        for delivery in deliveries:
            before = sum(other.there < delivery.asked for other in deliveries)
            back = sum(end.asked <= delivery.there for end in silents[entry])
            yield delivery, max(before - back, 0)


def delivered_within_limit(epoch):
    """Nothing is delivered more than MAXDELIVERIES times, and what dies of it had them all."""
    limit = epoch.station.policy.max_deliveries
    silents = Counter(e.entry for e in epoch.seen.ends if e.mode == "SILENT" and e.may_have_acted)
    for entry, times in Counter(delivery.entry for delivery in epoch.seen.deliveries).items():
        if times - silents[entry] > limit:
            yield f"{entry} was delivered {times} times, of which {silents[entry]} may not count"
    for row in epoch.dead:
        count = int(row["dlq.deliveries"])
        if count > limit or (row["dlq.reason"] == "maxdeliveries" and count != limit):
            yield f"{row['dlq.id']} died of {row['dlq.reason']} after {count} deliveries"


def last_goes_alone(epoch):
    """The last permitted delivery, where there were earlier ones, is alone in the reply to a `>` read."""
    limit = epoch.station.policy.max_deliveries
    for delivery, before in counts(epoch):
        if delivery.is_plain and before + 1 == limit > 1 and delivery.together > 1:
            yield f"{delivery.entry} went out the last time with {delivery.together - 1} others"


def story_is_true(epoch):
    """A dead letter has the entry's own fields, and a reason that happened."""
    fatal = {e.entry for e in epoch.seen.ends if e.mode == "FATAL" and e.may_have_acted}
    for row in epoch.dead:
        entry, reason = row["dlq.id"], row["dlq.reason"]
        if (row["job"], row["key"]) != epoch.entries.get(entry):
            yield f"{entry} died as {row['job']}, {row['key']}"
        if reason != "maxdeliveries" and not (reason == "fatal" and entry in fatal):
            yield f"{entry} died of {reason}"
    for end in epoch.seen.ends:
        if end.mode == "FATAL" and end.effect and end.entry not in rows_of(epoch):
            yield f"{end.entry} was said to be fatal and is not dead"


def finished_stays(epoch):
    """What is done or dead is not handed out again."""
    done = defaultdict(lambda: FOREVER)
    for end in epoch.seen.ends:
        if end.mode == "ACK" and end.effect:
            done[end.entry] = min(done[end.entry], end.over)
    for row in epoch.dead:
        done[row["dlq.id"]] = min(done[row["dlq.id"]], died_us(row) + 1000 + epoch.slack_us)
    for delivery in epoch.seen.deliveries:
        if delivery.asked > done[delivery.entry]:
            yield f"{delivery.entry} was handed to {delivery.worker} after it was finished"


def holds(epoch):
    """(from, to, entry) in which an entry was in flight beyond doubt."""
    lease_us = epoch.station.policy.lease * 1000
    ends = by_entry(end for end in epoch.seen.ends if end.may_have_acted)
    dead = rows_of(epoch)
    for item in epoch.seen.deliveries + epoch.seen.touches:
        if not item.begins:
            continue
        entry, asked, there = item.entry, item.asked, item.there
        until = asked + lease_us
        for end in ends[entry]:
            if end.over >= asked:
                until = min(until, end.asked)
        for row in dead.get(entry, ()):
            until = min(until, died_us(row))
        until -= epoch.slack_us
        if until > there:
            yield there, until, entry


def merged_holds(epoch):
    """Like `holds`, one row where those of an entry overlap."""
    for entry, rows in groupby(sorted(holds(epoch), key=lambda row: (row[2], row[0])), lambda row: row[2]):
        begun = until = None
        for start, end, _ in rows:
            if until is not None and start <= until:
                until = max(until, end)
                continue
            if until is not None:
                yield begun, until, entry
            begun, until = start, end
        yield begun, until, entry


def most_in_flight(epoch):
    """The most entries that were in flight at once beyond doubt."""
    steps = []
    for start, end, _ in merged_holds(epoch):
        steps += [(start, 1), (end, -1)]
    most = now = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most


def in_flight_within_limit(epoch):
    """Never more than MAXINFLIGHT out, by the clients' own account."""
    limit = epoch.station.policy.max_in_flight
    if limit and (most := most_in_flight(epoch)) > limit:
        yield f"{most} entries were in flight at once"


def told_within_limit(epoch):
    """Never more than MAXINFLIGHT out, by XINFO's account."""
    limit = epoch.station.policy.max_in_flight
    for at_us, inflight in epoch.samples:
        if limit and inflight > limit:
            yield f"XINFO told {inflight} in flight at {at_us}"


def one_of_a_value(epoch):
    """Never two in flight with one value of ORDERBY."""
    if not epoch.station.policy.order_by:
        return
    values = defaultdict(list)
    for start, end, entry in merged_holds(epoch):
        if entry in epoch.entries:
            values[epoch.entries[entry][1]].append((start, end, entry))
    for value, rows in values.items():
        last = None
        for row in sorted(rows):
            if last and row[0] < last[1] and row[2] != last[2]:
                yield f"{last[2]} and {row[2]} of {value} were in flight at once"
            if last is None or row[1] > last[1]:
                last = row


def finished_at_least(epoch):
    """The earliest moment at which each entry may have been finished."""
    finished = defaultdict(lambda: FOREVER)
    for end in epoch.seen.ends:
        if end.mode == "ACK" and end.may_have_acted:
            finished[end.entry] = min(finished[end.entry], end.asked)
    for row in epoch.dead:
        finished[row["dlq.id"]] = min(finished[row["dlq.id"]], died_us(row))
    return finished


def in_order(epoch):
    """Within a value of ORDERBY an entry goes out only when all before it are finished."""
    if not epoch.station.policy.order_by:
        return
    finished = finished_at_least(epoch)
    first = {}
    for delivery in epoch.seen.deliveries:
        first[delivery.entry] = min(first.get(delivery.entry, FOREVER), delivery.there)
    lines = defaultdict(list)
    for entry, (_, value) in epoch.entries.items():
        # Those redriven later may have lower ids than what was let out before them.
        lines[value, epoch.batches.get(entry, 0)].append(entry)
    for (value, _), entries in lines.items():
        head, latest = None, 0
        for entry in sorted(entries, key=number):
            if first.get(entry, FOREVER) + epoch.slack_us < latest:
                yield f"{entry} of {value} went out before {head} was finished"
            if finished[entry] > latest:
                head, latest = entry, finished[entry]


def within_rate(epoch):
    """No window holds more deliveries than RATE lets out."""
    if not epoch.station.policy.rate:
        return
    most, window_ms = epoch.station.policy.rate
    window_us = window_ms * 1000 - epoch.slack_us
    plain = sorted((d for d in epoch.seen.deliveries if d.is_plain), key=lambda d: d.there)
    for at in range(most, len(plain)):
        # In order of arrival; the earliest asked of them bounds the window from below.
        batch = plain[at - most : at + 1]
        spread = batch[-1].there - min(delivery.asked for delivery in batch)
        if spread < window_us:
            yield f"{len(batch)} deliveries within {spread / 1000:.1f} ms at {batch[-1].there}"


@dataclass(frozen=True)
class Return:
    """A plain delivery of an entry that had been out before, or been given back."""

    delivery: object
    # µs before which it is too early.
    due: float
    why: str
    # µs after which it was asked for: that is how one knows that it came after all that `due` stands on.
    after: int


def return_of(epoch, before, ends, count, delivery):
    """What a delivery is the return of; None if the order of events is not known for certain.

    `before` is what was answered of the entry before it was asked for, `count` deliveries among it.
    """
    policy = epoch.station.policy
    earlier = [item for item in before if item.begins]
    if not earlier:
        return None
    last = max(earlier, key=lambda item: item.asked)
    after = max(item.there for item in before)
    nacks = [end for end in ends if end.over >= last.asked and end.asked <= delivery.there]
    retry_us = policy.retry_ms_min(count) * 1000
    if not nacks:
        return Return(delivery, last.asked + policy.lease * 1000 + retry_us, "lease", after)
    # One answered XNACK between the two, and nothing else that could have rescheduled the entry.
    nack = nacks[0]
    if len(nacks) > 1 or not nack.effect or nack.over >= delivery.asked:
        return None
    after = max(after, nack.over)
    if nack.delay > 0:
        return Return(delivery, nack.asked + nack.delay * 1000, "XNACK DELAY", after)
    if nack.mode == "FAIL":
        return Return(delivery, nack.asked + retry_us, "BACKOFF", after)
    return None


def returns(epoch):
    """Every plain delivery that was a return for certain."""
    seen = by_entry(epoch.seen.deliveries + epoch.seen.touches)
    ends = by_entry(end for end in epoch.seen.ends if end.may_have_acted)
    for delivery, count in counts(epoch):
        if delivery.is_plain:
            before = [item for item in seen[delivery.entry] if item.there < delivery.asked]
            found = return_of(epoch, before, ends[delivery.entry], count, delivery)
            if found:
                yield found


def returned_not_early(epoch):
    """A lease's or a failure's redelivery is never early."""
    for found in returns(epoch):
        early_us = found.due - epoch.slack_us - found.delivery.there
        if early_us > 0:
            yield f"{found.delivery.entry} came {early_us / 1000:.1f} ms before its {found.why} was over"


def claimed_not_early(epoch):
    """Who claims the idle gets nothing that was in other hands a moment ago."""
    begun = by_entry(item for item in epoch.seen.deliveries + epoch.seen.touches if item.begins)
    ends = by_entry(end for end in epoch.seen.ends if end.may_have_acted)
    for delivery in epoch.seen.deliveries:
        if not delivery.idle:
            continue
        held = [item.asked for item in begun[delivery.entry] if item.there < delivery.asked]
        if not held:
            continue
        asked = max(held)
        given_back = any(e.over >= asked and e.asked <= delivery.there for e in ends[delivery.entry])
        # A lease shorter than the time would free it as well; the suite's claims ask for half of one.
        idle = (delivery.there - asked) / 1000
        if not given_back and idle + epoch.slack_us / 1000 < delivery.idle:
            yield f"{delivery.entry} was claimed after {idle:.1f} ms, of {delivery.idle} at least"


def first_not_early(epoch):
    """What was added with DELAY is not handed out before; unless XCLAIM has named it, or may have."""
    claims = [lost for lost in epoch.seen.lost if lost.how == "take over"]
    named = {delivery.entry for delivery in epoch.seen.deliveries if delivery.how == "take over"}
    for delivery in epoch.seen.deliveries:
        due = epoch.delays.get(delivery.entry)
        if due and delivery.there < due - epoch.slack_us and delivery.entry not in named:
            added_us = number(delivery.entry)[0] * 1000
            if not any(lost.asked <= delivery.there and lost.over >= added_us for lost in claims):
                yield f"{delivery.entry} went out {(due - delivery.there) / 1000:.1f} ms early"


CHECKS = (
    nothing_lost,
    seen_by_its_own,
    finished_once,
    delivered_within_limit,
    last_goes_alone,
    story_is_true,
    finished_stays,
    in_flight_within_limit,
    told_within_limit,
    one_of_a_value,
    in_order,
    within_rate,
    returned_not_early,
    claimed_not_early,
    first_not_early,
)
