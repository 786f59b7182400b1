"""Whatever the engine, it finds both people of the demo's portraits and tells them apart."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.arrays import Image, Landmarks
from pipeline.domain.model import Detection
from pipeline.settings import Settings, load
from pipeline.vision.engines import Engine, load_engine
from pipeline.vision.weights import SFACE, WeightFile, WeightStore
from tests.networks import write_embedder
from tests.shared import shared_folder

skimage_data = pytest.importorskip("skimage.data", reason="pip install -e '.[demo]'")
cbook = pytest.importorskip("matplotlib.cbook", reason="pip install -e '.[demo]'")

ENGINES = (
    "retail",
    "dlib",
    "sface",
    "onnx",
    pytest.param("clip", marks=pytest.mark.clip),
    "retail+onnx",
)
DIMENSIONS = {
    "retail": 256,
    "dlib": 128,
    "sface": 128,
    "onnx": 128,
    "clip": 768,
    "retail+onnx": 256 + 128,
}
MOBILEFACENET = {
    "findme_onnx_mean": (123.675, 116.28, 103.53),
    "findme_onnx_std": (58.395, 57.12, 57.375),
}


class StandIn(WeightStore):
    """The official weights, save SFace's: a small network of its signature stands in for them."""

    def __init__(self, folder: Path, sface: Path) -> None:
        super().__init__(folder)
        self._sface = sface

    def path_of(self, file: WeightFile) -> Path:
        """Where the file lies."""
        return self._sface if file is SFACE else super().path_of(file)


@dataclass(frozen=True, kw_only=True)
class Portraits:
    """Two pictures of one person and one of another."""

    eileen: Image
    eileen_again: Image
    grace: Image


@pytest.fixture(scope="module")
def portraits() -> Portraits:
    eileen = np.ascontiguousarray(skimage_data.astronaut()[:, :, ::-1])
    grace = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    smaller = cv2.resize(eileen, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    again = np.asarray(cv2.convertScaleAbs(smaller, alpha=0.8, beta=20), np.uint8)
    return Portraits(eileen=eileen, eileen_again=again, grace=np.asarray(grace, np.uint8))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Each engine whose packages are installed."""
    name: str = request.param
    folder = tmp_path_factory.mktemp("networks")
    if name == "dlib":
        pytest.importorskip("dlib", reason="the engine dlib: pip install -e '.[dlib]'")
    models = folder if name == "dlib" else shared_folder() / "models"
    settings = load(
        Settings,
        findme_engine=name,
        findme_onnx_model=models / "mobilefacenet.onnx",
        findme_clip_model=write_embedder(
            folder / "clip.onnx",
            side_px=224,
            dimension=768,
            names=("pixel_values", "embeddings"),
            quantized=True,
        ),
        **MOBILEFACENET,
    )
    return load_engine(settings, StandIn(models, write_embedder(folder / "sface.onnx")))


def landmarks(found: Sequence[Detection]) -> list[Landmarks]:
    return [face.landmarks for face in found]


def test_both_people_are_found_and_told_apart(engine: Engine, portraits: Portraits) -> None:
    eileen, again, grace = (
        engine.embedder.embed(image, landmarks(engine.detector.detect(image)))
        for image in (portraits.eileen, portraits.eileen_again, portraits.grace)
    )
    assert len(eileen) == len(again) == len(grace) == 1
    assert eileen[0] @ again[0] > max(eileen[0] @ grace[0], again[0] @ grace[0]) + 0.05


def test_a_photo_is_read_into_embeddings_of_unit_length(
    engine: Engine, portraits: Portraits
) -> None:
    encoded = cv2.imencode(".png", portraits.eileen)[1].tobytes()
    (face,) = engine.read(encoded).faces
    assert face.embedding.dtype == np.float32
    assert np.linalg.norm(face.embedding) == pytest.approx(1.0, abs=1e-5)


def test_the_dimension_is_what_it_says(
    engine: Engine, portraits: Portraits, request: pytest.FixtureRequest
) -> None:
    expected = DIMENSIONS[request.node.callspec.params["engine"]]
    (face,) = landmarks(engine.detector.detect(portraits.grace))
    assert engine.embedder.dimension == expected
    assert engine.embedder.embed(portraits.grace, [face]).shape == (1, expected)
    assert engine.embedder.embed(portraits.grace, []).shape == (0, expected)


def test_faces_of_one_photo_are_embedded_as_each_would_be_alone(
    engine: Engine, portraits: Portraits
) -> None:
    (face,) = landmarks(engine.detector.detect(portraits.eileen))
    faces = [face, face + np.float32(60), face * np.float32(1.3), face - np.float32(20)]
    together = engine.embedder.embed(portraits.eileen, faces)
    one_by_one = [engine.embedder.embed(portraits.eileen, [face])[0] for face in faces]
    np.testing.assert_allclose(together, one_by_one, atol=2e-5)


def test_four_threads_get_what_one_gets(engine: Engine, portraits: Portraits) -> None:
    images = [portraits.eileen, portraits.grace] * 4
    faces = [landmarks(engine.detector.detect(image)) for image in images[:2]] * 4
    alone = [engine.embedder.embed(*one) for one in zip(images[:2], faces[:2], strict=True)] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine.embedder.embed, images, faces))
    for result, expected in zip(found, alone, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_the_thresholds_are_in_order_and_say_what_they_rest_on(engine: Engine) -> None:
    assert 0.0 < engine.curve.maybe < engine.curve.sure < 1.0
    assert engine.thresholds.basis
