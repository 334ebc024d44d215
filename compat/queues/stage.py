"""A server, the programs of the page against it, and a foreman who sees what they do."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from foreman import Foreman
from harness.resp import Connection
from harness.server import Server, forebay_binary

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache"
RUST = CACHE / "queues" / "target" / "debug"
WAIT_S = 60.0
# The languages' names of fences, and how their files end.
LANGUAGES = {"python": "py", "js": "mjs", "rust": "rs"}
# A line of a shell block that says what comes out, and the check that it becomes.
EXPECTED = "  # -> "


class Failed(Exception):
    """Something is not as the page or the story says."""


def expect(what, found, wanted):
    if found != wanted:
        raise Failed(f"{what}: {found!r}, wanted {wanted!r}")


class Program:
    """One running program; what it prints goes to a file."""

    def __init__(self, name, process, output):
        self.name, self.process, self.output_path = name, process, output

    def output(self):
        return self.output_path.read_text()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Stage:
    """A context manager: a fresh server, a folder with the page's programs, a foreman."""

    def __init__(self, page, shown_work=False):
        self.page = page
        # Whether the work is the page's own, or the one that asks the foreman.
        self.shown_work = shown_work
        self.programs = []

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="forebay-queues-"))
        self.foreman = Foreman()
        self.server = Server(forebay_binary())
        try:
            self.server.__enter__()
            self.set_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, *_):
        for program in self.programs:
            if kind is not None and program.output():
                print(f"{program.name} said:\n{program.output()[-1500:]}", file=sys.stderr)
            program.kill()
        if kind is not None and self.server.log_path:
            print(f"the server's log:\n{self.server.log()[-2000:]}", file=sys.stderr)
        self.server.stop()
        self.foreman.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def set_up(self):
        self.connection = Connection(self.server.port)
        programs = self.folder / "programs"
        programs.mkdir()
        for language in ("python", "js"):
            for name, text in self.page.programs(language).items():
                (programs / name).write_text(text)
            if not self.shown_work:
                job = f"job.{LANGUAGES[language]}"
                shutil.copy(HERE / "work" / job, programs / job)
        (programs / "node_modules").symlink_to(CACHE / "node" / "node_modules")
        tools = self.folder / "tools"
        tools.mkdir()
        cli = tools / "redis-cli"
        real = shutil.which("redis-cli")
        # With -e an error reply is an exit code, so the shell stops at it.
        cli.write_text(f'#!/bin/sh\nexec {real} -e -p {self.server.port} "$@"\n')
        cli.chmod(0o755)
        self.environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "REDIS_URL": f"redis://127.0.0.1:{self.server.port}",
            "FOREMAN": str(self.foreman.port),
            "PYTHONUNBUFFERED": "1",
        }

    def ask(self, *words):
        reply = self.connection.call(*words)
        if reply.is_error:
            raise Failed(f"{' '.join(map(str, words))}: {reply.value.decode()}")
        return value_of(reply)

    def shell(self, name):
        """Runs a block of shell commands; what it prints."""
        lines = ["set -eu"]
        for line in self.page.take("sh", name).splitlines():
            command, _, wanted = line.partition(EXPECTED)
            if wanted:
                line = f'got=$({command}); [ "$got" = "{wanted}" ] || {{ echo "got $got: {command}"; exit 1; }}'
            lines.append(line)
        done = subprocess.run(
            ["bash", "-c", "\n".join(lines)],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"sh {name} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def command(self, language, name):
        """What starts a program of the page."""
        file = f"{name}.{LANGUAGES[language]}"
        text = self.page.take(language, file)
        if "job" in text:
            self.note_work(language)
        if language == "rust":
            shown = "-shown" if self.shown_work and "mod job" in text else ""
            return [str(RUST / f"{name}{shown}")]
        return [{"python": sys.executable, "js": "node"}[language], str(self.folder / "programs" / file)]

    def note_work(self, language):
        if self.shown_work:
            self.page.take(language, f"job.{LANGUAGES[language]}")

    def start(self, language, name, *words, worker=None):
        """Starts a program of the page that goes on until it is killed."""
        worker = worker or f"{name}/{language}"
        path = self.folder / f"output-{len(self.programs)}"
        with open(path, "wb") as output:
            process = subprocess.Popen(
                [*self.command(language, name), *map(str, words)],
                env=self.environment | {"WORKER": worker},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        program = Program(worker, process, path)
        self.programs.append(program)
        return program

    def run(self, language, name, *words):
        """Runs a program of the page to its end; what it prints."""
        program = self.start(language, name, *words)
        self.finish(program)
        return program.output().strip()

    def finish(self, program):
        code = program.process.wait(WAIT_S)
        if code:
            raise Failed(f"{program.name} ended with {code}: {program.output()}")

    def workers(self, stream, group, languages=LANGUAGES):
        """The worker of the page, once in each language, on one group."""
        return {
            language: self.start(
                language, "worker", stream, group, language, worker=f"{group}/{language}"
            )
            for language in languages
        }

    def until(self, what, condition, seconds=WAIT_S):
        """Waits until `condition()` says so; what it said."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            for program in self.programs:
                code = program.process.poll()
                if code not in (None, 0, -signal.SIGKILL):
                    raise Failed(f"{program.name} ended with {code} before {what}")
            time.sleep(0.01)
        raise Failed(f"not within {seconds} s: {what}")

    def group(self, stream, name):
        """What XINFO GROUPS says of one group."""
        for group in self.ask("XINFO", "GROUPS", stream):
            fields = dict(zip(group[::2], group[1::2], strict=True))
            if fields["name"] == name:
                return fields
        raise Failed(f"{stream} has no group {name}")

    def end(self, program):
        """Kills a program, and waits until the server knows: what a dead reader waits for is still
        handed to it before."""
        if program.process.poll() is not None:
            return
        addresses = addresses_of(program.process.pid)
        program.kill()
        listed = lambda: {line.split("addr=")[1].split()[0] for line in self.ask("CLIENT", "LIST").splitlines()}
        self.until("the end of its connections", lambda: not addresses & listed())

    def is_idle(self, stream, name):
        """Whether a group has nothing pending and nothing to read."""
        group = self.group(stream, name)
        return group["pending"] == 0 and group["lag"] == 0


def addresses_of(pid):
    """The local addresses of a process's TCP connections, as CLIENT LIST has them."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            continue  # Closed since it was listed.
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"127.0.0.1:{int(line[1].split(':')[1], 16)}" for line in lines if line[9] in sockets}


def value_of(reply):
    """A reply as Python has it: text, numbers, lists."""
    if isinstance(reply.value, list):
        return [value_of(item) for item in reply.value]
    if reply.kind == ":":
        return int(reply.value)
    return None if reply.value is None else reply.value.decode()
