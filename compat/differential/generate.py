"""Draws sequences of steps. The same seed gives the same sequence on every machine."""

from grammar import UNSPOILED
from pools import ALL_KEYS, EDGES, LEX_KEYS, ClientId, Pools
from scripts import Scripted, ScriptWriter
from steps import Close, Raw, Scan, Send

CONNECTIONS = 4
# Where a timeout stands in the commands that wait: an index, negative ones from the end.
TIMEOUT_AT = {b"BLPOP": -1, b"BRPOP": -1, b"BLMOVE": 5, b"BRPOPLPUSH": 3, b"BLMPOP": 1, b"BZPOPMIN": -1, b"BZPOPMAX": -1, b"BZMPOP": 1}
# Commands with relative times to live, and their units in milliseconds.
RELATIVE = {
    b"EXPIRE", b"PEXPIRE", b"SETEX", b"PSETEX", b"SET", b"GETEX", b"HEXPIRE", b"HPEXPIRE", b"HGETEX", b"HSETEX",
}  # fmt: skip
MINDS_REFERENCES = {b"DELREF", b"ACKED", b"acked"}
SHORT_TTL_MS_MAX = 20
SHORT_WAIT_MS_MAX = 50
LONG_MS_MIN = 60_000
INT32_MAX = 2147483647
LISTPACK_VALUE_MAX = 64


def _number(word):
    try:
        return float(word)
    except (ValueError, TypeError):
        return None


