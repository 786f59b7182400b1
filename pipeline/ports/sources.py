"""Where photos and people come from: a Slack workspace, a folder on disk."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from pipeline.domain.model import (
    Channel,
    ChannelId,
    FileId,
    FoundPhoto,
    Photo,
    ProfilePicture,
    UserId,
)
from pipeline.domain.visibility import Sight


class PhotoSource(Protocol):
    """Where photos come from: a Slack workspace, a folder on disk."""

    @property
    def newest_first(self) -> bool:
        """Whether photos are listed by when they were posted, so that a listing can go on."""
        ...

    def list_new(
        self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
    ) -> Iterable[FoundPhoto]:
        """Photos posted to the channel from `since` to `until`; None is without end.

        May hold others, known ones, and some twice.
        Raises: SourceUnavailableError.
        """
        ...

    def describe(self, file_id: FileId, *, channel_id: ChannelId | None = None) -> FoundPhoto:
        """One photo with its shares, the one in `channel_id` among them if that is given.

        Raises: PhotoGoneError, SourceUnavailableError.
        """
        ...

    def download(self, photo: Photo) -> bytes:
        """The file's bytes. Raises PhotoGoneError, UnreadablePhotoError, SourceUnavailableError."""
        ...


@runtime_checkable
class ProfilePictures(Protocol):
    """The pictures by which people know each other."""

    def picture_of(self, user_id: UserId) -> ProfilePicture:
        """The present picture. Raises NoProfilePictureError, SourceUnavailableError."""
        ...

    def fetch(self, picture: ProfilePicture) -> bytes:
        """Its bytes. Raises NoProfilePictureError, SourceUnavailableError."""
        ...


class Visibility(Protocol):
    """Who may open what, asked at the source each time."""

    def sight_of(self, user_id: UserId) -> Sight:
        """The channels whose photos the person can open now. Raises SourceUnavailableError."""
        ...


class ChannelDirectory(Protocol):
    """The channels that the bot is in."""

    def joined(self) -> Sequence[Channel]:
        """Every channel the bot is a member of now. Raises SourceUnavailableError."""
        ...

    def joined_one(self, channel_id: ChannelId) -> Channel | None:
        """The channel, if it is one of these. Raises SourceUnavailableError."""
        ...


class Accounts(Protocol):
    """Who is still there."""

    def is_closed(self, user_id: UserId) -> bool:
        """Whether the person's account is closed, or unknown. Raises SourceUnavailableError."""
        ...
