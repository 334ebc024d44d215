"""Starts a library's story against a server of its own, and clears away what it leaves.

A story is `story.py`, `story.mjs` or `story.rb` in the library's folder, or the program `jobs-NAME`
that its Cargo.toml builds. Whatever language, it finds in its environment:

    JOBS_URL, JOBS_PORT   the server: empty, and nobody else's
    JOBS_FOLDER           an empty folder for its files and its workers' logs
    JOBS_PICTURES         a folder of real pictures, read only: the raw material of the work
    JOBS_CACHE            .cache/jobs/NAME, where what the library needs is installed
    JOBS_SCALE            a factor on the number of jobs in its large cases
    JOBS_LEDGER           a file. Whoever has finished a job's work appends "CASE<tab>JOB<newline>"
                          in one write; a job that was finished twice stands there twice
    JOBS_REPORT           a file. After each case the story appends a line of JSON:
                          {"case": "chords", "jobs": ["0", "1"], "view": "what the library says"}
                          where `jobs` names every job that has to have run, or is their number N
                          if they are called 0 to N-1, or null if the case has none of its own (a
                          dashboard's numbers). "seconds", if given, is shown; with
                          "by_time": true there are more jobs the longer it takes

It ends with 0 if all that it could see itself was right: results, retries, the library's own view.
That every job ran, and how often, is judged by the caller from ledger and report.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.server import Server, forebay_binary, oracle_binary

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache"
PICTURES = CACHE / "pictures" / "skimage" / "data"
# redis-server first: what it shows is what Forebay is held to.
SERVERS = ("redis", "forebay")
LOG_TAIL_BYTES = 3000
INTERRUPT_LIMIT_S = 10


class StoryFailed(Exception):
    """The story said so, or did not come to its end."""


def all_libraries():
    named = (folder.name for folder in HERE.iterdir() if folder.name != "shared")
    return sorted(name for name in named if _command(name))


def _command(name):
    """How the story of a library is started; None if the folder has none."""
    folder, cache = HERE / name, CACHE / "jobs" / name
    if (folder / "story.py").exists():
        return [str(cache / "venv" / "bin" / "python"), str(folder / "story.py")]
    if (folder / "story.mjs").exists():
        return ["node", str(folder / "story.mjs")]
    if (folder / "story.rb").exists():
        return ["ruby", str(folder / "story.rb")]
    if (folder / "Cargo.toml").exists():
        return [str(cache / "target" / "release" / f"jobs-{name}")]
    return None


def _environment(name, server, folder, scale):
    return os.environ | {
        "JOBS_URL": f"redis://127.0.0.1:{server.port}/0",
        "JOBS_PORT": str(server.port),
        "JOBS_FOLDER": f"{folder}/work",
        "JOBS_PICTURES": str(PICTURES),
        "JOBS_CACHE": str(CACHE / "jobs" / name),
        "JOBS_SCALE": str(scale),
        "JOBS_LEDGER": f"{folder}/ledger",
        "JOBS_REPORT": f"{folder}/report",
        # For the stories in Python: what they share, and the harness.
        "PYTHONPATH": os.pathsep.join(map(str, (HERE / "shared", HERE.parent))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def run_story(name, server_name, limit_s, scale):
    """One story on one server. What it reported, and the ledger's lines as pairs."""
    binary = forebay_binary() if server_name == "forebay" else oracle_binary(server_name)
    folder = tempfile.mkdtemp(prefix=f"forebay-jobs-{name}-{server_name}-")
    try:
        os.mkdir(f"{folder}/work")
        for empty in ("ledger", "report"):
            Path(folder, empty).touch()
        with Server(binary) as server:
            try:
                _run_to_end(name, _environment(name, server, folder, scale), folder, limit_s)
            except StoryFailed as failure:
                raise StoryFailed(f"{failure}\n-- the server:\n{server.log()[-LOG_TAIL_BYTES // 2 :]}") from None
            finally:
                _end_all_in(folder)
        report = [json.loads(line) for line in Path(folder, "report").read_text().splitlines()]
        ledger = [line.split("\t") for line in Path(folder, "ledger").read_text().splitlines()]
        return report, ledger
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_to_end(name, environment, folder, limit_s):
    output = Path(folder, "output")
    with open(output, "wb") as sink:
        process = subprocess.Popen(
            _command(name), env=environment, cwd=HERE / name,
            stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            status = process.wait(limit_s)
            outcome = f"ended with {status}" if status else None
        except subprocess.TimeoutExpired:
            _interrupt(process)
            outcome = f"did not end within {limit_s:.0f} s"
    if outcome:
        said = output.read_bytes().decode(errors="replace")
        raise StoryFailed(f"the story {outcome}\n{said[-4 * LOG_TAIL_BYTES:]}")


def _interrupt(process):
    """Ends a story that takes too long; it may say where it is."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(INTERRUPT_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_all_in(folder):
    """Kills what a story started and left. Workers make sessions and groups of their own, so that
    they are known by their environment, which they all inherit."""
    mark = f"JOBS_LEDGER={folder}/ledger".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in entry.joinpath("environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            # It has ended meanwhile, or is no child of ours.
            continue
