"""face-reidentification-retail-0095 on OpenVINO.

Open Model Zoo, Apache-2.0: a MobileNet-like network on (N, 3, 128, 128) B G R 0-255 crops; 256
values, compared by cosine. Its model card gives the five points that a face is laid onto.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Crops, Embeddings, Image, Landmarks
from pipeline.vision.align import crop_faces, embedded_with_mirror
from pipeline.vision.openvino_runtime import Network

_SIDE_PX = 128
_TEMPLATE: Landmarks = _SIDE_PX * np.array(
    [
        (0.31556875, 0.4615741071),
        (0.6826229167, 0.4615741071),
        (0.5002625, 0.6405053571),
        (0.349471875, 0.8246919643),
        (0.6534364583, 0.8246919643),
    ],
    np.float32,
)


class Retail0095:
    """Embeds faces; each is averaged with its mirror image."""

    dimension = 256

    def __init__(self, path: Path) -> None:
        self._network = Network(path, input_shape=(-1, 3, _SIDE_PX, _SIDE_PX), takes_pixels=True)

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Embeddings (N, 256) of the faces at these landmarks."""
        if not faces:
            return np.empty((0, self.dimension), np.float32)
        crops = crop_faces(image, faces, template=_TEMPLATE, side_px=_SIDE_PX)
        return embedded_with_mirror(crops, self._run)

    def _run(self, crops: Crops) -> NDArray[np.float32]:
        (raw,) = self._network(np.ascontiguousarray(crops)).values()
        return raw.reshape(len(crops), self.dimension)
