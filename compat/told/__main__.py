"""What is pushed, to Forebay's clients and to redis-server's: the same stories on both, and after
each command all that has come to each connection has to be the same, byte for byte.

    python3 compat/told
"""

import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.resp import Connection, encode, parse
from harness.server import Server, forebay_binary, oracle_binary

from stories import STORIES

# Told apart from anything that a story says.
BARRIER = b"that is all"
WAIT_S = 30.0


class Cast:
    """The connections of one story on one server, by name."""

    def __init__(self, server):
        self.server = server
        self.connections = {}
        # Of the connection that a story speaks of.
        self.id = b"none"

    def of(self, name):
        if name not in self.connections:
            connection = Connection(self.server.port)
            self.connections[name] = connection
            if name.endswith("3"):
                connection.call("HELLO", 3)
        return self.connections[name]

    def ask(self, name, commands):
        """All bytes that come to every connection because of these commands, sent together."""
        self.of(name).send_raw(b"".join(map(encode, commands)))
        told = {}
        # The sender first: what it has brought about has been posted when its reply is there.
        for listener in [name, *(other for other in self.connections if other != name)]:
            told[listener] = self.until_barrier(listener)
        return told

    def until_barrier(self, name):
        connection = self.of(name)
        connection.send("PING", BARRIER)
        bulk = b"$%d\r\n%s\r\n" % (len(BARRIER), BARRIER)
        got = bytearray()
        while True:
            _, raw = connection.read(WAIT_S)
            if raw.endswith(bulk) and raw in (bulk, b"*2\r\n$4\r\npong\r\n" + bulk):
                return bytes(got)
            got += raw

    def close(self):
        for connection in self.connections.values():
            connection.close()


def same(text, client_id):
    """Leaves out what may differ: an id, times and ports in a line of MONITOR."""
    text = text.replace(b":" + client_id + b"\r", b":<id>\r")
    text = re.sub(rb"\+\d{10}\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\]", rb"+T [\1 A]", text)
    # The barriers of the other connections are seen as well.
    return re.sub(rb'\+T \[\d+ A\] "PING" "that is all"\r\n', b"", text)


def play(story, servers):
    """The first difference of a story, or none."""
    casts = [Cast(server) for server in servers]
    try:
        for step in story:
            if isinstance(step, (int, float)):
                time.sleep(step)
                continue
            name, line = step.split("> ", 1)
            commands = [part.encode().split(b" ") for part in line.split(" ; ")]
            if line == "go":
                for cast in casts:
                    cast.of(name)
                continue
            if line == "id":
                for cast in casts:
                    cast.id = cast.of(name).call("CLIENT", "ID").plain()
                continue
            found = []
            for cast in casts:
                own = [
                    [cast.id if word == b"<id>" else word for word in words] for words in commands
                ]
                told = cast.ask(name, own)
                found.append({who: same(said, cast.id) for who, said in told.items()})
            if found[0] != found[1]:
                return f"{step}\n  redis-server: {found[0]}\n  forebay:      {found[1]}"
        return None
    finally:
        for cast in casts:
            cast.close()


def main():
    failed = 0
    with Server(oracle_binary("redis")) as redis, Server(forebay_binary()) as forebay:
        for title, story in STORIES.items():
            for server in (redis, forebay):
                control = Connection(server.port)
                control.call("FLUSHALL")
                control.call("CONFIG", "SET", "notify-keyspace-events", "")
                control.close()
            difference = play(story, (redis, forebay))
            if difference is None:
                print(f"passed  {title} ({len(story)} steps)", flush=True)
            else:
                failed += 1
                print(f"FAILED  {title}: {difference}", flush=True)
    return 1 if failed else 0


sys.exit(main())
