"""Bytes of a photo -> its faces: what every engine does, whatever its networks."""

from dataclasses import replace

import numpy as np

from pipeline.domain.model import Box, Detection, Face, PhotoFaces
from pipeline.ports import Detector, Embedder
from pipeline.telemetry import stage
from pipeline.vision.picture import Picture
from pipeline.vision.quality import quality


def read_faces(data: bytes, *, detector: Detector, embedder: Embedder) -> PhotoFaces:
    """Decode, detect, align, embed.

    Boxes and landmarks of the answer are in px of the upright photo at its full size, whatever
    scale it was read at. Raises: UnreadablePhotoError with its reason.
    """
    with stage("decode"):
        picture = Picture(data)
    with stage("detect"):
        detections = detector.detect(picture.image, closer=picture.closer)
    with stage("embed"):
        # Where the detector looked closer, small faces are embedded from what it saw there.
        image = picture.best
        zoom = image.shape[1] / picture.image.shape[1]
        seen = [scaled(detection, zoom) for detection in detections]
        embeddings = embedder.embed(image, [detection.landmarks for detection in seen])
    to_full = picture.width_px / image.shape[1]
    return PhotoFaces(
        width_px=picture.width_px,
        height_px=picture.height_px,
        faces=[
            Face(
                detection=scaled(detection, to_full),
                quality=quality(image, detection),
                embedding=embedding,
            )
            for detection, embedding in zip(seen, embeddings, strict=True)
        ],
    )


def scaled(detection: Detection, factor: float) -> Detection:
    """The same face in an image `factor` times as large."""
    if factor == 1.0:
        return detection
    box = detection.box
    return replace(
        detection,
        box=Box(
            x_px=box.x_px * factor,
            y_px=box.y_px * factor,
            width_px=box.width_px * factor,
            height_px=box.height_px * factor,
        ),
        landmarks=(detection.landmarks * factor).astype(np.float32),
    )
