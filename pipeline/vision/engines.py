"""Engines: a detector, an embedder and their thresholds, under one id."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.domain.model import EngineId, Face, PhotoFaces
from pipeline.errors import EngineUnavailableError
from pipeline.ports import Detector, Embedder
from pipeline.telemetry import stage
from pipeline.vision.decode import decode
from pipeline.vision.quality import quality
from pipeline.vision.weights import RETAIL_BIN, RETAIL_XML, YUNET, WeightFile, WeightStore

RETAIL = EngineId("retail")
DLIB = EngineId("dlib")
DEFAULT_ENGINE = RETAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Cosine similarities from which a face is *sure* and *maybe* the person.

    Both come from the impostor pairs of LFW (29.6 million pairs of different people among 7,701
    images): *sure* lets one pair in 10,000 through, *maybe* about one in 400.
    """

    sure: float
    maybe: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Implements ports.FaceReader."""

    engine_id: EngineId
    detector: Detector
    embedder: Embedder
    thresholds: Thresholds

    @property
    def sure_distance(self) -> float:
        """Cosine distance up to which a face is the person."""
        return 1.0 - self.thresholds.sure

    @property
    def maybe_distance(self) -> float:
        """Cosine distance up to which a face may be the person."""
        return 1.0 - self.thresholds.maybe

    def read(self, data: bytes) -> PhotoFaces:
        """Decode, detect, align, embed. Raises UnreadablePhotoError with its reason."""
        with stage("decode"):
            image = decode(data)
        with stage("detect"):
            detections = self.detector.detect(image)
        with stage("embed"):
            embeddings = self.embedder.embed(
                image, [detection.landmarks for detection in detections]
            )
        height, width = image.shape[:2]
        return PhotoFaces(
            width_px=width,
            height_px=height,
            faces=[
                Face(detection=detection, quality=quality(image, detection), embedding=embedding)
                for detection, embedding in zip(detections, embeddings, strict=True)
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecipe:
    """How an engine is made, and which weights it downloads."""

    weights: tuple[WeightFile, ...]
    build: Callable[[WeightStore], Engine]


def load_engine(engine_id: EngineId, weights: WeightStore) -> Engine:
    """The engine of that name, its weights fetched and verified.

    Raises: EngineUnavailableError, WeightsUnavailableError.
    """
    return recipe(engine_id).build(weights)


def recipe(engine_id: EngineId) -> EngineRecipe:
    """How to make the engine of that name. Raises EngineUnavailableError if there is none."""
    try:
        return RECIPES[engine_id]
    except KeyError:
        names = ", ".join(sorted(RECIPES))
        raise EngineUnavailableError(
            f"There is no engine {engine_id!r}; set FINDME_ENGINE to one of: {names}."
        ) from None


# The networks' libraries take a while to import; whoever runs `findme --help` needs none of them.


def _retail(weights: WeightStore) -> Engine:
    from pipeline.vision.retail import Retail0095  # noqa: PLC0415
    from pipeline.vision.yunet import YuNet  # noqa: PLC0415

    weights.path_of(RETAIL_BIN)  # OpenVINO finds it beside the .xml
    return Engine(
        engine_id=RETAIL,
        detector=YuNet(weights.path_of(YUNET)),
        embedder=Retail0095(weights.path_of(RETAIL_XML)),
        thresholds=Thresholds(sure=0.45, maybe=0.29),
    )


def _dlib(weights: WeightStore) -> Engine:
    from pipeline.vision.dlib_engine import DlibDetector, DlibEmbedder  # noqa: PLC0415

    del weights  # dlib's come as Python packages
    return Engine(
        engine_id=DLIB,
        detector=DlibDetector(),
        embedder=DlibEmbedder(),
        thresholds=Thresholds(sure=0.95, maybe=0.90),
    )


RECIPES = {
    RETAIL: EngineRecipe(weights=(YUNET, RETAIL_XML, RETAIL_BIN), build=_retail),
    DLIB: EngineRecipe(weights=(), build=_dlib),
}
