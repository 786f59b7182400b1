"""Faults that take minutes: `make faults`, and `make soak` with its audit. They print figures."""
