"""The processes of benches/today.py around streams.

    today_client.py produce forebay|redis PORT JOBS
    today_client.py work    forebay|redis PORT NAME
    today_client.py schedule redis PORT

A worker tells a line of each job that it is handed: [job, unix ms, ms since it was due], or
[job, unix ms, "dropped"] of one that it lets fall.
"""

import json
import random
import sys
import time

import redis

A_SECOND = 500
DELAYS_MS = (200, 1500)
DROPPED_ONE_IN = 50
LEASE_MS = 1000
LOOK_S = 0.1
MOVE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 100)
for _, job in ipairs(due) do
  redis.call('XADD', KEYS[2], '*', 'job', job)
  redis.call('ZREM', KEYS[1], job)
end
return #due
"""

role, way, port = sys.argv[1:4]
client = redis.Redis(port=int(port), decode_responses=True, protocol=2)
dice = random.Random(1)


def now_ms():
    return time.time() * 1000


def produce(jobs):
    """At an even pace, half of them for later. A job says when it is due."""
    begun = time.monotonic()
    for number in range(jobs):
        time.sleep(max(0, begun + number / A_SECOND - time.monotonic()))
        delay = dice.randint(*DELAYS_MS) if number % 2 else 0
        due = int(now_ms()) + delay
        job = json.dumps([number, due])
        if delay and way == "redis":
            client.zadd("delayed", {job: due})
        elif delay:
            client.execute_command("XADD", "jobs", "DELAY", due, "*", "job", job)
        else:
            client.xadd("jobs", {"job": job})


def schedule():
    move = client.register_script(MOVE)
    while not client.exists("stop"):
        while move(keys=["delayed", "jobs"], args=[int(now_ms())]):
            pass
        time.sleep(LOOK_S)


def work(name):
    told = []
    look_at = 0
    while True:
        entries = []
        if way == "redis" and time.monotonic() > look_at:
            look_at = time.monotonic() + LOOK_S
            entries = client.xautoclaim("jobs", "g", name, LEASE_MS, count=10)[1]
        block = int(LOOK_S * 1000) if way == "redis" else 1000
        reply = entries or client.xreadgroup("g", name, {"jobs": ">"}, count=1, block=block)
        if not reply and client.exists("stop"):
            break
        for entry, fields in entries or (reply[0][1] if reply else []):
            number, due = json.loads(fields["job"])
            now = now_ms()
            if number % DROPPED_ONE_IN == 0 and client.set(f"dropped:{number}", 1, nx=True):
                # As one that dies of it: the clock of the lease runs from here.
                told.append([number, now, "dropped"])
                continue
            told.append([number, now, now - due])
            client.xack("jobs", "g", entry)
            client.incr("done")
    for line in told:
        print(json.dumps(line))


if role == "produce":
    produce(int(sys.argv[4]))
elif role == "schedule":
    schedule()
else:
    work(sys.argv[4])