class Generator:
    """Draws whole sequences from one random source."""

    def __init__(self, rng, families, script_odds=None):
        self.rng = rng
        self.forced_script_odds = script_odds
        self.families = families
        self.family_weights = [weight for weight, _ in families]
        self.form_weights = [[weight for weight, _ in forms] for _, forms in families]
        self.pools = None
        self.spoil_odds = 0.0
        self.script_odds = 0.0
        self.scripts = None

    def sequence(self):
        """One sequence of steps, starting from empty servers and new connections."""
        rng = self.rng
        self.pools = Pools(rng, CONNECTIONS)
        # Some sequences stay clean, so that deep states are reached; some are mostly edges.
        self.spoil_odds = rng.choice([0.0, 0.03, 0.08, 0.25])
        self.script_odds = rng.choice([0.0, 0.02, 0.1, 0.5])
        if self.forced_script_odds is not None:
            self.script_odds = self.forced_script_odds
        self.scripts = ScriptWriter(rng, self.pools, self._inner_command)
        steps = []
        for connection in range(CONNECTIONS):
            if rng.random() < 0.5:
                steps.append(Send(connection, ((b"HELLO", b"3"),)))
        length = rng.choice([15, 40, 40, 80, 200])
        while len(steps) < length:
            steps += self._draw_steps()
        return steps

    def _draw_steps(self):
        rng = self.rng
        # The first connection speaks most, so that its sessions get somewhere.
        connection = rng.choices(range(CONNECTIONS), [55, 20, 15, 10])[0]
        kind = rng.random()
        if kind < 0.83:
            return [self._send(connection, 1)]
        if kind < 0.89:
            return [self._send(connection, rng.randint(2, 4))]
        if kind < 0.95:
            return self._transaction(connection)
        if kind < 0.965:
            return [Scan(connection, tuple(self._scan_options()))]
        if kind < 0.975:
            return [Close(connection)]
        if kind < 0.98:
            return self._pause(connection)
        return [Raw(connection, self._raw_pieces())]

    def _send(self, connection, count):
        commands = []
        settle_ms = 0
        while len(commands) < count:
            command, short_ms = tame_times(self.command())
            # In a pipeline a short life might begin late, behind something that is blocked.
            if not short_ms or count == 1:
                commands.append(command)
                settle_ms = max(settle_ms, short_ms)
        return Send(connection, tuple(commands), settle_ms)

    def _transaction(self, connection):
        """MULTI to EXEC with another connection's doings in between, often with a WATCH."""
        rng = self.rng
        steps = []
        if rng.random() < 0.5:
            keys = tuple(self.pools.draw("anykey")[0] for _ in range(rng.randint(1, 2)))
            steps.append(Send(connection, ((b"WATCH", *keys),)))
            if rng.random() < 0.5:
                steps.append(self._send((connection + 1) % CONNECTIONS, 1))
        steps.append(Send(connection, ((b"MULTI",),)))
        for _ in range(rng.randint(0, 4)):
            steps.append(self._send(connection, 1))
            if rng.random() < 0.2:
                steps.append(self._send((connection + 1) % CONNECTIONS, 1))
        steps.append(Send(connection, ((b"EXEC",),)))
        return steps

    def _pause(self, connection):
        """A pause of writes while one other connection goes on. Only one, since the order in which
        several go on after the pause is nobody's promise."""
        other = (connection + 1) % CONNECTIONS
        steps = [Send(connection, ((b"CLIENT", b"PAUSE", b"100000", b"WRITE"),))]
        for _ in range(self.rng.randint(1, 3)):
            steps.append(self._send(other, self.rng.randint(1, 3)))
            steps.append(Send(connection, ((b"LLEN", self.pools.draw("lkey")[0]),)))
        steps.append(Send(connection, ((b"CLIENT", b"UNPAUSE"),)))
        return steps

    def _scan_options(self):
        options = []
        if self.rng.random() < 0.4:
            options += [b"COUNT", self.rng.choice([b"1", b"2", b"5", b"1000", b"0", b"x"])]
        if self.rng.random() < 0.4:
            options += [b"MATCH", self.pools.draw("pattern")[0]]
        if self.rng.random() < 0.4:
            options += [b"TYPE", self.rng.choice([b"stream", b"LIST", b"string", b"zset", b"hash", b"nosuch"])]
        return options

    # One command

    def command(self):
        """One command as a tuple of words: a script's now and then."""
        if self.rng.random() < self.script_odds:
            return self.scripts.command()
        return self._plain_command()

    def _inner_command(self):
        """A command for a script; None if how long it lives would count from an unknown time."""
        command, short_ms = tame_times(self._plain_command())
        return None if short_ms else command

    def _plain_command(self):
        family = self.rng.choices(range(len(self.families)), self.family_weights)[0]
        forms = self.families[family][1]
        nodes = self.rng.choices(forms, self.form_weights[family])[0][1]
        words = []
        self._fill(nodes, words)
        is_lex = not set(LEX_KEYS).isdisjoint(words)
        may_spoil = words[0] not in UNSPOILED and not is_lex
        # Of the key `alone` SPOP is to find one member at most: else it may take any.
        if may_spoil and self.rng.random() < self.spoil_odds and b"alone" not in words:
            self._spoil(words)
        if words[0] in (b"XADD", b"XTRIM") and b"~" in words and any(
            word.upper() in (b"DELREF", b"ACKED") for word in words
        ):
            words[words.index(b"~")] = b"="
        if self.rng.random() < 0.02:
            words[0] = words[0].lower()
        if b"~" in words and MINDS_REFERENCES & set(words):
            # The oracle trims nothing then (differences.md, "Approximate trims that mind references").
            words[words.index(b"~")] = b"="
        if words[0].upper() == b"HSETEX":
            # (differences.md, "HSETEX with a time that has passed")
            words = [b"y" if len(word) > LISTPACK_VALUE_MAX else word for word in words]
        if words[0].upper() == b"LSET" and len(words) > 2 and abs(_number(words[2]) or 0) > INT32_MAX:
            # The oracle cuts the index to 32 bits (differences.md, "LSET with a huge index").
            words[2] = b"%d" % INT32_MAX
        return tuple(words)

    def _fill(self, nodes, words):
        for kind, content in nodes:
            if kind == "word":
                words.append(content)
            elif kind == "draw":
                words += self.pools.draw(content)
            elif kind == "many":
                for _ in range(self.rng.choice([1, 1, 2, 3])):
                    words += self.pools.draw(content)
            elif kind == "optional":
                if self.rng.random() < 0.35:
                    self._fill(content, words)
            else:
                self._fill(self.rng.choice(content), words)

    def _spoil(self, words):
        rng = self.rng
        way = rng.randrange(5)
        at = rng.randrange(1, len(words)) if len(words) > 1 else 0
        if way == 0 and at:
            del words[at]
        elif way == 1 and at:
            words[at] = rng.choice(EDGES)
        elif way == 2:
            words.insert(at + 1, rng.choice(EDGES))
        elif way == 3 and len(words) > 2:
            other = rng.randrange(1, len(words))
            words[at], words[other] = words[other], words[at]
        elif at:
            words[at] = rng.choice(ALL_KEYS)

    # Raw bytes: inline commands, split requests, broken ones

    def _raw_pieces(self):
        rng = self.rng
        payload = rng.choice(
            [
                b"PING\r\n", b"  SET t1  5 \r\n", b'SET t2 "a b\\x41\\n"\r\nGET t2\r\n', b"GET 't\\'1'\r\n",
                b'SET t1 "unbalanced\r\n', b"\r\n\r\nPING\n", b"*1\r\n$4\r\nPING\r\n*0\r\n*-1\r\nECHO x\r\n",
                b"*1\r\n$04\r\nPING\r\n", b"*+1\r\n$4\r\nPING\r\n", b"*1\r\n+PING\r\n", b"*1\r\n$-1\r\n",
                b"*x\r\n", b"*1\r\n$x\r\n", b"*1048577\r\n", b"*1\r\n$536870913\r\n", b"*2147483648\r\n",
                b"*1\r\n$4\r\nPINGxx", b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", b"$3\r\nfoo\r\n", b"+PING\r\n",
                b"*3\r\n$3\r\nSET\r\n$2\r\nt1\r\n$3\r\n\x00\r\n\r\n*2\r\n$3\r\nGET\r\n$2\r\nt1\r\n",
                b"ECHO \"\\xff\\x00\"\r\n", b"*2\r\n$4\r\nECHO\r\n$1\r\na\r\nPING b\r\n", b"PING a b\r\n",
                b"GET / HTTP/1.1\r\nAccept: x\r\n\r\n", b"LPUSH l1 'a' \"b\"c\r\n",
            ]
        )  # fmt: skip
        if rng.random() < 0.5:
            return (payload,)
        cuts = sorted(rng.sample(range(len(payload)), min(len(payload), rng.randint(1, 3))))
        bounds = [0, *cuts, len(payload)]
        return tuple(
            payload[start:end] for start, end in zip(bounds, bounds[1:], strict=False) if start < end
        )


