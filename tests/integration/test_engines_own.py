"""The user's own networks, SFace's recipe, CLIP and joins: what they are fed, what they say."""

import hashlib
import importlib
import json
import math
import os
import socket
import sys
import tarfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.domain.arrays import Embedding, Image, Landmarks, unit
from pipeline.domain.model import Detection
from pipeline.errors import EngineUnavailableError, FindmeError, SettingsError
from pipeline.settings import Settings, load
from pipeline.vision.clip import _CROPS as CLIP_CROPS
from pipeline.vision.clip import ClipEmbedder, _run
from pipeline.vision.decode import decode
from pipeline.vision.engines import load_engine
from pipeline.vision.joined import JoinedEmbedder
from pipeline.vision.onnx_embedder import Colour, CropFormat, OnnxEmbedder, fingerprint
from pipeline.vision.sface import SFACE_CROPS
from pipeline.vision.weights import WeightStore
from pipeline.vision.yunet import YuNet
from tests.networks import write_embedder
from tests.shared import shared_folder

ARCFACE_CROPS = CropFormat(
    side_px=112, colour=Colour.RGB, mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5)
)
MOBILEFACENET = CropFormat(
    side_px=112,
    colour=Colour.RGB,
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
)
POINTS: Landmarks = np.array([(80, 90), (150, 82), (120, 130), (92, 170), (150, 162)], np.float32)


