"""The engine `dlib`: a detector and an embedder that need no download.

dlib (King, "Dlib-ml", JMLR 2009; Boost licence) runs three files that the package
`face_recognition_models` brings (CC0): its ResNet, the 68-point shape predictor and the CNN
detector; the HOG detector is part of dlib itself. The extra `dlib` installs both.

The shape predictor was trained on iBUG 300-W, which is free for research only: ask Imperial College
London before using this engine commercially (as the README of davisking/dlib-models says).

Measured on LFW (7,701 images, official 6,000 pairs), one thread of a 2-core machine.
"""

import importlib
import importlib.util
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Embeddings, Image, Landmarks, unit
from pipeline.domain.model import Box, Detection
from pipeline.errors import EngineUnavailableError
from pipeline.vision.align import crop_faces

_INSTALL = "install both with `.venv/bin/pip install -e '.[dlib]'`"

_ENLARGED = 1.75
_MAX_SIDE_PX = 4480
_MIN_CONFIDENCE = -0.3
_SURE_CONFIDENCE = 0.4

_DOUBTFUL_SIDE_PX = 160
_CLOSE_UP_PIXELS = 40_000
_MIN_CNN_SIDE_PX = 40

_SIDE_PX = 150
# The mean place of our five points in dlib's own chips (`get_face_chip`, 150 px, padding 0.25) of
# 396 LFW faces. The chip's map was read off by cutting the same chip out of a picture of ramps.
_TEMPLATE: Landmarks = _SIDE_PX * np.array(
    [
        (0.3187, 0.3126),
        (0.6688, 0.3126),
        (0.4960, 0.5036),
        (0.3341, 0.6967),
        (0.6528, 0.6978),
    ],
    np.float32,
)