def tame_times(command):
    """Makes what depends on a clock certain. Gives the command, with times that would fall due at an
    unforeseeable step moved far away, and how long to wait so that very short lives are over."""
    if isinstance(command, Scripted):
        return command, 0
    words = list(command)
    if words[0].upper() in RELATIVE:
        return _tame_lifetime(words, words[0].upper())
    at, wait_ms = _wait_of(command)
    if wait_ms is not None and SHORT_WAIT_MS_MAX < wait_ms < LONG_MS_MIN:
        words[at] = b"0"
    return tuple(words), 0


def _wait_of(command):
    """Where a command's own timeout stands, and what it is in milliseconds; None if it has none or
    waits for ever."""
    name = command[0].upper()
    at, unit_ms = None, 1
    if name in TIMEOUT_AT:
        at, unit_ms = TIMEOUT_AT[name], 1000
    elif name in (b"XREAD", b"XREADGROUP"):
        upper = [word.upper() if isinstance(word, bytes) else word for word in command]
        at = upper.index(b"BLOCK") + 1 if b"BLOCK" in upper else None
    if at is None or not -len(command) <= at < len(command):
        return None, None
    timeout = _number(command[at])
    return (at, timeout * unit_ms) if timeout is not None and timeout > 0 else (None, None)


def ends_by_itself(command):
    """Whether a command that is blocked will soon go on without anyone's doing: a short timeout, or
    a flush, which the oracle does in the background while its client waits."""
    _, wait_ms = _wait_of(command)
    return command[0].upper() in (b"FLUSHALL", b"FLUSHDB", b"EXEC") or (
        wait_ms is not None and wait_ms <= SHORT_WAIT_MS_MAX
    )


def _tame_lifetime(words, name):
    settle_ms = 0
    upper = [word.upper() if isinstance(word, bytes) else word for word in words]
    of_fields = name.startswith(b"H")
    # Behind FIELDS stand counts, names and values.
    end = upper.index(b"FIELDS") if of_fields and b"FIELDS" in upper else len(words)
    for at in range(2, end):
        number = _number(words[at])
        if number is None or not 0 < number < LONG_MS_MIN or number != int(number):
            continue
        # The oracle counts due fields until it comes to remove them: no field has a short life.
        if not of_fields and (b"P" in name or words[at - 1].upper() == b"PX"):
            if number <= SHORT_TTL_MS_MAX:
                settle_ms = SHORT_TTL_MS_MAX + 10
                continue
        # Also meets values that are no times, which does no harm.
        words[at] = b"%d" % (int(number) + 100_000)
    return tuple(words), settle_ms