@pytest.fixture
def image() -> Image:
    """Noise that is smooth enough to be sampled: neighbours are alike, colours are not."""
    coarse = np.random.default_rng(3).integers(0, 256, (24, 26, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (260, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


def load_onnx(path: Path, **settings: Any) -> Any:
    """The engine `onnx` as far as it needs no detector: that one is not there."""
    made = load(Settings, findme_engine="onnx", findme_onnx_model=path, **settings)
    return load_engine(made, WeightStore(path.parent / "nothing"))


def complaint(path: Path, **settings: Any) -> str:
    with pytest.raises(FindmeError) as caught:
        load_onnx(path, **settings)
    return str(caught.value)


# --- sface ---------------------------------------------------------------------------------------


def test_sface_is_fed_as_opencv_feeds_it(tmp_path: Path, image: Image) -> None:
    path = write_embedder(tmp_path / "sface.onnx", batch=1)
    theirs = cv2.FaceRecognizerSF.create(str(path), "")
    row = np.concatenate([[0, 0, 200, 200], POINTS.reshape(-1), [0.9]]).astype(np.float32)
    crop = theirs.alignCrop(image, row[None])
    both = np.vstack(
        [theirs.feature(np.ascontiguousarray(one)) for one in (crop, crop[:, ::-1])]
    ).astype(np.float32)
    (ours,) = OnnxEmbedder(path, SFACE_CROPS).embed(image, [POINTS])
    assert ours @ unit(unit(both).sum(axis=0)) > 0.9999


# --- onnx ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", list(Colour))
def test_a_network_sees_its_colours_in_its_order_and_range(colour: Colour) -> None:
    blue, green, red = 10, 100, 200
    crop = np.full((1, 112, 112, 3), (blue, green, red), np.uint8)
    made = CropFormat(side_px=112, colour=colour, mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 5.0))
    first, last = (red, blue) if colour is Colour.RGB else (blue, red)
    shown = made.as_input(crop)
    assert shown.shape == (1, 3, 112, 112)
    assert shown.dtype == np.float32
    np.testing.assert_allclose(
        shown[0, :, 5, 5], [(first - 1) / 2, (green - 2) / 4, (last - 3) / 5], rtol=1e-6
    )


def test_a_mirrored_face_has_the_same_embedding(tmp_path: Path, image: Image) -> None:
    embedder = OnnxEmbedder(write_embedder(tmp_path / "net.onnx"), ARCFACE_CROPS)
    flipped = np.ascontiguousarray(image[:, ::-1])
    mirrored = np.array([(259 - x, y) for x, y in POINTS[[1, 0, 2, 4, 3]]], np.float32)
    (one,) = embedder.embed(image, [POINTS])
    (other,) = embedder.embed(flipped, [mirrored])
    # ArcFace's five points are not quite symmetric.
    assert one @ other > 0.98


@pytest.mark.parametrize("fixed", [False, True], ids=["any batch", "one face at a time"])
def test_several_faces_are_embedded_by_networks_made_for_one(
    tmp_path: Path, image: Image, *, fixed: bool
) -> None:
    path = write_embedder(tmp_path / "net.onnx", batch=1, fixed_to_one=fixed)
    embedder = OnnxEmbedder(path, ARCFACE_CROPS)
    faces = [POINTS, POINTS + np.float32(9), POINTS - np.float32(5)]
    together = embedder.embed(image, faces)
    assert embedder.dimension == 128
    assert embedder._max_batch == (1 if fixed else None)
    np.testing.assert_allclose(
        together, np.concatenate([embedder.embed(image, [face]) for face in faces]), atol=1e-5
    )


def test_another_size_and_dimension_are_read_from_settings_and_model(
    tmp_path: Path, image: Image
) -> None:
    path = write_embedder(tmp_path / "net.onnx", side_px=160, dimension=512, cells=16)
    made = CropFormat(
        side_px=160, colour=Colour.BGR, mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0)
    )
    assert OnnxEmbedder(path, made).embed(image, [POINTS]).shape == (1, 512)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.onnx"
    assert complaint(path) == f"FINDME_ONNX_MODEL is wrong: there is no file {path}."


def test_a_model_that_was_not_set_is_asked_for() -> None:
    with pytest.raises(SettingsError, match="FINDME_ONNX_MODEL is missing: write the path"):
        load_engine(load(Settings, findme_engine="onnx"), WeightStore(Path("nothing")))


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x08\x08\x3a\x04abcd"])
def test_a_file_that_is_no_network_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    assert complaint(path) == f"{path} is no network that OpenVINO can read."


@pytest.mark.parametrize(
    ("network", "takes"),
    [
        ({"side_px": 128, "cells": 16}, "f32 [?,3,128,128]"),
        ({"half": True}, "f16 [?,3,112,112]"),
    ],
)
def test_a_network_for_other_crops_is_told_in_one_sentence(
    tmp_path: Path, network: dict[str, Any], takes: str
) -> None:
    path = write_embedder(tmp_path / "net.onnx", **network)
    assert complaint(path) == (
        f"{path} takes {takes}, but has to take f32 [N,3,112,112]: "
        "faces, colours, and 112 px as FINDME_ONNX_SIZE says."
    )


def test_a_network_that_yields_no_row_per_face_is_told_apart(tmp_path: Path) -> None:
    path = write_embedder(tmp_path / "net.onnx", dimension=1)
    assert "is no face embedder: one row of numbers" in complaint(path)


def test_the_id_changes_with_whatever_changes_the_embeddings(tmp_path: Path) -> None:
    one = write_embedder(tmp_path / "one.onnx")
    other = write_embedder(tmp_path / "other.onnx", dimension=64)
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(one.read_bytes())
    outside = write_embedder(tmp_path / "outside.onnx")
    (tmp_path / "outside.onnx.data").write_bytes(b"weights")
    assert fingerprint(one, 112, "rgb") == fingerprint(copy, 112, "rgb")
    ids = [
        fingerprint(one, 112, "rgb"),
        fingerprint(one, 112, "bgr"),
        fingerprint(other, 112, "rgb"),
        fingerprint(outside, 112, "rgb"),
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(bytes.fromhex(digits)) == 4 for digits in ids)


def test_the_engine_takes_its_id_and_thresholds_from_model_and_settings() -> None:
    models = shared_folder() / "models"
    path = models / "mobilefacenet.onnx"

    def engine(**settings: Any) -> Any:
        made = load(Settings, findme_engine="onnx", findme_onnx_model=path, **settings)
        return load_engine(made, WeightStore(models))

    rgb, bgr = (
        engine(findme_onnx_sure=0.45, findme_onnx_maybe=0.3),
        engine(findme_onnx_colour="bgr"),
    )
    assert rgb.engine_id.startswith("onnx-")
    assert rgb.engine_id != bgr.engine_id
    assert (rgb.curve.sure, rgb.curve.maybe) == pytest.approx((0.45, 0.3))
    assert (bgr.curve.sure, bgr.curve.maybe) == (0.5, 0.4)


@pytest.mark.slow
def test_mobilefacenet_tells_faces_of_lfw_apart() -> None:
    shared = shared_folder()
    detector = YuNet(shared / "models/face_detection_yunet_2023mar.onnx")
    embedder = OnnxEmbedder(shared / "models/mobilefacenet.onnx", MOBILEFACENET)
    # The first 50 pairs of the first fold show one person twice; the pairs of strangers follow 300.
    lines = (shared / "data/lfw/pairs.txt").read_text().splitlines()[1:]
    pairs = [line.split("\t") for line in lines[:50] + lines[300:350]]
    with tarfile.open(shared / "data/lfw/lfw-pairs.tar") as tar:

        def embedded(name: str, number: str) -> Embedding:
            member = tar.extractfile(f"{name}/{name}_{int(number):04d}.jpg")
            assert member is not None
            picture = decode(member.read())
            face = min(detector.detect(picture), key=lambda one: _from_middle(one, picture))
            (embedding,) = embedder.embed(picture, [face.landmarks])
            return np.asarray(embedding, np.float32)

        similarities = np.array(
            [
                embedded(pair[0], pair[1])
                @ embedded(pair[-2] if len(pair) == 4 else pair[0], pair[-1])
                for pair in pairs
            ]
        )
    right = (similarities >= 0.29) == (np.arange(100) < 50)
    assert right.mean() >= 0.98


def _from_middle(face: Detection, image: Image) -> float:
    box = face.box
    height, width = image.shape[:2]
    centre = box.x_px + box.width_px / 2, box.y_px + box.height_px / 2
    return math.dist(centre, (width / 2, height / 2))


# --- joined --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_similarity_of_a_join_is_the_weighted_mean_of_its_parts(
    tmp_path: Path, image: Image, share: float
) -> None:
    one = OnnxEmbedder(write_embedder(tmp_path / "one.onnx"), ARCFACE_CROPS)
    other = OnnxEmbedder(write_embedder(tmp_path / "other.onnx", dimension=64), SFACE_CROPS)
    joined = JoinedEmbedder([one, other], [share, 1 - share])
    faces = [POINTS, POINTS + np.float32(30)]

    def similarity(embedder: OnnxEmbedder | JoinedEmbedder) -> float:
        first, second = embedder.embed(image, faces)
        return float(first @ second)

    assert joined.dimension == 192
    np.testing.assert_allclose(np.linalg.norm(joined.embed(image, faces), axis=1), 1.0, atol=1e-6)
    assert similarity(joined) == pytest.approx(
        share * similarity(one) + (1 - share) * similarity(other), abs=1e-5
    )


