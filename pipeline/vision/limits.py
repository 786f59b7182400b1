"""How large, how long: what decoding a picture may take, on either side of the process border.

A worker of two threads stays below 600 MB with these (`tests/integration/test_decoding_memory.py`).
"""

MAX_SIDE_PX = 2048
"""A decoded image is at most this long: 12 megapixels at half their scale, decoded as such."""

MAX_PIXELS = 250_000_000
"""Larger pictures are refused by their header, whatever they cost."""

MAX_ASPECT = 40
"""A strip longer than this many times its width is no photo; scaled down, nothing of it is left."""

LIMIT_S = 10.0
"""A picture may take so long."""

SMALL_BYTES = 112_000_000
"""What a picture may take while others are read: 12 megapixels of HEIC or PNG, or of a JPEG at its
full scale."""

LARGEST_BYTES = 340_000_000
"""What a picture may take that is read alone: 50 megapixels of HEIC, some 45 of PNG, 16 of WebP.

JPEGs are scaled while they are decoded and take next to nothing, unless they are progressive.
"""
