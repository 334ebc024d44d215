"""The jobs of benches/today.py by Celery: the application, and with a number of jobs the producer.

A task pushes [job, unix ms, ms since it was due] to the list `late`.
"""

import json
import os
import random
import sys
import time

import redis
from celery import Celery

A_SECOND = 500
DELAYS_MS = (200, 1500)

port = os.environ["TODAY_PORT"]
app = Celery("today", broker=f"redis://127.0.0.1:{port}/0")
client = redis.Redis(port=int(port))


@app.task(ignore_result=True)
def late(number, due):
    now = time.time() * 1000
    client.rpush("late", json.dumps([number, now, now - due]))


def produce(jobs):
    dice = random.Random(1)
    begun = time.monotonic()
    for number in range(jobs):
        time.sleep(max(0, begun + number / A_SECOND - time.monotonic()))
        delay = dice.randint(*DELAYS_MS) if number % 2 else 0
        due = time.time() * 1000 + delay
        late.apply_async((number, due), countdown=delay / 1000 if delay else None)


if __name__ == "__main__":
    # By its name as the worker knows it, not as __main__.
    import today_celery

    today_celery.produce(int(sys.argv[1]))
