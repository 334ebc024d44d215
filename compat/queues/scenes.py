"""What the sections of the page promise, each on a server of its own.

The blocks are run as they stand. Where a time in them is long, the story shortens it afterwards, by
XCFGSET and in plain sight.
"""

import signal
import time

from stage import LANGUAGES, Failed, Stage, expect


def first_worker(page):
    """The worker with the page's own work."""
    with Stage(page, shown_work=True) as stage:
        stage.shell("worker")
        for number, language in enumerate(LANGUAGES):
            if number:
                stage.ask("XADD", "jobs", "*", "picture", "cat.png")
            worker = stage.start(language, "worker", "jobs", "workers", language)
            stage.until("the cat", lambda: "working on cat.png" in worker.output())
            stage.until("the acknowledgement", lambda: stage.is_idle("jobs", "workers"))
            stage.end(worker)
    return "3 workers, each with the work that the page shows"


def say_when(page):
    """XNACK with DELAY, and FATAL."""
    with Stage(page) as stage:
        stage.shell("retry")
        stage.shell("dead")
        stage.foreman.decide = lambda attempt: "ok" if attempt.nth > 1 else "busy"
        for dead, language in enumerate(LANGUAGES, 1):
            worker = stage.start(language, "nack", "payments", "billing", language, 300)
            stage.ask("XADD", "payments", "*", "amount", "plenty", "by", language)
            stage.ask("XADD", "payments", "*", "amount", "5", "by", language)
            stage.until("the second attempt", lambda: stage.foreman.done(by=language))
            stage.until("its end", lambda: stage.is_idle("payments", "billing"))
            first, second = stage.foreman.of(by=language)
            if second.began - first.ended < 0.3:
                raise Failed(f"{language}: again after {second.began - first.ended} s, before 0.3")
            died = stage.ask("XRANGE", "payments.dead", "-", "+")
            expect("dead letters", len(died), dead)
            fields = pairs(died[-1][1])
            expect("the reason", fields["dlq.reason"], "fatal")
            expect("its own fields", (fields["amount"], fields["by"]), ("plenty", language))
            stage.end(worker)
    return "a job given back for 300 ms, one given up, in each language"


def clean_up(page):
    """RETAIN ACKED empties the stream; TTL takes out what nobody read."""
    with Stage(page) as stage:
        stage.shell("clean")
        for number in range(30):
            stage.ask("XADD", "resize", "*", "number", number)
        expect("entries", stage.ask("XLEN", "resize"), 30)
        stage.workers("resize", "crew")
        stage.until("an empty stream", lambda: stage.ask("XLEN", "resize") == 0)
        expect("jobs done", len(stage.foreman.done()), 30)
        for program in stage.programs:
            stage.end(program)
        stage.shell("ttl")
        stage.ask("XADD", "resize", "TTL", 300, "*", "picture", "dog.png")
        expect("entries", stage.ask("XLEN", "resize"), 2)
        stage.until("the end of the short-lived", lambda: stage.ask("XLEN", "resize") == 1)
        expect("who is left", stage.ask("XRANGE", "resize", "-", "+")[0][1][1], "cat.png")
        stage.until("the dead", lambda: stage.ask("XLEN", "resize.dead") == 1)
        died = pairs(stage.ask("XRANGE", "resize.dead", "-", "+")[0][1])
        expect("of", (died["dlq.reason"], died["picture"]), ("expired", "dog.png"))
    return "30 jobs leave when done, one when it has expired"


