"""The main job on real input: thumbnails of an installed package's pictures, by three workers in
three languages, of which one is killed while it holds jobs. Once over a stream with a consumer
group, once over a list with processing lists.

    python3 compat/story
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "compat"))

import redis
from harness.server import Server, example_binary, forebay_binary
from PIL import Image
from worker_names import GROUP, QUEUE, REPORTS, SIDE_MAX, STREAM

CACHE = ROOT / ".cache"
PICTURES = CACHE / "pictures" / "skimage" / "data"
WORKERS = {
    "python": [sys.executable, str(HERE / "worker.py")],
    "node": ["node", str(HERE / "worker.mjs")],
    "rust": [example_binary("story_worker")],
}
REPORT_TIMEOUT_S = 30
# Who dies: a different one each time, so that no language only ever cleans up after the others.
VICTIM = {"stream": "node", "list": "python"}
# It has finished so many before, so that what is killed is a worker in the middle of its work.
VICTIM_DONE_MIN = 2


class StoryFailed(Exception):
    """Something is not as the story wants it."""


def expect(what, found, wanted):
    if found != wanted:
        raise StoryFailed(f"{what}: {found!r}, wanted {wanted!r}")


def all_pictures():
    found = sorted(
        str(path) for path in PICTURES.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    )
    if len(found) < 10:
        raise StoryFailed(f"only {len(found)} pictures in {PICTURES}")
    return found


class Queue:
    """What differs between the stream and the list."""

    def __init__(self, mode, client):
        self.mode, self.client = mode, client
        if mode == "stream":
            client.xgroup_create(STREAM, GROUP, "0", mkstream=True)

    def produce(self, pictures):
        if self.mode == "stream":
            for picture in pictures:
                self.client.xadd(STREAM, {"picture": picture})
        else:
            self.client.lpush(QUEUE, *pictures)

    def held_by(self, name):
        """How many jobs a worker has taken and not finished."""
        if self.mode == "list":
            return self.client.llen(f"processing:{name}")
        return len(self.client.xpending_range(STREAM, GROUP, "-", "+", 100, consumername=name))

    def check_empty(self, jobs):
        """Nothing is left anywhere."""
        if self.mode == "list":
            expect("queue", self.client.llen(QUEUE), 0)
            for name in WORKERS:
                expect(f"jobs held by {name}", self.held_by(name), 0)
            return
        group = self.client.xinfo_groups(STREAM)[0]
        expect("pending", self.client.xpending(STREAM, GROUP)["pending"], 0)
        expect("lag", group["lag"], 0)
        expect("entries read", group["entries-read"], jobs)
        expect("entries", self.client.xlen(STREAM), jobs)


def start_worker(name, mode, port, folder):
    environment = os.environ | {"COMPAT_NODE": str(CACHE / "node")}
    command = [*WORKERS[name], mode, str(port), name, folder]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)


def next_report(client, processes):
    """The next thing a worker has to say: kind, worker, subject, whether it was reclaimed."""
    deadline = time.monotonic() + REPORT_TIMEOUT_S
    while time.monotonic() < deadline:
        report = client.brpop([REPORTS], timeout=1)
        if report:
            return report[1].split("|")
        for name, process in processes.items():
            if process.poll() is not None:
                raise StoryFailed(f"worker {name} ended with {process.returncode}")
    raise StoryFailed(f"no worker has said anything for {REPORT_TIMEOUT_S} s")


def kill_while_holding(queue, process, name, client_id):
    """Kills a worker with -9 if it holds jobs at this moment. How many the dead one holds."""
    # Stopped first, so that the look is not at what was long ago.
    process.send_signal(signal.SIGSTOP)
    if not queue.held_by(name):
        process.send_signal(signal.SIGCONT)
        return 0
    process.kill()
    process.wait()
    # What it sent before it died still counts; all of that is done once its connection is gone.
    while any(client["id"] == client_id for client in queue.client.client_list()):
        pass
    return queue.held_by(name)


def check_thumbnails(pictures, folder):
    """Every picture has one thumbnail, and it is whole."""
    made = sorted(path.name for path in Path(folder).iterdir() if path.is_file())
    expect("thumbnails", made, sorted(f"{Path(picture).name}.png" for picture in pictures))
    for picture in pictures:
        with Image.open(picture) as source, Image.open(f"{folder}/{Path(picture).name}.png") as made:
            made.load()
            if max(made.size) > SIDE_MAX or min(made.size) < 1:
                raise StoryFailed(f"{picture}: thumbnail of {made.size}")
            for side in (0, 1):
                wanted = source.size[side] * max(made.size) / max(source.size)
                if abs(made.size[side] - wanted) > 1.5:
                    raise StoryFailed(f"{picture} of {source.size} became {made.size}")


def tell(mode, pictures, victim, held, done, reclaimed, began):
    print(f"{mode}: {len(pictures)} pictures, {len(pictures)} whole thumbnails, "
          f"{time.monotonic() - began:.1f} s")  # fmt: skip
    for name in WORKERS:
        fate = f"   killed -9 while it held {held}" if name == victim else ""
        print(f"  {name:<7} {done[name]:>3} made{fate}")
    rest = "pending 0, lag 0" if mode == "stream" else "queue and processing lists empty"
    print(f"  {reclaimed} jobs reclaimed from the dead; {rest}", flush=True)


def run_story(mode, client, port):
    pictures = all_pictures()
    victim = VICTIM[mode]
    queue = Queue(mode, client)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="forebay-story-") as folder:
        os.mkdir(f"{folder}/partial")
        processes = {}
        try:
            for name in WORKERS:
                processes[name] = start_worker(name, mode, port, folder)
            # Nobody starts before everybody is there, so that each gets a share.
            ids = {}
            while len(ids) < len(WORKERS):
                _, name, ids[name], _ = next_report(client, processes)
            queue.produce(pictures)
            done, reclaimed, held, finished = Counter(), 0, 0, set()
            while len(finished) < len(pictures) or not held:
                kind, name, subject, again = next_report(client, processes)
                busy = name == victim and done[victim] >= VICTIM_DONE_MIN
                if kind == "took" and busy and not held:
                    held = kill_while_holding(queue, processes[victim], victim, ids[victim])
                    if held:
                        del processes[victim]
                    elif processes[victim].poll() is not None:
                        # It had just finished its last job: another victim takes its name.
                        processes[victim] = start_worker(victim, mode, port, folder)
                if kind == "ready":
                    ids[name] = subject
                if kind == "done":
                    done[name] += 1
                    finished.add(subject)
                reclaimed += kind == "back" or (kind == "done" and again == "1")
        finally:
            for process in processes.values():
                process.kill()
                process.wait()
        check_thumbnails(pictures, folder)
        queue.check_empty(len(pictures))
    if reclaimed < 1:
        raise StoryFailed("nobody took over what the dead worker held")
    tell(mode, pictures, victim, held, done, reclaimed, began)


def main():
    for mode in ("stream", "list"):
        with Server(forebay_binary()) as server:
            client = redis.Redis(port=server.port, decode_responses=True)
            try:
                run_story(mode, client, server.port)
            except Exception:
                print(f"the server's log:\n{server.log()[-3000:]}", file=sys.stderr)
                raise
    return 0


sys.exit(main())
