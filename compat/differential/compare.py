"""When two replies count as the same.

Byte for byte, but for what this file lists: values of a clock, orders that are not promised, and
the deliberate differences of differences.md. Every rule here is for named commands and named
places in their replies, and what lies beside those places is still compared exactly.
"""

import re

from scripts import Scripted

# How far clock values of the two servers may lie apart: they are asked one after the other, and a
# loaded machine may stop either in between.
NEAR_MS = 5_000
AUTO_ID = re.compile(rb"\A1[6-9]\d{11}-\d+\Z")

# Fields of XINFO STREAM that releases after the oracle's have added.
NEWER_STREAM_FIELDS = {
    b"idmp-duration", b"idmp-maxsize", b"pids-tracked", b"iids-tracked", b"iids-added",
    b"iids-duplicates",
}  # fmt: skip
# Shape of the oracle's own data structure (differences.md, "Radix-tree counts").
TREE_FIELDS = {b"radix-tree-keys", b"radix-tree-nodes"}
CLOCK_FIELDS = {b"idle", b"inactive", b"seen-time", b"active-time"}


def _number(reply):
    if reply.kind == ":":
        return int(reply.value)
    return None


def near(one, other, within=NEAR_MS):
    """Two positive integers that a clock made; anything else has to be equal."""
    a, b = _number(one), _number(other)
    if a is None or b is None or a < 0 or b < 0:
        return one == other
    return abs(a - b) <= within


def _counted(value):
    """A string without the estimate that it may have kept (differences.md, "PFCOUNT")."""
    if isinstance(value, bytes) and value[:4] == b"HYLL" and len(value) > 16:
        return value[:8] + value[16:]
    return value


def alike(one, other):
    """Equal, where ids that the clock made count as equal to each other."""
    if one.kind != other.kind:
        return False
    if one.kind == "$" and _counted(one.value) == _counted(other.value):
        return True
    if isinstance(one.value, list) and isinstance(other.value, list):
        return _each(one, other, alike)
    if one.value == other.value:
        return True
    return (
        one.kind in "$+"
        and bool(AUTO_ID.match(one.value or b""))
        and bool(AUTO_ID.match(other.value or b""))
    )


def _each(one, other, rule):
    """The rule holds for every pair of items of two aggregates of one kind and length."""
    if one.kind != other.kind or not isinstance(one.value, list) or not isinstance(other.value, list):
        return alike(one, other)
    if len(one.value) != len(other.value):
        return False
    return all(map(rule, one.value, other.value))


def _fields(one, other, rules, default=alike):
    """Compares field by field two replies of names and values, flat or as a map."""
    if one.kind != other.kind or not isinstance(one.value, list) or not isinstance(other.value, list):
        return alike(one, other)
    if len(one.value) != len(other.value):
        return False
    for at in range(0, len(one.value) - 1, 2):
        if one.value[at] != other.value[at]:
            return False
        rule = rules.get(one.value[at].value, default)
        if not rule(one.value[at + 1], other.value[at + 1]):
            return False
    return True


def _without(reply, names):
    """A reply of names and values less the named fields."""
    if not isinstance(reply.value, list):
        return reply
    kept = []
    for at in range(0, len(reply.value) - 1, 2):
        if reply.value[at].value not in names:
            kept += reply.value[at : at + 2]
    return type(reply)(reply.kind, kept)


def same_kind(one, other):
    """Both of one type on the wire, null or not alike."""
    return one.kind == other.kind and (one.value is None) == (other.value is None)


def same_or_gone(one, other):
    """Both of one type, or one of them no value: redis-server still finds a key past its deadline."""
    return None in (one.value, other.value) or same_kind(one, other)


def _unordered(one, other):
    if one.kind != other.kind or not isinstance(one.value, list) or not isinstance(other.value, list):
        return alike(one, other)
    return sorted(map(repr, one.value)) == sorted(map(repr, other.value))


# Rules of single commands


def _times_near(within):
    return lambda one, other: near(one, other, within)


def _pending(one, other):
    """XPENDING with a range: id, consumer, idle time, deliveries."""

    def row(a, b):
        if not isinstance(a.value, list) or len(a.value) != 4 or not isinstance(b.value, list):
            return alike(a, b)
        return len(b.value) == 4 and all(
            (near if at == 2 else alike)(a.value[at], b.value[at]) for at in range(4)
        )

    return _each(one, other, row)


def _consumers(one, other):
    clocks = dict.fromkeys(CLOCK_FIELDS, near)
    return _each(one, other, lambda a, b: _fields(a, b, clocks))