def long_jobs(page):
    """Touching keeps a lease three times as long; who lost it is told so."""
    with Stage(page) as stage:
        stage.shell("touch")
        stage.ask("XCFGSET", "videos", "GROUP", "encoder", "LEASE", 900, "BACKOFF", 0, 0)
        for language in LANGUAGES:
            stage.foreman.decide = slowly(2.7, "long")
            worker = stage.start(language, "touch", 0.3)
            stage.ask("XADD", "videos", "*", "long", language)
            stage.until("the job", lambda: stage.foreman.of(long=language))
            # Somebody else who would be glad to have it.
            thief = stage.start("python", "worker", "videos", "encoder", "thief", worker="encoder/thief")
            stage.until("its end", lambda: stage.foreman.done(long=language))
            stage.until("idle", lambda: stage.is_idle("videos", "encoder"))
            expect(f"attempts with {language}", len(stage.foreman.of(long=language)), 1)
            stage.end(thief)

            stage.foreman.decide = slowly(3, "lost", first_only=True)
            stage.ask("XADD", "videos", "*", "lost", language)
            stage.until("the job", lambda: stage.foreman.of(lost=language))
            worker.signal(signal.SIGSTOP)
            stage.start("python", "worker", "videos", "encoder", "heir", worker="encoder/heir")
            stage.until("the heir", lambda: stage.foreman.done(lost=language))
            worker.signal(signal.SIGCONT)
            stage.until("the notice", lambda: "is no longer mine" in worker.output())
            for program in stage.programs:
                stage.end(program)
    return "a job of three leases is run once; a worker that stood still learns that it lost its own"


def slowly(seconds, field, first_only=False):
    def decide(attempt):
        if field in attempt.job and (attempt.worker.startswith("touch") or not first_only):
            time.sleep(seconds)
        return "ok"

    return decide


def priorities(page):
    with Stage(page) as stage:
        stage.shell("priority")
        for language in LANGUAGES:
            for number in range(5):
                stage.ask("XADD", "low", "*", "by", language, "level", "low")
                stage.ask("XADD", "high", "*", "by", language, "level", "high")
            worker = stage.start(language, "priority", language)
            stage.until("all", lambda: len(stage.foreman.done(by=language)) == 10)
            levels = [attempt.job["level"] for attempt in stage.foreman.of(by=language)]
            expect(f"the order with {language}", levels, ["high"] * 5 + ["low"] * 5)
            # A worker that waits is served from either.
            stage.ask("XADD", "low", "*", "by", language, "level", "later")
            stage.until("the last", lambda: stage.foreman.done(by=language, level="later"))
            stage.until("idle", lambda: stage.is_idle("low", "crew"))
            stage.end(worker)
    return "high before low, in each language"


def no_job_twice(page):
    with Stage(page) as stage:
        stage.shell("dedup")
        stage.ask("DEL", "shipments")
        for added, language in enumerate(LANGUAGES, 1):
            ids = {stage.run(language, "dedup", f"order-{language}") for _ in range(2)}
            expect(f"ids of what {language} sent twice", len(ids), 1)
            expect("entries", stage.ask("XLEN", "shipments"), added)
    return "sent twice, there once"


def effects_once(page):
    """A worker stands still past its lease, another does its job, then the first goes on."""
    with Stage(page) as stage:
        stage.shell("once")
        stage.ask("XCFGSET", "sales", "GROUP", "invoicing", "LEASE", 700, "BACKOFF", 0, 0)
        for invoices, language in enumerate(LANGUAGES, 1):
            victim = stage.start(language, "once", "victim", worker="once/victim")
            stage.foreman.decide = lambda attempt: stage.until(
                "another's end", lambda: attempt.nth > 1 or stage.foreman.done(sale=language)
            ) and "ok"
            stage.ask("XADD", "sales", "*", "sale", language)
            stage.until("the job", lambda: stage.foreman.of(sale=language))
            victim.signal(signal.SIGSTOP)
            heir = stage.start(language, "once", "heir", worker="once/heir")
            stage.until("the invoice", lambda: stage.ask("XLEN", "invoices") == invoices)
            calls = commands_of(stage, "exec")
            victim.signal(signal.SIGCONT)
            stage.until("the late one's transaction", lambda: commands_of(stage, "exec") > calls)
            expect("attempts", len(stage.foreman.done(sale=language)), 2)
            expect("invoices", stage.ask("XLEN", "invoices"), invoices)
            stage.until("idle", lambda: stage.is_idle("sales", "invoicing"))
            stage.end(victim)
            stage.end(heir)
    return "a job done twice has one effect"


def commands_of(stage, name):
    """How often a command has been called."""
    for line in stage.ask("INFO", "commandstats").splitlines():
        if line.startswith(f"cmdstat_{name}:calls="):
            return int(line.split("=")[1].split(",")[0])
    return 0


