"""The Python worker of the story: redis-py and Pillow.

    worker.py stream|list PORT NAME FOLDER
"""

import os
import sys

import redis
from PIL import Image
from worker_names import (
    ALIVE_MS,
    BATCH,
    BLOCK_MS,
    GROUP,
    IDLE_MIN_MS,
    QUEUE,
    REPORTS,
    SIDE_MAX,
    STREAM,
    WORKERS,
)


def make_thumbnail(picture, folder, name):
    """Writes the thumbnail beside its final place first: it is there whole or not at all."""
    image = Image.open(picture)
    image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    image.thumbnail((SIDE_MAX, SIDE_MAX))
    stem = os.path.basename(picture)
    partial = os.path.join(folder, "partial", f"{stem}.{name}")
    image.save(partial, format="PNG")
    os.replace(partial, os.path.join(folder, f"{stem}.png"))


def entries_of(reply):
    """The entries of the one stream that was read; the client's shape depends on the protocol."""
    found = reply[STREAM] if isinstance(reply, dict) else dict(reply)[STREAM]
    return found[0] if found and isinstance(found[0], list) else found


def work_on_stream(client, name, folder):
    """Reads new jobs, and takes over those of workers that were silent for too long."""
    while True:
        entries, reclaimed = [], 0
        reply = client.xreadgroup(GROUP, name, {STREAM: ">"}, count=BATCH, block=BLOCK_MS)
        if reply:
            entries = entries_of(reply)
        else:
            entries = client.xautoclaim(STREAM, GROUP, name, IDLE_MIN_MS, "0-0", count=BATCH)[1]
            reclaimed = 1
        if not entries:
            continue
        client.lpush(REPORTS, f"took|{name}|{len(entries)}|{reclaimed}")
        for entry_id, fields in entries:
            make_thumbnail(fields["picture"], folder, name)
            with client.pipeline(transaction=True) as step:
                step.xack(STREAM, GROUP, entry_id)
                step.lpush(REPORTS, f"done|{name}|{fields['picture']}|{reclaimed}")
                step.execute()


def work_on_list(client, name, folder):
    """Moves a job to a list of its own while it works; gives jobs of dead workers back."""
    mine = f"processing:{name}"
    client.rpush(WORKERS, name)
    while True:
        client.set(f"alive:{name}", 1, px=ALIVE_MS)
        picture = client.blmove(QUEUE, mine, BLOCK_MS / 1000, "RIGHT", "LEFT")
        if picture is None:
            give_back(client)
            continue
        client.lpush(REPORTS, f"took|{name}|1|0")
        make_thumbnail(picture, folder, name)
        with client.pipeline(transaction=True) as step:
            step.lrem(mine, 1, picture)
            step.lpush(REPORTS, f"done|{name}|{picture}|0")
            step.execute()


def give_back(client):
    for other in client.lrange(WORKERS, 0, -1):
        if not client.exists(f"alive:{other}"):
            while client.lmove(f"processing:{other}", QUEUE, "RIGHT", "LEFT"):
                client.lpush(REPORTS, f"back|{other}|1|1")


def main():
    mode, port, name, folder = sys.argv[1:]
    client = redis.Redis(port=int(port), decode_responses=True)
    client.lpush(REPORTS, f"ready|{name}|{client.client_id()}|0")
    {"stream": work_on_stream, "list": work_on_list}[mode](client, name, folder)


main()
