"""Work in the background: the queue's worker and the scheduler's ticks."""
