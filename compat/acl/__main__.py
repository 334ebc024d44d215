"""Access rules: random rules for random users, and what they allow, on Forebay and on redis-server.

    python3 compat/acl [--seed N] [--rounds N]

Every command that both know stands in some category of both; users that were given the same rules
are told alike and may do the same.
"""

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.server import Server, forebay_binary, oracle_binary

USERS = ("u0", "u1", "u2", "u3")
KEYS = ("a1", "a2", "b1", "zz", "x", "")
WORDS = KEYS + (
    "1", "0", "2", "-", "+", ">", "$", "get", "GET", "set", "STORE", "KEYS", "STREAMS", "BY", "LEFT",
    "COUNT", "NX", "ch1", "a*",
)  # fmt: skip
KEY_RULES = (
    "~a*", "%R~b*", "%W~z*", "%RW~x", "%r~", "~*", "resetkeys", "allkeys", "%~a", "~", "~a?",
    "%WR~[ab]1",
)  # fmt: skip
CHANNEL_RULES = ("&*", "&a*", "&x", "resetchannels", "allchannels", "&")
USER_RULES = (
    "on", "off", "nopass", ">pw", "<pw", "resetpass", "reset", "clearselectors", "sanitize-payload",
    "skip-sanitize-payload", "allcommands", "nocommands", "", "foo", "ON", "Reset",
)  # fmt: skip
SHOWN_MAX = 12


def described(connection):
    """Arity and categories of every command and subcommand, by name."""
    found = {}

    def gather(rows):
        for row in rows:
            fields = [field.value for field in row.value]
            name = fields[0].decode()
            categories = sorted(category.value.decode() for category in fields[6])
            found[name] = (fields[1], categories)
            gather(fields[9])

    gather(connection.call("COMMAND").value)
    return {name: (int(arity), categories) for name, (arity, categories) in found.items()}


class Comparison:
    """Two servers that are told the same, and where they part."""

    def __init__(self, rng, oracle, subject):
        self.rng = rng
        self.oracle = oracle
        self.subject = subject
        self.differences = []
        known = described(oracle)
        own = described(subject)
        self.commands = {name: facts for name, facts in known.items() if name in own}
        self.names = sorted(self.commands)
        for name in self.names:
            if known[name][1] != own[name][1]:
                self.differences.append(f"categories of {name}: {known[name][1]}, {own[name][1]}")
        self.categories = [it.value.decode() for it in oracle.call("ACL", "CAT").value]

    def both(self, *command):
        """Asks both; whether they say the same, which is noted if they do not."""
        one, other = self.oracle.call(*command), self.subject.call(*command)
        if one != other:
            self.differences.append(f"{' '.join(command)}\n    {one}\n    {other}")
        return one

    def members(self):
        """Holds the commands of each category to the oracle's, but for those that only one has."""
        for category in self.categories:
            one, other = (
                {it.value.decode() for it in server.call("ACL", "CAT", category).value}
                for server in (self.oracle, self.subject)
            )
            unlike = [name for name in one ^ other if name in self.commands]
            if unlike:
                self.differences.append(f"ACL CAT {category}: {unlike}")

    def rule(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            return rng.choice("+-") + rng.choice(self.names)
        if kind < 0.6:
            return rng.choice("+-") + "@" + rng.choice([*self.categories, "all", "nope"])
        if kind < 0.7:
            return "+" + rng.choice(self.names) + "|" + rng.choice(["a", "0", "get", "X", ""])
        if kind < 0.85:
            return rng.choice(KEY_RULES)
        if kind < 0.95:
            return rng.choice(CHANNEL_RULES)
        return rng.choice(USER_RULES)

    def rules(self):
        drawn = []
        for _ in range(self.rng.randint(0, 5)):
            if self.rng.random() < 0.1:
                inner = (self.rule() for _ in range(self.rng.randint(0, 4)))
                drawn.append(f"({' '.join(inner)})")
            else:
                drawn.append(self.rule())
        return drawn

    def request(self):
        name = self.rng.choice(self.names)
        arity = self.commands[name][0]
        words = name.split("|")
        more = self.rng.randint(0, 4) if arity < 0 else 0
        count = max(0, abs(arity) - len(words) + more)
        return words + [self.rng.choice(WORDS) for _ in range(count)]

    def dry_run(self, user, request):
        """Where the oracle cannot tell the keys of a request it lets it through, and Forebay holds
        to the rules what keys there are (differences.md). Nothing comes of it: the request is
        malformed, but for a PFMERGE without sources."""
        found = len(self.differences)
        allowed = self.both("ACL", "DRYRUN", user, *request).kind == "+"
        if allowed and self.oracle.call("COMMAND", "GETKEYS", *request).is_error:
            del self.differences[found:]

    def round(self):
        user = self.rng.choice(USERS)
        self.both("ACL", "SETUSER", user, *self.rules())
        self.both("ACL", "GETUSER", user)
        for _ in range(20):
            self.dry_run(user, self.request())
        if self.rng.random() < 0.1:
            self.both("ACL", "DELUSER", user)
        self.both("ACL", "LIST")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    print(f"acl: seed {options.seed}")
    with Server(oracle_binary("redis")) as oracle, Server(forebay_binary()) as subject:
        comparison = Comparison(random.Random(options.seed), oracle.connect(), subject.connect())
        comparison.members()
        for _ in range(options.rounds):
            comparison.round()
            if len(comparison.differences) > SHOWN_MAX:
                break
    for difference in comparison.differences[:SHOWN_MAX]:
        print(f"  differs: {difference}")
    if comparison.differences:
        return 1
    print(f"acl: {len(comparison.names)} commands, {options.rounds} rounds, no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
