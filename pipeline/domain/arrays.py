"""What each array means, said once on its type."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""uint8 (H, W, 3), B G R, upright: the way a person would look at it."""

Landmarks: TypeAlias = NDArray[np.float32]
"""float32 (5, 2), x y in px of the upright image: eyes, nose, mouth corners.

The viewer's left comes first.
"""

Crops: TypeAlias = NDArray[np.uint8]
"""uint8 (N, S, S, 3), B G R: N faces, each turned and scaled onto its embedder's template."""

Embedding: TypeAlias = NDArray[np.float32]
"""float32 (D,), unit length."""

Embeddings: TypeAlias = NDArray[np.float32]
"""float32 (N, D), each row of unit length."""


def unit(rows: NDArray[np.floating[Any]]) -> Embeddings:
    """Scale each row (the last axis) to unit length; a row of zeros stays zeros."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Embeddings = (rows / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    return scaled


def distances(embeddings: Embeddings, query: Embedding) -> NDArray[np.float32]:
    """Cosine distances (N,) of each row from the query.

    In one thread: for a product of this size (`@`) a second one of OpenBLAS' spins for longer than
    it computes, on the core that others need.
    """
    found: NDArray[np.float32] = 1.0 - np.einsum("nd,d->n", embeddings, query)
    return found
