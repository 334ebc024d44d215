"""A client of the Redis protocol that hands out replies as the bytes that came.

Written on bare sockets on purpose: the suites compare encodings, and a client library would hide
the difference between `$-1`, `*-1` and `_`.
"""

import select
import socket
from dataclasses import dataclass

CRLF = b"\r\n"
RECEIVE_BYTES = 1 << 16


class Closed(Exception):
    """The other side closed the connection before the reply was whole."""


class Malformed(Exception):
    """The other side sent something that is no reply in either protocol version."""


@dataclass(frozen=True)
class Reply:
    """One parsed reply. `kind` is the type byte on the wire, so RESP2 and RESP3 nulls differ."""

    kind: str
    value: object

    @property
    def is_error(self):
        return self.kind in "-!"

    def plain(self):
        """The value without type tags; nulls become None, maps become flat lists."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def encode(arguments):
    """A request as an array of bulk strings. Integers and text are encoded as people write them."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if not isinstance(argument, bytes):
            argument = str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


def parse(buffer, at=0):
    """The reply that starts at `at` and the position behind it, or None while it is not whole."""
    line_end = buffer.find(CRLF, at)
    if line_end < 0:
        return None
    kind = chr(buffer[at])
    line = bytes(buffer[at + 1 : line_end])
    after = line_end + 2
    if kind in "+-:,(#_":
        return Reply(kind, None if kind == "_" else line), after
    if kind in "$!=":
        return _parse_bulk(buffer, kind, _length(line), after)
    if kind in "*~>%|":
        return _parse_aggregate(buffer, kind, _length(line), after)
    raise Malformed(f"reply starts with {bytes(buffer[at : at + 20])!r}")


def _length(line):
    try:
        return int(line)
    except ValueError:
        raise Malformed(f"length is {line[:20]!r}") from None


def _parse_bulk(buffer, kind, length, at):
    if length < 0:
        return Reply(kind, None), at
    end = at + length
    if len(buffer) < end + 2:
        return None
    if buffer[end : end + 2] != CRLF:
        raise Malformed(f"bulk of {length} bytes is not followed by a line end")
    return Reply(kind, bytes(buffer[at:end])), end + 2


def _parse_aggregate(buffer, kind, count, at):
    if count < 0:
        return Reply(kind, None), at
    items = []
    # An attribute (`|`) would need the reply behind it as well; no server here sends one.
    for _ in range(count * 2 if kind in "%|" else count):
        parsed = parse(buffer, at)
        if parsed is None:
            return None
        item, at = parsed
        items.append(item)
    return Reply(kind, items), at


class Connection:
    """One connection. Requests may be written ahead; replies are taken in order."""

    def __init__(self, port, host="127.0.0.1", timeout_s=10.0):
        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Not select(), which knows no descriptor over 1023.
        self.poller = select.poll()
        self.poller.register(self.socket, select.POLLIN)
        self.timeout_s = timeout_s
        self.buffer = bytearray()
        self.closed = False

    def send_raw(self, payload):
        """Writes bytes as they are. A connection the server has closed swallows them."""
        try:
            self.socket.sendall(payload)
        except (BrokenPipeError, ConnectionResetError):
            # What the server said before it closed is still to be read.
            self.closed = True

    def send(self, *arguments):
        self.send_raw(encode(arguments))

    def take(self):
        """The next reply with its bytes if it has come already, else None."""
        if not self.buffer:
            return None
        parsed = parse(self.buffer)
        if parsed is None:
            return None
        reply, end = parsed
        raw = bytes(self.buffer[:end])
        del self.buffer[:end]
        return reply, raw

    def receive(self, timeout_s):
        """Takes in what has come, waiting up to `timeout_s` for it. False if nothing did."""
        if not self.poller.poll(max(timeout_s, 0) * 1000):
            return False
        try:
            chunk = self.socket.recv(RECEIVE_BYTES)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self.closed = True
            raise Closed
        self.buffer += chunk
        return True

    def read(self, timeout_s=None):
        """The next reply with its bytes; waits for it."""
        while True:
            taken = self.take()
            if taken is not None:
                return taken
            if not self.receive(self.timeout_s if timeout_s is None else timeout_s):
                raise TimeoutError("no reply")

    def call(self, *arguments):
        """Sends one command and gives its parsed reply."""
        self.send(*arguments)
        return self.read()[0]

    def ask(self, *arguments):
        """Like `call`, but gives the plain value, and raises on an error reply."""
        reply = self.call(*arguments)
        if reply.is_error:
            raise RuntimeError(f"{arguments[0]}: {reply.value.decode(errors='replace')}")
        return reply.plain()

    def close(self):
        self.socket.close()
