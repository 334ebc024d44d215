"""Redis's files: what real servers write is imported and compared with them key by key, and what
Forebay writes is loaded by them.

    python3 compat/rdb [--seed N] [--only WORD]
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import old
from fill import TTL_MS, fill, more, timed_hashes, unheld
from harness.server import Server, forebay_binary, oracle_binary
from state import ACTIVITY, PRESENCE, differences, state

WRITERS = ("redis70", "redis", "valkey")
# What reads Forebay's own: the two it promises to.
READERS = ("redis", "valkey")
# How the writers are set: the forms they write depend on it.
SETTINGS = {
    "as they come": (),
    "uncompressed, small nodes": (
        "--rdbcompression", "no", "--rdbchecksum", "no", "--list-max-listpack-size", "4",
        "--stream-node-max-entries", "7",
    ),
}  # fmt: skip
SHOWN_MAX = 12
REWRITE_TIMEOUT_S = 20.0
IMPORT_TIMEOUT_S = 60.0


class Failed(Exception):
    """Something is not as it should be."""


def oracle(name, *settings):
    return Server(oracle_binary(name), "--enable-debug-command", "yes", *settings)


def same(what, one, other):
    lines = differences(one, other)
    if lines:
        more_lines = [f"… and {len(lines) - SHOWN_MAX} more"] if len(lines) > SHOWN_MAX else []
        raise Failed("\n    ".join([f"{what}:", *lines[:SHOWN_MAX], *more_lines]))


def left_out_for(writer):
    return ACTIVITY if writer == "redis70" else frozenset()


def tells_encoding(writer, settings):
    """Whether OBJECT ENCODING goes by the rules that Forebay has: those of 8.2, as it comes."""
    return writer == "redis" and not settings


class Imported:
    """A Forebay that serves what it imported from a file or directory."""

    def __init__(self, path, *options):
        self.directory = tempfile.mkdtemp(prefix="forebay-compat-import-")
        command = [forebay_binary(), "import", str(path), *options, "--dir", self.directory]
        run = subprocess.run(command, capture_output=True, timeout=IMPORT_TIMEOUT_S, check=False)
        self.told = (run.stdout + run.stderr).decode(errors="replace")
        self.succeeded = run.returncode == 0
        self.server = None

    def __enter__(self):
        if not self.succeeded:
            raise Failed(f"the import failed:\n{self.told}")
        self.server = Server(forebay_binary(), "--dir", self.directory, "--appendonly", "yes")
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        if self.server is not None:
            self.server.stop()
        self.remove()

    def connect(self):
        return self.server.connect()

    def export(self, path):
        """Stops the server, and writes what it has as an RDB file."""
        self.server.stop()
        command = [forebay_binary(), "export", str(path), "--dir", self.directory]
        run = subprocess.run(command, capture_output=True, timeout=IMPORT_TIMEOUT_S, check=False)
        if run.returncode != 0:
            raise Failed(f"the export failed:\n{(run.stdout + run.stderr).decode(errors='replace')}")

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Loaded:
    """A peer that serves an RDB file."""

    def __init__(self, name, path):
        self.directory = tempfile.mkdtemp(prefix="forebay-compat-load-")
        shutil.copy(path, os.path.join(self.directory, "dump.rdb"))
        self.server = oracle(name, "--dir", self.directory)

    def __enter__(self):
        self.server.__enter__()
        return self.server.connect()

    def __exit__(self, *_):
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def rdb_case(writer, settings, seed, scratch):
    """SAVE, import, compare; export, load, compare."""
    left_out, with_encoding = left_out_for(writer), tells_encoding(writer, settings)
    with oracle(writer, *settings) as server:
        peer = server.connect()
        fill(peer, seed)
        # The peer too has then read the file, so that both have what a reader makes of it.
        peer.ask("DEBUG", "RELOAD")
        path = scratch / "dump.rdb"
        shutil.copy(os.path.join(server.directory, "dump.rdb"), path)
        written = state(peer, left_out, with_encoding)
    with Imported(path) as imported:
        same("imported", written, state(imported.connect(), left_out, with_encoding))
        own = state(imported.connect(), with_encoding=False)
        exported = scratch / "exported.rdb"
        imported.export(exported)
    for reader in READERS:
        with Loaded(reader, exported) as peer:
            same(f"exported, as {reader} reads it", own, state(peer, with_encoding=False))


def _await_rewrite(peer):
    deadline = time.monotonic() + REWRITE_TIMEOUT_S
    while time.monotonic() < deadline:
        told = peer.ask("INFO", "persistence")
        if b"aof_rewrite_in_progress:0" in told and b"aof_rewrite_scheduled:0" in told:
            return
        time.sleep(0.02)
    raise Failed("the rewrite of the AOF does not end")


def log_case(writer, preamble, seed, scratch):
    """BGREWRITEAOF, more commands, import of the parts, of one file, and of a cut one."""
    settings = ("--appendonly", "yes", "--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes")
    with oracle(writer, *settings) as server:
        peer = server.connect()
        fill(peer, seed)
        peer.ask("BGREWRITEAOF")
        _await_rewrite(peer)
        more(peer, random.Random(seed))
        # Reads the files back, so that the peer has what they say.
        peer.ask("DEBUG", "LOADAOF")
        written = state(peer, PRESENCE, with_encoding=False)
        parts = scratch / "appendonlydir"
        shutil.copytree(os.path.join(server.directory, "appendonlydir"), parts)
    for place in (parts, next(parts.glob("*.manifest")), scratch):
        with Imported(place) as imported:
            same(f"imported from {place.name}", written, state(imported.connect(), PRESENCE, with_encoding=False))
    files = [line.split()[1] for line in next(parts.glob("*.manifest")).read_text().splitlines()]
    whole = b"".join((parts / name).read_bytes() for name in files)
    single = scratch / "single.aof"
    # As servers before 7.0 wrote it.
    single.write_bytes(whole)
    with Imported(single) as imported:
        same("imported from one file", written, state(imported.connect(), PRESENCE, with_encoding=False))
    single.write_bytes(whole + b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nab")
    with Imported(single) as imported:
        same("imported from a cut file", written, state(imported.connect(), PRESENCE, with_encoding=False))
        if "offset" not in imported.told:
            raise Failed(f"nothing was told of the cut: {imported.told}")


def unknown_case(writer, settings, seed, scratch):
    """What cannot be held is named; the rest is whole when it is left out."""
    with oracle(writer, *settings) as server:
        peer = server.connect()
        fill(peer, seed)
        names = {name.decode().lower() for name in peer.ask("COMMAND", "LIST")}
        kinds = unheld(peer, names)
        peer.ask("DEBUG", "RELOAD")
        path = scratch / "dump.rdb"
        shutil.copy(os.path.join(server.directory, "dump.rdb"), path)
        written = state(peer, left_out_for(writer), tells_encoding(writer, settings), without=kinds)
    refused = Imported(path)
    refused.remove()
    if refused.succeeded == bool(kinds):
        raise Failed(f"what cannot be held is {kinds}, and the import told:\n{refused.told}")
    for key, kind in kinds.items():
        if not any(key.decode() in line and kind in line for line in refused.told.splitlines()):
            raise Failed(f"{key!r} is not named as a {kind}:\n{refused.told}")
    with Imported(path, "--skip-unknown") as imported:
        own = imported.connect()
        same("imported", written, state(own, left_out_for(writer), tells_encoding(writer, settings)))
        # The library came along: its function runs.
        if int(own.ask("FCALL", "f", 0)) != 1:
            raise Failed("the function of an imported library does not run")


def payload_case(writer, settings, seed, scratch):
    """DUMP there, RESTORE here, and the other way round."""
    left_out, with_encoding = left_out_for(writer), tells_encoding(writer, settings)
    with oracle(writer, *settings) as server, Server(forebay_binary()) as own_server:
        peer, own = server.connect(), own_server.connect()
        fill(peer, seed)
        for key in peer.ask("KEYS", "*"):
            deadline = max(int(peer.ask("PEXPIRETIME", key)), 0)
            own.ask("RESTORE", key, deadline, peer.ask("DUMP", key), "ABSTTL")
        peer.ask("SELECT", 1)
        peer.ask("FLUSHDB")
        peer.ask("SELECT", 2)
        peer.ask("FLUSHDB")
        peer.ask("DEBUG", "RELOAD")
        same("restored here", state(peer, left_out, with_encoding), state(own, left_out, with_encoding))
        if writer not in READERS:
            return
        peer.ask("FLUSHALL")
        for key in own.ask("KEYS", "*"):
            deadline = max(int(own.ask("PEXPIRETIME", key)), 0)
            peer.ask("RESTORE", key, deadline, own.ask("DUMP", key), "ABSTTL")
        same("restored there", state(own, with_encoding=False), state(peer, with_encoding=False))


def _move(source, target_port, keys):
    for at in range(0, len(keys), 50):
        source.ask("MIGRATE", "127.0.0.1", target_port, "", 0, 10_000, "KEYS", *keys[at : at + 50])
    if source.ask("DBSIZE") != b"0":
        raise Failed("MIGRATE has left keys behind")


def moved_case(writer, seed, scratch):
    """MIGRATE from there to here, and back."""
    with oracle(writer) as server, Server(forebay_binary()) as own_server:
        peer, own = server.connect(timeout_s=60.0), own_server.connect(timeout_s=60.0)
        fill(peer, seed)
        for database in (1, 2):
            peer.ask("SELECT", database)
            peer.ask("FLUSHDB")
        peer.ask("SELECT", 0)
        keys = peer.ask("KEYS", "*")
        for key in keys:
            # What is left of a deadline is not the same when it is told twice.
            peer.ask("PERSIST", key)
        written = state(peer, with_encoding=False)
        _move(peer, own_server.port, keys)
        same("moved here", written, state(own, with_encoding=False))
        _move(own, server.port, keys)
        same("moved back", written, state(peer, with_encoding=False))


def timed_case(writer, seed, scratch):
    """Deadlines of fields: a file and payloads there and here; and here and there, where that is Redis:
    Valkey has a form of its own, which only it reads."""
    with oracle(writer) as server, Server(forebay_binary()) as own_server:
        peer, own = server.connect(), own_server.connect()
        timed_hashes(peer, random.Random(seed))
        peer.ask("DEBUG", "RELOAD")
        path = scratch / "dump.rdb"
        shutil.copy(os.path.join(server.directory, "dump.rdb"), path)
        with_encoding = writer == "redis"
        written = state(peer, with_encoding=with_encoding)
        for key in peer.ask("KEYS", "*"):
            own.ask("RESTORE", key, 0, peer.ask("DUMP", key))
        same("restored here", written, state(own, with_encoding=with_encoding))
        if writer == "redis":
            peer.ask("FLUSHALL")
            for key in own.ask("KEYS", "*"):
                peer.ask("RESTORE", key, 0, own.ask("DUMP", key))
            same("restored there", written, state(peer))
    with Imported(path) as imported:
        same("imported", written, state(imported.connect(), with_encoding=with_encoding))
        exported = scratch / "exported.rdb"
        imported.export(exported)
    with Loaded("redis", exported) as peer:
        same("exported, as redis reads it", written, state(peer, with_encoding=with_encoding))


def old_case(version, scratch):
    """Forms that none of the servers here writes, held to what redis-server reads in them."""
    now_ms = int(time.time() * 1000)
    path = scratch / "old.rdb"
    for checksum in (True, False):
        path.write_bytes(old.file(version, now_ms, checksum))
        with Loaded("redis", path) as peer, Imported(path) as imported:
            read = state(peer)
            if len(read) < 8:
                raise Failed(f"redis-server reads only {sorted(read)}")
            same("imported", read, state(imported.connect()))


def cases(seed):
    """Each case with its name."""
    for writer in WRITERS:
        for name, settings in SETTINGS.items():
            for case in (rdb_case, unknown_case, payload_case):
                yield (
                    f"{case.__name__} {writer}, {name}",
                    lambda scratch, case=case, writer=writer, settings=settings: case(
                        writer, settings, seed, scratch
                    ),
                )
        for preamble in ("yes", "no"):
            yield (
                f"log_case {writer}, preamble {preamble}",
                lambda scratch, writer=writer, preamble=preamble: log_case(writer, preamble, seed, scratch),
            )
    for writer in READERS:
        yield f"moved_case {writer}", lambda scratch, writer=writer: moved_case(writer, seed, scratch)
        yield f"timed_case {writer}", lambda scratch, writer=writer: timed_case(writer, seed, scratch)
    for version in (6, 8, 9, 10, 11):
        yield f"old_case {version}", lambda scratch, version=version: old_case(version, scratch)


def main():
    parser = argparse.ArgumentParser(prog="rdb", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", default="", help="only cases with this in their name")
    options = parser.parse_args()
    print(f"seed {options.seed}, deadlines {TTL_MS} ms away", flush=True)
    passed = failed = 0
    for name, case in cases(options.seed):
        if options.only not in name:
            continue
        scratch = Path(tempfile.mkdtemp(prefix="forebay-compat-rdb-"))
        try:
            case(scratch)
            passed += 1
            print(f"  passed  {name}", flush=True)
        except (Failed, RuntimeError, ConnectionError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"  FAILED  {name}: {error}", flush=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


sys.exit(main())
