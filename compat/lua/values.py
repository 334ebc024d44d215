"""Random values, formats and calls for the libraries, as text of Lua."""

import json

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ .,:;{}[]()<>!=#+-*/")
NUMBERS = [
    "0", "1", "-1", "7", "127", "128", "255", "256", "-32", "-33", "-128", "-129", "32767", "32768", "-32768", "-32769",
    "65535", "65536", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296",
    "9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740992", "9223372036854775807",
    "18446744073709551615", "1e19", "-1e19", "1e300", "-1e300", "1e-300", "4.9e-324", "0.1", "-0.1", "1.5", "-2.75",
    "3.14159265358979", "1/3", "100000000000000", "1e14", "1e15", "123456789012345678", "0.000001", "1e-7", "-0.0",
    "16777216", "16777217", "3.4028234663852886e38", "3.5e38", "1/0", "-1/0", "0/0",
]  # fmt: skip
STRINGS = [
    b"", b"a", b"key", b"\x00", b"\xff\xfe", b"\"\\/\x08\x0c\n\r\t", b"\x1f\x7f", "ä€😀".encode(), b"1", b"-1.5", b"0x10",
    b"1e3", b" 7 ", b"x" * 31, b"y" * 32, b"\xc1" * 255, b"\xc1" * 256, b"null", b"\xed\xa0\x80",
]  # fmt: skip
SETTINGS = [
    "cjson.encode_sparse_array(true)", "cjson.encode_sparse_array(true,1,1)", "cjson.encode_sparse_array(false,1,3)",
    "cjson.encode_sparse_array(false,0,0)", "cjson.encode_max_depth(2)", "cjson.encode_max_depth(1)",
    "cjson.decode_max_depth(2)", "cjson.encode_number_precision(3)", "cjson.encode_number_precision(1)",
    "cjson.encode_invalid_numbers(true)", "cjson.encode_invalid_numbers('null')", "cjson.decode_invalid_numbers(false)",
    "cjson.encode_keep_buffer(false)",
    # Refused.
    "cjson.encode_max_depth(0)", "cjson.encode_number_precision(15)", "cjson.encode_sparse_array('x')",
    "cjson.encode_invalid_numbers('x')", "cjson.decode_max_depth('x')", "cjson.encode_keep_buffer(1)",
    "cjson.encode_sparse_array(true,-1)", "cjson.encode_max_depth(1,2,3,4)",
]  # fmt: skip
JSONS = [
    "nul", "tru", "+1", ".5", "1.", "-", "01", "1e", "0x1F", "inf", "-Infinity", "nan", "NaN", "infinity", "[1,]", "[,]",
    "{\"a\"}", "{\"a\":}", "{a:1}", "{1:2}", "{\"a\":1,}", "[1 2]", "[[]", "]", "", " ", "\"", "\"\\u12\"", "\"\\ud800\"",
    "\"\\udc00\"", "\"\\ud83d\\ude00\"", "\"\\u0000\"", "\"\\x\"", "1 2", "[1]x", "\"\n\"", "'a'", "[nan]", "[1e999]",
    "123456789012345678901234567890", "{\"\":1}", "{\"1\":1,\"2\":2}", "/* x */1", "\"\\/\"", "\"\\u20ac\\u00e4\"",
]  # fmt: skip
BITS_ONE = ["tobit", "tohex", "bnot", "bswap"]
BITS_SHIFT = ["lshift", "rshift", "arshift", "rol", "ror"]
BITS_MANY = ["band", "bor", "bxor"]


def text(octets):
    """Bytes as a string of Lua."""
    return "'" + "".join(chr(octet) if octet in PLAIN else f"\\{octet:03d}" for octet in octets) + "'"


