"""What the use cases need from the outside, as small protocols that belong to them."""

from pipeline.ports.engines import (
    Clock,
    Detector,
    Embedder,
    Engines,
    FaceReader,
)
from pipeline.ports.index import (
    ChannelStore,
    EngineChanges,
    FaceSearch,
    ImpostorPairs,
    PhotoStore,
    Queue,
    RunStore,
)
from pipeline.ports.people import (
    ReferenceStore,
    VerdictStore,
)
from pipeline.ports.sources import (
    ChannelDirectory,
    PhotoSource,
    ProfilePictures,
    Visibility,
)

__all__ = [
    "ChannelDirectory",
    "ChannelStore",
    "Clock",
    "Detector",
    "Embedder",
    "EngineChanges",
    "Engines",
    "FaceReader",
    "FaceSearch",
    "ImpostorPairs",
    "PhotoSource",
    "PhotoStore",
    "ProfilePictures",
    "Queue",
    "ReferenceStore",
    "RunStore",
    "VerdictStore",
    "Visibility",
]
