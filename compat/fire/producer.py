"""Adds jobs to all streams for a while; what it asks and is answered stands in its history.

    python3 producer.py HISTORY ORDERS      (compat/fire/README.md has both)
"""

import json
import os
import random
import sys
import time

import redis

DELAYED_SHARE = 0.15

history = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
orders = json.loads(sys.argv[2])
dice = random.Random(orders["seed"])
client = redis.Redis(port=orders["port"], decode_responses=True, retry=None, socket_timeout=30, protocol=2)


def note(*words):
    os.write(history, (json.dumps([time.time_ns() // 1000, *words]) + "\n").encode())


def add(pipeline, number, stream):
    key = f"k{dice.randrange(orders['keys'])}"
    delay = dice.randint(50, 500) if dice.random() < DELAYED_SHARE else 0
    note(number, "?", "add", stream, key, delay)
    words = ["XADD", stream, *(["DELAY", delay] if delay else []), "*", "job", number, "key", key]
    pipeline.execute_command(*words)


def add_burst(numbers):
    """One job after the other to each stream in turn, sent together."""
    pipeline = client.pipeline(transaction=False)
    for number in numbers:
        add(pipeline, number, orders["streams"][number % len(orders["streams"])])
    try:
        replies = pipeline.execute()
    except redis.exceptions.ConnectionError:
        for number in numbers:
            note(number, "-")
        time.sleep(0.02)
        return
    for number, entry in zip(numbers, replies):
        note(number, "!", entry)


number = orders["first"]
end = time.monotonic() + orders["seconds"]
try:
    while time.monotonic() < end:
        burst = dice.randint(1, 3)
        add_burst(range(number, number + burst * len(orders["streams"])))
        number += burst * len(orders["streams"])
        time.sleep(dice.uniform(0, 4 / orders["rate"]))
except redis.exceptions.ResponseError as error:
    note(number, "oops", str(error))
    raise
