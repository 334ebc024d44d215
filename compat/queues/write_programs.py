"""Writes the Rust programs of docs/queues.md as programs of a crate, each with the work that asks the
foreman; those that stand for the page's first example also with the page's own, as NAME-shown.

    write_programs.py FOLDER
"""

import shutil
import sys
from pathlib import Path

from page import Page

WORK = Path(__file__).resolve().parent / "work" / "job.rs"
# Shown with the page's own work.
SHOWN = "worker.rs"


def write(folder, text, work):
    folder.mkdir(parents=True)
    (folder / "main.rs").write_text(text)
    if "mod job;" in text:
        (folder / "job.rs").write_text(work)


def main():
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    programs = Page().programs("rust")
    shown_work = programs.pop("job.rs")
    for name, text in programs.items():
        write(target / name.removesuffix(".rs"), text, WORK.read_text())
        if name == SHOWN:
            write(target / f"{name.removesuffix('.rs')}-shown", text, shown_work)


main()
