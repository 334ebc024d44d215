"""The whole state of a server as its commands tell it, in a form that can be compared."""

from fill import DATABASES

# Fields of XINFO that tell of another server's data structures, or that one of the two does not have.
LEFT_OUT = {
    b"radix-tree-keys", b"radix-tree-nodes", b"idmp-duration", b"idmp-maxsize", b"pids-tracked",
    b"iids-tracked", b"iids-added", b"iids-duplicates", b"nacked-count",
}  # fmt: skip
# Since 7.2.
ACTIVITY = {b"active-time"}
# What an AOF does not have: when consumers were last there.
PRESENCE = {b"seen-time", b"active-time"}


def _named(reply, left_out):
    """A flat list of names and values as a dictionary, and so on inside of it."""
    if not isinstance(reply, list):
        return reply
    pairs = list(zip(reply[::2], reply[1::2], strict=False))
    if len(reply) % 2 == 0 and pairs and all(isinstance(name, bytes) for name, _ in pairs):
        known = {b"length", b"name"}
        if known & {name for name, _ in pairs}:
            return {
                name: value if name == b"entries" else _named(value, left_out)
                for name, value in pairs
                if name not in left_out
            }
    return [_named(item, left_out) for item in reply]


def _value(call, key, kind, left_out, with_encoding):
    if kind == b"string":
        value = call("GET", key)
        if value[:4] == b"HYLL":
            # PFCOUNT keeps its estimate there; Forebay's does not.
            value = value[:8] + value[16:]
    elif kind == b"list":
        value = call("LRANGE", key, 0, -1)
    elif kind == b"set":
        value = sorted(call("SMEMBERS", key))
    elif kind == b"zset":
        value = _scores_as_numbers(call("ZRANGE", key, 0, -1, "WITHSCORES"))
    elif kind == b"hash":
        fields = call("HGETALL", key)
        deadlines = _deadlines(call, key, fields[::2])
        value = sorted(zip(fields[::2], fields[1::2], deadlines, strict=True))
        if with_encoding and {int(at) for at in deadlines} == {-1}:
            # Redis stays with `listpackex` when no field has a deadline any more, also in its files.
            return value, call("OBJECT", "ENCODING", key).replace(b"packex", b"pack")
    elif kind == b"stream":
        return _named(call("XINFO", "STREAM", key, "FULL", "COUNT", 0), left_out | LEFT_OUT)
    else:
        return None
    return value, call("OBJECT", "ENCODING", key) if with_encoding else None


def _deadlines(call, key, names):
    """When each field of a hash is gone; -1 for never, where the server knows of no deadlines as well."""
    try:
        return call("HPEXPIRETIME", key, "FIELDS", len(names), *names)
    except RuntimeError as error:
        if "unknown command" not in str(error):
            raise
        return [b"-1"] * len(names)


def _scores_as_numbers(members):
    """Members with scores that compare by value: redis-server 7.0 writes 17 digits where later ones write the
    fewest that tell, and a listpack keeps -0 as 0."""
    scores = (float(score) + 0.0 for score in members[1::2])
    return [word for pair in zip(members[::2], scores) for word in pair]


def state(connection, left_out=frozenset(), with_encoding=True, without=()):
    """Every key with its type, deadline and value, by database and name."""
    call = connection.ask
    found = {}
    for database in range(DATABASES):
        call("SELECT", database)
        for key in call("KEYS", "*"):
            kind = call("TYPE", key)
            if key in without:
                continue
            deadline = call("PEXPIRETIME", key)
            found[database, key] = kind, deadline, _value(call, key, kind, left_out, with_encoding)
    call("SELECT", 0)
    return found


def differences(one, other):
    """What differs, a line each."""
    lines = []
    for place in sorted(one.keys() | other.keys()):
        a, b = one.get(place), other.get(place)
        if a != b:
            lines.append(f"{place}: {_first_difference(a, b)}")
    return lines


def _first_difference(a, b):
    """Where two values part."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        name = next(name for name in a if a[name] != b[name])
        return f"{name!r}: {_first_difference(a[name], b[name])}"
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        at = next(at for at in range(len(a)) if a[at] != b[at])
        return f"[{at}]: {_first_difference(a[at], b[at])}"
    if isinstance(a, list) and isinstance(b, list):
        return f"{len(a)} and {len(b)} of {str(a)[:200]}; only in one: {str([x for x in a if x not in b] + [x for x in b if x not in a])[:300]}"
    return f"{str(a)[:200]} and {str(b)[:200]}"
