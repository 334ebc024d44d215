"""The clients' story through redis-py, in both protocol versions, and through its asyncio side."""

import asyncio
import sys
import threading
import time

import redis
import redis.asyncio
from redis.cache import CacheConfig

FIELDS = {"kind": "mail", "to": "ann"}


def expect(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"redis-py: {what}: {found!r}, wanted {wanted!r}")


def entries_of(reply):
    """The entries of the one stream of an XREAD reply, whichever shape the protocol gives it."""
    pairs = reply.items() if isinstance(reply, dict) else reply
    entries = []
    for _, found in pairs:
        for item in found:
            entries += item if isinstance(item, list) else [item]
    return [(entry_id, fields) for entry_id, fields in entries]


def streams(client, connect):
    ids = [client.xadd("jobs", FIELDS | {"n": n}, id=f"{n}-1") for n in range(1, 6)]
    expect("append", ids, [f"{n}-1" for n in range(1, 6)])
    expect("length", client.xlen("jobs"), 5)
    expect("range", client.xrange("jobs", "2", "2"), [("2-1", FIELDS | {"n": "2"})])
    client.xgroup_create("jobs", "mailers", "0")
    expect("duplicate group", fails(lambda: client.xgroup_create("jobs", "mailers", "0")),
           "BUSYGROUP Consumer Group name already exists")  # fmt: skip
    read = entries_of(client.xreadgroup("mailers", "one", {"jobs": ">"}, count=3))
    expect("read", [entry_id for entry_id, _ in read], ["1-1", "2-1", "3-1"])
    expect("acknowledge", client.xack("jobs", "mailers", "1-1", "9-9"), 1)
    expect("pending", client.xpending("jobs", "mailers")["pending"], 2)
    rows = client.xpending_range("jobs", "mailers", "-", "+", 10)
    expect("deliveries", [row["times_delivered"] for row in rows], [1, 1])
    claimed = client.xclaim("jobs", "mailers", "two", 0, ["2-1"])
    expect("claim", [entry_id for entry_id, _ in claimed], ["2-1"])
    claimed = client.xautoclaim("jobs", "mailers", "two", 0, "0-0")
    expect("claim the idle", [entry_id for entry_id, _ in claimed[1]], ["2-1", "3-1"])
    group = client.xinfo_groups("jobs")[0]
    expect("lag", (group["lag"], group["entries-read"], group["pending"]), (2, 3, 2))
    client.xreadgroup("mailers", "one", {"jobs": ">"})
    blocked(connect, lambda other: other.xreadgroup("mailers", "one", {"jobs": ">"}, block=0),
            lambda: client.xadd("jobs", {"late": "yes"}, id="9-1"),
            lambda reply: expect("blocked read", entries_of(reply), [("9-1", {"late": "yes"})]))  # fmt: skip
    expect("trim", client.xtrim("jobs", maxlen=2, approximate=False), 4)


def blocked(connect, wait, release, check):
    """Runs `wait` on a connection of its own, `release` once the server says that it is blocked."""
    results = []
    other, observer = connect(), connect()
    thread = threading.Thread(target=lambda: results.append(wait(other)))
    thread.start()
    while observer.info("clients")["blocked_clients"] == 0:
        pass
    release()
    thread.join(10)
    check(results[0])


def lists(client, connect):
    expect("push", client.rpush("queue", "a", "b", "c"), 3)
    expect("pop", client.lpop("queue", 2), ["a", "b"])
    expect("move", client.lmove("queue", "taken", "LEFT", "RIGHT"), "c")
    blocked(connect, lambda other: other.blmove("queue", "taken", 0, "LEFT", "RIGHT"),
            lambda: client.lpush("queue", "d"), lambda reply: expect("blocked move", reply, "d"))  # fmt: skip
    blocked(connect, lambda other: other.blpop(["x", "queue"], 0),
            lambda: client.lpush("queue", "e"), lambda reply: expect("blocked pop", list(reply), ["queue", "e"]))  # fmt: skip
    expect("nothing in time", client.blpop(["queue"], 0.01), None)
    expect("range", client.lrange("taken", 0, -1), ["c", "d"])


