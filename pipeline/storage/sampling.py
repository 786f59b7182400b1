"""A random sample of a workspace's faces, and from it how many there are."""

# Hashes spread evenly, so the faces with the lowest are a sample of all, read from an index in that
# order; and the last of these tells how dense they lie.
SAMPLE = 2_048

_FIRST_HASH, _HASHES = -(2**31), 2**32


def estimated(sampled: int, last: int | None) -> int:
    """How many faces there are, if the `sampled` ones with the lowest hashes end at `last`.

    Exact below SAMPLE, else off by some 2% (Bar-Yossef et al., Counting distinct elements in a data
    stream, 2002: the root of 1 / SAMPLE).
    """
    if sampled < SAMPLE or last is None:
        return sampled
    return round((sampled - 1) * _HASHES / (last - _FIRST_HASH + 1))
