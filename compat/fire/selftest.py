"""Shows that the checks can fail: each is held against the run's own history with one thing changed
that would be a breach of what it watches over.
"""

from dataclasses import replace

import checks
from history import Delivery, End

STRANGER = "1-1"


def first(items):
    return next(iter(items), None)


def changed(items, old, new):
    return [new if item is old else item for item in items]


def acknowledged(epoch):
    """An acknowledgement that was answered 1."""
    return first(end for end in epoch.seen.ends if end.mode == "ACK" and end.effect)


def forget_an_entry(epoch):
    lost = first(epoch.added)
    return lost and replace(epoch, entries={e: j for e, j in epoch.entries.items() if e != lost})


def deliver_a_stranger(epoch):
    some = first(epoch.seen.deliveries)
    return some and more_deliveries(epoch, [replace(some, entry=STRANGER)])


def more_deliveries(epoch, deliveries):
    return epoch.with_seen(deliveries=epoch.seen.deliveries + deliveries)


def acknowledge_twice(epoch):
    end = acknowledged(epoch)
    return end and epoch.with_seen(ends=[*epoch.seen.ends, replace(end, asked=end.over, over=end.over + 9)])


def lose_an_acknowledgement(epoch):
    end = acknowledged(epoch)
    return end and epoch.with_seen(ends=[e for e in epoch.seen.ends if e.entry != end.entry])


def die_twice(epoch):
    return epoch.dead and replace(epoch, dead=[*epoch.dead, epoch.dead[0]])


def lose_a_dead_letter(epoch):
    maybe = {end.entry for end in epoch.seen.ends if end.mode == "ACK" and end.may_have_acted}
    row = first(row for row in epoch.dead if row["dlq.id"] not in maybe)
    return row and replace(epoch, dead=[other for other in epoch.dead if other is not row])


def park(epoch):
    return replace(epoch, parked=1)


def deliver_once_too_often(epoch):
    silent = {end.entry for end in epoch.seen.ends if end.mode == "SILENT"}
    some = first(d for d in epoch.seen.deliveries if d.entry not in silent)
    return some and more_deliveries(epoch, [some] * epoch.station.policy.max_deliveries)


def die_too_soon(epoch):
    row = first(row for row in epoch.dead if row["dlq.reason"] == "maxdeliveries")
    count = epoch.station.policy.max_deliveries - 1
    return row and replace(epoch, dead=changed(epoch.dead, row, {**row, "dlq.deliveries": str(count)}))


def send_the_last_along(epoch):
    limit = epoch.station.policy.max_deliveries
    last = first(d for d, n in checks.counts(epoch) if d.is_plain and n + 1 == limit > 1)
    return last and epoch.with_seen(
        deliveries=changed(epoch.seen.deliveries, last, replace(last, together=2))
    )


def swap_a_field(epoch):
    return epoch.dead and replace(epoch, dead=[{**epoch.dead[0], "job": "none"}, *epoch.dead[1:]])


def die_without_a_reason(epoch):
    fatal = {end.entry for end in epoch.seen.ends if end.mode == "FATAL"}
    row = first(row for row in epoch.dead if row["dlq.id"] not in fatal)
    return row and replace(epoch, dead=changed(epoch.dead, row, {**row, "dlq.reason": "fatal"}))


def survive_the_fatal(epoch):
    end = first(end for end in epoch.seen.ends if end.mode == "FATAL" and end.effect)
    return end and replace(epoch, dead=[row for row in epoch.dead if row["dlq.id"] != end.entry])


def deliver_what_is_done(epoch):
    end = acknowledged(epoch)
    if end:
        return more_deliveries(epoch, [Delivery(end.entry, end.over + 1, end.over + 9, "poll", 1)])
    return None


def deliver_the_dead(epoch):
    row = first(epoch.dead)
    late = row and checks.died_us(row) + 1_000_000
    return row and more_deliveries(epoch, [Delivery(row["dlq.id"], late, late + 9, "poll", 1)])


def crowd(epoch):
    """As many deliveries of other entries at once as are let out, and one more."""
    limit = epoch.station.policy.max_in_flight
    if not limit:
        return None
    at = 1_000_000
    lines = [Delivery(f"{n}-9", at, at + 9, "poll", 1) for n in range(limit + 1)]
    return more_deliveries(epoch, lines)


def tell_a_crowd(epoch):
    limit = epoch.station.policy.max_in_flight
    return limit and replace(epoch, samples=[*epoch.samples, (1, limit + 1)])


def two_of_a_value(epoch):
    """One more entry that goes out, with the value of one that is out beyond doubt."""
    if not epoch.station.policy.order_by:
        return None
    hold = first((a, b, e) for a, b, e in checks.holds(epoch) if b - a > 2000 and e in epoch.entries)
    if not hold:
        return None
    begun, _, entry = hold
    entries = {**epoch.entries, "9-9": ("none", epoch.entries[entry][1])}
    return more_deliveries(replace(epoch, entries=entries), [Delivery("9-9", begun, begun + 1, "poll", 1)])


