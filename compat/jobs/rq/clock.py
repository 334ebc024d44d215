"""What `rq cron` enqueues."""

from rq import cron
from tasks import tick

cron.register(tick, queue_name="cron", args=("cron",), interval=1)
