"""Kills a server with -9 while clients in Python and Node put it under load, again and again on the
same directory, and compares what they were answered with what is found. tests/kill does the same
with Rust's clients, and looks closer.

    python3 compat/kill [--kills N] [--seed N]
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "compat"))

import redis
from harness.server import forebay_binary, free_port

LOADERS = {
    "python": [sys.executable, str(HERE / "load.py")],
    "node": ["node", str(HERE / "load.mjs")],
}
MODES = ("always", "everysec", "no")
SETTINGS = ["--journal-segment-size", "131072", "--journal-reserve-size", "262144", "--save", "",
            "--auto-aof-rewrite-min-size", "400000"]  # fmt: skip
PATIENCE_S = 30.0
GROUP = "g"


class KillFailed(Exception):
    """Something answered is not there, or something is there that nobody asked for."""


def expect(what, found, *allowed):
    if found not in allowed:
        raise KillFailed(f"{what}: {found!r}, may be {' or '.join(map(repr, allowed))}")


class Life:
    """One server process on a directory."""

    def __init__(self, directory, mode):
        self.port = free_port()
        command = [forebay_binary(), "--port", str(self.port), "--dir", directory]
        command += ["--appendfsync", mode, *SETTINGS]
        self.log = open(f"{directory}/log", "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def wait_ready(self):
        client = redis.Redis(port=self.port, decode_responses=True, socket_timeout=PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise KillFailed(f"it does not start: {self.process.returncode}")
            try:
                client.ping()
                return client
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                # It is on its way.
                time.sleep(0.005)
        raise KillFailed("it does not get ready")


class History:
    """What one loader has asked for and been answered, over all lives.

    Its file has a line `? step` before each request and `! step answer` behind each reply; steps are
    numbered from 1 on and one is asked at a time, so only the last may be without an answer.
    """

    def __init__(self, name, directory):
        self.name = name
        self.path = f"{directory}/{name}.history"
        # The last number of each kind of step that is known to be there.
        self.known = dict.fromkeys(("add", "push", "set", "incr", "pair"), 0)
        self.held = set()

    def command(self, port):
        first = max(self.known.values()) + 1
        return [*LOADERS[self.name], str(port), self.name, self.path, str(first)]

    def read(self):
        """The answers in order, and the request that has none."""
        answers, asked = [], None
        with open(self.path) as lines:
            for line in lines:
                mark, *words = line.split()
                asked = words if mark == "?" else None
                if mark == "!":
                    answers.append(words)
        return answers, asked

    def check(self, client):
        """Holds what is found to what was answered; how many answers there were."""
        answers, asked = self.read()
        asked = asked or ["none", "0"]
        for kind in self.known:
            numbers = [int(words[1]) for words in answers if words[0] == kind]
            sure = numbers[-1] if numbers else self.known[kind]
            maybe = int(asked[1]) if asked[0] == kind else sure
            self.known[kind] = self.check_kind(client, kind, sure, maybe)
        self.check_group(client, answers, asked)
        open(self.path, "w").close()
        return len(answers)

    def check_kind(self, client, kind, sure, maybe):
        key = f"{self.name}:{kind}"
        what = f"{self.name}, {kind}"
        if kind == "pair":
            left, right = client.mget(f"{key}:left", f"{key}:right")
            expect(f"{what}: one step changes both", left, right)
            found = int(left or 0)
        elif kind == "add":
            last = client.xrevrange(key, count=1)
            found = int(last[0][1]["n"]) if last else sure
        elif kind == "push":
            found = int(client.lindex(key, 0) or 0)
        else:
            found = int(client.get(key) or 0)
        expect(what, found, sure, maybe)
        return found

    def check_group(self, client, answers, asked):
        for words in answers:
            if words[0] == "take" and len(words) > 2:
                self.held.add(words[2])
            if words[0] == "ack":
                self.held.discard(words[2])
        pending = client.xpending_range(f"{self.name}:add", GROUP, "-", "+", 1_000_000)
        found = {entry["message_id"] for entry in pending}
        in_doubt = {asked[2]} if asked[0] == "ack" else set()
        lost = self.held - found - in_doubt
        if lost:
            raise KillFailed(f"{self.name}: {lost} were handed out, not acknowledged, and are gone")
        more = len(found - self.held)
        expect(f"{self.name}: handed out to nobody", more, 0, 1 if asked[0] == "take" else 0)
        self.held = found


def run_life(directory, mode, histories, dice):
    """One life under load, ended by a kill; what the load did is in the histories."""
    while dice.random() < 0.3:
        # A start is killed as well.
        early = Life(directory, mode)
        time.sleep(dice.uniform(0, 0.02))
        early.kill()
    life = Life(directory, mode)
    loaders = []
    try:
        client = life.wait_ready()
        answers = check_all(client, histories)
        environment = os.environ | {"COMPAT_NODE": str(ROOT / ".cache" / "node")}
        for history in histories:
            loaders.append(subprocess.Popen(history.command(life.port), env=environment))
        deadline = time.monotonic() + PATIENCE_S
        # Node takes its time to start; the kill is to come in the midst of all loads.
        while any(os.path.getsize(history.path) == 0 for history in histories):
            if time.monotonic() > deadline:
                raise KillFailed("a loader does not begin")
            time.sleep(0.005)
        time.sleep(dice.uniform(0.02, 0.4))
    finally:
        life.kill()
        for loader in loaders:
            loader.wait(PATIENCE_S)
    for history, loader in zip(histories, loaders):
        expect(f"{history.name} ended", loader.returncode, 0)
    return answers


def check_all(client, histories):
    answers = 0
    for history in histories:
        if os.path.exists(history.path):
            answers += history.check(client)
        else:
            client.xgroup_create(f"{history.name}:add", GROUP, "0", mkstream=True)
            open(history.path, "w").close()
    return answers


def run_mode(mode, kills, dice):
    with tempfile.TemporaryDirectory(prefix="forebay-kill-") as directory:
        histories = [History(name, directory) for name in LOADERS]
        try:
            answers = sum(run_life(directory, mode, histories, dice) for _ in range(kills))
            last = Life(directory, mode)
            try:
                answers += check_all(last.wait_ready(), histories)
            finally:
                last.kill()
        except BaseException:
            print(Path(f"{directory}/log").read_text(errors="replace")[-3000:], file=sys.stderr)
            raise
    print(f"{mode}: {kills} kills, {answers} answers held to", flush=True)
    if answers < 20 * kills:
        raise KillFailed("there was hardly any load")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="in all modes together")
    parser.add_argument("--seed", type=int, default=None, help="of the instants; drawn if not given")
    options = parser.parse_args()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    dice = random.Random(seed)
    for mode in MODES:
        run_mode(mode, max(1, options.kills // len(MODES)), dice)
    return 0


sys.exit(main())