def test_the_id_and_thresholds_of_a_join_tell_its_parts_and_weights() -> None:
    models = shared_folder() / "models"

    def engine(**settings: Any) -> Any:
        made = load(
            Settings,
            findme_engine="retail+onnx",
            findme_onnx_model=models / "mobilefacenet.onnx",
            findme_onnx_sure=0.41,
            findme_onnx_maybe=0.3,
            **settings,
        )
        return load_engine(made, WeightStore(models))

    equal, same, other = (
        engine(),
        engine(findme_join_weights=(2.0, 2.0)),
        engine(findme_join_weights=(3.0, 1.0)),
    )
    retail, onnx = equal.engine_id.split("+")
    assert retail == "retail"
    assert onnx.startswith("onnx-")
    assert same.engine_id == equal.engine_id
    assert other.engine_id == f"retail@0.750+{onnx}@0.250"
    assert equal.curve.sure == pytest.approx((0.45 + 0.41) / 2, abs=0.02)
    assert other.curve.maybe == pytest.approx((3 * 0.29 + 0.3) / 4, abs=0.02)


# --- clip ----------------------------------------------------------------------------------------


def test_without_imgbeddings_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in sys.modules makes the import fail, whether it is installed or not.
    monkeypatch.setitem(sys.modules, "imgbeddings", None)
    monkeypatch.setitem(sys.modules, "imgbeddings.utils", None)
    with pytest.raises(EngineUnavailableError, match=r"make \.venv-clip/ready"):
        ClipEmbedder(tmp_path / "clip.onnx")


@pytest.fixture
def clip(tmp_path: Path) -> ClipEmbedder:
    """CLIP's embedder over a small network of the signature of imgbeddings' own."""
    return ClipEmbedder(
        write_embedder(
            tmp_path / "clip.onnx",
            side_px=224,
            dimension=768,
            names=("pixel_values", "embeddings"),
            quantized=True,
        )
    )


