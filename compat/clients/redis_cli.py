"""The clients' story through redis-cli: as commands, as a script on its input, and as `--pipe`."""

import subprocess
import sys

PORT = sys.argv[1]


def cli(*words, given=None, options=()):
    """What redis-cli prints, stripped."""
    done = subprocess.run(
        ["redis-cli", "-p", PORT, *options, *map(str, words)],
        input=given,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


def expect(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"redis-cli: {what}: {found!r}, wanted {wanted!r}")


def streams(options):
    raw = lambda *words: cli(*words, options=options)
    for n in range(1, 6):
        expect("append", raw("XADD", "jobs", f"{n}-1", "n", n), f"{n}-1")
    expect("group", raw("XGROUP", "CREATE", "jobs", "mailers", 0), "OK")
    read = raw("XREADGROUP", "GROUP", "mailers", "one", "COUNT", 2, "STREAMS", "jobs", ">")
    expect("read", read.split(), "jobs 1-1 n 1 2-1 n 2".split())
    expect("acknowledge", raw("XACK", "jobs", "mailers", "1-1"), "1")
    expect("claim", raw("XCLAIM", "jobs", "mailers", "two", 0, "2-1", "JUSTID"), "2-1")
    expect("pending", raw("XPENDING", "jobs", "mailers").split(), "1 2-1 2-1 two 1".split())
    claimed = raw("XAUTOCLAIM", "jobs", "mailers", "three", 0, "0-0", "JUSTID")
    expect("claim the idle", claimed.split(), ["0-0", "2-1"])


def blocking(options):
    waiting = subprocess.Popen(
        ["redis-cli", "-p", PORT, *options, "BLMOVE", "queue", "taken", "LEFT", "RIGHT", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    while "blocked_clients:1" not in cli("INFO", "clients"):
        pass
    expect("push to the waiting", cli("RPUSH", "queue", "job"), "1")
    expect("blocked move", waiting.communicate(timeout=10)[0].strip(), "job")
    expect("where it went", cli("LRANGE", "taken", 0, -1), "job")


def transactions():
    script = "MULTI\nSET n 1\nINCR n\nEXEC\n"
    expect("transaction", cli(given=script).split(), "OK QUEUED QUEUED OK 2".split())
    expect("wrong type", cli("LPUSH", "n", 1),
           "WRONGTYPE Operation against a key holding the wrong kind of value")  # fmt: skip


def pipelines():
    said = cli(given="".join(f"RPUSH many {n}\r\n" for n in range(1000)), options=("--pipe",))
    expect("pipe", said.splitlines()[-1], "errors: 0, replies: 1000")
    expect("all there", cli("LLEN", "many"), "1000")
    expect("scan", sorted(cli(options=("--scan", "--pattern", "man*")).split()), ["many"])


def main():
    for options in ((), ("-3",)):
        expect("empty", cli("FLUSHALL"), "OK")
        streams(options)
        blocking(options)
        transactions()
        pipelines()
    # A map is shown as one only if it came as one.
    shown = cli("XINFO", "STREAM", "jobs", options=("-3", "--no-raw"))
    expect("a map in RESP3", '1# "length" => (integer) 5' in shown, True)
    print(f"{cli(options=('--version',))}: RESP2 and RESP3")


main()
