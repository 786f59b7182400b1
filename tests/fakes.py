"""Stand-ins for what a test can't have at will: a source that fails, a directory of people.

Each subclasses its port. The photos are real files, listed and read by the real FolderSource.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pipeline.domain.calibration import Curve
from pipeline.domain.model import (
    ChannelId,
    EngineId,
    FileId,
    FoundPhoto,
    Photo,
    PhotoFaces,
    ProfilePicture,
    TeamId,
    UserId,
)
from pipeline.domain.visibility import Reader, Sight
from pipeline.errors import NoProfilePictureError
from pipeline.folder import FolderSource
from pipeline.ports import Engines, FaceReader, PhotoSource, ProfilePictures, Visibility


class FlakySource(PhotoSource):
    """A folder that fails: `failures` holds, by file name, the errors of the next downloads."""

    def __init__(self, failures: Mapping[str, Sequence[Exception]] | None = None) -> None:
        self._folder = FolderSource()
        self._failures = {name: list(errors) for name, errors in (failures or {}).items()}
        self.downloads: defaultdict[str, int] = defaultdict(int)
        self.listed_since: list[datetime | None] = []

    @property
    def newest_first(self) -> bool:
        """As the folder."""
        return self._folder.newest_first

    def list_new(
        self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
    ) -> Iterable[FoundPhoto]:
        """As the folder lists them."""
        self.listed_since.append(since)
        return self._folder.list_new(channel_id, since=since, until=until)

    def describe(self, file_id: FileId, *, channel_id: ChannelId | None = None) -> FoundPhoto:
        """As the folder describes it."""
        return self._folder.describe(file_id, channel_id=channel_id)

    def download(self, photo: Photo) -> bytes:
        """The file's bytes, once its failures are used up."""
        self.downloads[photo.name] += 1
        failures = self._failures.get(photo.name)
        if failures:
            raise failures.pop(0)
        return self._folder.download(photo)


class Colleagues(ProfilePictures, Visibility):
    """People, their profile pictures and the channels that each is in."""

    def __init__(
        self, *, pictures: Mapping[str, bytes], channels: Mapping[str, Sequence[ChannelId]]
    ) -> None:
        self.pictures = dict(pictures)
        self.channels = {user: list(those) for user, those in channels.items()}
        self.fetched = 0

    def picture_of(self, user_id: UserId) -> ProfilePicture:
        """Known by the picture's own bytes."""
        if user_id not in self.pictures:
            raise NoProfilePictureError
        return ProfilePicture(picture_hash=str(hash(self.pictures[user_id])), url=user_id)

    def fetch(self, picture: ProfilePicture) -> bytes:
        """The picture's bytes."""
        self.fetched += 1
        return self.pictures[picture.url]

    def sight_of(self, user_id: UserId) -> Sight:
        """Full members, who can open the channels that they are in."""
        there = tuple(self.channels.get(user_id, []))
        return Sight(reader=Reader.MEMBER, open=there, joined=there)


class OneEngine(Engines):
    """Every workspace's index is of this engine."""

    def __init__(self, reader: FaceReader) -> None:
        self.reader = reader

    def of(self, team_id: TeamId) -> FaceReader:
        """The one."""
        del team_id
        return self.reader


class KnownFaces(FaceReader):
    """An engine that knows by heart what each picture shows: for embeddings made by hand."""

    def __init__(
        self,
        curve: Curve,
        faces: Mapping[bytes, PhotoFaces] | None = None,
        *,
        engine_id: str = "by heart",
    ) -> None:
        self._curve = curve
        self._faces = dict(faces or {})
        self._engine_id = EngineId(engine_id)

    @property
    def engine_id(self) -> EngineId:
        """As it was given."""
        return self._engine_id

    @property
    def curve(self) -> Curve:
        """As it was given."""
        return self._curve

    def read(self, data: bytes) -> PhotoFaces:
        """What those bytes show."""
        return self._faces[data]
