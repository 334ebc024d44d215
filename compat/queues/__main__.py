"""docs/queues.md, run: every block of code in it, and the stories that its workers were written for.

    python compat/queues [NAME …]
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import scenes
import stories
from page import Page

ALL = {
    "worker": scenes.first_worker,
    "payments": stories.payments,
    "nack": scenes.say_when,
    "mail": stories.mail_in_ten_minutes,
    "orders": stories.orders,
    "webhooks": stories.webhooks,
    "full": stories.full_stream,
    "services": stories.four_services,
    "clean": scenes.clean_up,
    "preemptible": stories.preemptible,
    "long": scenes.long_jobs,
    "priorities": scenes.priorities,
    "twice": scenes.no_job_twice,
    "once": scenes.effects_once,
    "reply": scenes.request_and_reply,
    "sentences": scenes.sentences,
    "policies": stories.policies_by_name,
}
# Most of their time the stories wait.
AT_ONCE = 2


def tell(name, page):
    """Whether the story went as it should. One that failed is told once more, and said so: its leases
    are short, and a machine that stands still for a second has them lapse."""
    for left in (1, 0):
        began = time.monotonic()
        try:
            outcome = ALL[name](page)
        except Exception as failure:
            print(f"FAILED  {name}: {type(failure).__name__}: {failure}", flush=True)
            if left:
                print(f"{name} is told anew", flush=True)
            continue
        print(f"passed  {name:<12} {time.monotonic() - began:>5.1f} s  {outcome}", flush=True)
        return True
    return False


def main():
    names = sys.argv[1:] or list(ALL)
    page = Page()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(lambda name: tell(name, page), names))
    good = bool(passed) and all(passed)
    if len(names) == len(ALL):
        for block in page.not_run():
            print(f"FAILED  docs/queues.md: nothing runs the block {block}")
            good = False
    return 0 if good else 1


sys.exit(main())
