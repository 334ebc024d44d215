"""Runs a sequence on both servers in step, and says where they first part."""

import os
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from beside import Beside
from compare import alike, same, same_transaction
from dump import dump
from generate import CONNECTIONS, ends_by_itself
from harness.resp import Closed, Connection, Malformed, Reply, encode
from harness.server import Server
from pools import ClientId
from steps import Close, Raw, Scan, Send

ANSWER_TIMEOUT_S = 5.0
PASSING_TIMEOUT_S = 0.5
# What a reply becomes when there is none.
GONE = Reply("gone", None)
SILENT = Reply("neither answers nor counts as blocked", None)
HELD = Reply("still waits", None)
BROKEN = Reply("no reply of the protocol", None)
# redis-server looks for passed timeouts `hz` times a second; at 500 short waits end soon.
# What is slow is up to the machine.
SETTINGS = (
    "--enable-debug-command", "yes", "--databases", "16", "--hz", "500", "--slowlog-log-slower-than", "-1",
)  # fmt: skip
SENTINEL = b"end of raw bytes"
# Settings a sequence may have changed, and what they were.
DEFAULTS = {
    b"stream-node-max-entries": b"100",
    b"maxmemory": b"0",
    b"hll-sparse-max-bytes": b"3000",
    b"set-max-intset-entries": b"512",
    b"set-max-listpack-entries": b"128",
    b"set-max-listpack-value": b"64",
}


class Died(Exception):
    """A server is no longer there."""


@dataclass
class Mismatch:
    """The first point where the servers parted."""

    step: int
    command: tuple
    oracle: Reply
    subject: Reply

    def signature(self):
        """What two failures have in common when they are probably one defect."""
        name = b" ".join(word for word in self.command[:2] if isinstance(word, bytes)).upper()
        if name.split(b" ")[0] not in (b"XGROUP", b"XINFO", b"CLIENT", b"CONFIG", b"OBJECT", b"COMMAND", b"SCRIPT", b"FUNCTION"):
            name = name.split(b" ")[0]
        return name, _shape(self.oracle), _shape(self.subject)


def _upper(word):
    return word.upper() if isinstance(word, bytes) else word


def _shape(reply):
    if isinstance(reply.value, list):
        return f"{reply.kind}{len(reply.value) > 0}"
    if reply.is_error:
        # Without the script's digest.
        return reply.kind + repr(reply.value.split(b" script: ")[0][:24])
    return reply.kind + str(reply.value is None)


class Caller:
    """One connection of a sequence: what it waits for and what its transaction has queued."""

    def __init__(self, port):
        self.port = port
        self.waiting = deque()
        self.queued = None
        self.open()

    def open(self):
        self.connection = Connection(self.port, timeout_s=ANSWER_TIMEOUT_S)
        self.id = None
        self.waiting.clear()
        self.queued = None
        reply = self.connection.call("CLIENT", "ID")
        # Refused while a password is set; such a connection is then nobody's target.
        self.id = 0 if reply.is_error else int(reply.value)

    def close(self):
        self.connection.close()


