"""What a person can be told. Each error's text is a sentence that says what to do."""

import inspect
from collections.abc import Sequence


class FindmeError(Exception):
    """Something went wrong; the log says more."""

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or inspect.getdoc(type(self)))


def reason_of(error: Exception) -> str:
    """Why something failed, in words that a person can be told."""
    if isinstance(error, FindmeError):
        return str(error)
    return f"an unexpected error ({type(error).__name__}); the log has it"


class SettingsError(FindmeError):
    """A setting is missing or wrong."""


class UsageError(FindmeError):
    """That is not something Findme can do; try `findme --help`."""


class ReindexRunningError(UsageError):
    """A re-index is running already; wait for it to end, then ask again."""


class DatabaseUnavailableError(FindmeError):
    """The database can't be reached just now; please try again in a minute."""


class DatabaseFullError(DatabaseUnavailableError):
    """The database's disk is full; please tell whoever runs Findme to make room there."""


class NoRoomError(FindmeError):
    """This machine has no room left to read pictures; it goes on once there is some."""


class BusyError(FindmeError):
    """Many photos are being read just now; please click once more in a moment."""


class DatabaseTooOldError(FindmeError):
    """The database server is too old for Findme."""


class EngineMismatchError(FindmeError):
    """The index was made by another engine; `findme reindex` makes it anew."""


class EngineUnavailableError(FindmeError):
    """The face engine can't be loaded."""


class WeightsUnavailableError(EngineUnavailableError):
    """The weights of the face networks can't be had; run `findme models pull`."""


class PictureError(FindmeError):
    """That picture can't be used."""

    user_id: str | None = None
    """Whose picture it is, where a search looked for somebody by it."""


class UnreadablePhotoError(PictureError):
    """The file can't be read as a picture."""


class PhotoGoneError(FindmeError):
    """The photo was deleted at its source."""


class SourceUnavailableError(FindmeError):
    """The place that holds the photos doesn't answer just now; it is tried again later."""

    def __init__(self, sentence: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class SourceClosedError(SourceUnavailableError):
    """The place that holds the photos lets Findme in no more, until somebody opens it again."""


class AccountClosedError(PictureError):
    """That person's account is closed, so they are not looked for."""


class NoProfilePictureError(PictureError):
    """There is no profile picture to look for."""


class NoFaceInPictureError(PictureError):
    """There is no face to be seen in that picture."""


class PoorFaceError(FindmeError):
    """That face is too small, blurred or turned away; take a picture that shows it well."""


class ChannelNotSearchedError(FindmeError):
    """I look for photos in channels that I am in and you can open; that one isn't among them."""


class NotAMemberError(FindmeError):
    """I show photos to people of this workspace alone: not to those of another one, nor to apps."""


class FaceGoneError(FindmeError):
    """That photo, or the face in it, is not there any more; search again."""


class PersonGoneError(FindmeError):
    """That person can't be written to any more: they left, or their account was closed."""


class ConsentNeededError(FindmeError):
    """I show photos of a colleague only if they agree."""

    def __init__(self, people: Sequence[str] = ()) -> None:
        super().__init__()
        self.people = people


class ColleagueSearchOffError(FindmeError):
    """In this workspace everybody finds their own photos only, and nobody else's."""


class TurnedOffError(FindmeError):
    """You turned Findme off for yourself; `/findme on` turns it on again."""
