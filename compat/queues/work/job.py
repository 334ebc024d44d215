"""The work of a worker under test: asks the foreman how it ends."""

import os
import socket


def handle(id, job):
    with socket.create_connection(("127.0.0.1", int(os.environ["FOREMAN"]))) as foreman:
        words = [os.environ["WORKER"], id, *(f"{name}={value}" for name, value in job.items())]
        foreman.sendall("\t".join(words).encode() + b"\n")
        verdict = foreman.makefile().readline().strip()
    if verdict != "ok":
        raise RuntimeError(verdict or "the foreman has gone")