def request_and_reply(page):
    with Stage(page) as stage:
        stage.shell("reply")
        languages = list(LANGUAGES)
        for asks, answers in zip(languages, languages[1:] + languages[:1], strict=True):
            worker = stage.start(answers, "answer", answers)
            expect(f"{asks} asks {answers}", stage.run(asks, "ask", "what is it"), "WHAT IS IT")
            stage.end(worker)
        alone = [stage.start(language, "ask", "anybody there") for language in languages]
        for program in alone:
            stage.finish(program)
            expect("without an answer", program.output().strip(), "no answer")
        stage.until("the questions' end", lambda: stage.ask("XLEN", "questions") == 0)
        expect("questions too late", stage.ask("XLEN", "questions.late"), len(languages))
    return "each language asks another; a question that nobody answers goes away"


def sentences(page):
    """What the page says in words alone."""
    with Stage(page) as stage:
        stage.ask("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        stage.ask("XCFGSET", "s", "GROUP", "g", "LEASE", 60000, "BACKOFF", 0, 0, "MAXDELIVERIES", 1)
        read = lambda key="s", count=10: stage.ask(
            "XREADGROUP", "GROUP", "g", "me", "COUNT", count, "STREAMS", key, ">"
        )
        # The dead without a DLQ: parked, counted, and brought back.
        dead = stage.ask("XADD", "s", "*", "n", 1)
        read()
        stage.ask("XNACK", "s", "g", "FAIL", "IDS", 1, dead)
        expect("what is handed out", read(), None)
        expect("dead", stage.group("s", "g")["dead"], 1)
        expect("its line in XPENDING", stage.ask("XPENDING", "s", "g", "-", "+", 10), [[dead, "", -1, 1]])
        stage.ask("XNACK", "s", "g", "SILENT", "IDS", 1, dead, "RETRYCOUNT", 0)
        expect("handed out again", read()[0][1][0][0], dead)
        # XREDRIVE TO.
        stage.ask("XCFGSET", "s", "GROUP", "g", "DLQ", "dead")
        stage.ask("XNACK", "s", "g", "FATAL", "IDS", 1, dead)
        expect("redriven", stage.ask("XREDRIVE", "dead", "COUNT", 10, "TO", "elsewhere"), 1)
        expect("elsewhere", stage.ask("XRANGE", "elsewhere", "-", "+")[0][1], ["n", "1"])
        # DELCONSUMER gives back, SILENT does not count.
        stage.ask("XCFGSET", "s", "GROUP", "g", "MAXDELIVERIES", 2)
        held = stage.ask("XADD", "s", "*", "n", 2)
        read()
        stage.ask("XNACK", "s", "g", "SILENT", "IDS", 1, held)
        expect("handed out again", read()[0][1][0][0], held)
        stage.ask("XGROUP", "DELCONSUMER", "s", "g", "me")
        expect("given back", stage.group("s", "g")["ready"], 1)
        # A point in time; and the limit of those on their way.
        stage.ask("XCFGSET", "s", "GROUP", "g", "MAXINFLIGHT", 1)
        due_ms = int(time.time() * 1000) + 200
        later = stage.ask("XADD", "s", "DELAY", due_ms, "*", "n", 3)
        expect("handed out", read()[0][1][0][0], held)
        expect("beyond the limit", read(), None)
        stage.ask("XACK", "s", "g", held)
        stage.until("the later one", lambda: (read() or [[0, [[0]]]])[0][1][0][0] == later)
        if time.time() * 1000 < due_ms:
            raise Failed("handed out before its time")
        # Retention by the server.
        stage.ask("XCFGSET", "s", "MAXLEN", 2, "MAXAGE", 500)
        for number in range(5):
            last = stage.ask("XADD", "s", "*", "n", number)
        expect("entries left", stage.ask("XLEN", "s"), 2)
        stage.until("the end of the old", lambda: stage.ask("XLEN", "s") == 0)
        if time.time() * 1000 < int(last.split("-")[0]) + 500:
            raise Failed("trimmed before its age")
    return "what is said in words alone"


def pairs(fields):
    return dict(zip(fields[::2], fields[1::2], strict=True))
