"""What a part of the benchmark measured: tables to read, goals to hold it against, a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Figure = float | int | str | None
Rows = Sequence[Mapping[str, Figure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured; `is_short` is for a look whether it all works, not for figures."""

    is_short: bool = False
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows with the same columns; a column's name holds its unit."""

    title: str
    rows: Rows
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A figure and the bar that it has to stay above, or below."""

    what: str
    reached: float
    sense: Literal["≥", "≤"]
    bar: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the figure is good enough."""
        return self.reached >= self.bar if self.sense == "≥" else self.reached <= self.bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that one part tells; `plot` draws it into a file (PNG)."""

    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    plot: Callable[[Path], None] | None = field(default=None)


Part = Callable[[Options], Result]
"""What each module of this package calls `measure`."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all lie at or below: the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
