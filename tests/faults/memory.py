"""How much memory programs take, in series of one process each."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

EVERY_S = 1.0
WARM_AFTER_S = 20.0
WINDOWS = 5
MOST_GROWTH = 0.10


@dataclass(slots=True, kw_only=True)
class Series:
    """One process since it was at work: (seconds since its first sample, bytes)."""

    name: str
    pid: int
    began: float
    samples: list[tuple[float, int]] = field(default_factory=list)

    def growth(self) -> tuple[float, float, float] | None:
        """MB after its warm-up, MB at its end (medians of a fifth), MB a minute between them.

        None if it did not live for long enough to tell.
        """
        warm = [sample for sample in self.samples if sample[0] >= WARM_AFTER_S]
        size = len(warm) // WINDOWS
        if size < WINDOWS:
            return None
        first, last = warm[:size], warm[-size:]
        start = statistics.median(rss for _, rss in first) / 1e6
        end = statistics.median(rss for _, rss in last) / 1e6
        minutes = (last[len(last) // 2][0] - first[len(first) // 2][0]) / 60
        return start, end, (end - start) / minutes


class Sampler:
    """Samples in a thread of its own until stopped."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        """`pids`: the processes to look at now: those that have done their first work."""
        self.series: list[Series] = []
        self._pids = pids
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            for name, pid in self._pids().items():
                try:
                    rss = psutil.Process(pid).memory_info().rss
                except psutil.Error:
                    continue
                self._of(name, pid).samples.append(
                    (time.monotonic() - self._of(name, pid).began, rss)
                )

    def _of(self, name: str, pid: int) -> Series:
        for series in self.series:
            if series.pid == pid and series.name == name:
                return series
        self.series.append(Series(name=name, pid=pid, began=time.monotonic()))
        return self.series[-1]
