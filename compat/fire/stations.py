"""The queues under fire: streams, their groups, the policies, and how their workers behave."""

from dataclasses import dataclass, field

FATES = {"succeed": 70, "fail": 8, "later": 4, "silent": 3, "fatal": 4, "hang": 6, "touch": 5, "vanish": 1}
PLAIN_READS = {"poll": 6, "block": 4}
ALL_READS = {"poll": 5, "block": 3, "auto": 1, "claim": 1, "take over": 1}


@dataclass(frozen=True)
class Policy:
    """What XCFGSET is told; None where a parameter is not set. Times in ms."""

    lease: int
    max_deliveries: int
    backoff: tuple = (0, 0)
    order_by: bool = False
    max_in_flight: int | None = None
    rate: tuple | None = None

    def words(self, dlq):
        words = ["LEASE", self.lease, "MAXDELIVERIES", self.max_deliveries, "DLQ", dlq]
        words += ["BACKOFF", *self.backoff]
        words += ["ORDERBY", "key"] if self.order_by else []
        words += ["MAXINFLIGHT", self.max_in_flight] if self.max_in_flight else []
        words += ["RATE", *self.rate] if self.rate else []
        return words

    def retry_ms_min(self, deliveries):
        """The least that the retry after so many deliveries waits."""
        low, high = self.backoff
        return 0.9 * min(high, low * 2 ** (deliveries - 1)) if deliveries else 0

    def retry_ms_max(self, deliveries):
        low, high = self.backoff
        return min(high, 1.1 * low * 2 ** (deliveries - 1)) if deliveries else 0


@dataclass(frozen=True)
class Station:
    """One group with a policy, and who works there."""

    stream: str
    group: str
    policy: Policy
    workers: int
    reads: dict = field(default_factory=lambda: PLAIN_READS)
    # Longest time that a job takes, ms.
    work: int = 20
    # Most entries asked for at once.
    count: int = 4

    @property
    def name(self):
        return f"{self.stream}/{self.group}"

    @property
    def dlq(self):
        # The groups of one stream share theirs: XREDRIVE has to tell them apart.
        return f"{self.stream}:dead"


STATIONS = (
    Station("retries", "g", Policy(400, 4, backoff=(20, 200)), 6, ALL_READS),
    Station("ordered", "g", Policy(300, 3, backoff=(10, 60), order_by=True), 6, ALL_READS),
    Station("narrow", "g", Policy(300, 3, max_in_flight=4), 6, ALL_READS),
    Station("paced", "g", Policy(500, 3, rate=(10, 300)), 6),
    Station("shared", "all", Policy(350, 2, (10, 50), True, max_in_flight=5, rate=(40, 500)), 5),
    Station("shared", "some", Policy(400, 3, backoff=(30, 120)), 4, ALL_READS),
)


def drawn(dice):
    """A policy that nobody thought of."""
    low = dice.choice((0, 5, 40))
    policy = Policy(
        lease=dice.randint(200, 600),
        max_deliveries=dice.randint(1, 5),
        backoff=(low, low * dice.choice((1, 4, 10))),
        order_by=dice.random() < 0.5,
        max_in_flight=dice.choice((None, None, 1, 3, 8)),
        rate=dice.choice((None, None, (5, 100), (30, 1000))),
    )
    reads = PLAIN_READS if policy.rate else ALL_READS
    return Station("drawn", "g", policy, 5, reads)
