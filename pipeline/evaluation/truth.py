"""An event on disk: portraits, photos, and the truth about who is in which."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.domain.model import FileId
from pipeline.errors import UsageError
from pipeline.folder import MEDIA_TYPES, FolderSource, channel_of

TRUTH_NAME = "truth.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A picture to search by, and whom it shows."""

    person: str
    path: Path

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.person}/{self.path.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPhoto:
    """A photo of which it is known who is in it; `hard`: who is in it, but counts neither way.

    `content` is the SHA-256 of its bytes.
    """

    file_id: FileId
    name: str
    content: bytes
    people: frozenset[str] = frozenset()
    hard: frozenset[str] = frozenset()
    stranger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One folder with people, photos and the truth about them."""

    name: str
    folder: Path
    portraits: Sequence[Portrait]
    photos: Sequence[KnownPhoto]


def read_event(folder: Path) -> Event:
    """The event in `folder`. Raises UsageError, one sentence, for whatever is missing or wrong."""
    for part in ("people", "photos"):
        if not (folder / part).is_dir():
            raise UsageError(f"{folder} has no folder {part}.")
    portraits = [
        Portrait(person=path.parent.name, path=path)
        for path in sorted((folder / "people").glob("*/*"))
        if path.suffix.lower() in MEDIA_TYPES and not path.name.startswith(".")
    ]
    if not portraits:
        raise UsageError(f"{folder / 'people'} holds no portraits (people/NAME/*.jpg).")
    channel_id = channel_of(folder / "photos")
    paths = [Path(found.file_id) for found in FolderSource().list_new(channel_id, since=None)]
    if not paths:
        raise UsageError(f"{folder / 'photos'} holds no photos.")
    names = {path.relative_to(channel_id).as_posix(): path for path in paths}
    shown, hard = read_truth(
        folder / TRUTH_NAME, photos=names, people={portrait.person for portrait in portraits}
    )
    return Event(
        name=folder.resolve().name,
        folder=folder,
        portraits=portraits,
        photos=[
            KnownPhoto(
                file_id=FileId(str(path)),
                name=name,
                content=hashlib.sha256(path.read_bytes()).digest(),
                people=shown[name],
                hard=hard.get(name, frozenset()) - shown[name],
            )
            for name, path in names.items()
        ],
    )


def read_truth(
    path: Path, *, photos: Collection[str], people: Collection[str]
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Photo -> who is in it, and photo -> who is hard to see in it.

    Raises: UsageError if it is not that, names a photo or person that isn't there, or leaves a
    photo out: nobody in a photo is written as [].
    """
    if not path.is_file():
        raise UsageError(f"{path.parent} has no {TRUTH_NAME}, which tells who is in which photo.")
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no JSON: {error}.") from error
    if not isinstance(truth, dict) or "photos" not in truth:
        raise UsageError(f'{path} must be an object like {{"photos": {{"a.jpg": ["ann"]}}}}.')
    shown = _people_by_photo(path, "photos", truth["photos"], photos=photos, people=people)
    hard = _people_by_photo(path, "hard", truth.get("hard", {}), photos=photos, people=people)
    for name in photos:
        if name not in shown:
            raise UsageError(f"{path} leaves out {name}; write [] if it shows nobody.")
    return shown, hard


def _people_by_photo(
    path: Path, key: str, value: Any, *, photos: Collection[str], people: Collection[str]
) -> dict[str, frozenset[str]]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{path}: {key!r} must map each photo to a list of names.")
    for photo, names in value.items():
        if photo not in photos:
            raise UsageError(f"{path}: {key!r} names the photo {photo!r}, which isn't in photos.")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError(f"{path}: {key!r} must give {photo!r} a list of names.")
        for name in names:
            if name not in people:
                raise UsageError(
                    f"{path}: {key!r} names {name!r} in {photo!r}, who has no portrait in people."
                )
    return {photo: frozenset(names) for photo, names in value.items()}