def _pending_of_group(one, other):
    """XINFO STREAM FULL, a pending list: rows with the delivery time at `clock_at`."""

    def row(a, b):
        if not isinstance(a.value, list) or not isinstance(b.value, list) or len(a.value) != len(b.value):
            return alike(a, b)
        clock_at = len(a.value) - 2
        return all(
            (near if at == clock_at else alike)(a.value[at], b.value[at]) for at in range(len(a.value))
        )

    return _each(one, other, row)


def _full_consumer(one, other):
    rules = dict.fromkeys(CLOCK_FIELDS, near) | {b"pel": _pending_of_group, b"pending": _pending_of_group}
    return _fields(one, other, rules)


def _full_group(one, other):
    rules = {
        b"pel": _pending_of_group,
        b"pending": _pending_of_group,
        b"consumers": lambda a, b: _each(a, b, _full_consumer),
    }
    return _fields(one, other, rules)


def _stream(one, other):
    ignored = NEWER_STREAM_FIELDS | TREE_FIELDS
    one, other = _without(one, ignored), _without(other, ignored)
    return _fields(one, other, {b"groups": lambda a, b: _each(a, b, _full_group)})


def _hello(one, other):
    differing = dict.fromkeys((b"version", b"id"), same_kind) | {b"modules": same_kind}
    return _fields(one, other, differing)


def _time(one, other):
    return _each(one, other, same_kind)


def _config(one, other):
    """CONFIG GET: names and values, in no promised order."""
    if one.kind != other.kind or not isinstance(one.value, list) or not isinstance(other.value, list):
        return alike(one, other)
    return _pairs(one) == _pairs(other)


def _pairs(reply):
    return sorted(
        (repr(reply.value[at]), repr(reply.value[at + 1])) for at in range(0, len(reply.value) - 1, 2)
    )


def _help(one, other):
    # The words of the help are our own (differences.md, "Help texts").
    return one.kind == other.kind == "*"


def _fields_unordered(one, other):
    """HGETALL, HSCAN's elements: names and values, in no promised order."""
    if one.kind != other.kind or not isinstance(one.value, list) or not isinstance(other.value, list):
        return alike(one, other)
    return _pairs(one) == _pairs(other)


def _hash_page(one, other):
    """HSCAN: the order is the server's own, and of a large hash what a page holds (differences.md)."""
    if one.kind != other.kind or len(one.value) != 2 or len(other.value) != 2:
        return alike(one, other)
    if [one.value[0].value, other.value[0].value] != [b"0", b"0"]:
        return same_kind(one.value[1], other.value[1])
    return _unordered(one.value[1], other.value[1])


def _same_length(one, other):
    """Both null or not, and as long: what was drawn at random."""
    if isinstance(one.value, list) and isinstance(other.value, list):
        return one.kind == other.kind and len(one.value) == len(other.value)
    return same_kind(one, other)


def _page(one, other):
    """A cursor, and elements in no promised order."""
    if not isinstance(one.value, list) or not isinstance(other.value, list) or len(one.value) != 2:
        return alike(one, other)
    return len(other.value) == 2 and alike(one.value[0], other.value[0]) and _unordered(one.value[1], other.value[1])


def _scanned(one, other):
    """A page of ZSCAN: the members in no promised order where it holds all of them."""
    if not isinstance(one.value, list) or not isinstance(other.value, list):
        return alike(one, other)
    if [one.value[0].value, other.value[0].value] == [b"0", b"0"]:
        return _pairs(one.value[1]) == _pairs(other.value[1])
    return same_kind(one.value[1], other.value[1])


def _drawn(one, other):
    """What was drawn at random: as much of it on both sides, of the same kind."""
    if isinstance(one.value, list) and isinstance(other.value, list):
        return _each(one, other, _drawn)
    return same_kind(one, other)


def _times_of_fields(within):
    return lambda one, other: _each(one, other, _times_near(within))


def _encoding(one, other):
    """OBJECT ENCODING: Redis keeps a hash as `listpackex` once a deadline was asked for, even if no
    field was given one, and a small sorted set as `skiplist` once it was sorted (differences.md)."""
    if {one.value, other.value} == {b"listpack", b"listpackex"}:
        return one.kind == other.kind
    if (one.value, other.value) == (b"skiplist", b"listpack"):
        return one.kind == other.kind
    return alike(one, other)


