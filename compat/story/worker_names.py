"""Names and sizes that the Python side of the story shares; the other workers spell the same."""

STREAM = "jobs"
GROUP = "thumbnailers"
QUEUE = "queue"
WORKERS = "workers"
REPORTS = "reports"
SIDE_MAX = 128
BATCH = 4
BLOCK_MS = 200
# A job is another's when its worker was silent for so long.
IDLE_MIN_MS = 1500
ALIVE_MS = 1500
