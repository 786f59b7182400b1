"""Any face network that takes aligned, square colour crops, on OpenVINO."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from pipeline.domain.arrays import Crops, Embeddings, Image, Landmarks
from pipeline.errors import EngineUnavailableError
from pipeline.vision.align import crop_faces, embedded_with_mirror
from pipeline.vision.openvino_runtime import Network

ARCFACE = (
    *(38.2946 / 112, 51.6963 / 112),
    *(73.5318 / 112, 51.5014 / 112),
    *(56.0252 / 112, 71.7366 / 112),
    *(41.5493 / 112, 92.3655 / 112),
    *(70.7299 / 112, 92.2041 / 112),
)
"""The five points of InsightFace's ArcFace (`arcface_dst`, 112 px), x y as fractions of the crop.

OpenCV's `FaceRecognizerSF` has the same ones.
"""

_BESIDE = ("", ".data", "_data")


class Colour(Enum):
    """The order of a network's colour channels."""

    RGB = "rgb"
    BGR = "bgr"


@dataclass(frozen=True, slots=True, kw_only=True)
class CropFormat:
    """What a network expects to be shown: (value - mean) / std of values from 0 to 255.

    `mean` and `std` have three numbers, in the order of `colour`; `template` holds the five
    landmarks' x y as fractions of the side.
    """

    side_px: int
    colour: Colour
    mean: tuple[float, ...]
    std: tuple[float, ...]
    template: tuple[float, ...] = ARCFACE

    @property
    def landmarks(self) -> Landmarks:
        """Where the five landmarks come to lie, in px of the crop."""
        return self.side_px * np.array(self.template, np.float32).reshape(5, 2)

    def as_input(self, crops: Crops) -> NDArray[np.float32]:
        """Crops as the network takes them, (N, 3, S, S)."""
        ordered = crops[..., ::-1] if self.colour is Colour.RGB else crops
        scaled = (ordered - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


class OnnxEmbedder:
    """Embeds faces; each is averaged with its mirror image. Compared by cosine."""

    def __init__(self, path: Path, crop_format: CropFormat) -> None:
        """Raises: EngineUnavailableError if the network does not take such crops."""
        self._format = crop_format
        _check_input(path, crop_format.side_px)
        self._network, self._max_batch, self.dimension = _open(path, crop_format.side_px)

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Embeddings (N, D) of the faces at these landmarks."""
        if not faces:
            return np.empty((0, self.dimension), np.float32)
        crops = crop_faces(
            image, faces, template=self._format.landmarks, side_px=self._format.side_px
        )
        return embedded_with_mirror(crops, self._run)

    def _run(self, crops: Crops) -> NDArray[np.float32]:
        batch = self._format.as_input(crops)
        size = self._max_batch or len(batch)
        parts = [batch[i : i + size] for i in range(0, len(batch), size)]
        return np.concatenate([_first_output(self._network, part) for part in parts]).reshape(
            len(batch), self.dimension
        )


def fingerprint(path: Path, *facts: object) -> str:
    """Eight hex digits that change with the file (and the weights kept beside it) and the facts.

    ONNX may keep its weights in a second file: `NAME.data` (PyTorch) or `NAME_data`.
    """
    digest = hashlib.sha256(repr(facts).encode())
    for end in _BESIDE:
        part = path.with_name(path.name + end)
        if part.is_file():
            with part.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:8]


def _check_input(path: Path, side_px: int) -> None:
    try:
        inputs = ov.Core().read_model(path).inputs
    except RuntimeError as error:
        raise EngineUnavailableError(f"{path} is no network that OpenVINO can read.") from error
    wanted = ov.PartialShape([-1, 3, side_px, side_px])
    given = ", ".join(f"{one.element_type.get_type_name()} {one.partial_shape}" for one in inputs)
    if (
        len(inputs) != 1
        or inputs[0].element_type != ov.Type.f32
        or not inputs[0].partial_shape.compatible(wanted)
    ):
        raise EngineUnavailableError(
            f"{path} takes {given or 'nothing'}, but has to take f32 [N,3,{side_px},{side_px}]: "
            f"faces, colours, and {side_px} px as FINDME_ONNX_SIZE says."
        )


def _open(path: Path, side_px: int) -> tuple[Network, int | None, int]:
    """The network, how many faces it takes at once (None: any number), its embeddings' length.

    Many a network is exported for one face, its reshapes fixed to that. Only a try tells.
    """
    for faces, batch, max_batch in ((2, -1, None), (1, 1, 1)):
        try:
            network = Network(path, input_shape=(batch, 3, side_px, side_px))
            raw = _first_output(network, np.zeros((faces, 3, side_px, side_px), np.float32))
        except (EngineUnavailableError, RuntimeError):
            continue
        # [N, D], or [N, D, 1, 1] as of a last convolution; a map of the face is no embedding.
        dimension = raw.size // faces
        if raw.shape[:1] == (faces,) and dimension == max(raw.shape[1:], default=0) > 1:
            return network, max_batch, dimension
    raise EngineUnavailableError(
        f"{path} is no face embedder: one row of numbers for each face has to be its first output."
    )


def _first_output(network: Network, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    return next(iter(network(batch).values()))
