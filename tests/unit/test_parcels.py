"""Names in a zip, and zips that stay below their size: no Slack, no database."""

from __future__ import annotations

import unicodedata
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.files.packing import zip_name
from bot.files.zip_parts import NAME_MAX_BYTES, NAME_MAX_CHARACTERS, Names, ZipPart, safe_name

WHEN = datetime(2026, 5, 12, 17, 4, 33, tzinfo=UTC)
TYPES = st.sampled_from(["image/jpeg", "image/heic", "image/webp", "image/x-odd", ""])


@pytest.mark.parametrize(
    ("name", "media_type", "safe"),
    [
        ("IMG_1234.jpg", "image/jpeg", "IMG_1234.jpg"),
        ("IMG_1234.JPG", "image/jpeg", "IMG_1234.JPG"),
        ("IMG_1234", "image/jpeg", "IMG_1234.jpg"),
        ("Party 12.05", "image/heic", "Party 12.05.heic"),
        ("Fête à Zoë 🎉.webp", "image/webp", "Fête à Zoë 🎉.webp"),
        ("invoice.exe", "image/png", "invoice.exe.png"),
        ("../../etc/passwd", "image/png", "_.._etc_passwd.png"),
        ("..", "image/jpeg", "photo.jpg"),
        ("", "image/jpeg", "photo.jpg"),
        (".htaccess", "image/jpeg", "htaccess.jpg"),
        ("C:\\temp\\me.jpg", "image/jpeg", "C__temp_me.jpg"),
        ('a<b>c:d"e|f?g*h.jpg', "image/jpeg", "a_b_c_d_e_f_g_h.jpg"),
        ("con", "image/jpeg", "_con.jpg"),
        ("LPT1.old.png", "image/png", "_LPT1.old.png"),
        ("two\nlines\0\x1b[31m.jpg", "image/jpeg", "two lines[31m.jpg"),
        ("trailing . .jpg", "image/jpeg", "trailing.jpg"),
        ("gpj.\u202egnp.jpg", "image/jpeg", "gpj.gnp.jpg"),
    ],
)
def test_a_name_becomes_one_that_every_system_takes(name: str, media_type: str, safe: str) -> None:
    assert safe_name(name, media_type) == safe


@given(name=st.text(max_size=400), media_type=TYPES)
@example(name="ﷺ" * 200 + ".jpg", media_type="image/jpeg")
@example(name="👩‍👩‍👧‍👦" * 60, media_type="image/heic")
@example(name="\ud800", media_type="image/jpeg")
@example(name="\u200d.", media_type="")
@example(name="e\x00\u0301", media_type="")
@example(name=("a" * 119) + ".." + "b", media_type="")
def test_no_name_leaves_its_folder_or_is_too_long(name: str, media_type: str) -> None:
    safe = safe_name(name, media_type)
    assert safe
    assert len(safe) <= NAME_MAX_CHARACTERS
    assert len(safe.encode()) <= NAME_MAX_BYTES
    assert PureWindowsPath(safe).parts == PurePosixPath(safe).parts == (safe,)
    assert safe not in {".", ".."}
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert unicodedata.is_normalized("NFC", safe)
    assert all(unicodedata.category(character) not in {"Cc", "Cs"} for character in safe)


@given(names=st.lists(st.sampled_from(["a.jpg", "A.JPG", "a (2).jpg", "ä.jpg", "a\u0308.jpg"])))
def test_names_differ_by_more_than_upper_and_lower_case(names: list[str]) -> None:
    given_out = Names()
    paths = [given_out.unique(safe_name(name, "image/jpeg")) for name in names]
    keys = {unicodedata.normalize("NFD", path).casefold() for path in paths}
    assert len(keys) == len(names)


def test_the_second_of_a_name_gets_a_number_and_folders_count_on_their_own() -> None:
    names = Names()
    assert names.unique("IMG_1.jpg") == "IMG_1.jpg"
    assert names.unique("img_1.JPG") == "img_1 (2).JPG"
    assert names.unique("IMG_1 (2).jpg") == "IMG_1 (2) (2).jpg"
    assert names.unique("IMG_1.jpg") == "IMG_1 (3).jpg"
    assert names.unique("IMG_1.jpg", folder="maybe/") == "maybe/IMG_1.jpg"


def test_a_number_makes_no_name_too_long() -> None:
    names = Names()
    long = safe_name("x" * 500, "image/jpeg")
    assert len(long) == NAME_MAX_CHARACTERS
    names.unique(long)
    second = names.unique(long)
    assert second.endswith("x (2).jpg")
    assert len(second) == NAME_MAX_CHARACTERS


@given(
    entries=st.lists(
        st.tuples(st.text(max_size=60), st.binary(max_size=300), st.datetimes()), max_size=8
    )
)
def test_a_zip_is_as_large_as_it_says_before_it_is_written(
    entries: list[tuple[str, bytes, datetime]],
) -> None:
    names, part = Names(), ZipPart()
    for name, data, when in entries:
        path = names.unique(safe_name(name, "image/jpeg"))
        expected = part.size_with(path, data)
        part.add(path, data, changed_at=when.replace(tzinfo=UTC))
        assert part.size_bytes == expected
    content = part.finish()
    assert content.seek(0, 2) == part.size_bytes
    with zipfile.ZipFile(content) as read:
        assert read.testzip() is None
        assert [read.read(entry) for entry in read.infolist()] == [data for _, data, _ in entries]
    part.close()


def test_a_photo_keeps_the_day_and_second_it_was_shared(tmp_path: Path) -> None:
    part = ZipPart(tmp_path)
    part.add("Zoë.jpg", b"photo", changed_at=WHEN)
    (entry,) = zipfile.ZipFile(part.finish()).infolist()
    assert entry.filename == "Zoë.jpg"
    assert entry.compress_type == zipfile.ZIP_STORED
    assert entry.date_time == (2026, 5, 12, 17, 4, 32)
    assert int.from_bytes(entry.extra[5:], "little") == WHEN.timestamp()
    assert entry.external_attr >> 16 == 0o100644
    part.close()


def test_a_zip_has_no_name_on_the_disk(tmp_path: Path) -> None:
    part = ZipPart(tmp_path)
    part.add("a.jpg", b"x" * 100_000, changed_at=WHEN)
    assert list(tmp_path.iterdir()) == []
    part.close()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("offsite", "findme-offsite-2026-05-12"),
        ("Photos of you in #offsite!", "findme-Photos-of-you-in-offsite-2026-05-12"),
        ("", "findme-2026-05-12"),
        ("../..", "findme-2026-05-12"),
        ("été ☀️", "findme-été-2026-05-12"),
    ],
)
def test_the_zips_are_called_after_what_was_asked(title: str, name: str) -> None:
    assert zip_name(title, date(2026, 5, 12)) == name
