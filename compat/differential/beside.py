"""What only the server under test does while a sequence runs: queues beside it, and policies on the very
groups that are compared, each taken back before the next step. None of it is to be seen by the sequence.

The queues lie in a database that no sequence selects, under the names of its streams, so that their
timers fall due under the locks of the keys that are compared.
"""

from harness.resp import Closed, encode
from pools import STREAM_KEYS

DATABASE = b"15"
GROUPS = [b"g1", b"g2"]
POLICY = (
    b"LEASE 3 MAXDELIVERIES 2 BACKOFF 1 2 DLQ dead ORDERBY f MAXINFLIGHT 4 RATE 100 10 CONSUMERTTL 20"
).split()
# Set, and taken back: nothing that is pending in Redis is to be changed by having had these. (LEASE is not
# among them: XCLAIM may say that a delivery was in 1970.)
OF_GROUPS = [
    (b"MAXINFLIGHT 1000000", b"MAXINFLIGHT 0"),
    (b"MAXDELIVERIES 1000000000 DLQ dead", b"MAXDELIVERIES 0 DLQ"),
    (b"ORDERBY a", b"ORDERBY"),
    (b"RATE 1000000 1000 BACKOFF 5 10", b"RATE 0 0 BACKOFF 0 0"),
    (b"CONSUMERTTL 999999999999", b"CONSUMERTTL 0"),
    (b"BACKOFF 0 0", b"BACKOFF 0 0"),
]
OF_STREAMS = [
    (b"MAXLEN 1000000 OVERFLOW REJECT", b"MAXLEN 0 OVERFLOW DROP"),
    (b"DELAYFIELD nosuch TTLFIELD nosuch2", b"DELAYFIELD TTLFIELD"),
    (b"DEDUPFIELD nosuch 1000", b"DEDUPFIELD nosuch 0"),
]
# Parameters that an empty word takes away.
EMPTIED = {b"DLQ", b"ORDERBY", b"DELAYFIELD", b"TTLFIELD"}
# What is said of a key whose time has run out between the two.
GONE = (b"no such key", b"NOGROUP")
STEPS_PER_RENEWAL = 10


def _words(text, takes_away):
    """The words of a policy; those that take one away stand without their empty word."""
    for word in text.split():
        yield word
        if takes_away and word in EMPTIED:
            yield b""


class Beside:
    """Whoever sees to all that, on a connection of its own."""

    def __init__(self, server):
        self.server = server
        self.connection = None
        self.is_still = False
        self.minds_watch = False
        self.policies = 0
        self.deliveries = 0
        self.letters = 0

    def begin(self, steps):
        """Gets ready for a sequence on an empty server."""
        if self.connection is not None:
            self.connection.close()
        self.connection = self.server.connect()
        self.connection.call("CONFIG", "SET", "stream-policy", "beside* * LEASE 10")
        words = {
            word.upper()
            for step in steps
            for command in getattr(step, "commands", ())
            for word in command
            if isinstance(word, bytes)
        }
        # While clients are paused nobody may write.
        self.is_still = b"PAUSE" in words
        # A stream's policy is a change of its key; a group's is none, as in Redis what a group does.
        self.minds_watch = b"WATCH" in words

    def act(self, at):
        """What goes on before a step."""
        if self.is_still:
            return
        if at % STEPS_PER_RENEWAL == 0:
            self._make_queues()
        self._work(STREAM_KEYS[at % len(STREAM_KEYS)], at)
        if at % 2 == 0:
            # Most of a sequence is in the first database.
            self._turn_policies(b"%d" % (0 if at % 8 else at // 8 % 3), at // 2)

    def _make_queues(self):
        commands = [(b"SELECT", DATABASE)]
        for key in STREAM_KEYS:
            for group in GROUPS:
                commands.append((b"XGROUP", b"CREATE", key, group, b"0", b"MKSTREAM"))
                commands.append((b"XCFGSET", key, b"GROUP", group, *POLICY))
            commands.append((b"XCFGSET", key, b"MAXLEN", b"40", b"TTLFIELD", b"ttl"))
        self._ask(commands)

    def _work(self, key, at):
        replies = self._ask([
            (b"SELECT", DATABASE),
            (b"XADD", key, b"DELAY", b"2", b"*", b"f", b"%d" % (at % 3)),
            (b"XADD", key, b"*", b"f", b"v", b"ttl", b"4"),
            (b"XREADGROUP", b"GROUP", GROUPS[at % 2], b"c1", b"STREAMS", key, b">"),
            (b"XLEN", b"dead"),
        ])  # fmt: skip
        if replies:
            self.deliveries += isinstance(replies[3].value, list)
            self.letters += replies[4].kind == ":" and int(replies[4].value) > 0

    def _turn_policies(self, database, at):
        """Gives the streams and groups of the sequence a policy and takes it back."""
        commands = [(b"SELECT", database)]
        heads = [((b"XCFGSET", key, b"GROUP", group), OF_GROUPS) for key in STREAM_KEYS for group in GROUPS]
        if not self.minds_watch:
            heads += [((b"XCFGSET", key), OF_STREAMS) for key in STREAM_KEYS]
        for nth, (head, pairs) in enumerate(heads):
            there, back = pairs[(at + nth) % len(pairs)]
            commands.append((*head, *_words(there, False)))
            commands.append((*head, *_words(back, True)))
        replies = self._ask(commands)[1:]
        for given, taken in zip(replies[::2], replies[1::2], strict=True):
            is_gone = taken.is_error and any(word in taken.value for word in GONE)
            if taken.is_error and not given.is_error and not is_gone:
                raise RuntimeError(f"a policy was given and not taken back: {given} {taken}")
            self.policies += not given.is_error

    def _ask(self, commands):
        """The replies; none if the sequence has had this connection closed."""
        try:
            self.connection.send_raw(b"".join(map(encode, commands)))
            return [self.connection.read()[0] for _ in commands]
        except (Closed, OSError):
            self.connection.close()
            if self.server.alive():
                self.connection = self.server.connect()
            return []

    def told(self):
        """What went on, in words."""
        return f"beside them {self.policies} policies set and taken back, {self.deliveries} reads of queues"

    def has_worked(self):
        """Whether all of it took place."""
        return self.policies > 0 and self.deliveries > 0 and self.letters > 0
