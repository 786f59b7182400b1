"""Numbers about the running process: counted here, read by /metrics and by the demo."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

STAGES = ("download", "decode", "detect", "embed", "store", "search")

STAGE_SECONDS = Histogram(
    "findme_stage_seconds",
    "Time spent in one stage, for one photo or one search.",
    ["stage"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
PHOTOS = Counter("findme_photos_total", "Photos that went through indexing.", ["outcome"])


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage, whether it succeeds or not."""
    with STAGE_SECONDS.labels(stage=name).time():
        yield
