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
    WorkspaceStore,
)
from pipeline.ports.people import (
    AlertStore,
    PersonStore,
    ReferenceStore,
    TimeZones,
    VerdictStore,
)
from pipeline.ports.sources import (
    Accounts,
    ChannelDirectory,
    PhotoSource,
    ProfilePictures,
    Visibility,
)

__all__ = [
    "Accounts",
    "AlertStore",
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
    "PersonStore",
    "PhotoSource",
    "PhotoStore",
    "ProfilePictures",
    "Queue",
    "ReferenceStore",
    "RunStore",
    "TimeZones",
    "VerdictStore",
    "Visibility",
    "WorkspaceStore",
]
