"""Pure values and decisions: the standard library and numpy, nothing else."""
