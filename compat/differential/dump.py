"""The whole state of a server as its own commands tell it, key by key."""

from harness.resp import Reply

DATABASES = 3
READ_OF = {
    b"string": [(b"GET",), (b"OBJECT", b"ENCODING")],
    b"list": [(b"LRANGE", b"0", b"-1"), (b"OBJECT", b"ENCODING")],
    b"set": [(b"SMEMBERS",), (b"OBJECT", b"ENCODING")],
    b"zset": [(b"ZRANGE", b"0", b"-1", b"WITHSCORES"), (b"OBJECT", b"ENCODING")],
    b"hash": [(b"HGETALL",), (b"OBJECT", b"ENCODING"), (b"HLEN",)],
    b"stream": [(b"XRANGE", b"-", b"+"), (b"XINFO", b"STREAM", b"FULL", b"COUNT", b"0"), (b"XINFO", b"GROUPS")],
}


def _on(key, words):
    """The command with the key where it goes: behind the name, or behind the subcommand."""
    head = 2 if words[0] in (b"OBJECT", b"XINFO") else 1
    return (*words[:head], key, *words[head:])


def dump(control):
    """Yields (command, reply) for every database, key and view of its value, keys in order."""
    for database in range(DATABASES):
        control.ask("SELECT", database)
        keys = sorted(key.value for key in control.call("KEYS", "*").value)
        yield (b"KEYS", b"*"), Reply("*", keys)
        for key in keys:
            kind = control.call("TYPE", key)
            yield (b"TYPE", key), kind
            yield (b"PTTL", key), control.call("PTTL", key)
            for words in READ_OF.get(kind.value, ()):
                command = _on(key, words)
                yield command, control.call(*command)
            if kind.value == b"stream":
                yield from _consumers(control, key)
    control.ask("SELECT", 0)


def _consumers(control, key):
    for group in control.call("XINFO", "GROUPS", key).value:
        command = (b"XINFO", b"CONSUMERS", key, group.value[1].value)
        yield command, control.call(*command)