def transactions(client, connect):
    with client.pipeline(transaction=True) as step:
        replies = step.set("n", 1).incr("n").lpush("queue", "z").execute()
    expect("transaction", replies, [True, 2, 1])
    with client.pipeline(transaction=True) as step:
        step.watch("n")
        connect().incr("n")
        step.multi()
        step.set("n", 100)
        try:
            step.execute()
            raise AssertionError("redis-py: a watched key changed and EXEC ran")
        except redis.WatchError:
            pass
    expect("after the lost race", client.get("n"), "3")
    with client.pipeline(transaction=False) as pipe:
        for n in range(1000):
            pipe.rpush("many", n)
        expect("pipeline", pipe.execute(), list(range(1, 1001)))


def fails(action):
    try:
        action()
    except redis.ResponseError as error:
        return str(error)
    return None


def errors(client):
    client.set("text", "x")
    expect("wrong type", fails(lambda: client.lpush("text", "y")),
           "WRONGTYPE Operation against a key holding the wrong kind of value")  # fmt: skip
    expect("no group", fails(lambda: client.xreadgroup("no", "one", {"jobs": ">"})),
           "NOGROUP No such key 'jobs' or consumer group 'no' in XREADGROUP with GROUP option")  # fmt: skip


def told(connect, protocol):
    """Messages, keyspace events and, in RESP3, a cache that the server keeps true."""
    publisher = connect()
    publisher.config_set("notify-keyspace-events", "KEA")
    with connect().pubsub() as pubsub:
        pubsub.subscribe("news")
        pubsub.psubscribe("__keyevent@0__:*")
        wait = lambda: pubsub.get_message(timeout=10)
        expect("confirmed", [wait()["data"], wait()["data"]], [1, 2])
        expect("receivers", publisher.publish("news", "hello"), 1)
        message = wait()
        expect("message", (message["type"], message["data"]), ("message", "hello"))
        publisher.set("told", 1)
        message = wait()
        found = (message["pattern"], message["channel"], message["data"])
        expect("event", found, ("__keyevent@0__:*", "__keyevent@0__:set", "told"))
        if protocol == 2:
            pubsub.ping()
            expect("pong", wait()["type"], "pong")
    publisher.config_set("notify-keyspace-events", "")
    if protocol == 3:
        caching = connect(cache_config=CacheConfig())
        expect("first read", caching.get("told"), "1")
        expect("from the cache", (caching.get("told"), caching.get_cache().size), ("1", 1))
        publisher.set("told", 2)
        # Who caches is told beside the writer's reply, and may be told a moment later.
        until = time.monotonic() + 10
        while caching.get("told") != "2" and time.monotonic() < until:
            time.sleep(0.001)
        expect("changed by another", caching.get("told"), "2")


async def asynchronous(port):
    client = redis.asyncio.Redis(port=port, decode_responses=True)
    await client.flushall()
    waiting = asyncio.create_task(client.blpop(["q"], 0))
    while (await client.info("clients"))["blocked_clients"] == 0:
        pass
    await client.rpush("q", "v")
    expect("asyncio", list(await waiting), ["q", "v"])
    await client.aclose()


def main():
    port = int(sys.argv[1])
    for protocol in (2, 3):
        connect = lambda **more: redis.Redis(
            port=port, protocol=protocol, decode_responses=True, **more
        )
        client = connect()
        client.flushall()
        streams(client, connect)
        lists(client, connect)
        transactions(client, connect)
        errors(client)
        told(connect, protocol)
        if protocol == 3:
            expect("protocol", client.execute_command("HELLO")["proto"], 3)
    asyncio.run(asynchronous(port))
    print(f"redis-py {redis.__version__}: RESP2, RESP3 and asyncio")


main()