@pytest.mark.clip
def test_clip_is_fed_as_imgbeddings_feeds_it(clip: ClipEmbedder, image: Image) -> None:
    package = importlib.import_module("imgbeddings")
    processing = importlib.import_module("transformers").CLIPImageProcessor
    pil = importlib.import_module("PIL.Image")
    # As imgbeddings sets itself up, save that its processor's settings are not fetched: they are
    # the defaults of the class.
    theirs = object.__new__(package.imgbeddings)
    theirs.session, theirs.processor = clip._session, processing(do_center_crop=False)
    theirs.pca = None
    crop = np.asarray(cv2.resize(image, (224, 224)), np.uint8)
    shown = theirs.process_inputs([pil.fromarray(crop[:, :, ::-1])])["pixel_values"]
    np.testing.assert_allclose(CLIP_CROPS.as_input(crop[None]), shown, atol=1e-5)
    np.testing.assert_allclose(
        unit(_run(clip._session, crop)),
        unit(theirs.to_embeddings(pil.fromarray(crop[:, :, ::-1])))[0],
        atol=1e-5,
    )


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Hugging Face hub with a small network in CLIP's place, and with CLIP's processor."""
    network = write_embedder(
        tmp_path / "clip.onnx",
        side_px=224,
        dimension=768,
        names=("pixel_values", "embeddings"),
        quantized=True,
    )
    words = {word: number for number, word in enumerate(["<|endoftext|>", "a", "b</w>", "ab</w>"])}
    processor = {"image_processor_type": "CLIPImageProcessor", "do_center_crop": True}
    openai = "/openai/clip-vit-base-patch32/resolve/main"
    files = {
        "/minimaxir/imgbeddings/resolve/main/patch32_v1.onnx": network.read_bytes(),
        f"{openai}/preprocessor_config.json": json.dumps(processor).encode(),
        f"{openai}/tokenizer_config.json": b'{"tokenizer_class": "CLIPTokenizer"}',
        f"{openai}/vocab.json": json.dumps(words).encode(),
        f"{openai}/merges.txt": b"#version: 0.2\na b</w>\n",
    }

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("X-Error-Code", "EntryNotFound" if content is None else "")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(files.get(self.path, b""))

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    yield
    server.shutdown()
    server.server_close()


def embedded_from_the_hub(crop: Image) -> tuple[Embedding, Embedding]:
    """The crop's embedding, ours and that of imgbeddings as it sets itself up."""
    warnings.simplefilter("error")
    ours = unit(_run(ClipEmbedder(None)._session, crop))
    warnings.simplefilter("ignore")
    theirs = importlib.import_module("imgbeddings").imgbeddings()
    picture = importlib.import_module("PIL.Image").fromarray(crop[:, :, ::-1])
    return ours, unit(theirs.to_embeddings(picture))[0]


@pytest.mark.clip
@pytest.mark.usefixtures("hub")
def test_clip_from_the_hub_says_what_imgbeddings_says_and_warns_of_nothing(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A local model, which other tests of this process have, needs no hub.
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    crop = np.asarray(cv2.resize(image, (224, 224)), np.uint8)
    # A process of its own, since the hub's address is read when its package is imported.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        ours, theirs = pool.submit(embedded_from_the_hub, crop).result()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.clip
def test_clip_with_a_local_model_calls_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refuse(*_: object) -> None:
        pytest.fail("somebody was called")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    path = write_embedder(tmp_path / "clip.onnx", side_px=224, names=("pixel_values", "embeddings"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert ClipEmbedder(path).dimension == 128
    assert importlib.import_module("huggingface_hub.constants").HF_HUB_DISABLE_TELEMETRY
    assert os.environ["HF_HUB_OFFLINE"] == "1"


@pytest.mark.clip
def test_clip_without_a_hub_asks_for_a_local_model(monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no way out")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(EngineUnavailableError, match="set FINDME_CLIP_MODEL to a local copy"):
        ClipEmbedder(None)


@pytest.mark.clip
def test_a_file_that_is_not_clip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.onnx"
    path.write_bytes(b"<html>")
    with pytest.raises(EngineUnavailableError, match="is no network as imgbeddings has it"):
        ClipEmbedder(path)


@pytest.mark.clip
@pytest.mark.parametrize(
    "network",
    [
        {"side_px": 224},
        {"side_px": 112, "names": ("pixel_values", "embeddings")},
        {"side_px": 224, "names": ("pixel_values", "embeddings"), "half": True},
    ],
    ids=["names", "size", "type"],
)
def test_another_network_than_clip_is_told_in_one_sentence(
    tmp_path: Path, network: dict[str, Any]
) -> None:
    path = write_embedder(tmp_path / "clip.onnx", **network)
    with pytest.raises(EngineUnavailableError, match=r"pixel_values \(N, 3, 224, 224\) in"):
        ClipEmbedder(path)
