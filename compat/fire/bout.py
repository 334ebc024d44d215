"""One bout: fire, calm, redrive under a kill, calm again; and the epochs of it, to be checked."""

import random
import time
from collections import defaultdict

from arena import Crew, FireFailed, Producer, Server
from checks import number
from harness.resp import Closed, encode
from history import Epoch, Seen, read_producer, read_worker, split
from stations import FATES

CALM_S = 60.0
TICK_S = 0.02
# A millisecond on each side is lost where the server counts in whole ones, and clients' clocks are
# read a moment beside what they time.
SLACK_US = 2_500
KEYS = 12


def rows(reply):
    """XRANGE's entries in order: id to fields."""
    found = {}
    for entry, flat in reply:
        words = [word.decode() for word in flat]
        found[entry.decode()] = dict(zip(words[::2], words[1::2]))
    return found


def now_us():
    return time.time_ns() // 1000


class Bout:
    def __init__(self, directory, stations, seconds, seed, rate):
        self.stations = stations
        self.seconds = seconds
        self.rate = rate
        self.dice = random.Random(seed)
        self.server = Server(directory)
        self.samples = {station.name: [] for station in stations}
        self.drift_from = time.time_ns() - time.monotonic_ns()
        self.crew = self.producer = None
        # What each dead-letter stream held, and each stream, at the ends of the two epochs.
        self.first_dead, self.first_entries = {}, {}
        self.last_dead, self.last_entries = {}, {}
        self.parked = ({}, {})
        # Rows of dead-letter streams that were given back: (station, row id) to the batch.
        self.given_back = {}
        self.redrive_us = 0

    def run(self):
        try:
            self.prepare()
            self.fire()
            self.calm()
            self.take_stock(self.first_entries, self.first_dead, self.parked[0])
            self.redrive()
            self.calm()
            self.take_stock(self.last_entries, self.last_dead, self.parked[1])
        finally:
            for part in (self.crew, self.producer):
                if part:
                    part.end()
            self.server.stop()

    def streams(self):
        return list(dict.fromkeys(station.stream for station in self.stations))

    def prepare(self):
        self.server.start()
        for station in self.stations:
            self.server.ask("XGROUP", "CREATE", station.stream, station.group, "0", "MKSTREAM")
            words = station.policy.words(station.dlq)
            self.server.ask("XCFGSET", station.stream, "GROUP", station.group, *words)
        self.crew = Crew(self.server, self.stations, FATES, self.dice)

    def fire(self):
        orders = {"streams": self.streams(), "seconds": self.seconds, "first": 1, "keys": KEYS}
        orders |= {"seed": self.dice.randrange(1 << 32), "rate": self.rate}
        self.producer = Producer(self.server, f"{self.server.directory}/producer", orders)
        begun = time.monotonic()
        server_due = begun + self.dice.uniform(1, 3)
        worker_due = begun + self.dice.uniform(0.5, 1)
        while not self.producer.is_over():
            now = time.monotonic()
            if now > begun + self.seconds + CALM_S:
                raise FireFailed("the producer does not come to an end")
            self.crew.replace_vanished()
            if now > server_due:
                self.server.restart(self.dice.choice((0, 0, 0.1, 0.5)))
                server_due = time.monotonic() + self.dice.uniform(0.8, 3)
            if now > worker_due:
                self.crew.kill_one()
                worker_due = now + self.dice.uniform(0.2, 0.8)
            self.sample()
            time.sleep(TICK_S)

    def facts(self, station):
        for row in self.server.ask("XINFO", "GROUPS", station.stream):
            facts = {word.decode(): value for word, value in zip(row[::2], row[1::2])}
            if facts["name"].decode() == station.group:
                return facts
        raise FireFailed(f"the group of {station.name} is gone")

    def sample(self):
        for station in self.stations:
            if station.policy.max_in_flight:
                inflight = int(self.facts(station)["inflight"])
                self.samples[station.name].append((now_us(), inflight))

    def calm(self):
        """Waits until every group has nothing left to do; workers work on, and some still vanish."""
        deadline = time.monotonic() + CALM_S
        while time.monotonic() < deadline:
            self.crew.replace_vanished()
            self.sample()
            if all(self.is_idle(station) for station in self.stations):
                return
            time.sleep(TICK_S)
        left = {s.name: self.facts(s) for s in self.stations if not self.is_idle(s)}
        raise FireFailed(f"stuck: {left}")

    def is_idle(self, station):
        facts = self.facts(station)
        last = self.server.ask("XINFO", "STREAM", station.stream)
        last = dict(zip(last[::2], last[1::2]))[b"last-generated-id"]
        return int(facts["pending"]) == int(facts["dead"]) and facts["last-delivered-id"] == last

    def take_stock(self, entries, dead, parked):
        for stream in self.streams():
            entries[stream] = rows(self.server.ask("XRANGE", stream, "-", "+"))
        for station in self.stations:
            dead[station.dlq] = rows(self.server.ask("XRANGE", station.dlq, "-", "+"))
            parked[station.name] = int(self.facts(station)["pending"])

    def redrive(self):
        """Deletes some of the originals, then gives most of the dead back, in three goes.

        The second is under a kill: it happened whole or not at all.
        """
        self.redrive_us = now_us()
        for dlq in dict.fromkeys(station.dlq for station in self.stations):
            dead = self.first_dead[dlq]
            if not dead:
                continue  # a slow machine; how much there was in all is looked at later
            for row in dead.values():
                if self.dice.random() < 0.3:
                    self.server.ask("XDEL", row["dlq.stream"], row["dlq.id"])
            ids = list(dead)
            third = max(1, len(ids) // 3)
            taken = int(self.server.ask("XREDRIVE", dlq, "COUNT", third))
            self.note_given_back(dlq, ids[:third], taken, 1)
            self.redrive_under_kill(dlq, ids[third : 2 * third])
            rest = self.dice.sample(ids[2 * third :], len(ids[2 * third :]) // 2)
            if rest:
                taken = int(self.server.ask("XREDRIVE", dlq, "IDS", len(rest), *rest))
                # They go back in the order in which they died, whatever order they were named in.
                self.note_given_back(dlq, sorted(rest, key=number), taken, 3)

    def note_given_back(self, dlq, ids, taken, batch):
        if taken != len(ids):
            raise FireFailed(f"XREDRIVE {dlq} gave {taken} back of {len(ids)}")
        for row in ids:
            self.given_back[dlq, row] = batch

    def redrive_under_kill(self, dlq, ids):
        if not ids:
            return
        connection = self.server.connection
        connection.send_raw(encode(("XREDRIVE", dlq, "IDS", len(ids), *ids)))
        time.sleep(self.dice.choice((0, 0.001, 0.003, 0.02)))
        answer = None
        try:
            if connection.receive(0):
                answer = connection.take()
        except Closed:
            pass
        self.server.restart(0)
        found = rows(self.server.ask("XRANGE", dlq, "-", "+"))
        left = [row for row in ids if row in found]
        if left and (len(left) < len(ids) or answer):
            raise FireFailed(f"XREDRIVE {dlq} was cut: {len(left)} of {len(ids)} left, answer {answer}")
        if not left:
            self.note_given_back(dlq, ids, len(ids), 2)

    def epochs(self):
        """Two for each station."""
        drift_us = abs(time.time_ns() - time.monotonic_ns() - self.drift_from) // 1000
        added = read_producer(self.producer.path)
        seen = {station.name: Seen() for station in self.stations}
        for worker in self.crew.everyone():
            read_worker(worker.path, worker.name, seen[worker.station.name])
        for station in self.stations:
            before, after = split(seen[station.name], self.redrive_us)
            slack_us = SLACK_US + drift_us
            samples = self.samples[station.name]
            yield self.first_epoch(station, added, before, samples, slack_us)
            yield self.second_epoch(station, after, samples, slack_us)

    def first_epoch(self, station, added, seen, samples, slack_us):
        mine = [add for add in added if add.stream == station.stream and add.entry]
        rows = self.first_entries[station.stream]
        return Epoch(
            station=station,
            entries={entry: (row["job"], row["key"]) for entry, row in rows.items()},
            batches={},
            delays={add.entry: add.asked + add.delay * 1000 for add in mine if add.delay},
            added={add.entry: (add.job, add.key) for add in mine},
            seen=seen,
            dead=[row for row in self.first_dead[station.dlq].values() if is_of(row, station)],
            parked=self.parked[0][station.name],
            samples=[sample for sample in samples if sample[0] < self.redrive_us],
            slack_us=slack_us,
        )

    def places_of_redriven(self, stream):
        """(id in the stream, row, batch): the old entry, or if it was deleted the next new one of the job."""
        standing = self.last_entries[stream]
        new = defaultdict(list)
        for entry in standing.keys() - self.first_entries[stream].keys():
            new[standing[entry]["job"]].append(entry)
        for entries in new.values():
            entries.sort(key=number, reverse=True)
        for (dlq, row_id), batch in self.given_back.items():
            row = self.first_dead[dlq][row_id]
            if row["dlq.stream"] == stream:
                fresh = row["dlq.id"] not in standing and new[row["job"]]
                yield fresh.pop() if fresh else row["dlq.id"], row, batch

    def second_epoch(self, station, seen, samples, slack_us):
        standing = self.last_entries[station.stream]
        entries, batches, added = {}, {}, {}
        for entry, row, batch in self.places_of_redriven(station.stream):
            if is_of(row, station):
                added[entry] = (row["job"], row["key"])
                batches[entry] = batch
                if entry in standing:
                    entries[entry] = own_fields(standing[entry])
        new_rows = [row for row_id, row in self.last_dead[station.dlq].items()
                    if row_id not in self.first_dead[station.dlq]]  # fmt: skip
        return Epoch(
            station=station,
            entries=entries,
            batches=batches,
            delays={},
            added=added,
            seen=seen,
            dead=[row for row in new_rows if is_of(row, station)],
            parked=self.parked[1][station.name],
            samples=[sample for sample in samples if sample[0] >= self.redrive_us],
            slack_us=slack_us,
        )


def is_of(row, station):
    return (row["dlq.stream"], row["dlq.group"]) == (station.stream, station.group)


def own_fields(row):
    """Job and key, if there is nothing else: the story is not to come along."""
    return (row["job"], row["key"]) if row.keys() == {"job", "key"} else tuple(row.items())