def go_before_the_head(epoch):
    """The successor of an entry goes out when its predecessor did."""
    if not epoch.station.policy.order_by:
        return None
    finished = checks.finished_at_least(epoch)
    by_value = {}
    for entry in sorted(epoch.entries, key=checks.number):
        head = by_value.get(epoch.entries[entry][1])
        early = head and first(d for d in epoch.seen.deliveries if d.entry == head)
        if early and early.there + epoch.slack_us < finished[head]:
            if epoch.batches.get(head) == epoch.batches.get(entry):
                return more_deliveries(epoch, [replace(early, entry=entry)])
        by_value[epoch.entries[entry][1]] = entry
    return None


def rush(epoch):
    if not epoch.station.policy.rate:
        return None
    most, window_ms = epoch.station.policy.rate
    step = window_ms * 1000 * 9 // 10 // most
    return more_deliveries(
        epoch, [Delivery(STRANGER, 1 + n * step, 2 + n * step, "poll", 1) for n in range(most + 1)]
    )


def come_back_early(epoch, why):
    """A return a little before its time, yet after what it follows."""
    for found in checks.returns(epoch):
        early = found.due - epoch.slack_us - 1
        if found.why == why and found.after + 2 < early:
            sooner = replace(found.delivery, asked=found.after + 1, there=early)
            return epoch.with_seen(deliveries=changed(epoch.seen.deliveries, found.delivery, sooner))
    return None


def outrun_the_lease(epoch):
    return come_back_early(epoch, "lease")


def outrun_the_backoff(epoch):
    return come_back_early(epoch, "BACKOFF")


def outrun_the_delay(epoch):
    return come_back_early(epoch, "XNACK DELAY")


def claim_early(epoch):
    claim = first(d for d in epoch.seen.deliveries if d.idle)
    if not claim:
        return None
    held = replace(claim, how="poll", idle=0, asked=1_000_000, there=1_000_010)
    early = replace(claim, asked=1_000_020, there=1_000_030)
    return epoch.with_seen(deliveries=[held, early], ends=[], touches=[])


def start_early(epoch):
    named = {delivery.entry for delivery in epoch.seen.deliveries if delivery.how == "take over"}
    some = first(d for d in epoch.seen.deliveries if d.entry in epoch.delays and d.entry not in named)
    if not some:
        return None
    due = epoch.delays[some.entry] - epoch.slack_us
    # Without the claims whose answer nobody saw: one of them may have had it.
    lost = [read for read in epoch.seen.lost if read.how != "take over"]
    early = replace(some, asked=due - 9, there=due - 1)
    return more_deliveries(epoch.with_seen(lost=lost), [early])


BREACHES = (
    (checks.nothing_lost, forget_an_entry),
    (checks.seen_by_its_own, deliver_a_stranger),
    (checks.finished_once, acknowledge_twice),
    (checks.finished_once, lose_an_acknowledgement),
    (checks.finished_once, die_twice),
    (checks.finished_once, lose_a_dead_letter),
    (checks.finished_once, park),
    (checks.delivered_within_limit, deliver_once_too_often),
    (checks.delivered_within_limit, die_too_soon),
    (checks.last_goes_alone, send_the_last_along),
    (checks.story_is_true, swap_a_field),
    (checks.story_is_true, die_without_a_reason),
    (checks.story_is_true, survive_the_fatal),
    (checks.finished_stays, deliver_what_is_done),
    (checks.finished_stays, deliver_the_dead),
    (checks.in_flight_within_limit, crowd),
    (checks.told_within_limit, tell_a_crowd),
    (checks.one_of_a_value, two_of_a_value),
    (checks.in_order, go_before_the_head),
    (checks.within_rate, rush),
    (checks.returned_not_early, outrun_the_lease),
    (checks.returned_not_early, outrun_the_backoff),
    (checks.returned_not_early, outrun_the_delay),
    (checks.claimed_not_early, claim_early),
    (checks.first_not_early, start_early),
)


def try_breaches(epochs, tried):
    """Breaks the histories of a sound run in each way that they have the events for, and notes in
    `tried` which that were; what a check did not see, as lines."""
    for check, breach in BREACHES:
        for epoch in epochs:
            broken = breach(epoch)
            if not broken:
                continue
            tried.add(breach)
            if not any(check(broken)):
                yield f"{check.__name__} does not see {breach.__name__} at {epoch.station.name}"


def untried(tried):
    """What no bout of a run had the events for, as lines."""
    for check, breach in BREACHES:
        if breach not in tried:
            yield f"{breach.__name__}, for {check.__name__}, could not be tried: too little happened"
    watched = {check for check, _ in BREACHES}
    for check in checks.CHECKS:
        if check not in watched:
            yield f"nothing shows that {check.__name__} can fail"
