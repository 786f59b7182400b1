"""Files that are damaged on purpose: many of them, the same ones for the same seed."""
