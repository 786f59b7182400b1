"""Who goes first where all cores are busy: whoever waits for an answer, not the indexing.

Linux keeps a niceness for each thread, and what a thread starts inherits it: threads that index,
and the decoders they start, yield to all others that want a core, and take all of it else. There
is no way back without privileges (setpriority(2)): such a thread does nothing else.
"""

import os
import sys
import threading
from contextlib import suppress

INDEXING_NICENESS = 5
"""A thread of niceness 0 gets some three times as much of a contended core as one of 5."""

_lowered = threading.local()


def lower_this_thread() -> None:
    """From now on, and for good, this thread indexes: all others go first."""
    _lowered.is_so = True
    if sys.platform == "linux":
        # Elsewhere it would be the whole process.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), INDEXING_NICENESS)


def is_lowered() -> bool:
    """Whether this thread indexes."""
    return bool(getattr(_lowered, "is_so", False))
