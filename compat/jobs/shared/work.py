"""The work of the jobs in Python: real pictures are hashed and resized, pages are rendered.

The same kind and number give the same answer every time, so that a story can check what came back.
"""

import hashlib
import io
import os
from functools import cache
from pathlib import Path

from jinja2 import Environment
from PIL import Image

PICTURES = sorted(
    path
    for path in Path(os.environ["JOBS_PICTURES"]).iterdir()
    if path.suffix.lower() in (".png", ".jpg", ".jpeg")
)
SIDE_MAX = 96
PAGE = Environment(autoescape=True).from_string(
    "<h1>Order {{ number }}</h1>"
    "{% for line in lines %}<p>{{ loop.index }}: {{ line.title|upper }} &times; {{ line.count }}</p>"
    "{% endfor %}<b>{{ lines|sum(attribute='count') }}</b>"
)


def picture(number):
    return PICTURES[number % len(PICTURES)]


def hash_file(number):
    """SHA-256 of a picture's file, with the number in front so that no two answers are alike."""
    return f"{number}:{hashlib.sha256(picture(number).read_bytes()).hexdigest()}"


def resize_picture(number):
    """Makes a thumbnail; its size and the hash of its bytes."""
    with Image.open(picture(number)) as source:
        source.draft("RGB", (SIDE_MAX * 2, SIDE_MAX * 2))
        thumbnail = source.convert("RGB")
    thumbnail.thumbnail((SIDE_MAX, SIDE_MAX))
    whole = io.BytesIO()
    thumbnail.save(whole, format="PNG")
    width, height = thumbnail.size
    return f"{number}:{width}x{height}:{hashlib.sha256(whole.getvalue()).hexdigest()}"


def render_page(number):
    lines = [{"title": f"<item {n}> & more", "count": n + number} for n in range(1 + number % 20)]
    return PAGE.render(number=number, lines=lines)


WORK = {"hash": hash_file, "resize": resize_picture, "render": render_page}
# A picture takes ten times as long as the others.
RESIZE_EVERY = 10


def kind_of(number):
    """The kind of work of a case's job of this number."""
    if number % RESIZE_EVERY == 0:
        return "resize"
    return "hash" if number % 2 else "render"


@cache
def _ledger():
    return os.open(os.environ["JOBS_LEDGER"], os.O_WRONLY | os.O_APPEND)


def record(case, job):
    """Notes that a job's work is finished. One write, so that no two workers' lines mix."""
    os.write(_ledger(), f"{case}\t{job}\n".encode())


def perform(kind, number, case, job=None):
    """Does a job's work, notes it in the ledger, and gives the answer."""
    answer = WORK[kind](number)
    record(case, number if job is None else job)
    return answer


@cache
def answer(kind, number):
    """What `perform` has to give back."""
    return WORK[kind](number)
