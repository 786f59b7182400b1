"""APScheduler's ticks. A tick only enqueues or reports: whatever takes long is a job."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from pipeline.errors import FindmeError
from pipeline.requests import request

log = structlog.get_logger(__name__)


class Schedule:
    """Calls functions at intervals, in the background, the first time at once."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def every(self, seconds: float, action: Callable[[], object], *, name: str) -> None:
        """Call `action` now and then every `seconds`; late and overlapping calls are dropped."""
        self._scheduler.add_job(
            lambda: _guarded(action, name),
            "interval",
            seconds=seconds,
            id=name,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begin ticking."""
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for the ticks under way, then tick no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def not_within(
    seconds: float, action: Callable[[], object], *, clock_s: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """`action`, unless it was begun, and succeeded, within the last `seconds`."""
    last_s: float | None = None

    def call() -> None:
        nonlocal last_s
        now_s = clock_s()
        if last_s is None or now_s - last_s >= seconds:
            action()
            last_s = now_s

    return call


def _guarded(action: Callable[[], object], name: str) -> None:
    """A tick that fails is logged; the next one tries again."""
    with request():
        try:
            action()
        except FindmeError as error:
            log.warning("tick.failed", tick=name, error=type(error).__name__, reason=str(error))
        except Exception:
            log.exception("tick.failed", tick=name)
