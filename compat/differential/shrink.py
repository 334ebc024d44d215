"""Makes a failing sequence small: delta debugging by running it again on emptied servers."""

import time

RUNS_MAX = 400
# A failure that shows as silence costs seconds a run.
TIME_MAX_S = 45.0


def shrink(steps, fails):
    """The smallest sequence found for which `fails` still holds, by dropping ever smaller parts."""
    runs = 0
    deadline = time.monotonic() + TIME_MAX_S
    parts = 2
    while len(steps) > 1 and runs < RUNS_MAX and time.monotonic() < deadline:
        size = max(1, len(steps) // parts)
        for start in range(0, len(steps), size):
            candidate = steps[:start] + steps[start + size :]
            runs += 1
            if candidate and fails(candidate):
                steps = candidate
                parts = max(parts - 1, 2)
                break
            if runs >= RUNS_MAX or time.monotonic() > deadline:
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(steps))
    return steps
