"""How fast and how large: measured side by side in one run, against the goals. `make bench`."""
