"""Every detector finds faces, and YuNet on OpenVINO finds what OpenCV finds with it."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage
from skimage import data as skimage_data

from pipeline.domain.arrays import Image
from pipeline.domain.model import Box, Detection
from pipeline.ports import Detector
from pipeline.vision.decode import decode
from pipeline.vision.dlib_engine import DlibDetector
from pipeline.vision.picture import Picture
from pipeline.vision.yunet import YuNet
from tests.shared import shared_folder

# The pupils, nose tip and mouth corners of `skimage.data.astronaut()`, read off by eye, in px.
ASTRONAUT = np.array([(205, 101), (247, 103), (225, 125), (204, 139), (245, 140)], np.float32)


def yunet_path() -> Path:
    return shared_folder() / "models/face_detection_yunet_2023mar.onnx"


@pytest.fixture(scope="module", params=["yunet", "dlib"])
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "yunet":
        return YuNet(yunet_path())
    pytest.importorskip("dlib", reason="the engine dlib: pip install -e '.[dlib]'")
    return DlibDetector()


def bgr(rgb: NDArray[np.uint8]) -> Image:
    return np.ascontiguousarray(rgb[:, :, ::-1])


@pytest.mark.parametrize("degrees", [-15, 0, 15])
@pytest.mark.parametrize("scale", [0.45, 1.0, 2.5])
def test_a_face_is_found_with_its_landmarks(
    detector: Detector, scale: float, degrees: float
) -> None:
    image = bgr(skimage_data.astronaut())
    scaled = np.asarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    )
    side = scaled.shape[0]
    matrix = np.asarray(cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1.0))
    turned = np.asarray(cv2.warpAffine(scaled, matrix, (side, side)), np.uint8)
    # An emblem on her suit passes for a face at some angles, with both detectors.
    face, *emblems = detector.detect(turned)
    assert all(emblem.score < face.score - 0.05 for emblem in emblems)
    expected = scale * ASTRONAUT @ matrix[:, :2].T + matrix[:, 2]
    # Within a third of the eyes' distance (42 px): YuNet's landmarks follow less than half a tilt.
    assert np.abs(face.landmarks - expected).max() < 14 * scale
    assert 0.4 < face.score <= 1.0
    left, top = face.landmarks.min(axis=0)
    right, bottom = face.landmarks.max(axis=0)
    around = Box(x_px=left, y_px=top, width_px=right - left, height_px=bottom - top)
    assert face.box.x_px < left < right < face.box.x_px + face.box.width_px
    assert face.box.y_px < top < bottom < face.box.y_px + face.box.height_px
    assert 0.1 < face.box.overlap(around) < 0.6


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_where_nobody_is_nobody_is_found(detector: Detector, name: str) -> None:
    assert detector.detect(bgr(getattr(skimage_data, name)())) == []


def test_faces_come_strongest_first(detector: Detector) -> None:
    image = bgr(skimage_data.astronaut())
    dim = (image[:, ::-1] * 0.4).astype(np.uint8)
    small = np.asarray(cv2.resize(dim, None, fx=0.5, fy=0.5), np.uint8)
    both = np.zeros((512, 768, 3), np.uint8)
    both[:, :512] = image
    both[:256, 512:] = small
    scores = [face.score for face in detector.detect(both)]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7), (33, 65)])
def test_an_empty_picture_of_any_shape_holds_nobody(
    detector: Detector, shape: tuple[int, int]
) -> None:
    assert detector.detect(np.full((*shape, 3), 90, np.uint8)) == []


@pytest.mark.slow
def test_yunet_finds_exactly_what_opencv_finds_with_the_same_network() -> None:
    """In both directions, every face scored 0.7 or more: 366 comparisons, all the same box."""
    overlaps = list(compared_with_opencv())
    assert len(overlaps) > 300
    assert min(overlaps) > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("face_height_px", [48, 24])
def test_people_at_the_back_of_a_12_megapixel_group_photo_are_found(face_height_px: float) -> None:
    photo, centres = group_photo(face_height_px)
    picture = Picture(photo)
    found = YuNet(yunet_path()).detect(picture.image, closer=picture.closer)
    assert found_share(found, centres, picture.image, face_height_px) >= 0.95


def test_a_photo_without_small_faces_is_not_read_a_second_time() -> None:
    image = cv2.resize(bgr(skimage_data.coffee()), (2000, 1500), interpolation=cv2.INTER_CUBIC)
    asked = []
    YuNet(yunet_path()).detect(np.asarray(image, np.uint8), closer=lambda: asked.append(1))
    assert asked == []


def real_photos() -> Iterator[tuple[str, Image]]:
    """The event photos, and 100 of LFW."""
    shared = shared_folder()
    for path in sorted((shared / "data/events").glob("*/photos/*")):
        yield path.name, decode(path.read_bytes())
    yield from lfw_faces(every=77)


def lfw_faces(*, every: int) -> Iterator[tuple[str, Image]]:
    with tarfile.open(shared_folder() / "data/lfw/lfw-pairs.tar") as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        for member in members[::every]:
            data = tar.extractfile(member)
            assert data is not None
            yield member.name, decode(data.read())


def by_opencv(image: Image) -> Sequence[Detection]:
    height, width = image.shape[:2]
    reference = cv2.FaceDetectorYN.create(str(yunet_path()), "", (width, height), 0.6, 0.3, 5000)
    _, rows = reference.detect(image)
    return [
        Detection(
            box=Box(
                x_px=float(row[0]),
                y_px=float(row[1]),
                width_px=float(row[2]),
                height_px=float(row[3]),
            ),
            landmarks=np.asarray(row[4:14], np.float32).reshape(5, 2),
            score=float(row[14]),
        )
        for row in ([] if rows is None else rows)
    ]


def compared_with_opencv() -> Iterator[float]:
    """The overlap of each face that either scores 0.7 or more with its twin."""
    # An image is never scaled up, so each is read at its own size alone, as OpenCV does.
    detector = YuNet(yunet_path(), long_sides_px=(4096,))
    for name, image in real_photos():
        ours, theirs = detector.detect(image), by_opencv(image)
        for one, other in ((theirs, ours), (ours, theirs)):
            for face in (face for face in one if face.score >= 0.7):
                assert other, name
                twin = max(other, key=lambda candidate: candidate.box.overlap(face.box))
                yield twin.box.overlap(face.box)


def group_photo(face_height_px: float) -> tuple[bytes, NDArray[np.float64]]:
    """A 4000 x 3000 px JPEG with 198 LFW faces of this height, and the faces' centres (N, 2)."""
    random = np.random.default_rng(1)
    detector = YuNet(yunet_path())
    photo = np.asarray(
        cv2.resize(bgr(skimage_data.coffee()), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    ).astype(np.float32)
    photo += random.normal(0, 6, photo.shape)
    centres = []
    for i, (_, portrait) in enumerate(lfw_faces(every=39)):
        middle = np.array(portrait.shape[1::-1]) / 2
        face = min(
            detector.detect(portrait),
            key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - middle)),
        )
        scale = face_height_px / face.box.height_px
        tile = np.asarray(
            cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ).astype(np.float32)
        left, top = 100 + i % 20 * 190, 100 + i // 20 * 270
        paste_softly(photo, tile, left, top)
        centres.append(face.landmarks.mean(axis=0) * scale + (left, top))
    data = io.BytesIO()
    rgb = photo.clip(0, 255).astype(np.uint8)[:, :, ::-1]
    PilImage.fromarray(np.ascontiguousarray(rgb)).save(data, "JPEG", quality=90)
    return data.getvalue(), np.array(centres)


def found_share(
    found: Sequence[Detection],
    centres: NDArray[np.float64],
    image: Image,
    face_height_px: float,
) -> float:
    """How many of the faces of a group photo have a detection on them, 0 to 1."""
    points = np.array([face.landmarks.mean(axis=0) for face in found]).reshape(-1, 2)
    points *= 4000 / image.shape[1]
    apart = np.linalg.norm(points[:, None] - centres[None], axis=2)
    return float((apart.min(axis=0, initial=np.inf) < 0.4 * face_height_px).mean())


def paste_softly(
    photo: NDArray[np.float32], tile: NDArray[np.float32], left: int, top: int
) -> None:
    """With soft edges: a hard frame would be a cue that no real photo gives."""
    height, width = tile.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    inwards = np.minimum.reduce([rows, columns, height - 1 - rows, width - 1 - columns])
    weight = np.clip(inwards / (0.12 * height), 0, 1)[:, :, None]
    part = photo[top : top + height, left : left + width]
    part[:] = part * (1 - weight) + tile * weight
