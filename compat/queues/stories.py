"""Users' stories: workers of the page, in all three languages at once, through a whole working day."""

import signal
import time

from scenes import pairs
from stage import LANGUAGES, Failed, Stage, expect


def payments(page):
    """Retries and dead letters; then the cause is mended, and the dead are redriven."""
    poison, hanging = "7", "28"
    with Stage(page) as stage:
        stage.shell("retry")
        stage.shell("dead")
        shown = "LEASE 30000 MAXDELIVERIES 5 DLQ payments.dead BACKOFF 1000 60000"
        expect("the policy", " ".join(map(str, stage.group("payments", "billing")["policy"])), shown)
        # Shorter, so that the story takes seconds.
        stage.ask("XCFGSET", "payments", "GROUP", "billing", "LEASE", 1000, "BACKOFF", 50, 200)
        stage.ask("XGROUP", "CREATE", "payments", "audit", "0")
        is_mended = []

        def decide(attempt):
            number = attempt.job["number"]
            if attempt.worker.startswith("audit"):
                return "ok"
            if number == poison and not is_mended:
                return "no such account"
            if number == hanging and attempt.nth == 1:
                time.sleep(2)
            return "ok" if int(number) % 5 != 1 or attempt.nth > 2 else "the bank is busy"

        stage.foreman.decide = decide
        stage.workers("payments", "billing")
        stage.workers("payments", "audit", ["python"])
        for number in range(30):
            stage.ask("XADD", "payments", "*", "number", number)
        stage.until("the dead", lambda: stage.ask("XLEN", "payments.dead") == 1)
        stage.until("the others' end", lambda: stage.is_idle("payments", "billing"))
        stage.until("the audit's end", lambda: stage.is_idle("payments", "audit"))
        billed = [it for it in stage.foreman.done() if it.worker.startswith("billing")]
        expect("paid", {it.job["number"] for it in billed}, {str(n) for n in range(30)} - {poison})
        attempts = [it for it in stage.foreman.of(number=poison) if it.worker.startswith("billing")]
        expect("attempts at the poison", len(attempts), 5)
        fields = pairs(stage.ask("XRANGE", "payments.dead", "-", "+")[0][1])
        told = {name: fields[f"dlq.{name}"] for name in ("stream", "group", "id", "reason", "deliveries")}
        wanted = {"stream": "payments", "group": "billing", "id": attempts[0].id}
        expect("its story", told, wanted | {"reason": "maxdeliveries", "deliveries": "5"})
        expect("its field", fields["number"], poison)
        expect("its last consumer", fields["dlq.consumer"] in LANGUAGES, True)
        expect("the look at the dead", "maxdeliveries" in stage.shell("look"), True)

        is_mended.append(True)
        stage.shell("redrive")
        stage.until("the redriven", lambda: stage.is_idle("payments", "billing"))
        stage.until("its payment", lambda: len(stage.foreman.done(number=poison)) == 2)
        expect("dead letters", stage.ask("XLEN", "payments.dead"), 0)
        audited = [it.id for it in stage.foreman.of() if it.worker.startswith("audit")]
        expect("what the audit saw", (len(audited), len(set(audited))), (30, 30))
        if "oldest-ready-ms" not in stage.shell("watch"):
            raise Failed("XINFO GROUPS does not tell oldest-ready-ms")
    return "30 payments, one dead after 5 deliveries, redriven for billing alone"


def mail_in_ten_minutes(page):
    """Cancelled long before, cancelled shortly before, and sent. Nobody waits ten minutes for it: the
    story looks at what is scheduled, and has others with seconds."""
    late, cancelled = {}, set()
    with Stage(page) as stage:
        stage.shell("later")
        expect("entries", stage.ask("XLEN", "emails"), 0)
        stage.workers("emails", "mailer")
        for language in LANGUAGES:
            before_ms = time.time() * 1000
            id = stage.run(language, "later", "ten@example.org", 600)
            expect("scheduled", len(stage.ask("XRANGE", "emails", id, id)), 1)
            expect("cancelled", stage.run(language, "later", "cancel", id), "1")
            never, never_due_ms = cancel_in_time(stage, language)
            cancelled |= {id, never}
            soon = stage.run(language, "later", f"soon@{language}", 1)
            sent = stage.until("the mail", lambda: stage.foreman.of(to=f"soon@{language}"))[0]
            due_ms = int(sent.id.split("-")[0]) + 1000
            wall_ms = time.time() * 1000 - (time.monotonic() - sent.began) * 1000
            if due_ms < before_ms + 1000 or wall_ms < due_ms:
                raise Failed(f"{language}: sent {due_ms - wall_ms} ms early")
            late[language] = wall_ms - due_ms
            stage.until("its acknowledgement", lambda: stage.is_idle("emails", "mailer"))
            expect("too late to cancel", stage.run(language, "later", "cancel", soon), "0")
        time.sleep(max(0, never_due_ms / 1000 + 0.5 - time.time()))
        went_out = {it.id for it in stage.foreman.of()}
        expect("cancelled ones that went out", went_out & cancelled, set())
        expect("mails sent in time", len(stage.foreman.done()) >= len(LANGUAGES), True)
        stage.shell("delayfield")
        expect("scheduled by a field", stage.ask("XLEN", "emails"), 1)
        time.sleep(0.3)
        expect("mails to anna", stage.foreman.of(to="anna@example.org"), [])
    return f"cancelled ones stay, others go out; late by {max(late.values()):.0f} ms at most, worker included"


