"""How much is left to read, how fast that goes, and when it will be over."""

from dataclasses import dataclass

# From two photos on; and one batch that was committed a second ago says nothing yet.
LEAST_DONE = 2
LEAST_SPAN_S = 5.0

JOB_STATES = ("waiting", "retrying", "running", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many photos were dealt with in the last `span_s` seconds."""

    done: int
    span_s: float

    @property
    def per_min(self) -> float | None:
        """Photos a minute; None where too little was seen to tell."""
        if self.done < LEAST_DONE or self.span_s < LEAST_SPAN_S:
            return None
        return 60.0 * self.done / self.span_s

    def left_s(self, pending: int) -> float | None:
        """Seconds until `pending` photos are read at this pace; None where nobody can tell."""
        if pending == 0:
            return 0.0
        per_min = self.per_min
        return None if per_min is None else 60.0 * pending / per_min


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCount:
    """Jobs of one task: `waiting`, `retrying` (they wait for their next try), `running`, `failed`.

    Failed ones were given up; what they were for is enqueued anew.
    """

    task: str
    state: str
    jobs: int
