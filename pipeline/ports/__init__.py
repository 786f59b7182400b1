"""What the use cases need from the outside, as small protocols that belong to them."""

from pipeline.ports.consent import (
    AuditTrail,
    ConsentReader,
    ConsentStore,
    DataStore,
    OptOutStore,
    Protected,
    RetentionStore,
)
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
    "AuditTrail",
    "ChannelDirectory",
    "ChannelStore",
    "Clock",
    "ConsentReader",
    "ConsentStore",
    "DataStore",
    "Detector",
    "Embedder",
    "EngineChanges",
    "Engines",
    "FaceReader",
    "FaceSearch",
    "ImpostorPairs",
    "OptOutStore",
    "PersonStore",
    "PhotoSource",
    "PhotoStore",
    "ProfilePictures",
    "Protected",
    "Queue",
    "ReferenceStore",
    "RetentionStore",
    "RunStore",
    "TimeZones",
    "VerdictStore",
    "Visibility",
    "WorkspaceStore",
]