def cancel_in_time(stage, language):
    """Schedules a mail and cancels it: its id, and when it was due, unix ms. On a machine that needs
    seconds to start a program that may come too late, and is tried again with more time."""
    for seconds in (3, 8, 20):
        id = stage.run(language, "later", f"never@{language}", seconds)
        due_ms = int(id.split("-")[0]) + seconds * 1000
        answer = stage.run(language, "later", "cancel", id)
        if time.time() * 1000 < due_ms:
            expect("cancelled in time", answer, "1")
            return id, due_ms
    raise Failed(f"{language}: the program cannot cancel within 20 s")


def orders(page):
    """Customers in sequence, in parallel with each other, with a poison order in the middle of one."""
    customers, poison = ("anna", "ben", "cleo", "dora"), "anna-10"
    with Stage(page) as stage:
        stage.shell("order")
        stage.ask("XCFGSET", "orders", "GROUP", "shop", "LEASE", 500, "BACKOFF", 50, 100)
        stage.foreman.decide = lambda it: "no such article" if it.job["order"] == poison else "ok"
        for number in range(20):
            for customer in customers:
                stage.ask("XADD", "orders", "*", "customer", customer, "order", f"{customer}-{number}")
        stage.workers("orders", "shop")
        stage.until("the dead", lambda: stage.ask("XLEN", "orders.dead") == 1)
        stage.until("all", lambda: stage.is_idle("orders", "shop"))
        for customer in customers:
            attempts = stage.foreman.of(customer=customer)
            for one, next_one in zip(attempts, attempts[1:], strict=False):
                if number_of(next_one.id) < number_of(one.id) or next_one.began < one.ended:
                    raise Failed(f"{customer}: {next_one} after {one}")
            shown = {"anna": 2, "ben": 1}.get(customer, 0)
            dead = customer == "anna"
            expect(f"{customer}'s done", len(stage.foreman.done(customer=customer)), 20 + shown - dead)
        tries = stage.foreman.of(order=poison)
        expect("attempts at the poison", len(tries), 3)
        others_end = max(it.ended for it in stage.foreman.of() if it.job["customer"] != "anna")
        if others_end > tries[-1].began:
            raise Failed("the poison of one customer held up the others")
    return "each customer's orders in sequence, 3 attempts at the poison, nobody else held up"


def number_of(id):
    return tuple(map(int, id.split("-")))


def webhooks(page):
    """A sender that is held to 50 a second, 10 on their way, by the group and not by the worker."""
    total, per_s = 175, 50
    with Stage(page) as stage:
        stage.shell("slow")
        for number in range(total):
            stage.ask("XADD", "webhooks", "*", "number", number)
        began = time.monotonic()
        stage.workers("webhooks", "sender")
        inflight_max = 0

        def is_done():
            nonlocal inflight_max
            inflight_max = max(inflight_max, stage.group("webhooks", "sender")["inflight"])
            return len(stage.foreman.done()) == total

        stage.until("all", is_done)
        for nth, attempt in enumerate(stage.foreman.of(), 1):
            # What has begun by then was delivered by then: at most so many full windows of it.
            windows = int(attempt.began - began) + 1
            if nth > windows * per_s:
                raise Failed(f"{nth} calls in {attempt.began - began:.3f} s")
        expect("calls", len(stage.foreman.of()), total)
        if not 0 < inflight_max <= 10:
            raise Failed(f"{inflight_max} on their way at once")
        took = max(it.ended for it in stage.foreman.of()) - began
    return f"{total} calls at {per_s} a second in {took:.1f} s, never more than {inflight_max} on their way"


def full_stream(page):
    """Producers meet a full stream, wait, and go on when workers come."""
    limit, each = 20, 30
    with Stage(page) as stage:
        stage.shell("full")
        stage.ask("XCFGSET", "tasks", "MAXLEN", limit)
        producers = [stage.start(language, "full", each) for language in LANGUAGES]
        stage.until("a full stream", lambda: stage.ask("XLEN", "tasks") == limit)
        reply = stage.connection.call("XADD", "tasks", "*", "number", "one more")
        expect("the refusal", reply.value, f"FULL stream is at its limit of {limit} entries".encode())
        expect("producers that gave up", [it.process.poll() for it in producers], [None] * 3)
        expect("entries", stage.ask("XLEN", "tasks"), limit)
        stage.workers("tasks", "crew")
        for producer in producers:
            stage.finish(producer)
        stage.until("all done", lambda: stage.ask("XLEN", "tasks") == 0)
        expect("done", len({it.id for it in stage.foreman.done()}), 3 * each)
    return f"{3 * each} entries through room for {limit}, none lost"


