"""A folder on disk as a source of photos."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pipeline.domain.model import FileId, FoundPhoto, Photo, PhotoId, PhotoState
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError
from pipeline.folder import LOCAL, MAX_FILE_BYTES, MEDIA_TYPES, FolderSource, channel_of
from pipeline.ports import PhotoSource
from tests.fakes import FlakySource

NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "party"
    made.mkdir()
    return made


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")


def listed(folder: Path) -> list[FoundPhoto]:
    return list(FolderSource().list_new(channel_of(folder), since=None))


def path_of(found: FoundPhoto) -> Path:
    return Path(unquote(urlsplit(found.file_id).path))


def names(folder: Path) -> list[str]:
    return [str(path_of(photo).relative_to(folder)) for photo in listed(folder)]


def photo(path: Path) -> Photo:
    return Photo(
        team_id=LOCAL,
        photo_id=PhotoId(1),
        file_id=FileId(path.as_uri()),
        name=path.name,
        media_type="image/jpeg",
        url=path.as_uri(),
        version="1",
        state=PhotoState.PENDING,
        has_shares=True,
        engine_id=None,
    )


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of a user who is not root, while the test runs as that user."""
    with tempfile.TemporaryDirectory() as made:
        if os.geteuid() != 0:
            yield Path(made)
            return
        os.chown(made, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(made)
        finally:
            os.seteuid(0)


def test_photos_in_nested_folders_are_listed_by_name(folder: Path) -> None:
    put(folder, "b.jpg", "a.jpg", "day 1/c.png", "day 1/late/d.heic")

    assert names(folder) == ["a.jpg", "b.jpg", "day 1/c.png", "day 1/late/d.heic"]


def test_hidden_files_and_folders_are_passed_over(folder: Path) -> None:
    put(folder, ".a.jpg", "._b.jpg", ".thumbnails/c.jpg", "day/.trash/d.jpg", "e.jpg")

    assert names(folder) == ["e.jpg"]


def test_a_folder_within_a_hidden_one_is_listed_when_asked_for(folder: Path) -> None:
    put(folder, ".private/a.jpg")

    assert names(folder / ".private") == ["a.jpg"]


def test_files_that_are_no_pictures_are_passed_over(folder: Path) -> None:
    put(folder, "notes.txt", "film.mp4", "raw.cr2", "jpg", "a.jpg.part")

    assert names(folder) == []


@pytest.mark.parametrize("suffix", MEDIA_TYPES)
def test_endings_count_in_any_case(folder: Path, suffix: str) -> None:
    put(folder, f"a{suffix.upper()}")

    assert [found.media_type for found in listed(folder)] == [MEDIA_TYPES[suffix]]


def test_a_folder_named_like_a_picture_is_none(folder: Path) -> None:
    (folder / "album.jpg").mkdir()

    assert names(folder) == []


def test_a_link_that_leads_nowhere_is_passed_over(folder: Path) -> None:
    (folder / "a.jpg").symlink_to(folder / "gone.jpg")

    assert names(folder) == []


def test_a_folder_linked_to_itself_is_listed_once(folder: Path) -> None:
    put(folder, "a.jpg")
    (folder / "again").symlink_to(folder)

    assert names(folder) == ["a.jpg"]


def test_an_empty_folder_lists_nothing(folder: Path) -> None:
    assert listed(folder) == []


def test_a_folder_that_is_gone_is_unavailable(folder: Path) -> None:
    folder.rmdir()

    with pytest.raises(SourceUnavailableError, match="is no folder"):
        listed(folder)


def test_a_changed_file_is_another_version(folder: Path) -> None:
    put(folder, "a.jpg")
    (before,) = listed(folder)
    (folder / "a.jpg").write_bytes(b"another picture")

    (after,) = listed(folder)

    assert after.file_id == before.file_id
    assert after.version != before.version


def test_an_untouched_file_keeps_its_version(folder: Path) -> None:
    put(folder, "a.jpg")

    assert listed(folder) == listed(folder)


def test_a_photo_links_to_its_file(folder: Path) -> None:
    put(folder, "Ann & Ben #1.jpg")

    (found,) = listed(folder)

    assert found.url == (folder / "Ann & Ben #1.jpg").as_uri()
    assert [share.permalink for share in found.shares] == [found.url]
    assert [share.channel_id for share in found.shares] == [channel_of(folder)]


def test_one_file_is_described_as_it_is_listed(folder: Path) -> None:
    put(folder, "day/a.jpg")
    (found,) = listed(folder)

    described = FolderSource().describe(found.file_id, channel_id=channel_of(folder))

    assert described == found


def test_a_deleted_file_can_not_be_described(folder: Path) -> None:
    with pytest.raises(PhotoGoneError):
        FolderSource().describe(FileId((folder / "a.jpg").as_uri()))


def test_the_bytes_of_a_file_are_downloaded(folder: Path) -> None:
    put(folder, "a.jpg")

    assert FolderSource().download(photo(folder / "a.jpg")) == b"picture"


def test_a_deleted_file_is_gone(folder: Path) -> None:
    with pytest.raises(PhotoGoneError):
        FolderSource().download(photo(folder / "a.jpg"))


def test_a_file_without_permission_is_unreadable(nobody: Path) -> None:
    path = nobody / "a.jpg"
    path.write_bytes(b"picture")
    path.chmod(0)

    with pytest.raises(UnreadablePhotoError, match="may not be read"):
        FolderSource().download(photo(path))


def test_a_file_that_became_a_folder_is_tried_again_later(folder: Path) -> None:
    (folder / "a.jpg").mkdir()

    with pytest.raises(SourceUnavailableError, match=r"a\.jpg can't be read"):
        FolderSource().download(photo(folder / "a.jpg"))


def test_a_huge_file_is_not_even_opened(folder: Path) -> None:
    with (folder / "a.jpg").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    with pytest.raises(UnreadablePhotoError, match="larger than 200 MB"):
        FolderSource().download(photo(folder / "a.jpg"))


@pytest.mark.parametrize("source", [FolderSource(), FlakySource()])
def test_the_stand_in_of_the_tests_does_as_the_folder_does(
    folder: Path, source: PhotoSource
) -> None:
    put(folder, "a.jpg", "day/b.png")

    found = list(source.list_new(channel_of(folder), since=None))

    assert found == listed(folder)
    assert source.describe(found[0].file_id, channel_id=channel_of(folder)) == found[0]
    assert source.download(photo(folder / "a.jpg")) == b"picture"
    with pytest.raises(PhotoGoneError):
        source.download(photo(folder / "c.jpg"))
