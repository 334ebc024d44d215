"""RDB files in the forms of servers that nobody here runs (Redis 6.2 and before), byte by byte."""

import struct

POLYNOMIAL = 0x95AC9329AC4BC9B5  # of Jones, reflected


def _table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


TABLE = _table()


def crc64(data):
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc


def length(value):
    if value < 64:
        return bytes([value])
    if value < 1 << 14:
        return struct.pack(">H", 0x4000 | value)
    return b"\x80" + struct.pack(">I", value)


def string(value):
    return length(len(value)) + value


def ziplist(elements):
    """Strings as bytes, integers as int."""
    body, before, tail = b"", 0, 10
    for element in elements:
        tail = 10 + len(body)
        head = bytes([before]) if before < 254 else b"\xfe" + struct.pack("<I", before)
        encoded = head + _ziplist_element(element)
        body += encoded
        before = len(encoded)
    return struct.pack("<IIH", 11 + len(body), tail, len(elements)) + body + b"\xff"


def _ziplist_element(element):
    if isinstance(element, bytes):
        size = len(element)
        if size < 64:
            return bytes([size]) + element
        if size < 1 << 14:
            return struct.pack(">H", 0x4000 | size) + element
        return b"\x80" + struct.pack(">I", size) + element
    if 0 <= element <= 12:
        return bytes([0xF1 + element])
    for head, size in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4), (0xE0, 8)):
        if -(1 << 8 * size - 1) <= element < 1 << 8 * size - 1:
            return bytes([head]) + element.to_bytes(size, "little", signed=True)
    raise ValueError(element)


def listpack(elements):
    body = b""
    for element in elements:
        encoded = _listpack_element(element)
        assert len(encoded) < 128, "longer ones would need more bytes behind them"
        body += encoded + bytes([len(encoded)])
    return struct.pack("<IH", 7 + len(body), len(elements)) + body + b"\xff"


def _listpack_element(element):
    if isinstance(element, bytes):
        assert len(element) < 64
        return bytes([0x80 | len(element)]) + element
    if 0 <= element < 128:
        return bytes([element])
    return b"\xf4" + element.to_bytes(8, "little", signed=True)


def _stream_id(ms, seq):
    return struct.pack(">QQ", ms, seq)


def stream(form, now_ms):
    """Two nodes, one entry deleted in each, a group that has read some, with two consumers."""
    nodes = [
        (5, 1, [(0, 0, 0, b"v"), (1, 0, 1, b"gone"), (0, 1, 0, b"w")]),
        (9, 0, [(0, 0, 0, 12), (1, 1, 5, b"gone"), (0, 300, 0, -70000)]),
    ]
    out = length(len(nodes))
    for ms, seq, entries in nodes:
        deleted = sum(entry[0] for entry in entries)
        elements = [len(entries) - deleted, deleted, 1, b"f", 0]
        for gone, ms_more, seq_more, value in entries:
            if value == b"w":
                # Fields of its own.
                elements += [gone, ms_more, seq_more, 2, b"x", b"1x", b"f", value, 8]
            else:
                elements += [2 | gone, ms_more, seq_more, value, 4]
        out += string(_stream_id(ms, seq)) + string(listpack(elements))
    out += length(4) + length(309) + length(0)
    if form >= 2:
        out += length(5) + length(1) + length(10) + length(5) + length(6)
    pending = [_stream_id(5, 1), _stream_id(5, 2), _stream_id(6, 1)]
    out += length(1) + string(b"group") + length(6) + length(1)
    if form >= 2:
        out += length(3)
    out += length(3)
    for at, one in enumerate(pending):
        out += one + struct.pack("<Q", now_ms - 1000 * at) + length(at + 1)
    out += length(2)
    for name, own in ((b"alice", pending[:2]), (b"bob", pending[2:])):
        out += string(name) + struct.pack("<Q", now_ms - 5)
        if form >= 3:
            out += struct.pack("<q", -1 if name == b"bob" else now_ms - 9)
        out += length(len(own)) + b"".join(own)
    return out