def four_services(page):
    """Four groups on one stream, each with what its filters admit."""
    wanted = {
        "billing": lambda topic, country: topic.startswith("order."),
        "shipping": lambda topic, country: topic == "order.paid",
        "german": lambda topic, country: topic.startswith("order.") and country == "de",
        "audit": lambda topic, country: True,
    }
    with Stage(page) as stage:
        stage.shell("route")
        for number in range(2, 60):
            topic = ("order.paid", "order.sent", "user.new")[number % 3]
            country = ("de", "fr", "dk", "de")[number % 4]
            stage.ask("XADD", "events", "*", "topic", topic, "country", country, "number", number)
        for number, group in enumerate(wanted):
            stage.workers("events", group, [list(LANGUAGES)[number % 3]])
        for group in wanted:
            stage.until(f"{group}'s end", lambda: stage.is_idle("events", group))
        counts = []
        for group, admits in wanted.items():
            got = [it for it in stage.foreman.done() if it.worker.startswith(f"{group}/")]
            entries = [pairs(fields) for _, fields in stage.ask("XRANGE", "events", "-", "+")]
            due = [it["number"] for it in entries if admits(it["topic"], it["country"])]
            expect(f"what {group} got", [it.job["number"] for it in got], due)
            counts.append(f"{group} {len(due)}")
    return f"60 events: {', '.join(counts)}"


def preemptible(page):
    """Workers under ever new names, killed by -9 amid a job; their names go away, their jobs do not."""
    total, kills = 60, 9
    with Stage(page) as stage:
        stage.shell("vanish")
        stage.ask("XCFGSET", "frames", "GROUP", "render", "LEASE", 500, "BACKOFF", 50, 50)
        stage.ask("XCFGSET", "frames", "GROUP", "render", "CONSUMERTTL", 1500)
        for number in range(total):
            stage.ask("XADD", "frames", "*", "frame", number)
        doomed = set()

        def decide(attempt):
            if attempt.worker not in doomed:
                time.sleep(0.01)
                return "ok"
            time.sleep(30)  # It does not live that long.
            return "too late"

        stage.foreman.decide = decide
        for number in range(kills):
            name = f"render/machine-{number}"
            doomed.add(name)
            language = list(LANGUAGES)[number % 3]
            program = stage.start(language, "worker", "frames", "render", name, worker=name)
            stage.until("a job", lambda: any(it.worker == name for it in stage.foreman.of()))
            program.kill()
        expect("killed", [it.process.returncode for it in stage.programs], [-signal.SIGKILL] * kills)
        survivors = stage.workers("frames", "render")
        stage.until("all", lambda: len({it.id for it in stage.foreman.done()}) == total)
        stage.until("idle", lambda: stage.is_idle("frames", "render"))
        names = lambda: {pairs(it)["name"] for it in stage.ask("XINFO", "CONSUMERS", "frames", "render")}
        stage.until("the names' end", lambda: names() == set(survivors))
        expect("names of who waits", names(), set(survivors))
    return f"{total} frames done, {kills} workers killed with -9 amid their jobs, their names gone"


def policies_by_name(page):
    """stream-policy gives applications' own groups and streams a policy, and they live by it."""
    with Stage(page) as stage:
        stage.shell("policies")
        stage.ask("XGROUP", "CREATE", "shop:mail", "any", "$", "MKSTREAM")
        policy = " ".join(map(str, stage.group("shop:mail", "any")["policy"]))
        expect("the policy", policy, "LEASE 30000 MAXDELIVERIES 5")
        id = stage.ask("XADD", "shop:mail", "*", "to", "anna")
        read = ("XREADGROUP", "GROUP", "any", "me", "BLOCK", 10_000, "STREAMS", "shop:mail", ">")
        expect("the first try", stage.ask(*read), [["shop:mail", [[id, ["to", "anna"]]]]])
        stage.ask("XNACK", "shop:mail", "any", "FAIL", "IDS", 1, id)
        expect("the second try", stage.ask(*read), [["shop:mail", [[id, ["to", "anna"]]]]])
        stage.ask("XADD", "logs:web", "*", "line", "GET /")
        kept = pairs(stage.ask("XINFO", "STREAM", "logs:web"))["policy"]
        expect("the stream's policy", " ".join(map(str, kept)), "MAXLEN 1000000")
    return "a group that an application made has its policy, and what failed there comes back"
