"""The pools a form draws from: few keys, small values, and every edge an argument may have."""

import time
from dataclasses import dataclass

INT64_MAX = 9223372036854775807
UINT64_MAX = 18446744073709551615


@dataclass(frozen=True)
class ClientId:
    """Stands for the id of a connection, which differs from server to server."""

    connection: int


# What replaces an argument when a command is spoiled.
EDGES = [
    b"", b"-1", b"0", b"1", b"2", b"-2", b"abc", b"1.5", b" 1", b"1 ", b"01", b"+5", b"-0", b"1e3",
    b"nan", b"inf", b"-inf", b"\x00\xff", b"\r\n", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775808", b"-9223372036854775809", b"18446744073709551615",
    b"18446744073709551616", b"4294967296", b"2147483648", b"18446744073709551615-18446744073709551615",
    b"0-0", b"0-1", b"1-", b"-5-3", b"5-*", b"(5", b"(5-1", b"(-", b"(+", b"$", b">", b"*", b"+", b"-",
    b"COUNT", b"BLOCK", b"STREAMS", b"IDS", b"LIMIT", b"~", b"=", b"GET", b"NX", b"LEFT", b"{}",
]  # fmt: skip

# What redis-server 8.2.3 dumps.
PAYLOADS = [
    # a string
    bytes.fromhex("000b64756d70656420746578740c00235197c6455b830a"),
    # an integer
    bytes.fromhex("00c1d2040c00cbf13c61bea8c2a4"),
    # a list
    bytes.fromhex("120102111100000004008161028162020a018001ff0c0022f59cdbae75f581"),
    # sets: integers, packed, a table
    bytes.fromhex("0b140400000003000000fbffffff01000000701101000c004dd68f0fc008736c"),
    bytes.fromhex("140f0f00000003008161028162020701ff0c00c8dc80abe96f601a"),
    bytes.fromhex("0202016101620c00351215e51129a344"),
    # a small sorted set
    bytes.fromhex("1121210000000800816202842d322e350581610201011101030181630283696e6604ff0c00cad48df129eca550"),
    # a large sorted set
    bytes.fromhex("05040163408cb5781daf15440161000000000000f03f016200000000000000800164000000000000f0ff0c00199b61f54441aba5"),
    # hashes, small and large
    bytes.fromhex("101717000000060081660281760281670205018161028001ff0c003f5ea65b6140d006"),
    bytes.fromhex("04020167c005016601760c00c1ab21d2b068c426"),
    # an empty stream
    bytes.fromhex("15000002020000020201000c007324e0f9a6fc887e"),
    # a stream: three entries, one deleted, two pending
    bytes.fromhex(
        "15011000000000000000030000000000000001404040000000190002010101020181660281670200010201000100"
        "018176020101050103010101dfff028177020201050100010101000101018178028179020601ff02040103010400"
        "0301026731040002020000000000000003000000000000000180cbca01a201000001000000000000000400000000"
        "0000000080cbca01a2010000010102633180cbca01a201000080cbca01a201000002000000000000000300000000"
        "00000001000000000000000400000000000000000c00f127226e3abcb0be"
    ),
]

STREAM_KEYS = [b"s1", b"s2", b"s3"]
LIST_KEYS = [b"l1", b"l2", b"l\x00\r\n3"]
STRING_KEYS = [b"t1", b"t2", b"t3"]
SET_KEYS = [b"e1", b"e2", b"e\xff\r\n3"]
BIT_KEYS = [b"t1", b"b1", b"b2"]
PF_KEYS = [b"p1", b"p2", b"t2"]
ZSET_KEYS = [b"z1", b"z2", b"z\x003"]
# Where all members have one score: what a range by bytes gives elsewhere is nobody's promise.
LEX_KEYS = [b"zl1", b"zl2"]
GEO_KEYS = [b"g1", b"g2"]
HASH_KEYS = [b"h1", b"h2", b"h3"]
ALL_KEYS = STREAM_KEYS + LIST_KEYS + STRING_KEYS + SET_KEYS + ZSET_KEYS + HASH_KEYS + [b"b1", b"p1"]


