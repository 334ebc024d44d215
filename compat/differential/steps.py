"""The steps a sequence is made of, and how they are shown to a person."""

from dataclasses import dataclass

from pools import ClientId


@dataclass(frozen=True)
class Send:
    """Commands in one write on one connection. `settle_ms`: wait so long after the replies, so
    that what was given a few milliseconds to live is gone on both sides."""

    connection: int
    commands: tuple
    settle_ms: int = 0


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, in pieces, with a command behind them that shows where replies end."""

    connection: int
    pieces: tuple


@dataclass(frozen=True)
class Scan:
    """A whole iteration of SCAN with these options; the set of what it gave is compared."""

    connection: int
    options: tuple


@dataclass(frozen=True)
class Close:
    """The client goes away, whatever it was waiting for, and comes back as a new one."""

    connection: int


def quote(argument):
    """An argument as redis-cli takes it."""
    if isinstance(argument, ClientId):
        return f"<id of c{argument.connection}>"
    text = argument.decode("latin-1")
    if text and all(33 <= ord(letter) < 127 and letter not in "\"'\\" for letter in text):
        return text
    escaped = "".join(
        letter if 32 <= ord(letter) < 127 and letter not in '"\\' else f"\\x{ord(letter):02x}"
        for letter in text
    )
    return f'"{escaped}"'


def show(step):
    """One line for one step."""
    who = f"c{step.connection}>"
    match step:
        case Send(commands=commands, settle_ms=settle_ms):
            line = "  +  ".join(" ".join(map(quote, command)) for command in commands)
            return f"{who} {line}" + (f"   (then {settle_ms} ms)" if settle_ms else "")
        case Raw(pieces=pieces):
            return f"{who} raw bytes: " + " | ".join(repr(piece)[1:] for piece in pieces)
        case Scan(options=options):
            return f"{who} SCAN to the end {' '.join(map(quote, options))}"
        case Close():
            return f"{who} closes and connects again"
    raise TypeError(step)