def file(version, now_ms, checksum=True):
    """An RDB file of this version with what its servers wrote."""
    long = [b"node %d" % at for at in range(200)] + [b"y" * 300, 5, b"z" * 20_000, -1, 4096, 1 << 40]
    keys = [
        (0, b"string", string(b"text")),
        (0, b"int8", b"\xc0\xff"),
        (0, b"lzf", b"\xc3" + length(5) + length(30) + b"\x00a\xe0\x14\x00"),
        (1, b"list:linked", length(3) + string(b"a") + b"\xc1\x00\x10" + string(b"")),
        (2, b"set:plain", length(3) + string(b"a") + b"\xc1\x00\x10" + string(b"")),
        (2, b"set:plainints", length(2) + b"\xc0\x07" + string(b"-12")),
        (11, b"set:ints", string(struct.pack("<IIhh", 2, 2, -3, 500))),
        (10, b"list:ziplist", string(ziplist([b"a", 0, 12, 13, -1, 300, -70000, 1 << 40, b"x" * 100]))),
        (14, b"list:quicklist", length(2) + string(ziplist(long)) + string(ziplist([b"tail", 7]))),
    ]
    keys.append((14, b"list:onenode", length(1) + string(ziplist([b"a", 1]))))
    keys.append((14, b"list:twonodes", length(2) + string(ziplist([b"a", 1])) + string(ziplist([2]))))
    digits = b"".join(string(member) + score for member, score in (
        (b"a", b"\x031.5"), (b"b", b"\xff"), (b"c", b"\xfe"), (b"d", b"\x1612345678901234567890.5")
    ))
    keys.append((3, b"zset:digits", length(4) + digits))
    keys.append((12, b"zset:ziplist", string(ziplist([b"b", b"-2.5", b"a", 0, 17, 300, b"c", b"1e20", b"d", b"inf"]))))
    if version >= 8:
        bits = b"".join(string(b"m%d" % at) + struct.pack("<d", at / 3) for at in range(150))
        keys.append((5, b"zset:bits", length(150) + bits))
    if version >= 10:
        keys.append((17, b"zset:listpack", string(listpack([b"b", b"-2.5", b"a", 0, 17, 127, b"x" * 60, b"1e300"]))))
    if version >= 10:
        nodes = [b"\x02" + string(listpack([b"a", at])) for at in range(2)]
        keys.append((18, b"list:twopacked", length(2) + b"".join(nodes)))
        keys.append((18, b"list:onepacked", length(1) + nodes[0]))
        keys.append((18, b"list:oneplain", length(1) + b"\x01" + string(b"small")))
    if version >= 9:
        keys.append((15, b"stream:1", stream(1, now_ms)))
    if version >= 10:
        keys.append((19, b"stream:2", stream(2, now_ms)))
    if version >= 11:
        keys.append((21, b"stream:3", stream(3, now_ms)))
    out = b"REDIS%04d" % version
    if version >= 7:
        out += b"\xfa" + string(b"redis-ver") + string(b"6.2.14")
    out += b"\xfe\x00"
    if version >= 7:
        out += b"\xfb" + length(len(keys) + 2) + length(2)
    for kind, name, value in keys:
        if version >= 9:
            out += b"\xf8" + length(1000)
        out += bytes([kind]) + string(name) + value
    out += b"\xfc" + struct.pack("<q", now_ms + 5_000_000) + b"\x00" + string(b"ttl:ms") + string(b"v")
    out += b"\xfd" + struct.pack("<i", now_ms // 1000 + 5000) + b"\x00" + string(b"ttl:s") + string(b"v")
    out += b"\xfc" + struct.pack("<q", now_ms - 5000) + b"\x00" + string(b"past") + string(b"v")
    out += b"\xfe\x02\x00" + string(b"elsewhere") + string(b"v") + b"\xff"
    if version >= 5:
        out += struct.pack("<Q", crc64(out) if checksum else 0)
    return out
