"""The engine that needs no download tells people apart, whatever else is going on."""

import importlib
import importlib.util
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from skimage import data as skimage_data

from pipeline.domain.arrays import Embedding, Embeddings, Image
from pipeline.domain.model import Detection
from pipeline.errors import EngineUnavailableError
from pipeline.ports import Detector, Embedder
from pipeline.vision.decode import decode
from pipeline.vision.dlib_engine import DlibDetector, DlibEmbedder
from tests.shared import shared_folder

pytestmark = pytest.mark.slow

MAYBE_SIMILARITY = 0.92


@pytest.fixture(scope="module")
def detector() -> DlibDetector:
    return DlibDetector()


@pytest.fixture(scope="module")
def embedder() -> DlibEmbedder:
    return DlibEmbedder()


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return np.ascontiguousarray(skimage_data.astronaut()[:, :, ::-1])


def nearest_to_the_centre(image: Image, found: list[Detection]) -> Detection:
    height, width = image.shape[:2]
    return min(
        found,
        key=lambda face: (
            abs(face.box.x_px + face.box.width_px / 2 - width / 2)
            + abs(face.box.y_px + face.box.height_px / 2 - height / 2)
        ),
    )


def test_both_parts_satisfy_the_ports(detector: DlibDetector, embedder: DlibEmbedder) -> None:
    as_detector: Detector = detector
    as_embedder: Embedder = embedder
    assert as_detector.detect(np.zeros((100, 100, 3), np.uint8)) == []
    assert as_embedder.embed(np.zeros((9, 9, 3), np.uint8), []).shape == (0, as_embedder.dimension)


def test_embeddings_are_of_unit_length_and_in_the_order_of_the_faces(
    detector: DlibDetector, embedder: DlibEmbedder, astronaut: Image
) -> None:
    (face,) = detector.detect(astronaut)
    elsewhere = face.landmarks + np.float32(40)
    both = embedder.embed(astronaut, [face.landmarks, elsewhere])
    alone = embedder.embed(astronaut, [elsewhere])
    assert both.shape == (2, 128)
    assert both.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(both[1], alone[0], atol=1e-5)


@pytest.mark.parametrize("scale", [0.6, 1.7])
def test_a_face_keeps_its_embedding_at_another_scale(
    detector: DlibDetector, embedder: DlibEmbedder, astronaut: Image, scale: float
) -> None:
    scaled = np.asarray(
        cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    )
    (one,) = embedder.embed(astronaut, [face.landmarks for face in detector.detect(astronaut)])
    (other,) = embedder.embed(scaled, [face.landmarks for face in detector.detect(scaled)])
    assert one @ other > MAYBE_SIMILARITY + 0.04


def test_the_chip_is_the_one_that_dlib_would_cut(
    detector: DlibDetector, embedder: DlibEmbedder, astronaut: Image
) -> None:
    dlib = importlib.import_module("dlib")
    rgb = np.ascontiguousarray(astronaut[:, :, ::-1])
    (box,) = dlib.get_frontal_face_detector()(rgb, 0)
    chip = dlib.get_face_chip(rgb, detector._points(rgb, box), 150, 0.25)
    theirs = np.array(embedder._net.compute_face_descriptor(chip))
    (ours,) = embedder.embed(astronaut, [face.landmarks for face in detector.detect(astronaut)])
    assert ours @ theirs / np.linalg.norm(theirs) > 0.98


def test_threads_share_one_engine(
    detector: DlibDetector, embedder: DlibEmbedder, astronaut: Image
) -> None:
    def read(_: int) -> Embeddings:
        return embedder.embed(astronaut, [face.landmarks for face in detector.detect(astronaut)])

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(read, range(8)))
    for result in results:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 40), (40, 1), (5, 5), (20, 2000), (2000, 20), (300, 1)]
)
def test_a_picture_of_any_shape_can_be_read(detector: DlibDetector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_without_dlib_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    for kind in (DlibDetector, DlibEmbedder):
        with pytest.raises(EngineUnavailableError, match=r"pip install -e '\.\[dlib\]'"):
            kind()


def test_without_its_models_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineUnavailableError, match=r"pip install -e '\.\[dlib\]'"):
        DlibEmbedder()


@pytest.mark.usefixtures("detector", "embedder")
def test_the_package_of_the_models_is_never_imported() -> None:
    assert "face_recognition_models" not in sys.modules


def test_an_emblem_is_no_face(detector: DlibDetector, astronaut: Image) -> None:
    # HOG takes two emblems on her suit for faces at these scales, as surely as a tilted small face.
    for scale in (0.5, 1.0, 2.5, 4.0):
        scaled = np.asarray(cv2.resize(astronaut, None, fx=scale, fy=scale), np.uint8)
        assert len(detector.detect(scaled)) == 1, scale


def test_portraits_that_hog_misses_are_found(detector: DlibDetector) -> None:
    people = shared_folder() / "data/events/friends/people"
    missed_by_hog = ["joey/Joey00003.png", "ross/Ross00028.jpg", "chandler/Chandler00021.png"]
    for name in missed_by_hog:
        assert len(detector.detect(decode((people / name).read_bytes()))) == 1, name


def test_faces_of_lfw_are_told_apart(detector: DlibDetector, embedder: DlibEmbedder) -> None:
    lfw = shared_folder() / "data/lfw"
    # The first 40 pairs of the first fold show one person twice; the pairs of strangers follow 300.
    lines = (lfw / "pairs.txt").read_text().splitlines()[1:]
    pairs = [line.split("\t") for line in lines[:40] + lines[300:340]]
    with tarfile.open(lfw / "lfw-pairs.tar") as tar:

        def embedded(name: str, number: str) -> Embedding:
            member = tar.extractfile(f"{name}/{name}_{int(number):04d}.jpg")
            assert member is not None
            image = decode(member.read())
            face = nearest_to_the_centre(image, detector.detect(image))
            (embedding,) = embedder.embed(image, [face.landmarks])
            return np.asarray(embedding, np.float32)

        similarities = [
            float(
                embedded(pair[0], pair[1])
                @ embedded(pair[-2] if len(pair) == 4 else pair[0], pair[-1])
            )
            for pair in pairs
        ]
    assert sum(value >= MAYBE_SIMILARITY for value in similarities[:40]) >= 36
    assert sum(value >= MAYBE_SIMILARITY for value in similarities[40:]) == 0