class Side:
    """One server with the connections of the sequence and one to look on with."""

    def __init__(self, binary):
        # What CONFIG GET and WAITAOF tell is to be the same on both sides.
        durable = "--appendonly yes" in os.environ.get("FOREBAY_SETTINGS", "")
        promise = ["--appendonly", "yes", "--appendfsync", "always"] if durable else []
        self.server = Server(binary, *SETTINGS, *promise)
        self.server.start()
        self.control = self.server.connect()
        self.callers = []

    def stop(self):
        self.server.stop()

    def revive(self):
        """Starts the server anew when it has died."""
        self.server.stop()
        self.server.start()
        self.control = self.server.connect()

    def reset(self):
        """Empties the server and gives the sequence new connections."""
        try:
            for caller in self.callers:
                caller.close()
            self.control.ask("CLIENT", "UNPAUSE")
            for name, value in DEFAULTS.items():
                self.control.ask("CONFIG", "SET", name, value)
            self.control.ask("FLUSHALL")
            self.control.ask("SLOWLOG", "RESET")
            self.control.ask("SCRIPT", "FLUSH")
            self.control.ask("FUNCTION", "FLUSH")
            self.callers = [Caller(self.server.port) for _ in range(CONNECTIONS)]
        except (Closed, OSError) as problem:
            raise Died(str(problem)) from problem

    def resolve(self, command):
        """The command with this server's connection ids in it."""
        return [
            b"%d" % self.callers[word.connection].id if isinstance(word, ClientId) else word
            for word in command
        ]

    def blocked_ids(self):
        """Ids of the sequence's connections that the server holds back."""
        try:
            self.control.send("CLIENT", "LIST")
            listing = self.control.read()[0].value
        except (Closed, OSError) as problem:
            raise Died(str(problem)) from problem
        blocked = set()
        for line in listing.decode(errors="replace").splitlines():
            fields = dict(field.split("=", 1) for field in line.split(" ") if "=" in field)
            if "b" in fields.get("flags", ""):
                blocked.add(int(fields["id"]))
        return blocked

    def send(self, number, commands):
        caller = self.callers[number]
        resolved = [self.resolve(command) for command in commands]
        caller.connection.send_raw(b"".join(map(encode, resolved)))
        caller.waiting.extend(commands)

    def settle(self, fresh=None, expected=None):
        """Takes replies until every connection that still waits is known to be blocked.

        `fresh` is the connection that was just written to. `expected` is how many replies each
        connection gave on the oracle: this side is given time to give as many. Gives a list of
        (command, reply, raw) for each connection.
        """
        taken = [[] for _ in self.callers]
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        # Not for ever: CLIENT PAUSE holds short waits back as well.
        passing_deadline = time.monotonic() + PASSING_TIMEOUT_S
        if fresh is not None and self.callers[fresh].waiting:
            self._await(self.callers[fresh], 0.002)
        while True:
            self._drain_all(taken)
            if not any(caller.waiting for caller in self.callers):
                return taken
            blocked = self.blocked_ids()
            # A reply may have come between the last look and the list.
            if self._drain_all(taken):
                continue
            late = [
                number
                for number, caller in enumerate(self.callers)
                if caller.waiting
                and (caller.id not in blocked or expected and len(taken[number]) < expected[number])
            ]
            passing = not late and [
                number
                for number, caller in enumerate(self.callers)
                if caller.waiting and ends_by_itself(caller.waiting[0])
            ]
            if not late and (not passing or time.monotonic() > passing_deadline):
                return taken
            if passing:
                self._await(self.callers[passing[0]], 0.005)
                continue
            if time.monotonic() > deadline:
                for number in late:
                    taken[number].append((self.callers[number].waiting.popleft(), SILENT, b""))
                return taken
            self._await(self.callers[late[0]], 0.005)

    def _await(self, caller, timeout_s):
        try:
            caller.connection.receive(timeout_s)
        except Closed:
            # `_drain` tells that to the sequence.
            return

    def _drain_all(self, taken):
        """Takes every whole reply that has come. Whether there was one."""
        return any([self._drain(caller, taken[at]) for at, caller in enumerate(self.callers)])

    def _drain(self, caller, taken):
        connection = caller.connection
        before = len(taken)
        while caller.waiting:
            try:
                reply = connection.take()
                if reply is None:
                    if connection.closed:
                        raise Closed
                    if not connection.receive(0):
                        break
                    continue
            except Closed:
                taken.extend((command, GONE, b"") for command in caller.waiting)
                self._reopen(caller)
                break
            except Malformed:
                taken.append((caller.waiting.popleft(), BROKEN, bytes(connection.buffer[:64])))
                self._reopen(caller)
                break
            taken.append((caller.waiting.popleft(), *reply))
        return len(taken) > before

    def _reopen(self, caller):
        caller.close()
        if not self.server.alive():
            raise Died(self.server.log()[-2000:])
        try:
            caller.open()
        except (Closed, OSError) as problem:
            raise Died(str(problem)) from problem

    def close_caller(self, number):
        """The client goes away; returns when the server has noticed."""
        caller = self.callers[number]
        gone = caller.id
        caller.close()
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while gone and time.monotonic() < deadline:
            if b"id=%d " % gone not in self.control.ask("CLIENT", "LIST"):
                break
        caller.open()

    def scan(self, number, options):
        """One whole iteration: the sorted keys, or the first reply that is no page of a scan."""
        caller = self.callers[number]
        cursor, keys = b"0", []
        while True:
            caller.connection.send("SCAN", cursor, *options)
            try:
                reply = caller.connection.read(ANSWER_TIMEOUT_S)[0]
            except TimeoutError:
                return SILENT
            except (Closed, OSError):
                self._reopen(caller)
                return GONE
            if not isinstance(reply.value, list) or len(reply.value) != 2:
                return reply
            cursor = reply.value[0].value
            keys += reply.value[1].value
            if cursor == b"0":
                return Reply("*", sorted(set(keys), key=repr))

    def raw(self, number, pieces):
        """All that the server says to these bytes, up to the sentinel's echo or the end."""
        caller = self.callers[number]
        connection = caller.connection
        for piece in pieces:
            connection.send_raw(piece)
        connection.send("ECHO", SENTINEL)
        said = b""
        while not said.endswith(b"%s\r\n" % SENTINEL):
            try:
                said += connection.read(ANSWER_TIMEOUT_S)[1]
            except TimeoutError:
                self._reopen(caller)
                return Reply("raw", said + b" (and then nothing)")
            except (Closed, OSError):
                said += bytes(connection.buffer) + b" (closed)"
                self._reopen(caller)
                break
        return Reply("raw", said)


