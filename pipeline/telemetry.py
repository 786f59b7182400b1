"""Numbers about the running process: counted here, read by /metrics.

No label holds a name, or the id of a person, channel or workspace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from prometheus_client import Counter, Histogram

STAGES = ("download", "decode", "detect", "embed", "store", "search")

STAGE_SECONDS = Histogram(
    "findme_stage_seconds",
    "Time spent in one stage, for one photo or one person who is looked for.",
    ["stage"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
PHOTOS = Counter(
    "findme_photos_total",
    "Tries to index a photo, by what came of them; one that failed is tried again.",
    ["outcome"],
)
SEARCH_SECONDS = Histogram(
    "findme_search_seconds",
    "Time of a whole search: what Slack is asked, the profile picture, the faces, the ranking.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30),
)
REQUEST_SECONDS = Histogram(
    "findme_request_seconds",
    "Time from the arrival of a command, click, modal or event until its answer was sent.",
    ["kind", "name", "outcome"],
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60),
)
SLACK_REQUESTS = Counter(
    "findme_slack_requests_total",
    "Requests to Slack by method and HTTP status; 'refused' is a 200 that says no, 'unreachable' "
    "one without an answer, 'held back' one that was not sent, as Slack had asked to wait.",
    ["method", "status"],
)
SLACK_SECONDS = Histogram(
    "findme_slack_request_seconds",
    "Time of one request to Slack until its answer was read.",
    ["method"],
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40),
)

Outcome: TypeAlias = Literal["answered", "refused", "failed"]

# At zero from the start: a rate can be told from the first one on.
for _stage in STAGES:
    STAGE_SECONDS.labels(stage=_stage)
for _outcome in ("indexed", "unreadable", "gone", "skipped", "failed"):
    PHOTOS.labels(outcome=_outcome)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage, whether it succeeds or not."""
    with STAGE_SECONDS.labels(stage=name).time():
        yield


def count_slack_request(method: str, status: str, *, seconds: float | None = None) -> None:
    """One request to Slack; `seconds` if it was sent."""
    SLACK_REQUESTS.labels(method=method, status=status).inc()
    if seconds is not None:
        SLACK_SECONDS.labels(method=method).observe(seconds)