class Pools:
    """Draws of one sequence. Keeps what makes draws likely to meet: the ids handed out so far."""

    def __init__(self, rng, connections):
        self.rng = rng
        self.connections = connections
        self.last_ms = 0
        self.now_s = int(time.time())

    def draw(self, name):
        """The words of one draw from the pool `name`."""
        drawn = getattr(self, name)()
        return drawn if isinstance(drawn, list) else [drawn]

    def _weighted(self, *pairs):
        choices, weights = zip(*pairs, strict=True)
        chosen = self.rng.choices(choices, weights)[0]
        return chosen() if callable(chosen) else chosen

    # Keys: mostly of the type the command wants, sometimes of another, so that WRONGTYPE comes.

    def _key(self, own):
        return self._weighted(
            (lambda: self.rng.choice(own), 92), (lambda: self.rng.choice(ALL_KEYS), 6), (b"none", 2)
        )

    def skey(self):
        return self._key(STREAM_KEYS)

    def lkey(self):
        return self._key(LIST_KEYS)

    def hkey(self):
        return self._key(HASH_KEYS)

    def hfield(self):
        return self._weighted(
            (lambda: self.rng.choice([b"a", b"b", b"c", b"10", b"x"]), 92), (b"", 3), (b"y" * 70, 2), (b"z\r\n", 3)
        )

    def hfields(self):
        """A count of fields, mostly the right one, and the fields."""
        fields = [self.hfield() for _ in range(self.rng.randint(1, 3))]
        told = b"%d" % len(fields) if self.rng.random() < 0.93 else self.rng.choice([b"0", b"-1", b"9", b"x"])
        return [told, *fields]

    def hpairs(self):
        told, *fields = self.hfields()
        return [told, *(word for field in fields for word in (field, self.value()))]

    def hcursor(self):
        # A small hash is told whole, whatever the cursor, but it may be a large one.
        return self._weighted((b"0", 94), (b"x", 3), (b"-1", 3))

    def tkey(self):
        return self._key(STRING_KEYS)

    def ekey(self):
        return self._key(SET_KEYS)

    def zkey(self):
        return self._key(ZSET_KEYS)

    def lexkey(self):
        # No other key: only here all members have one score.
        return self.rng.choice(LEX_KEYS)

    def sortdest(self):
        # Nobody waits for these (differences.md, "Values stored over one of another type").
        return self.rng.choice([b"sorted1", b"sorted2"])

    def sortpattern(self):
        return self.rng.choice([b"t*", b"t*", b"*", b"none_*", b"t*->f", b"e*"])

    def bkey(self):
        return self._key(BIT_KEYS)

    def pkey(self):
        return self._key(PF_KEYS)

    def bit(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(0, 40), 85), (b"200", 8), (b"-1", 3), (b"4294967296", 2), (b"x", 2)
        )

    def overflow(self):
        return self.rng.choice([b"WRAP", b"SAT", b"FAIL", b"fail", b"x"])

    def fieldtype(self):
        return self._weighted(
            (lambda: b"%s%d" % (self.rng.choice([b"u", b"i"]), self.rng.randint(1, 63)), 60),
            (lambda: self.rng.choice([b"u8", b"i8", b"u1", b"i1", b"u63", b"i64", b"i2"]), 36),
            (lambda: self.rng.choice([b"u64", b"i65", b"u0", b"x8", b"u"]), 4),
        )

    def fieldplace(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(0, 40), 70),
            (lambda: b"#%d" % self.rng.randint(0, 5), 26),
            (lambda: self.rng.choice([b"-1", b"#x", b"x", b"4294967296"]), 4),
        )

    def manymembers(self):
        first = self.rng.randrange(1000)
        return [b"%d" % at for at in range(first, first + self.rng.choice([20, 100, 300]))]

    def anykey(self):
        return self._weighted((lambda: self.rng.choice(ALL_KEYS), 95), (b"none", 5))

    def autokey(self):
        # Ids of the clock are kept to one key: behind them no explicit id would be accepted.
        return b"sauto"

    # Values

    def value(self):
        return self._weighted(
            (lambda: self.rng.choice([b"a", b"b", b"c", b"1", b"2", b"10"]), 85),
            (b"", 3),
            (b"\x00\r\n\xff", 4),
            (b"x" * 70, 4),
            (lambda: bytes([self.rng.randrange(256)]), 4),
        )

    def setmember(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(-2, 9), 55),
            (lambda: self.rng.choice([b"a", b"b", b"c", b"d", b"07", b""]), 30),
            (lambda: self.rng.choice([b"300", b"-70000", b"5000000000", b"%d" % INT64_MAX, b"%d" % -INT64_MAX]), 8),
            (self.value, 7),
        )

    def memberpattern(self):
        return self.rng.choice([b"*", b"[0-5]", b"?", b"-*", b"", b"a"])

    def text(self):
        return self._weighted((self.value, 50), (self.integer, 50))

    def pairs(self):
        # One field list is the common one, so that entries of the same and of other shapes mix.
        shapes = [[b"f"], [b"f", b"g"], [b"f", b"g"], [b"g", b"f"], [b"x", b"y", b"z"]]
        words = []
        for field in self.rng.choice(shapes):
            words += [field, self.value()]
        return words

    def name(self):
        return self.rng.choice([b"me", b"you", b"", b"with space", b"new\nline", b"caf\xc3\xa9"])

    def float(self):
        return self.rng.choice(
            [b"0", b"1", b"0.1", b"-2.5", b"3.0e3", b"1e400", b"nan", b"inf", b"abc", b"0.30000000000000004"]
        )

    def integer(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(-12, 12), 80),
            (lambda: self.rng.choice([b"9223372036854775807", b"-9223372036854775808", b"1e3"]), 20),
        )

    def payload(self):
        whole = self.rng.choice(PAYLOADS)
        return self._weighted(
            (whole, 88), (whole[:-1], 3), (whole[:2] + b"x" + whole[3:], 3), (b"", 3), (whole[:12], 3)
        )

    def restorems(self):
        return self._weighted(
            (b"0", 60), (lambda: b"%d" % self.rng.choice([100000, 5000000]), 20),
            (b"%d" % ((self.now_s + 5000) * 1000), 10), (b"-1", 4), (b"x", 3), (b"%d" % INT64_MAX, 3),
        )  # fmt: skip

    def frequency(self):
        return self.rng.choice([b"0", b"10", b"255", b"256", b"-1", b"x"])

    def index(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(-4, 5), 92), (lambda: b"%d" % INT64_MAX, 4), (b"x", 4)
        )

    def offset(self):
        return self.rng.choice([b"0", b"1", b"5", b"-1", b"536870912", b"x"])

    def count(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(1, 4), 75), (b"0", 9), (b"-1", 6), (b"1000", 7), (b"x", 3)
        )

    def numkeys(self):
        return self._weighted((b"2", 80), (b"1", 5), (b"3", 5), (b"0", 4), (b"-1", 3), (b"x", 3))

    def db(self):
        return self._weighted((b"0", 35), (b"1", 30), (b"2", 22), (b"16", 5), (b"-1", 4), (b"x", 4))

    def pattern(self):
        return self.rng.choice(
            [b"*", b"s*", b"?1", b"[ls]1", b"[^l]?", b"[a-s]*", b"l\\*", b"", b"s[", b"none", b"*1*", b"[l"]
        )

    def badcursor(self):
        return self.rng.choice([b"x", b"-1", b"", b"1x", b"0 "])

    def client(self):
        if self.rng.random() < 0.1:
            return self.rng.choice([b"0", b"999999", b"-1", b"x"])
        return ClientId(self.rng.randrange(self.connections))

    def keyed(self):
        """A command whose keys COMMAND GETKEYS can tell."""
        return self.rng.choice(
            [
                [b"GET", b"a"], [b"MSET", b"a", b"1", b"b", b"2"], [b"DEL", b"a", b"b"],
                [b"BLMPOP", b"0", b"2", b"a", b"b", b"LEFT"], [b"LMPOP", b"1", b"a", b"LEFT"],
                [b"BLPOP", b"a", b"b", b"0"], [b"XREAD", b"STREAMS", b"a", b"b", b"0", b"0"],
                [b"XADD", b"a", b"*", b"f", b"v"], [b"COPY", b"a", b"b"], [b"SET", b"a", b"b", b"GET"],
                [b"XGROUP", b"CREATE", b"a", b"g", b"$"], [b"OBJECT", b"ENCODING", b"a"],
                [b"RENAME", b"a", b"b"], [b"SET", b"a"], [b"XINFO", b"STREAM", b"a"],
                [b"LMOVE", b"a", b"b", b"LEFT", b"RIGHT"], [b"MEMORY", b"USAGE", b"a"],
            ]
        )  # fmt: skip

    # Sorted sets

    def score(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.randint(-3, 6), 60),
            (lambda: self.rng.choice([b"0.1", b"0.2", b"-2.5", b"1e3", b"1e20", b"1e-7", b"3.0e-5", b".5", b"5."]), 22),
            (lambda: self.rng.choice([b"inf", b"-inf", b"+INF", b"-0", b"infinity", b"0x10", b"4e-320"]), 10),
            (lambda: repr(self.rng.uniform(-1e6, 1e6)).encode(), 4),
            (lambda: self.rng.choice([b"nan", b"x", b"1e400", b"1e-400", b"", b" 1", b"1 ", b"0x", b"1e"]), 4),
        )  # fmt: skip

    def lexscore(self):
        return b"0"

    def member(self):
        return self._weighted(
            (lambda: self.rng.choice([b"a", b"b", b"c", b"d", b"aa", b"ab", b"1", b"17"]), 90),
            (b"", 2), (b"\x00\r\n\xff", 3), (b"x" * 64, 2), (b"x" * 65, 1),
            (lambda: bytes([self.rng.randrange(256)]), 2),
        )  # fmt: skip

    def scored(self):
        return [self.score(), self.member()]

    def lexscored(self):
        return [b"0", self.member()]

    def bound(self):
        return self._weighted(
            (lambda: self.rng.choice([b"", b"", b"("]) + self.score(), 70),
            (b"-inf", 14), (b"+inf", 14), (b"((1", 2),
        )  # fmt: skip

    def lex(self):
        return self._weighted(
            (lambda: self.rng.choice([b"[", b"("]) + self.member(), 60),
            (b"-", 16), (b"+", 16), (b"a", 3), (b"", 2), (b"[", 3),
        )  # fmt: skip

    # Places

    def gkey(self):
        return self._key(GEO_KEYS)

    def place(self):
        return self._weighted(
            (lambda: [b"%.6f" % self.rng.uniform(-180, 180), b"%.6f" % self.rng.uniform(-85, 85)], 25),
            (lambda: [b"%.6f" % self.rng.uniform(13, 16), b"%.6f" % self.rng.uniform(36, 39)], 65),
            (lambda: self.rng.choice([[b"180", b"85.05112878"], [b"-180", b"-85.05112878"], [b"0", b"0"]]), 5),
            (lambda: self.rng.choice([[b"181", b"0"], [b"0", b"86"], [b"x", b"0"], [b"nan", b"1"]]), 5),
        )  # fmt: skip

    def placed(self):
        return [*self.place(), self.rng.choice([b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"])]

    def placename(self):
        return self.rng.choice([b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"nowhere"])

    def distance(self):
        return self._weighted(
            (lambda: self.rng.choice([b"0", b"1", b"10", b"100", b"200.5", b"1000", b"5000", b"20000"]), 94),
            (lambda: self.rng.choice([b"-1", b"x", b"inf", b"1e300"]), 6),
        )  # fmt: skip

    def unit(self):
        return self._weighted((b"km", 60), (b"m", 12), (b"mi", 12), (b"ft", 8), (b"KM", 5), (b"yd", 3))

    # Stream ids

    def addid(self):
        return self._weighted(
            (self._next_id, 78),
            (lambda: b"%d-*" % self.rng.randint(0, self.last_ms + 1), 8),
            (self.entryid, 8),
            (lambda: self.rng.choice([b"0-0", b"x", b"1-x", b"-", b"5-%d" % UINT64_MAX]), 6),
        )

    def _next_id(self):
        if self.last_ms == 0 or self.rng.random() < 0.7:
            self.last_ms += 1
        return b"%d-%d" % (self.last_ms, self.rng.randint(0, 3))

    def entryid(self):
        """An id that may well exist."""
        ms = self.rng.randint(0, self.last_ms + 1)
        return self._weighted(
            (lambda: b"%d-%d" % (ms, self.rng.randint(0, 3)), 70),
            (b"%d" % ms, 24),
            (b"%d-%d" % (UINT64_MAX, UINT64_MAX), 2),
            (b"x", 2),
            (b"0-0", 2),
        )

    def low(self):
        return self._weighted((b"-", 45), (self.entryid, 40), (self._open, 12), (b"+", 3))

    def high(self):
        return self._weighted((b"+", 45), (self.entryid, 40), (self._open, 12), (b"-", 3))

    def _open(self):
        return b"(" + self.rng.choice([self.entryid(), self.entryid(), b"-", b"+"])

    def readid(self):
        return self._weighted((self.entryid, 50), (b"0", 20), (b"$", 18), (b"+", 9), (b">", 3))

    def groupreadid(self):
        return self._weighted((b">", 70), (b"0", 15), (self.entryid, 10), (b"$", 3), (b"+", 2))

    def groupid(self):
        return self._weighted((b"0", 45), (b"$", 25), (self.entryid, 25), (b"-", 2), (b">", 3))

    def group(self):
        return self._weighted((b"g1", 65), (b"g2", 30), (b"nogroup", 5))

    def consumer(self):
        return self._weighted((b"c1", 50), (b"c2", 35), (b"c3", 13), (b"", 2))

    def entriesread(self):
        return self.rng.choice([b"0", b"1", b"2", b"3", b"5", b"50", b"-1", b"-2", b"x"])

    def refs(self):
        return self.rng.choice([b"KEEPREF", b"DELREF", b"ACKED", b"acked"])

    def idblock(self):
        ids = [self.entryid() for _ in range(self.rng.randint(1, 3))]
        told = b"%d" % len(ids) if self.rng.random() < 0.93 else self.rng.choice([b"0", b"-1", b"9", b"x"])
        return [b"IDS", told, *ids]

    def trim(self):
        words = [self.rng.choice([b"MAXLEN", b"MAXLEN", b"MINID"])]
        mark = self.rng.choice([None, b"=", b"~", b"~"])
        if mark:
            words.append(mark)
        words.append(self.count() if words[0] == b"MAXLEN" else self.entryid())
        if mark == b"~" and self.rng.random() < 0.4 or self.rng.random() < 0.03:
            words += [b"LIMIT", self.count()]
        return words

    # Times. Nothing here falls due while a sequence runs, but for what `generate.settle_time` marks.

    def timeout(self):
        return self._weighted((b"0", 70), (b"0.01", 14), (b"0.002", 8), (b"-1", 3), (b"x", 3), (b"inf", 2))

    def blockms(self):
        return self._weighted((b"0", 70), (b"8", 22), (b"-1", 4), (b"x", 4))

    def idlemin(self):
        return self._weighted((b"0", 60), (b"3600000", 30), (b"-1", 5), (b"x", 5))

    def idleset(self):
        return self.rng.choice([b"0", b"7200000", b"3600000000", b"-1", b"x"])

    def pastms(self):
        past = (self.now_s - 7200) * 1000
        return self.rng.choice([b"%d" % past, b"1", b"0", b"-1", b"x", b"%d" % ((self.now_s + 7200) * 1000)])

    def seconds(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.choice([100, 1000, 5000]), 70),
            (b"0", 7), (b"-1", 7), (b"x", 4), (b"%d" % INT64_MAX, 4), (b"9223372036854776", 4), (b"1.5", 4),
        )  # fmt: skip

    def millis(self):
        return self._weighted(
            (lambda: b"%d" % self.rng.choice([100000, 1000000, 5000000]), 60),
            (b"5", 12), (b"0", 7), (b"-1", 7), (b"x", 4), (b"%d" % INT64_MAX, 6), (b"1.5", 4),
        )  # fmt: skip

    def atseconds(self):
        return self._weighted(
            (lambda: b"%d" % (self.now_s + self.rng.choice([1000, 5000])), 75),
            (b"1", 10), (b"0", 4), (b"-1", 4), (b"x", 3), (b"%d" % INT64_MAX, 4),
        )  # fmt: skip

    def atmillis(self):
        return self._weighted(
            (lambda: b"%d" % ((self.now_s + self.rng.choice([1000, 5000])) * 1000), 75),
            (b"1", 10), (b"0", 4), (b"-1", 4), (b"x", 3), (b"%d" % INT64_MAX, 4),
        )  # fmt: skip
