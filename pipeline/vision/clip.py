"""CLIP through `imgbeddings`: an engine to compare with, not to rely on.

`imgbeddings` 0.1.0 (MIT) runs a quantized CLIP vision tower (openai/clip-vit-base-patch32) on ONNX
Runtime. It knows pictures, not people: on LFW a TAR of 0.65 to 0.82 at FAR 1e-4 is published for
CLIP, against 0.99 for face networks (arXiv 2507.03541).
"""

import importlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Embeddings, Image, Landmarks, unit
from pipeline.errors import EngineUnavailableError, WeightsUnavailableError
from pipeline.vision.align import crop_faces
from pipeline.vision.onnx_embedder import Colour, CropFormat

_INSTALL = "`make .venv-clip/ready` installs them, for `.venv-clip/bin/findme`"

# OPENAI_CLIP_MEAN and OPENAI_CLIP_STD of transformers, in values from 0 to 255.
_CROPS = CropFormat(
    side_px=224,
    colour=Colour.RGB,
    mean=(0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255),
    std=(0.26862954 * 255, 0.26130258 * 255, 0.27577711 * 255),
)
_GIVEN, _YIELDED = "pixel_values", "embeddings"


class ClipEmbedder:
    """Embeds face crops as `imgbeddings` would; a crop of 224 px needs no padding or resizing."""

    def __init__(self, model: Path | None) -> None:
        """`model`: a local ONNX file; None: what `imgbeddings` fetches from the Hugging Face hub.

        Raises: EngineUnavailableError, WeightsUnavailableError.
        """
        self._session = _from_the_hub() if model is None else _from_file(model)
        self.dimension = _run(self._session, np.zeros((224, 224, 3), np.uint8)).size

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Embeddings (N, D) of the faces at these landmarks."""
        if not faces:
            return np.empty((0, self.dimension), np.float32)
        crops = crop_faces(image, faces, template=_CROPS.landmarks, side_px=_CROPS.side_px)
        # Quantized while it runs: in a batch, each face would change the scale of all others.
        return unit(np.stack([_run(self._session, crop) for crop in crops]))


def _run(session: Any, crop: Image) -> NDArray[np.float32]:
    (raw,) = session.run([_YIELDED], {_GIVEN: _CROPS.as_input(crop[None])})
    return np.asarray(raw, np.float32).reshape(-1)


def _from_the_hub() -> Any:
    package = _module("imgbeddings")
    try:
        with warnings.catch_warnings():
            # It leans on what is deprecated in both; hence the pins.
            warnings.filterwarnings("ignore", "'cached_download'", FutureWarning)
            warnings.filterwarnings("ignore", "`feature_extractor`", FutureWarning)
            return package.imgbeddings().session
    except OSError as error:  # those of requests and huggingface_hub are all OSErrors
        raise WeightsUnavailableError(
            "CLIP's weights can't be had from the Hugging Face hub; try again, or set "
            "FINDME_CLIP_MODEL to a local copy (minimaxir/imgbeddings, patch32_v1.onnx)."
        ) from error


def _from_file(path: Path) -> Any:
    # Everything is here: the hub is asked nothing, not even for a newer version.
    os.environ["HF_HUB_OFFLINE"] = "1"
    utils = _module("imgbeddings.utils")
    errors = _module("onnxruntime.capi.onnxruntime_pybind11_state")
    try:
        session = utils.create_session_for_provider(str(path), None, gpu=False)
        _run(session, np.zeros((224, 224, 3), np.uint8))
    except (
        ValueError,  # other names of inputs or outputs
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NotImplemented,
    ) as error:
        raise EngineUnavailableError(
            f"{path} is no network as imgbeddings has it: {_GIVEN} (N, 3, 224, 224) in, "
            f"{_YIELDED} (N, D) out."
        ) from error
    return session


def _module(name: str) -> Any:
    # Nothing is told to the hub, and transformers does not complain that PyTorch is missing.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EngineUnavailableError(
            f"The engine `clip` needs imgbeddings and what goes with it; {_INSTALL}."
        ) from error
