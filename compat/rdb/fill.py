"""Data sets: every encoding that a server writes for the types that Forebay holds."""

import random

DATABASES = 3
# Milliseconds from now: long enough that nothing falls due while a case runs.
TTL_MS = 3_600_000


def strings(connection, rng):
    """Integers of each width, short and long strings, some that compress and some that do not."""
    call = connection.ask
    for at, value in enumerate((0, 1, -1, 127, -128, 128, 32767, -32769, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63))):
        call("SET", f"int:{at}", value)
    for length in (0, 1, 20, 21, 44, 45, 63, 64, 300, 16383, 16384, 70_000):
        call("SET", f"same:{length}", b"a" * length)
        call("SET", f"random:{length}", rng.randbytes(length))
        call("SET", f"words:{length}", b" ".join(rng.choice([b"red", b"green", b"blue"]) for _ in range(length // 5)))
    for at, value in enumerate((b"01", b"+1", b" 1", b"1.5", b"-0", b"1e3", b"\x00\xff\r\n")):
        call("SET", f"odd:{at}", value)
    call("SET", b"key \x00\xff\r\n", "a key of any bytes")
    call("SET", "", "the empty key")
    call("SET", "k" * 300, "a long key")
    call("APPEND", "appended", "12")
    call("APPEND", "appended", "34")
    call("SETRANGE", "ranged", 10, "x")
    call("INCRBYFLOAT", "float", "10")
    for at in range(5):
        call("SET", f"ttl:{at}", at, "PX", TTL_MS + at)


def lists(connection, rng):
    """Lists of one node and of many, of integers, of elements that are nodes by themselves."""
    call = connection.ask
    call("RPUSH", "list:small", "a", "", "12", "-300", "70000", "5000000000", "x" * 64, "01")
    call("RPUSH", "list:ints", *range(-500, 500))
    call("LPUSH", "list:left", *(b"left %d" % at for at in range(2000)))
    call("RPUSH", "list:plain", "a", rng.randbytes(9000), "b", b"y" * 200_000, "c")
    call("RPUSH", "list:oneplain", b"z" * 100_000)
    for at in range(60):
        call("RPUSH", "list:mixed", *(rng.randbytes(rng.choice((0, 3, 70, 900))) for _ in range(20)))
    for at in range(40):
        call("LSET", "list:mixed", rng.randrange(1000), rng.choice((b"7", b"s" * 5000, b"t" * 9000)))
    call("LTRIM", "list:mixed", 3, -4)
    call("RPUSH", "list:ttl", "x")
    call("PEXPIRE", "list:ttl", TTL_MS)


def sets(connection, rng):
    """Integers of each width, packed members, and tables."""
    call = connection.ask
    call("SADD", "set:narrow", *range(-50, 200, 3))
    call("SADD", "set:middle", 1, -70_000, 2**31 - 1)
    call("SADD", "set:wide", 1, 2**40, -(2**63), 2**63 - 1)
    call("SADD", "set:small", "a", "", 12, "01", "x" * 64, 5_000_000_000)
    call("SADD", "set:long member", "a", "y" * 65)
    call("SADD", "set:manyints", *range(-300, 600))
    call("SADD", "set:large", *(b"member %d" % at for at in range(600)), *(rng.randbytes(9) for _ in range(50)))
    call("SADD", "set:shrunk", *(b"m%d" % at for at in range(200)))
    call("SREM", "set:shrunk", *(b"m%d" % at for at in range(5, 200)))
    call("SADD", "set:ttl", "x")
    call("PEXPIRE", "set:ttl", TTL_MS)


def estimates(connection):
    """HyperLogLogs in both forms."""
    call = connection.ask
    call("PFADD", "pf:empty")
    call("PFADD", "pf:sparse", *range(300))
    call("PFADD", "pf:dense", *range(20_000))
    call("PFMERGE", "pf:merged", "pf:sparse", "pf:dense")
    call("PFCOUNT", "pf:sparse")


def sorted_sets(connection, rng):
    """Small and large sorted sets, scores of every kind among them."""
    call = connection.ask
    scores = (0, -0.0, 1, -2.5, 0.1, 1e20, 1e-7, 5e-324, 1.7976931348623157e308, "inf", "-inf", 2**53, 12345678901234567890)
    call("ZADD", "zset:small", *(word for at, score in enumerate(scores) for word in (score, b"member %d" % at)))
    call("ZADD", "zset:ints", *(word for at in range(100) for word in (at % 7, at * 1000)))
    call("ZADD", "zset:large", *(word for at in range(600) for word in (at / 7, b"member %d" % at)))
    call("ZADD", "zset:negative", -0.0, "zero", 1, "x" * 70)
    call("ZADD", "zset:equal", *(word for at in range(300) for word in (1, rng.randbytes(rng.randrange(1, 12)))))
    call("ZADD", "zset:long", 1, rng.randbytes(70_000), 2, b"y" * 5000, 3, "")
    call("ZADD", "zset:shrunk", *(word for at in range(200) for word in (at, at)))
    call("ZREMRANGEBYRANK", "zset:shrunk", 5, -1)
    call("PEXPIRE", "zset:shrunk", TTL_MS)


def hashes(connection, rng):
    """Small and large hashes, of integers and long values."""
    call = connection.ask
    call("HSET", "hash:small", "f", "v", "g", 5, "", "empty name", "empty value", "", b"\x00\xff", b"\r\n")
    call("HSET", "hash:ints", *(word for at in range(-100, 100) for word in (at, at * 99_999)))
    call("HSET", "hash:large", *(word for at in range(600) for word in (b"field %d" % at, at)))
    call("HSET", "hash:long", "f", b"a" * 65, "g", rng.randbytes(5000), "h", b"z" * 100_000)
    call("HSET", "hash:ttl", "f", "v")
    call("PEXPIRE", "hash:ttl", TTL_MS)


def timed_hashes(connection, rng):
    """Small and large hashes of which fields have deadlines, or had."""
    call = connection.ask
    call("HSET", "hash:timed", *(word for at in range(9) for word in (b"field %d" % at, at)))
    call("HSET", "hash:largetimed", *(word for at in range(700) for word in (b"field %d" % at, at)))
    for key in ("hash:timed", "hash:largetimed"):
        for at in range(1, 9, 2):
            call("HPEXPIRE", key, TTL_MS + 1000 * rng.randrange(100), "FIELDS", 1, f"field {at}")
    call("HPEXPIRE", "hash:largetimed", TTL_MS, "FIELDS", 100, *(f"field {at}" for at in range(200, 300)))
    call("HSET", "hash:persisted", "f", "v")
    call("HPEXPIRE", "hash:persisted", TTL_MS, "FIELDS", 1, "f")
    call("HPERSIST", "hash:persisted", "FIELDS", 1, "f")


def streams(connection, rng):
    """Streams with deleted entries, groups, consumers and pending entries of all kinds."""
    call = connection.ask
    for at in range(1, 400):
        names = rng.choice((("f", "g"), ("f", "g"), ("f", "g"), ("g",), ("x", "y", "z")))
        fields = [word for name in names for word in (name, rng.choice((at, rng.randbytes(9), b"", b"w" * 80)))]
        call("XADD", "stream:busy", f"{1_600_000_000_000 + at // 3}-{at}", *fields)
    ids = [entry[0] for entry in call("XRANGE", "stream:busy", "-", "+")]
    call("XGROUP", "CREATE", "stream:busy", "all", 0)
    call("XGROUP", "CREATE", "stream:busy", "half", ids[200])
    call("XGROUP", "CREATE", "stream:busy", "new", "$")
    call("XGROUP", "CREATE", "stream:busy", "counted", ids[100], "ENTRIESREAD", 101)
    call("XGROUP", "CREATECONSUMER", "stream:busy", "new", "idle")
    for consumer in ("alice", "bob", ""):
        call("XREADGROUP", "GROUP", "all", consumer, "COUNT", rng.randrange(20, 90), "STREAMS", "stream:busy", ">")
    call("XREADGROUP", "GROUP", "half", "carol", "COUNT", 5, "NOACK", "STREAMS", "stream:busy", ">")
    call("XREADGROUP", "GROUP", "half", "carol", "COUNT", 9, "STREAMS", "stream:busy", ">")
    call("XACK", "stream:busy", "all", *ids[5:25:2])
    call("XCLAIM", "stream:busy", "all", "dave", 0, *ids[30:60:3], "RETRYCOUNT", 7)
    call("XCLAIM", "stream:busy", "all", "erin", 0, ids[2], "IDLE", 500_000, "JUSTID")
    # Not the only entry that erin holds: redis-server 7.0 forgets such a consumer when it reads its AOF.
    call("XDEL", "stream:busy", ids[1], *ids[40:140:7], ids[-1])
    call("XADD", "stream:trimmed", "1-1", "a", "b")
    for at in range(2, 350):
        call("XADD", "stream:trimmed", "MAXLEN", "~", 120, f"{at}-1", "a", at)
    call("XTRIM", "stream:trimmed", "MAXLEN", 97)
    call("XADD", "stream:emptied", "5-5", "a", "b")
    call("XDEL", "stream:emptied", "5-5")
    call("XGROUP", "CREATE", "stream:made", "g", 0, "MKSTREAM")
    call("XADD", "stream:edges", "0-1", "a", "b")
    call("XADD", "stream:edges", "18446744073709551614-5", "a", "b", "a", "c")
    call("XADD", "stream:edges", "18446744073709551615-18446744073709551615", "long" * 2000, "v" * 9000)
    call("XADD", "stream:set", "7-7", "a", "b")
    call("XSETID", "stream:set", "9-9", "ENTRIESADDED", 50, "MAXDELETEDID", "8-1")
    call("PEXPIRE", "stream:set", TTL_MS)


def more(connection, rng):
    """What comes after a rewrite of the AOF, so that it stands in the increments as commands."""
    call = connection.ask
    call("SELECT", 0)
    call("SET", "int:1", 77)
    call("INCRBY", "int:2", 5)
    call("SET", "later", "x", "EX", 5000)
    call("GETEX", "ttl:1", "PERSIST")
    call("DEL", "odd:0", "same:20")
    call("APPEND", "appended", "later")
    call("INCRBYFLOAT", "float", "0.25")
    call("RENAME", "odd:1", "renamed")
    call("COPY", "list:small", "list:copy")
    call("LPOP", "list:left", 700)
    call("LINSERT", "list:small", "BEFORE", "12", "between")
    call("LREM", "list:ints", 0, 5)
    call("RPOPLPUSH", "list:ints", "list:new")
    call("LMPOP", 1, "list:mixed", "LEFT", "COUNT", 30)
    call("SETBIT", "same:20", 7, 1)
    call("BITOP", "NOT", "notted", "same:44")
    call("BITFIELD", "fields", "SET", "u5", 3, 17, "INCRBY", "i9", "#2", -7)
    call("PFADD", "pf:sparse", "more", "still more")
    call("PFMERGE", "pf:empty", "pf:sparse")
    call("PFCOUNT", "pf:merged")
    call("SADD", "set:narrow", "no integer")
    call("SREM", "set:small", 12)
    call("SPOP", "set:manyints", 40)
    call("SPOP", "set:wide")
    call("SMOVE", "set:large", "set:small", "member 7")
    call("SINTERSTORE", "set:both", "set:manyints", "set:narrow")
    call("SUNIONSTORE", "set:any", "set:manyints", "set:small")
    call("SDIFFSTORE", "set:rest", "set:large", "set:small")
    call("ZADD", "zset:small", "GT", "CH", 5, "member 2", 0.25, "new")
    call("ZINCRBY", "zset:large", 0.1, "member 7")
    call("ZPOPMIN", "zset:large", 20)
    call("ZMPOP", 1, "zset:ints", "MAX", "COUNT", 3)
    call("ZREMRANGEBYSCORE", "zset:ints", 2, "(4")
    call("ZUNIONSTORE", "zset:union", 2, "zset:large", "zset:ints", "WEIGHTS", 2, 0.5, "AGGREGATE", "MAX")
    call("ZRANGESTORE", "zset:part", "zset:large", 10, 30)
    call("MULTI")
    for at in range(5):
        call("XADD", "stream:busy", "*", "n", at)
    call("SELECT", 1)
    call("SET", "in another", 1)
    call("SELECT", 0)
    call("EXEC")
    call("XREADGROUP", "GROUP", "all", "alice", "COUNT", 30, "STREAMS", "stream:busy", ">")
    call("XREADGROUP", "GROUP", "new", "frank", "STREAMS", "stream:busy", ">")
    call("XAUTOCLAIM", "stream:busy", "all", "grace", 0, "-", "COUNT", 11)
    first = call("XRANGE", "stream:busy", "-", "+", "COUNT", 60)[50][0]
    call("XACK", "stream:busy", "all", first)
    call("XDEL", "stream:busy", first)
    call("XTRIM", "stream:busy", "MAXLEN", 250)
    call("XGROUP", "SETID", "stream:busy", "half", "$")
    call("XGROUP", "DELCONSUMER", "stream:busy", "all", "bob")
    call("XGROUP", "DESTROY", "stream:busy", "counted")
    for at in range(20):
        call("XADD", "stream:trimmed", "MAXLEN", "~", 50, "*", "a", rng.randrange(100))
    call("SELECT", 2)
    call("SET", "in the last", 1)
    call("SELECT", 0)


def unheld(connection, names):
    """Keys that Forebay cannot hold yet, in each encoding; their names by type."""
    call = connection.ask
    call("FUNCTION", "LOAD", "#!lua name=mylib\nredis.register_function('f', function() return 1 end)")
    keys = []
    if "vadd" in names:
        # A module's type, in the form of values that modules have.
        for at in range(20):
            call("VADD", "vectorset:small", "VALUES", 3, at, 0.5, 1, f"element {at}")
        call("VSETATTR", "vectorset:small", "element 3", "{\"year\": 2026}")
        keys.append("vectorset:small")
    return {key.encode(): key.split(":")[0] for key in keys}


def fill(connection, seed):
    """All of it, in the first database; some strings and a stream in the others."""
    rng = random.Random(seed)
    strings(connection, rng)
    lists(connection, rng)
    sets(connection, rng)
    estimates(connection)
    sorted_sets(connection, rng)
    streams(connection, rng)
    hashes(connection, rng)
    for database in range(1, DATABASES):
        connection.ask("SELECT", database)
        connection.ask("SET", "where", database, "PX", TTL_MS)
        connection.ask("XADD", "stream", "1-1", "a", "b")
    connection.ask("SELECT", 0)