class DlibDetector:
    """Finds upright faces with HOG; where HOG is in doubt or blind, the CNN decides.

    HOG sees faces of 80 px, so the photo is enlarged 1.75 times (to 4480 px at most), which costs
    54 ns per enlarged pixel: 294 ms for 1600 x 1067 px, 835 ms for 2560 x 1920. The CNN sees faces
    more surely, but takes 4,000 ns per pixel (3 s for 1000 x 750), so it is only shown
    - a small copy of a photo in which HOG found nothing (130 ms): there it found all 13 faces that
      HOG had missed in 299 portraits;
    - the surroundings of what HOG is unsure of (75 ms each): of 135 such faces it confirmed
      all, of 13 such things that are none (emblems, coins) none.

    Of 101 LFW faces scaled to 48 px from hair-line to chin HOG finds all upright and 97% at tilts
    of 10 to 20 degrees (40 px: 94% and 79%); of 71 faces in event photos, all save one turned far
    aside.
    """

    def __init__(self) -> None:
        """Raises: EngineUnavailableError if dlib or its models are not installed."""
        self._dlib = _dlib()
        # HOG lets other Python threads run and must not be shared; the two others do neither.
        self._local = threading.local()
        self._cnn_lock = threading.Lock()
        self._cnn = _load(self._dlib.cnn_face_detection_model_v1, "mmod_human_face_detector.dat")
        self._points = _load(self._dlib.shape_predictor, "shape_predictor_68_face_landmarks.dat")

    def detect(
        self, image: Image, *, closer: Callable[[], Image | None] = lambda: None
    ) -> list[Detection]:
        """Faces, strongest first; dlib finds none that a closer look would be needed for.

        The score is the logistic function of twice dlib's confidence: 0.5 at dlib's own threshold,
        0.69 where HOG alone is believed, 0.88 at confidence 1, which is usual for the CNN. The box
        spans the 68 points, brought to YuNet's proportions (mean overlap on LFW: 0.89).
        """
        del closer
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        found = self._with_hog(rgb) or self._close_ups(rgb)
        return sorted(found, key=lambda detection: -detection.score)

    def _with_hog(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        scale = min(_ENLARGED, _MAX_SIDE_PX / max(rgb.shape[:2]))
        enlarged = _resized(rgb, scale)
        hog = getattr(self._local, "hog", None)
        if hog is None:
            hog = self._local.hog = self._dlib.get_frontal_face_detector()
        found = []
        for box, confidence in zip(*hog.run(enlarged, 0, _MIN_CONFIDENCE)[:2], strict=True):
            if confidence < _SURE_CONFIDENCE:
                seen = [face.confidence for face in self._seen_by_cnn(_surroundings(enlarged, box))]
                if seen:
                    found.append(self._detection(enlarged, box, max(confidence, *seen), scale))
            else:
                found.append(self._detection(enlarged, box, confidence, scale))
        return found

    def _close_ups(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        scale = min(1.0, math.sqrt(_CLOSE_UP_PIXELS / (rgb.shape[0] * rgb.shape[1])))
        reduced = _resized(rgb, scale)
        return [
            self._detection(reduced, face.rect, face.confidence, scale)
            for face in self._seen_by_cnn(reduced)
        ]

    def _seen_by_cnn(self, rgb: NDArray[np.uint8]) -> list[Any]:
        # Its filters don't fit into a picture of 5 px, and no face is to be seen in 40.
        if min(rgb.shape[:2]) < _MIN_CNN_SIDE_PX:
            return []
        with self._cnn_lock:
            return list(self._cnn(rgb, 0))

    def _detection(
        self, rgb: NDArray[np.uint8], box: Any, confidence: float, scale: float
    ) -> Detection:
        parts = self._points(rgb, box).parts()
        points = np.array([(part.x, part.y) for part in parts], np.float64) / scale
        return Detection(
            box=_box(points),
            landmarks=_five(points),
            score=1.0 / (1.0 + math.exp(-2.0 * confidence)),
        )


class DlibEmbedder:
    """dlib's face recognition ResNet: 150 px R G B chips, 128 values, compared by cosine.

    Its values are not centred, so that two strangers are alike by 0.84 already. On LFW: accuracy
    0.989; similarity 0.920 at a false accept rate of 2.5e-3 (true accept rate 0.953), 0.941 at 1e-4
    (0.757). Taking the mean off first, or Euclidean distance, does worse: true accepts at 1e-3 fall
    from 0.92 to 0.82 and 0.90. The mirrored face would add 0.1% of accuracy and 3 to 4% of true
    accepts at 1e-4 for twice the time; it is left out. Our five points lay a face much as dlib's
    own 68 do (cosine of both embeddings 0.997 on average).
    """

    dimension = 128

    def __init__(self) -> None:
        """Raises: EngineUnavailableError if dlib or its models are not installed."""
        self._lock = threading.Lock()
        self._net = _load(
            _dlib().face_recognition_model_v1, "dlib_face_recognition_resnet_model_v1.dat"
        )

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Embeddings (N, 128) of the faces at these landmarks; 55 ms each."""
        if not faces:
            return np.empty((0, self.dimension), np.float32)
        crops = crop_faces(image, faces, template=_TEMPLATE, side_px=_SIDE_PX)
        return unit(np.stack([self._describe(crop) for crop in crops]))

    def _describe(self, crop: Image) -> NDArray[np.float64]:
        # dlib holds Python's lock while its network runs, and a batch is no faster per face (54.5
        # ms of eight, 55 of one): face by face, the bot's other threads still get their turn.
        with self._lock:
            return np.array(
                self._net.compute_face_descriptor(np.ascontiguousarray(crop[:, :, ::-1]))
            )


def _dlib() -> Any:
    try:
        return importlib.import_module("dlib")
    except ImportError as error:
        raise EngineUnavailableError(
            f"The engine `dlib` needs dlib and its models; {_INSTALL}."
        ) from error


def _load(kind: Any, name: str) -> Any:
    """A dlib object from one of the files in `face_recognition_models`.

    The package is looked up, not imported: its `__init__` needs `pkg_resources`, which is gone from
    setuptools.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise EngineUnavailableError(f"The engine `dlib` needs dlib and its models; {_INSTALL}.")
    path = Path(folders[0]) / "models" / name
    try:
        return kind(str(path))
    except RuntimeError as error:
        raise EngineUnavailableError(f"dlib can't load {path}; {_INSTALL} anew.") from error


def _resized(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return rgb
    height, width = rgb.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_LINEAR if scale > 1.0 else cv2.INTER_AREA
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def _surroundings(rgb: NDArray[np.uint8], box: Any) -> NDArray[np.uint8]:
    """Twice the box, as far as it lies in the picture, brought to 160 px: a face there has 80."""
    centre, reach = box.center(), box.width()
    part = rgb[
        max(0, centre.y - reach) : max(0, centre.y + reach),
        max(0, centre.x - reach) : max(0, centre.x + reach),
    ]
    return _resized(part, _DOUBTFUL_SIDE_PX / (2 * reach))


def _five(points: NDArray[np.float64]) -> Landmarks:
    """Our five landmarks from the 68 of iBUG 300-W, which count from the viewer's left too."""
    eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    return np.array([*eyes, points[30], points[48], points[54]], np.float32)


def _box(points: NDArray[np.float64]) -> Box:
    """From hair-line to chin: the 68 points end at the eyebrows, so a third is added above.

    The factors are medians over 159 LFW faces against YuNet's boxes.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    return Box(
        x_px=float((low[0] + high[0]) / 2 - 0.484 * width),
        y_px=float(low[1] - 0.325 * height),
        width_px=float(0.968 * width),
        height_px=float(1.298 * height),
    )
