"""A load through redis-py that writes down what it asks and what it is answered, until the server
goes. `python3 load.py PORT NAME HISTORY FIRST`: see compat/kill/__main__.py for the history."""

import os
import sys

import redis

port, name, path, first = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
client = redis.Redis(port=port, decode_responses=True, retry=None, socket_timeout=30)
history = os.open(path, os.O_WRONLY | os.O_APPEND)
stream = f"{name}:add"


def step(kind, number, request, subject="", answer=str):
    """Asks for one step; its reply."""
    os.write(history, f"? {kind} {number} {subject}\n".encode())
    reply = request()
    told = subject or answer(reply)
    os.write(history, f"! {kind} {number} {told}\n".encode())
    return reply


def pair(number):
    transaction = client.pipeline(transaction=True)
    transaction.set(f"{name}:pair:left", number)
    transaction.set(f"{name}:pair:right", number)
    return transaction.execute()


def rewrite():
    try:
        client.bgrewriteaof()
    except redis.exceptions.ResponseError as error:
        # The journal's growth may have begun one.
        if "already in progress" not in str(error):
            raise


def work(number):
    text = "x" * (number * 37 % 400)
    step("add", number, lambda: client.xadd(stream, {"n": number, "text": text}), answer=lambda _: "")
    step("push", number, lambda: client.lpush(f"{name}:push", number), answer=lambda _: "")
    step("set", number, lambda: client.set(f"{name}:set", number), answer=lambda _: "")
    step("pair", number, lambda: pair(number), answer=lambda _: "")
    # The counter's number is its own, which only the reply tells.
    count = int(client.get(f"{name}:incr") or 0) + 1
    step("incr", count, lambda: client.incr(f"{name}:incr"), answer=lambda _: "")
    taken = step(
        "take",
        number,
        lambda: client.xreadgroup("g", "c", {stream: ">"}, count=1),
        answer=lambda reply: reply[0][1][0][0] if reply else "",
    )
    if taken and number % 4:
        entry = taken[0][1][0][0]
        step("ack", number, lambda: client.xack(stream, "g", entry), subject=entry)
    if number % 100 == 0:
        client.xtrim(stream, maxlen=1000)
        client.ltrim(f"{name}:push", 0, 999)
        rewrite()


try:
    while True:
        work(first)
        first += 1
except redis.exceptions.ConnectionError:
    # The kill.
    pass