RULES = {
    b"SMEMBERS": _unordered,
    b"SINTER": _unordered,
    b"SUNION": _unordered,
    b"SDIFF": _unordered,
    b"SPOP": _unordered,
    b"SRANDMEMBER": _same_length,
    # Small sets are shown whole.
    b"SSCAN": _page,
    b"HGETALL": _fields_unordered,
    b"HKEYS": _unordered,
    b"HVALS": _unordered,
    b"HSCAN": _hash_page,
    b"HRANDFIELD": _same_length,
    b"HTTL": _times_of_fields(NEAR_MS // 1000),
    b"HEXPIRETIME": _times_of_fields(NEAR_MS // 1000),
    b"HPTTL": _times_of_fields(NEAR_MS),
    b"HPEXPIRETIME": _times_of_fields(NEAR_MS),
    b"OBJECT ENCODING": _encoding,
    b"TTL": _times_near(NEAR_MS // 1000),
    b"EXPIRETIME": _times_near(NEAR_MS // 1000),
    b"PTTL": near,
    b"PEXPIRETIME": near,
    b"XPENDING": _pending,
    b"XINFO CONSUMERS": _consumers,
    b"XINFO STREAM": _stream,
    b"HELLO": _hello,
    b"TIME": _time,
    b"LASTSAVE": same_kind,
    b"KEYS": _unordered,
    b"RANDOMKEY": same_kind,
    b"DUMP": same_kind,
    # A single page with a cursor of nobody's; whole iterations are compared by the Scan step.
    b"SCAN": lambda one, other: _each(one, other, same_kind),
    b"ZSCAN": _scanned,
    b"ZRANDMEMBER": _drawn,
    b"CLIENT ID": same_kind,
    b"CLIENT LIST": same_kind,
    b"CLIENT INFO": same_kind,
    b"CONFIG GET": _config,
    b"COMMAND LIST": _unordered,
    b"MEMORY USAGE": same_or_gone,
    b"MEMORY STATS": same_kind,
    b"MEMORY DOCTOR": same_kind,
    b"OBJECT IDLETIME": same_kind,
    b"FUNCTION LIST": lambda one, other: loosely(one) == loosely(other),
    b"FUNCTION DUMP": same_kind,
    b"DEBUG OBJECT": lambda one, other: one.kind == other.kind == "+" or alike(one, other),
}


def loosely(reply):
    """A reply without the order of its parts, as far down as it has any."""
    if not isinstance(reply.value, list):
        return repr(reply)
    return reply.kind, sorted(map(repr, map(loosely, reply.value)))


def _by_name(reply):
    """A reply whose names and values, wherever they may be such, stand in the names' order."""
    if not isinstance(reply.value, list):
        return reply
    parts = list(map(_by_name, reply.value))
    if len(parts) % 2 == 0 and all(part.kind == "$" for part in parts[::2]):
        pairs = sorted(zip(parts[::2], parts[1::2], strict=True), key=lambda pair: repr(pair[0]))
        parts = [part for pair in pairs for part in pair]
    return type(reply)(reply.kind, parts)


def _scripted(command, oracle, subject):
    """Each reply in a script's reply by the rule of its command."""

    def agree(call, one, other):
        return same(call, one, other) or command.resp3 and (
            loosely(one) == loosely(other) or same(call, _by_name(one), _by_name(other))
        )

    calls = command.calls
    lists = isinstance(oracle.value, list) and isinstance(subject.value, list)
    if command.shape == "one":
        return agree(calls[0], oracle, subject)
    if command.shape == "each" and lists and len(oracle.value) == len(subject.value) == len(calls):
        return oracle.kind == subject.kind and all(map(agree, calls, oracle.value, subject.value))
    return alike(oracle, subject) or (command.resp3 and loosely(oracle) == loosely(subject))


def same(command, oracle, subject):
    """Whether the two servers said the same to `command`."""
    if isinstance(command, Scripted) and (command.shape != "own" or command.resp3):
        return _scripted(command, oracle, subject)
    name = command[0].upper()
    second = command[1].upper() if len(command) > 1 and isinstance(command[1], bytes) else b""
    if second == b"HELP" and not oracle.is_error:
        return _help(oracle, subject)
    rule = RULES.get(name + b" " + second) or RULES.get(name) or alike
    if oracle.is_error or subject.is_error:
        rule = alike
    return rule(oracle, subject)


def same_transaction(commands, oracle, subject):
    """EXEC: each reply by the rule of its command."""
    if not isinstance(oracle.value, list) or not isinstance(subject.value, list):
        return alike(oracle, subject)
    if oracle.kind != subject.kind or not len(oracle.value) == len(subject.value) == len(commands):
        return alike(oracle, subject)
    return all(map(same, commands, oracle.value, subject.value))