class Pair:
    """The oracle and the server under test, walked through sequences side by side."""

    def __init__(self, oracle_binary, subject_binary):
        self.oracle = Side(oracle_binary)
        try:
            self.subject = Side(subject_binary)
        except BaseException:
            self.oracle.stop()
            raise
        self.beside = Beside(self.subject.server)
        self.commands_run = 0

    def stop(self):
        self.oracle.stop()
        self.subject.stop()

    def run(self, steps):
        """None if the servers agree throughout, else the first Mismatch."""
        at = 0
        try:
            self.oracle.reset()
            self.subject.reset()
            self.beside.begin(steps)
            for at, step in enumerate(steps):
                self.beside.act(at)
                mismatch = self._step(at, step)
                if mismatch:
                    return mismatch
            return self._finish(len(steps))
        except Died as death:
            command = (b"(server died)",)
            if not self.oracle.server.alive():
                raise
            mismatch = Mismatch(at, command, Reply("+", b"lives"), Reply("-", str(death).encode()))
            self.subject.revive()
            return mismatch

    def _step(self, at, step):
        if isinstance(step, Send):
            left_out = (self._meets_silent_auth, self._lives_later, self._races, self._debugs_late)
            if any(rule(step) for rule in left_out):
                return None
            self.commands_run += len(step.commands)
            self.oracle.send(step.connection, step.commands)
            self.subject.send(step.connection, step.commands)
            if step.settle_ms:
                time.sleep(step.settle_ms / 1000)
            return self._compare_settled(at, fresh=step.connection)
        # What follows reads its own answers, so the connection must owe none, and answer at once.
        caller = self.oracle.callers[step.connection]
        if not isinstance(step, Close) and (caller.waiting or caller.queued is not None):
            return None
        self.commands_run += 1
        if isinstance(step, Close):
            self.oracle.close_caller(step.connection)
            self.subject.close_caller(step.connection)
            return self._compare_settled(at)
        if isinstance(step, Scan):
            ask = lambda side: side.scan(step.connection, step.options)
            command = (b"SCAN", b"to the end", *step.options)
        elif isinstance(step, Raw):
            ask = lambda side: side.raw(step.connection, step.pieces)
            command = (b"RAW", *step.pieces)
        else:
            raise TypeError(step)
        oracle, subject = ask(self.oracle), ask(self.subject)
        if oracle != subject:
            return Mismatch(at, command, oracle, subject)
        return self._compare_settled(at)

    def _meets_silent_auth(self, step):
        """The oracle swallows the error of an AUTH that stood behind a command that was blocked
        (differences.md, "A refused AUTH behind a blocked command"). Such steps are left out."""
        caller = self.oracle.callers[step.connection]
        # In a transaction it is the EXEC that may come to stand behind something.
        behind = len(step.commands) > 1 or bool(caller.waiting) or caller.queued is not None
        return behind and any(b"AUTH" in map(_upper, command) for command in step.commands)

    def _races(self, step):
        """Whether the step could run beside what stands behind a blocked command of another
        connection. Which of the two comes first then is left open (differences.md), so at most one
        connection has something behind its blocked command, and the others send single commands."""
        caller = self.oracle.callers[step.connection]
        if len(step.commands) == 1 and not caller.waiting:
            return False
        if any(b"KILL" in command for command in step.commands):
            return True
        return any(
            len(caller.waiting) > 1
            for number, caller in enumerate(self.oracle.callers)
            if number != step.connection
        )

    def _debugs_late(self, step):
        """DEBUG OBJECT that would run in a transaction (differences.md)."""
        caller = self.oracle.callers[step.connection]
        if caller.queued is None and not caller.waiting and len(step.commands) == 1:
            return False
        return any(command[:2] == (b"DEBUG", b"OBJECT") for command in step.commands)

    def _lives_later(self, step):
        """A life of milliseconds that would not begin now but with an EXEC or an unblocking."""
        caller = self.oracle.callers[step.connection]
        return bool(step.settle_ms and (caller.waiting or caller.queued is not None))

    def _compare_settled(self, at, fresh=None):
        """Takes what both sides have to say and compares it, connection by connection."""
        by_oracle = self.oracle.settle(fresh)
        by_subject = self.subject.settle(fresh, [len(taken) for taken in by_oracle])
        for number, (said, answered) in enumerate(zip(by_oracle, by_subject, strict=True)):
            for place in range(max(len(said), len(answered))):
                one = said[place] if place < len(said) else None
                other = answered[place] if place < len(answered) else None
                mismatch = self._compare_one(at, number, one, other)
                if mismatch:
                    return mismatch
        return None

    def _compare_one(self, at, number, one, other):
        if one is None:
            return Mismatch(at, other[0], HELD, other[1])
        if other is None:
            return Mismatch(at, one[0], one[1], HELD)
        command, oracle, oracle_raw = one
        _, subject, subject_raw = other
        queued = self._follow_transaction(number, command, oracle)
        if oracle_raw == subject_raw and oracle.kind == subject.kind:
            return None
        if queued is not None:
            agreed = same_transaction(queued, oracle, subject)
        else:
            agreed = same(command, oracle, subject)
        return None if agreed else Mismatch(at, command, oracle, subject)

    def _follow_transaction(self, number, command, reply):
        """Keeps what a connection has queued. Gives the queue when this was its EXEC."""
        caller = self.oracle.callers[number]
        name = command[0].upper()
        if reply is GONE or name in (b"DISCARD", b"RESET"):
            caller.queued = None
        elif name == b"MULTI" and not reply.is_error:
            caller.queued = []
        elif name == b"EXEC" and caller.queued is not None:
            queued, caller.queued = caller.queued, None
            return queued
        elif caller.queued is not None and reply == Reply("+", b"QUEUED"):
            caller.queued.append(command)
        return None

    def _finish(self, at):
        """Lets go of everyone who still waits, then compares the whole state."""
        self.oracle.control.ask("CLIENT", "UNPAUSE")
        self.subject.control.ask("CLIENT", "UNPAUSE")
        mismatch = self._compare_settled(at)
        for number in range(CONNECTIONS):
            if mismatch:
                return mismatch
            # One command may be blocked behind the other in a pipeline.
            while self.oracle.callers[number].waiting and not mismatch:
                for side in (self.oracle, self.subject):
                    side.control.call("CLIENT", "UNBLOCK", side.callers[number].id, "ERROR")
                before = len(self.oracle.callers[number].waiting)
                mismatch = self._compare_settled(at)
                if len(self.oracle.callers[number].waiting) == before:
                    break
        if mismatch:
            return mismatch
        for one, other in zip(dump(self.oracle.control), dump(self.subject.control), strict=False):
            (command, oracle), (other_command, subject) = one, other
            if command != other_command or not same(command, oracle, subject):
                return Mismatch(at, (b"STATE", *command), oracle, subject)
        return None
