"""`make fuzz`: 10,000 damaged files through the decoder of the worker, and what came of them."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import psutil

from pipeline.vision.isolated import children
from pipeline.vision.limits import LARGEST_BYTES, LIMIT_S
from tests.fuzz.damage import damaged
from tests.fuzz.outcome import Outcome, outcome

COUNT = 10_000
THREADS = 2
AT_ONCE = 200
MAX_S = 600.0
# A child's libraries, and what the kernel allows beyond what a picture should take.
MAX_CHILD_BYTES = LARGEST_BYTES + 150_000_000


def main() -> None:
    """Takes the number of files and a seed; says what came of them, and fails if it was wrong."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    started = time.monotonic()
    outcomes: list[Outcome] = []
    peak_bytes = 0
    for some in _run(count, seed):
        outcomes += some
        peak_bytes = max([peak_bytes, *(_peak_bytes(child.pid) for child in children.idle)])
        if time.monotonic() - started > MAX_S:
            sys.exit(f"{len(outcomes)} of {count} files took {MAX_S:.0f} s: that is too long")
    slowest = max(outcomes, key=lambda one: one.took_s)
    counts = Counter(one.said for one in outcomes).most_common()
    sys.stdout.write(
        "".join(f"{times:6}  {said}\n" for said, times in counts)
        + f"slowest: {slowest.took_s * 1000:.0f} ms ({slowest.kind}: {slowest.said})\n"
        + f"largest process: {peak_bytes / 1e6:.0f} MB\n"
        + f"{count} files, seed {seed}, {time.monotonic() - started:.0f} s\n"
    )
    if slowest.took_s > LIMIT_S + 1 or peak_bytes > MAX_CHILD_BYTES:
        sys.exit("that is too slow, or too much memory")


def _run(count: int, seed: int) -> Iterator[list[Outcome]]:
    files = damaged(count, seed=seed)
    with ThreadPoolExecutor(THREADS) as threads:
        while some := list(islice(files, AT_ONCE)):
            yield list(threads.map(lambda one: outcome(*one), some))


def _peak_bytes(pid: int) -> int:
    """The largest it ever was, on Linux; elsewhere what it is now."""
    memory = psutil.Process(pid).memory_info()
    try:
        with open(f"/proc/{pid}/status") as status:  # noqa: PTH123  # no path of ours
            peaks = [line for line in status if line.startswith("VmHWM")]
    except OSError:
        return int(memory.rss)
    return int(peaks[0].split()[1]) * 1024


if __name__ == "__main__":
    main()
