"""Engines: a detector, an embedder and their thresholds, under one id."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.calibration import Curve, Impostors
from pipeline.domain.model import EngineId, PhotoFaces
from pipeline.errors import EngineUnavailableError, SettingsError
from pipeline.ports import Detector, Embedder
from pipeline.settings import EngineSettings
from pipeline.vision.reading import read_faces
from pipeline.vision.weights import RETAIL_BIN, RETAIL_XML, SFACE, YUNET, WeightFile, WeightStore

RETAIL = EngineId("retail")
DLIB = EngineId("dlib")
DEFAULT_ENGINE = RETAIL

JOIN = "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How alike strangers are to an embedder, and the grounds for saying so."""

    curve: Curve
    basis: str


# `together`: photos of LFW that show several faces, of a quality of 0.1 or more.
MEASURED = (
    "measured on the impostor pairs of LFW (29.6 million pairs of different people among 7,701 "
    "images): sure lets one in 15,000 through, maybe one in some 270"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Implements ports.FaceReader."""

    engine_id: EngineId
    detector: Detector
    embedder: Embedder
    thresholds: Thresholds

    @property
    def curve(self) -> Curve:
        """How alike strangers are to it."""
        return self.thresholds.curve

    def read(self, data: bytes) -> PhotoFaces:
        """Decode, detect, align, embed. Raises UnreadablePhotoError with its reason."""
        return read_faces(data, detector=self.detector, embedder=self.embedder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recogniser:
    """An embedder with the thresholds for its embeddings and the id under which they are kept.

    The id changes with whatever changes the embeddings: embeddings of two ids never meet.
    """

    engine_id: EngineId
    embedder: Embedder
    thresholds: Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRecipe:
    """How a detector is made, and of which weights."""

    weights: tuple[WeightFile, ...]
    build: Callable[[WeightStore], Detector]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniserRecipe:
    """How a recogniser is made, and of which weights."""

    weights: tuple[WeightFile, ...]
    build: Callable[[WeightStore, EngineSettings], Recogniser]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecipe:
    """How an engine is made."""

    detector: DetectorRecipe
    recogniser: RecogniserRecipe

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Every file that it downloads."""
        return self.detector.weights + self.recogniser.weights


def load_engine(settings: EngineSettings, weights: WeightStore) -> Engine:
    """The engine that the settings describe, its weights fetched and verified.

    Raises: SettingsError, EngineUnavailableError, WeightsUnavailableError.
    """
    wanted = recipe(settings.findme_engine)
    # A wrong setting is told before the detector is downloaded.
    recogniser = wanted.recogniser.build(weights, settings)
    detector = wanted.detector.build(weights)
    return Engine(
        engine_id=recogniser.engine_id,
        detector=detector,
        embedder=recogniser.embedder,
        thresholds=recogniser.thresholds,
    )


def recipe(name: str) -> EngineRecipe:
    """How to make the engine of that name, or the join of several: `retail+onnx`.

    Raises: EngineUnavailableError if there is none.
    """
    parts = name.split(JOIN)
    unknown = [part for part in parts if part not in RECIPES]
    if unknown or len(set(parts)) < len(parts):
        names = ", ".join(sorted(RECIPES))
        raise EngineUnavailableError(
            f"There is no engine {name!r}; set FINDME_ENGINE to one of: {names}, "
            "or to different ones joined, like retail+onnx."
        )
    if len(parts) == 1:
        return RECIPES[name]
    return _joined([RECIPES[part] for part in parts])


def _joined(recipes: list[EngineRecipe]) -> EngineRecipe:
    """The first one's detector, everybody's recognisers."""
    recognisers = [one.recogniser for one in recipes]

    def build(weights: WeightStore, settings: EngineSettings) -> Recogniser:
        shares = _shares(settings, len(recognisers))
        return _join([one.build(weights, settings) for one in recognisers], shares)

    files = tuple(file for one in recognisers for file in one.weights)
    return EngineRecipe(
        detector=recipes[0].detector, recogniser=RecogniserRecipe(weights=files, build=build)
    )


def _shares(settings: EngineSettings, count: int) -> list[float]:
    given = settings.findme_join_weights or (1.0,) * count
    if len(given) != count:
        raise SettingsError(
            f"FINDME_JOIN_WEIGHTS is wrong: {settings.findme_engine} needs {count} numbers."
        )
    return [one / sum(given) for one in given]


def _join(parts: list[Recogniser], shares: list[float]) -> Recogniser:
    """Thresholds: the weighted means of the parts' lie above what LFW asks for.

    Strangers that look alike to one network seldom do to the other. For retail with MobileFaceNet
    at their own thresholds for one impostor in 10,000 (0.434, 0.403) and in 400 (0.308, 0.304) the
    means are 0.419 and 0.306; measured for both joined: 0.395 and 0.287.
    """
    from pipeline.vision.joined import JoinedEmbedder  # noqa: PLC0415

    equal = len(set(shares)) == 1
    return Recogniser(
        engine_id=EngineId(
            JOIN.join(
                part.engine_id if equal else f"{part.engine_id}@{share:.3f}"
                for part, share in zip(parts, shares, strict=True)
            )
        ),
        embedder=JoinedEmbedder([part.embedder for part in parts], shares),
        thresholds=Thresholds(
            curve=Curve(
                sure=sum(p.thresholds.curve.sure * s for p, s in zip(parts, shares, strict=True)),
                maybe=sum(p.thresholds.curve.maybe * s for p, s in zip(parts, shares, strict=True)),
            ),
            basis="weighted means: " + "; ".join(part.thresholds.basis for part in parts),
        ),
    )


# The networks' libraries take a while to import; whoever runs `findme --help` needs none of them.


def _yunet(weights: WeightStore) -> Detector:
    from pipeline.vision.yunet import YuNet  # noqa: PLC0415

    return YuNet(weights.path_of(YUNET))


def _dlib_detector(weights: WeightStore) -> Detector:
    from pipeline.vision.dlib_engine import DlibDetector  # noqa: PLC0415

    del weights  # dlib's come as Python packages
    return DlibDetector()


def _retail(weights: WeightStore, _: EngineSettings) -> Recogniser:
    from pipeline.vision.retail import Retail0095  # noqa: PLC0415

    weights.path_of(RETAIL_BIN)  # OpenVINO finds it beside the .xml
    return Recogniser(
        engine_id=RETAIL,
        embedder=Retail0095(weights.path_of(RETAIL_XML)),
        thresholds=Thresholds(
            curve=Curve(
                sure=0.45,
                maybe=0.29,
                together=Impostors(centre=0.037, spread=0.103, pairs=1079),
                alike_share=0.056,
            ),
            basis=MEASURED,
        ),
    )


def _dlib(weights: WeightStore, _: EngineSettings) -> Recogniser:
    from pipeline.vision.dlib_engine import DlibEmbedder  # noqa: PLC0415

    del weights  # dlib's come as Python packages
    return Recogniser(
        engine_id=DLIB,
        embedder=DlibEmbedder(),
        thresholds=Thresholds(
            curve=Curve(
                sure=0.945,
                maybe=0.92,
                together=Impostors(centre=0.862, spread=0.038, pairs=434),
                alike_share=0.020,
            ),
            basis=MEASURED,
        ),
    )


def _sface(weights: WeightStore, _: EngineSettings) -> Recogniser:
    from pipeline.vision.onnx_embedder import OnnxEmbedder  # noqa: PLC0415
    from pipeline.vision.sface import SFACE_CROPS  # noqa: PLC0415

    return Recogniser(
        engine_id=EngineId("sface"),
        embedder=OnnxEmbedder(weights.path_of(SFACE), SFACE_CROPS),
        # The similarity of best accuracy on LFW lets one in 200 to 300 through for retail and
        # MobileFaceNet, too; theirs for one in 10,000 lies 0.13 to 0.14 above it.
        thresholds=Thresholds(
            curve=Curve(sure=0.50, maybe=0.363),
            basis="maybe: published, best accuracy on LFW (OpenCV's tutorial dnn_face); "
            "sure: assumed, as far above it as for networks measured here",
        ),
    )


def _onnx(_: WeightStore, settings: EngineSettings) -> Recogniser:
    from pipeline.vision.onnx_embedder import (  # noqa: PLC0415
        ARCFACE,
        Colour,
        CropFormat,
        OnnxEmbedder,
        fingerprint,
    )

    path = _own_file("FINDME_ONNX_MODEL", settings.findme_onnx_model)
    facts = (
        settings.findme_onnx_size,
        settings.findme_onnx_colour,
        settings.findme_onnx_mean,
        settings.findme_onnx_std,
        settings.findme_onnx_template,
    )
    side_px, colour, mean, std, template = facts
    crop_format = CropFormat(
        side_px=side_px,
        colour=Colour(colour),
        mean=mean,
        std=std,
        template=ARCFACE if template == "arcface" else template,
    )
    return Recogniser(
        engine_id=EngineId(f"onnx-{fingerprint(path, *facts)}"),
        embedder=OnnxEmbedder(path, crop_format),
        thresholds=Thresholds(
            curve=Curve(sure=settings.findme_onnx_sure, maybe=settings.findme_onnx_maybe),
            basis="FINDME_ONNX_SURE and FINDME_ONNX_MAYBE",
        ),
    )


def _clip(_: WeightStore, settings: EngineSettings) -> Recogniser:
    from pipeline.vision.clip import ClipEmbedder  # noqa: PLC0415
    from pipeline.vision.onnx_embedder import fingerprint  # noqa: PLC0415

    path = None
    which = "patch32-v1"  # what imgbeddings 0.1.0 fetches
    if settings.findme_clip_model is not None:
        path = _own_file("FINDME_CLIP_MODEL", settings.findme_clip_model)
        which = fingerprint(path)
    return Recogniser(
        engine_id=EngineId(f"clip-{which}"),
        embedder=ClipEmbedder(path),
        thresholds=Thresholds(
            curve=Curve(sure=0.95, maybe=0.90), basis="assumed: CLIP is not calibrated"
        ),
    )


def _own_file(setting: str, path: Path | None) -> Path:
    if path is None:
        raise SettingsError(f"{setting} is missing: write the path of the network's ONNX file.")
    path = path.expanduser()
    if not path.is_file():
        raise EngineUnavailableError(f"{setting} is wrong: there is no file {path}.")
    return path


_WITH_YUNET = DetectorRecipe(weights=(YUNET,), build=_yunet)

RECIPES = {
    "retail": EngineRecipe(
        detector=_WITH_YUNET,
        recogniser=RecogniserRecipe(weights=(RETAIL_XML, RETAIL_BIN), build=_retail),
    ),
    "dlib": EngineRecipe(
        detector=DetectorRecipe(weights=(), build=_dlib_detector),
        recogniser=RecogniserRecipe(weights=(), build=_dlib),
    ),
    "sface": EngineRecipe(
        detector=_WITH_YUNET, recogniser=RecogniserRecipe(weights=(SFACE,), build=_sface)
    ),
    "onnx": EngineRecipe(
        detector=_WITH_YUNET, recogniser=RecogniserRecipe(weights=(), build=_onnx)
    ),
    "clip": EngineRecipe(
        detector=_WITH_YUNET, recogniser=RecogniserRecipe(weights=(), build=_clip)
    ),
}
