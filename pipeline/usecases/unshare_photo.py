"""Photos go where Slack says that they are not shown any more."""

from collections.abc import Mapping

from pipeline.domain.model import ChannelId, FileId, FoundPhoto, TeamId
from pipeline.errors import PhotoGoneError
from pipeline.ports import PhotoSource, PhotoStore
from pipeline.usecases.index_photos import AddPhoto


class UnsharePhoto:
    """A photo was taken out of a channel, or deleted: the index shows what its source shows now."""

    def __init__(
        self, *, sources: Mapping[TeamId, PhotoSource], photos: PhotoStore, add_photo: AddPhoto
    ) -> None:
        self._sources = sources
        self._photos = photos
        self._add_photo = add_photo

    def __call__(
        self, team_id: TeamId, file_id: FileId, *, channel_id: ChannelId | None = None
    ) -> int:
        """Ask where it is shown now; returns how many appearances are forgotten.

        Raises: SourceUnavailableError.
        """
        as_of = self._photos.now()
        found = self._found(team_id, file_id)
        forgotten = self._photos.unshare(
            team_id, file_id, channel_id=channel_id, found=found, as_of=as_of
        )
        if forgotten:
            # It may have been shared again meanwhile, and what that brought is forgotten with it.
            again = _channels(self._found(team_id, file_id)) - _channels(found)
            for each in again:
                self._add_photo(team_id, each, file_id)
        return forgotten

    def _found(self, team_id: TeamId, file_id: FileId) -> FoundPhoto | None:
        try:
            return self._sources[team_id].describe(file_id)
        except PhotoGoneError:
            return None


def _channels(found: FoundPhoto | None) -> set[ChannelId]:
    return {share.channel_id for share in found.shares} if found else set()
