"""A worker through redis-py that writes down what it asks, what it is given and what it does with it.

    python3 worker.py HISTORY ORDERS      (compat/fire/README.md has both)
"""

import json
import os
import random
import sys
import time

import redis

history = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
orders = json.loads(sys.argv[2])
stream, group, name, lease_ms = (orders[word] for word in ("stream", "group", "name", "lease"))
dice = random.Random(orders["seed"])
client = redis.Redis(port=orders["port"], decode_responses=True, retry=None, socket_timeout=30, protocol=2)
asked = 0


class Gone(Exception):
    """The server went while a request was under way."""


def note(*words):
    """One write for each line, and before anything is done about it: a kill cannot undo it."""
    os.write(history, (json.dumps([time.time_ns() // 1000, *words]) + "\n").encode())


def ask(request, *words):
    global asked
    asked += 1
    note(asked, "?", *words)
    try:
        reply = request()
    except redis.exceptions.ConnectionError:
        note(asked, "-")
        raise Gone from None
    note(asked, "!", reply)
    return reply


def taken(entries):
    """What the history keeps of entries; those that were deleted meanwhile have no fields."""
    return [[entry[0], entry[1]["job"], entry[1].get("key", "")] for entry in entries if entry[1]]


def of_read(reply):
    return taken(reply[0][1]) if reply else []


def read(how):
    count = dice.randint(1, orders["count"])
    if how == "auto":
        idle = lease_ms // 2
        claim = lambda: taken(client.xautoclaim(stream, group, name, idle, "0-0", count=count)[1])
        return ask(claim, "read", how, count, idle)
    if how == "claim":
        return read_claiming(count, lease_ms // 2)
    if how == "take over":
        return take_over(count, lease_ms // 2)
    block = dice.randint(20, 80) if how == "block" else None
    start = "0" if how == "recall" else ">"
    request = lambda: of_read(client.xreadgroup(group, name, {stream: start}, count=count, block=block))
    return ask(request, "read", how, count, block or 0)


def read_claiming(count, idle):
    """XREADGROUP CLAIM; its entries have four parts when they were claimed."""
    words = ["XREADGROUP", "GROUP", group, name, "COUNT", count, "CLAIM", idle, "STREAMS", stream, ">"]
    paired = lambda flat: dict(zip(flat[::2], flat[1::2])) if isinstance(flat, list) else flat

    def request():
        reply = client.execute_command(*words)
        entries = reply[0][1] if reply else []
        return taken([(entry[0], paired(entry[1])) for entry in entries])

    return ask(request, "read", "claim", count, idle)


def take_over(count, idle):
    """XCLAIM of whatever is pending, in whose hands or in none."""
    try:
        pending = client.xpending_range(stream, group, "-", "+", 50)
    except redis.exceptions.ConnectionError:
        raise Gone from None
    ids = [row["message_id"] for row in dice.sample(pending, min(count, len(pending)))]
    if not ids:
        return []
    return ask(lambda: taken(client.xclaim(stream, group, name, idle, ids)), "read", "take over", count, idle)


def acknowledge(entry):
    ask(lambda: client.xack(stream, group, entry), "ack", entry)


def nack(mode, entry, delay=None, mine=False):
    words = ["XNACK", stream, group, mode, "IDS", 1, entry]
    words += ["DELAY", delay] if delay is not None else []
    words += ["CONSUMER", name] if mine else []
    ask(lambda: client.execute_command(*words), "nack", mode, entry, -1 if delay is None else delay)


def touch(entry):
    request = lambda: len(client.xclaim(stream, group, name, 0, [entry], justid=True))
    return ask(request, "touch", entry)


def pause(ms):
    time.sleep(ms / 1000)


def work(entry):
    """One entry, by what the dice say becomes of it."""
    fates = orders["fates"]
    fate = dice.choices(list(fates), list(fates.values()))[0]
    pause(dice.uniform(0, orders["work"]))
    if fate == "succeed":
        acknowledge(entry)
    elif fate == "fail":
        nack("FAIL", entry, mine=dice.random() < 0.3)
    elif fate == "later":
        nack("FAIL", entry, delay=dice.randint(20, 300))
    elif fate == "silent":
        nack("SILENT", entry, delay=dice.choice([None, dice.randint(20, 200)]))
    elif fate == "fatal":
        nack("FATAL", entry)
    elif fate == "hang":
        pause(lease_ms * dice.uniform(1.1, 1.6))
        acknowledge(entry)
    elif fate == "touch":
        pause(lease_ms * 0.6)
        if touch(entry):
            pause(lease_ms * 0.6)
            acknowledge(entry)
    elif fate == "vanish":
        os.kill(os.getpid(), 9)


def await_server():
    while True:
        try:
            return client.ping()
        except redis.exceptions.ConnectionError:
            pause(10)


def serve():
    recall = orders["recall"]
    while True:
        try:
            how = "recall" if recall else dice.choices(list(orders["reads"]), list(orders["reads"].values()))[0]
            entries = read(how)
            recall = False
            for entry, _, _ in entries:
                work(entry)
            if not entries and how != "block":
                pause(dice.uniform(1, 15))
        except Gone:
            await_server()


try:
    serve()
except redis.exceptions.ResponseError as error:
    note(asked, "oops", str(error))
    raise
