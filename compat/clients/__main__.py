"""The same story through five clients: append, group, read, acknowledge, block, claim, transaction,
pipeline, and RESP3 where the client has it. Each client gets an empty server.

    python3 compat/clients [NAME …]
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "compat"))

from harness.server import Server, example_binary, forebay_binary

CLIENTS = {
    "redis-cli": [sys.executable, str(HERE / "redis_cli.py")],
    "redis-py": [sys.executable, str(HERE / "redis_py.py")],
    "redis-rs": [example_binary("client_story")],
    "node-redis": ["node", str(HERE / "node_redis.mjs")],
    "ioredis": ["node", str(HERE / "ioredis.mjs")],
}
TIME_LIMIT_S = 60


def tell(name):
    """Lets one client tell its story. Whether it got to the end."""
    environment = os.environ | {"COMPAT_NODE": str(ROOT / ".cache" / "node")}
    with Server(forebay_binary()) as server:
        try:
            done = subprocess.run(
                [*CLIENTS[name], str(server.port)],
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=TIME_LIMIT_S,
                check=False,
            )
            passed = done.returncode == 0
        except subprocess.TimeoutExpired:
            print(f"{name}: not done after {TIME_LIMIT_S} s")
            passed = False
        if not passed:
            print(f"the server's log:\n{server.log()[-2000:]}")
    print(f"{'passed' if passed else 'FAILED'}  {name}", flush=True)
    return passed


def main():
    names = sys.argv[1:] or list(CLIENTS)
    return 0 if names and all([tell(name) for name in names]) else 1


sys.exit(main())
