"""Two embedders (or more) as one: the similarity is the weighted mean of theirs.

Measured on LFW, `retail` with MobileFaceNet (foamliu), true accept rate per identity at false
accept rates of 1e-3, 1e-4 and 1e-5:

    retail alone         0.9864  0.9686  0.9233    accuracy 0.9952
    MobileFaceNet alone  0.9805  0.9577  0.9222             0.9928
    joined, 1:1          0.9896  0.9771  0.9461             0.9945
    joined, 3:2          0.9899  0.9767  0.9472             0.9943
    joined, 3:1          0.9893  0.9757  0.9441             0.9957
"""

from collections.abc import Sequence

import numpy as np

from pipeline.domain.arrays import Embeddings, Image, Landmarks, unit
from pipeline.ports import Embedder


class JoinedEmbedder:
    """Concatenates embeddings, each scaled by the root of its share, to unit length."""

    def __init__(self, parts: Sequence[Embedder], shares: Sequence[float]) -> None:
        """`shares`: how much each part counts; they add up to 1."""
        self._parts = [
            (part, np.float32(share**0.5)) for part, share in zip(parts, shares, strict=True)
        ]
        self.dimension = sum(part.dimension for part in parts)

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Embeddings (N, D) of the faces at these landmarks, D being the sum of the parts'."""
        return unit(np.hstack([part.embed(image, faces) * root for part, root in self._parts]))