class Values:
    """Draws cases from one random source."""

    def __init__(self, rng):
        self.rng = rng

    def case(self):
        """The library that is asked, and statements that return what it says."""
        library = self.rng.choice(["cjson", "cjson", "cmsgpack", "cmsgpack", "struct", "bit"])
        body = getattr(self, library)()
        return library, body.encode("latin-1")

    # Values

    def number(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.6:
            return rng.choice(NUMBERS)
        if kind < 0.8:
            return str(rng.randint(-(2 ** rng.randint(1, 53)), 2 ** rng.randint(1, 53)))
        return repr(rng.uniform(-1, 1) * 10 ** rng.randint(-20, 20))

    def octets(self):
        if self.rng.random() < 0.6:
            return self.rng.choice(STRINGS)
        return self.rng.randbytes(self.rng.choice([1, 2, 5, 40]))

    def value(self, depth=3):
        """Any value. Tables have one key or are arrays, so that their order is certain."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.3 or depth == 0 and kind < 0.6:
            return self.number()
        if kind < 0.55 or depth == 0:
            return text(self.octets())
        if kind < 0.66:
            return rng.choice(["true", "false", "nil", "cjson.null", "function() end"])
        if kind < 0.82:
            return "{" + ",".join(self.value(depth - 1) for _ in range(rng.choice([0, 1, 2, 3, 17]))) + "}"
        if kind < 0.97:
            return f"{{[{self.key()}]={self.value(depth - 1)}}}"
        return self.deep()

    def key(self):
        rng = self.rng
        return rng.choice([
            lambda: text(self.octets()), lambda: str(rng.randint(-2, 30)), lambda: rng.choice(["1.5", "true", "2^53", "1e15"]),
        ])()  # fmt: skip

    def deep(self):
        levels = self.rng.choice([15, 16, 17, 18, 30])
        return "{" * levels + "1" + "}" * levels

    # The libraries

    def cjson(self):
        rng = self.rng
        setting = rng.choice(SETTINGS) + " " if rng.random() < 0.3 else ""
        kind = rng.random()
        if kind < 0.4:
            return f"{setting}return cjson.encode({self.value()})"
        if kind < 0.55:
            return f"{setting}local v=cjson.decode(cjson.encode({self.value()})) return v,cjson.encode(v)"
        if kind < 0.6:
            return f"return {rng.choice(SETTINGS)}"
        if kind < 0.64:
            return rng.choice(["return cjson.encode()", "return cjson.encode(1,2)", "return cjson.decode()", "return cjson.decode({})",
                               "return cjson.decode(1)", "return cjson.decode('1','2')", "return cjson.null==cjson.decode('null')"])  # fmt: skip
        document = self.document()
        return f"{setting}return cjson.decode({text(document)})"

    def document(self):
        """A document in JSON, often with a mistake."""
        rng = self.rng
        if rng.random() < 0.25:
            return rng.choice(JSONS).encode()
        document = json.dumps(self.tree(3), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1])).encode()
        if rng.random() < 0.35:
            at = rng.randrange(len(document) + 1)
            cut = rng.choice([0, 0, 1, 2])
            document = document[:at] + rng.choice([b"", b",", b"]", b"}", b"\"", b"\\", b"\x00", b"1", b"-", b"e", b"\xff"]) + document[at + cut :]
        return document

    def tree(self, depth):
        rng = self.rng
        kind = rng.random()
        if depth == 0 or kind < 0.5:
            return rng.choice([
                0, -1, 1.5, 1e30, 2**53, 10**20, -(10**17), 1e-9, True, False, None, "", "a\"\\\n\x01", "ä€😀", "\x7f\u2028", rng.random(),
            ])  # fmt: skip
        if kind < 0.75:
            return [self.tree(depth - 1) for _ in range(rng.choice([0, 1, 2, 5]))]
        names = rng.sample(["a", "b", "1", "", "k\n", "é"], rng.choice([0, 1, 2, 3]))
        return {name: self.tree(depth - 1) for name in names}

    def cmsgpack(self):
        rng = self.rng
        kind = rng.random()
        values = ",".join(self.value() for _ in range(rng.choice([1, 1, 1, 2, 3])))
        if kind < 0.35:
            return f"return cmsgpack.pack({values})"
        if kind < 0.55:
            return f"return cmsgpack.unpack(cmsgpack.pack({values}))"
        if kind < 0.62:
            return f"return cmsgpack.unpack_one(cmsgpack.pack({values}),{rng.choice([0, 0, 1, 2, 3, 99, -1])})"
        if kind < 0.69:
            return f"return cmsgpack.unpack_limit(cmsgpack.pack({values}),{rng.choice([0, 1, 2, 5, -1])},{rng.choice([0, 0, 1, 2, 99, -1])})"
        if kind < 0.73:
            return rng.choice(["return cmsgpack.pack()", "return cmsgpack.unpack()", "return cmsgpack.unpack({})", "return cmsgpack.unpack('')",
                               "return cmsgpack.unpack_one('')", "return cmsgpack.unpack_limit('x')", "return cmsgpack.unpack(1)"])  # fmt: skip
        if kind < 0.88:
            # Cut short, or with a byte changed.
            change = rng.choice([
                f"p:sub(1,{rng.randint(0, 6)})", f"p:sub(1,-{rng.randint(2, 4)})", f"p:sub({rng.randint(2, 4)})",
                f"p:sub(1,{rng.randint(0, 3)})..string.char({rng.randrange(256)})..p:sub({rng.randint(1, 5)})",
            ])  # fmt: skip
            return f"local p=cmsgpack.pack({values}) return cmsgpack.unpack({change})"
        return f"return cmsgpack.unpack({text(self.packed())})"

    def packed(self):
        """Bytes that begin like something packed."""
        rng = self.rng
        head = rng.choice([rng.randrange(256), rng.randrange(0xC0, 0xE0)])
        return bytes([head]) + bytes(rng.choice([0, 1, 2, rng.randrange(256)]) for _ in range(rng.choice([0, 1, 2, 4, 5, 8, 9, 16])))

    def struct(self):
        rng = self.rng
        letters = "".join(self.letter() for _ in range(rng.choice([1, 1, 2, 3, 5])))
        kind = rng.random()
        values = ",".join(self.packable() for _ in range(rng.choice([0, 1, 2, 3, 5])))
        call = f"{text(letters.encode())}{',' if values else ''}{values}"
        if kind < 0.4:
            return f"return struct.pack({call})"
        if kind < 0.6:
            return f"return struct.unpack({text(letters.encode())},struct.pack({call}))"
        if kind < 0.7:
            return f"return struct.size({text(letters.encode())})"
        place = rng.choice(["", "", ",1", ",2", ",3", ",9", ",0", ",-1"])
        octets = rng.choice([self.octets(), rng.randbytes(rng.choice([4, 8, 16, 40])), b"\x03abcdefgh\x00ij\x00"])
        return f"return struct.unpack({text(letters.encode())},{text(octets)}{place})"

    def letter(self):
        rng = self.rng
        return rng.choice([
            lambda: rng.choice("bBhHlLfdsx"), lambda: rng.choice("bBhHlLfdsxT"), lambda: rng.choice("iI") + rng.choice(["", "1", "2", "3", "4", "5", "7", "8"]),
            lambda: "c" + rng.choice(["", "0", "1", "3", "10"]), lambda: rng.choice("<>=! "), lambda: "!" + rng.choice(["1", "2", "4", "8", "16", "3"]),
            lambda: rng.choice(["i0", "i33", "z", "?", "c99999999999", "!0", "I32", "i16", "b2"]), lambda: rng.choice("Bc") + "0",
        ])()  # fmt: skip

    def packable(self):
        rng = self.rng
        return rng.choice([
            lambda: str(rng.randint(-300, 300)), lambda: str(rng.randint(-(2**31), 2**31)), lambda: rng.choice(["1.5", "-2.5", "1e10", "0.1"]),
            lambda: text(rng.choice([b"", b"abc", b"abcdefghij", b"a\x00b"])), lambda: text(rng.choice([b"7", b"-1"])), lambda: rng.choice(["nil", "true", "{}"]),
        ])()  # fmt: skip

    def bit(self):
        rng = self.rng
        # Beyond 2^51 what the number's last bits are is the processor's affair.
        number = lambda: rng.choice([
            lambda: str(rng.randint(-(2 ** rng.randint(1, 40)), 2 ** rng.randint(1, 40))), lambda: rng.choice(["0", "-1", "2147483648", "4294967295", "-2147483649"]),
            lambda: rng.choice(["0.5", "1.5", "-0.5", "2.5", "'7'", "'x'", "nil", "{}", "1e15", "-1e15", "'0xff'"]),
        ])()  # fmt: skip
        kind = rng.random()
        if kind < 0.3:
            more = rng.choice(["", "", ",4", ",-8", ",0", ",9", ",-2147483648"])
            return f"return bit.{rng.choice(BITS_ONE)}({number()}{more})"
        if kind < 0.6:
            return f"return bit.{rng.choice(BITS_SHIFT)}({number()},{rng.choice([number(), str(rng.randint(-40, 70))])})"
        values = ",".join(number() for _ in range(rng.choice([0, 1, 2, 2, 3])))
        return f"return bit.{rng.choice(BITS_MANY)}({values})"
