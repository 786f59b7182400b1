"""Slack's files, people and channels become values of the domain."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from bot.payloads import (
    Profile,
    channel,
    found_photo,
    is_gone,
    is_to_be_asked_for,
    is_workspace_admin,
    profile,
    profile_picture,
    provisional_share,
)
from pipeline.domain.model import ChannelId
from pipeline.errors import NoProfilePictureError
from tests.rendering import is_unseen
from tests.strategies import photo_names

TEAM_URL = "https://acme.slack.com/"
FILE: dict[str, Any] = {
    "id": "F1",
    "created": 1_777_000_000,
    "name": "IMG_1.jpg",
    "title": "Summer party",
    "mimetype": "image/jpeg",
    "user": "U1",
    "url_private": "https://files.slack.com/a",
    "url_private_download": "https://files.slack.com/a/download",
    "permalink": "https://acme.slack.com/files/U1/F1",
    "shares": {
        "public": {"C1": [{"ts": "1777000001.000100", "share_user_id": "U2"}]},
        "private": {"G1": [{"ts": "1777000002.000200"}, {"ts": "1777000003.000300"}]},
    },
}


def test_a_file_is_a_photo_with_a_share_for_each_appearance() -> None:
    photo = found_photo(FILE, team_url=TEAM_URL)

    assert (photo.file_id, photo.name, photo.media_type) == ("F1", "Summer party", "image/jpeg")
    assert photo.url == "https://files.slack.com/a/download"
    assert photo.posted_at == datetime.fromtimestamp(1_777_000_000, UTC)
    assert [(share.channel_id, share.ts, share.shared_by) for share in photo.shares] == [
        ("C1", "1777000001.000100", "U2"),
        ("G1", "1777000002.000200", "U1"),
        ("G1", "1777000003.000300", "U1"),
    ]


def test_a_share_links_to_its_message_and_knows_its_time() -> None:
    share = found_photo(FILE, team_url=TEAM_URL).shares[0]

    assert share.permalink == "https://acme.slack.com/archives/C1/p1777000001000100"
    assert share.shared_at == datetime.fromtimestamp(1_777_000_001.0001, UTC)


@pytest.mark.parametrize("shares", [None, {}, {"public": {}}, {"private": {"G1": []}}])
def test_a_file_whose_shares_are_unknown_has_none(shares: object) -> None:
    assert found_photo({**FILE, "shares": shares}, team_url=TEAM_URL).shares == []


@pytest.mark.parametrize(
    ("missing", "name"), [([], "Summer party"), (["title"], "IMG_1.jpg"), (["title", "name"], "F1")]
)
def test_a_photo_is_called_by_the_best_name_there_is(missing: list[str], name: str) -> None:
    file = {key: value for key, value in FILE.items() if key not in missing}

    assert found_photo(file, team_url=TEAM_URL).name == name


def test_a_file_that_slack_holds_back_has_no_address() -> None:
    file = {"id": "F1", "created": 1_777_000_000, "file_access": "check_file_info"}

    photo = found_photo(file, team_url=TEAM_URL)

    assert is_to_be_asked_for(file)
    assert (photo.url, photo.posted_by, photo.media_type) == (None, None, "")


@pytest.mark.parametrize(
    ("facts", "gone"),
    [({"mode": "tombstone"}, True), ({"file_access": "file_not_found"}, True), ({}, False)],
)
def test_a_tombstone_is_gone(facts: dict[str, str], *, gone: bool) -> None:
    assert is_gone({**FILE, **facts}) is gone


def test_a_provisional_share_links_to_the_file_and_has_no_message() -> None:
    photo = found_photo(FILE, team_url=TEAM_URL)

    share = provisional_share(photo, FILE, ChannelId("C9"))

    assert (share.channel_id, share.ts) == ("C9", "")
    assert share.permalink == FILE["permalink"]
    assert share.shared_at == photo.posted_at


SIZES = ["image_original", "image_1024", "image_512", "image_192", "image_72"]


@pytest.mark.parametrize("present", [SIZES[i:] for i in range(len(SIZES))])
def test_the_largest_profile_picture_is_taken(present: list[str]) -> None:
    profile = {"is_custom_image": True, "avatar_hash": "abc", "image_24": "24"}

    picture = profile_picture({"profile": profile | {size: size for size in present}})

    assert (picture.url, picture.picture_hash) == (present[0], "abc")


def test_a_profile_picture_without_a_hash_is_known_by_its_address() -> None:
    profile = {"is_custom_image": True, "image_512": "https://avatars/1"}

    assert profile_picture({"profile": profile}).picture_hash == "https://avatars/1"


@pytest.mark.parametrize(
    "profile",
    [
        {"image_512": "https://secure.gravatar.com/x", "avatar_hash": "g1"},
        {"is_custom_image": False, "image_512": "https://a", "avatar_hash": "g1"},
        {"is_custom_image": True},
        {"is_custom_image": True, "image_24": "https://tiny"},
    ],
)
def test_the_default_avatar_is_no_profile_picture(profile: dict[str, object]) -> None:
    with pytest.raises(NoProfilePictureError):
        profile_picture({"profile": profile})


@pytest.mark.parametrize(
    ("user", "is_one"),
    [
        ({"is_admin": True}, True),
        ({"is_owner": True}, True),
        ({"is_admin": False}, False),
        ({}, False),
    ],
)
def test_admins_and_owners_are_workspace_admins(user: dict[str, bool], *, is_one: bool) -> None:
    assert is_workspace_admin(user) is is_one


def test_a_channel_without_a_name_goes_by_its_id() -> None:
    assert channel({"id": "C1", "name": "party"}).name == "party"
    assert channel({"id": "C2"}).name == "C2"


USER: dict[str, Any] = {
    "id": "U1",
    "name": "ann",
    "real_name": "Ann Lee",
    "deleted": False,
    "tz": "Europe/Berlin",
    "tz_offset": 7200,
    "locale": "de-DE",
    "profile": {"display_name": "annie", "real_name": "Ann M. Lee"},
}


def test_a_profile_says_who_somebody_is_and_where_they_live() -> None:
    assert profile(USER) == Profile(
        name="annie",
        time_zone="Europe/Berlin",
        offset_s=7200,
        locale="de-DE",
        is_deleted=False,
    )


@pytest.mark.parametrize(
    ("shown", "user", "name"),
    [
        ({"display_name": "annie", "real_name": "Ann"}, {}, "annie"),
        ({"display_name": "", "real_name": "Ann"}, {}, "Ann"),
        ({"display_name": "\u200b", "real_name": "Ann"}, {}, "Ann"),
        ({}, {"real_name": "Ann Lee", "name": "ann"}, "Ann Lee"),
        ({}, {"name": "ann"}, "ann"),
        (None, {"name": None}, "somebody"),
        ({"display_name": "An\u202en\n"}, {}, "Ann"),
    ],
)
def test_a_person_goes_by_the_best_name_there_is(
    shown: dict[str, str] | None, user: dict[str, Any], name: str
) -> None:
    assert profile({**user, "profile": shown}).name == name


@given(photo_names())
def test_a_persons_name_is_plain_text(name: str) -> None:
    known = profile({"profile": {"display_name": name}}).name

    assert known
    assert "\n" not in known
    assert not any(map(is_unseen, known))


def test_of_somebody_slack_says_little_of_the_rest_is_assumed() -> None:
    assert profile({"name": "bot", "deleted": True, "tz": None, "tz_offset": None}) == Profile(
        name="bot", time_zone="UTC", offset_s=0, locale="en", is_deleted=True
    )


@pytest.mark.parametrize("name", ["a\x00b.jpg", "a\ud83db.jpg"])
def test_a_name_that_the_database_would_refuse_is_kept_as_far_as_it_goes(name: str) -> None:
    found = found_photo(
        {"id": "F1", "created": 0, "title": name}, team_url="https://example.slack.com/"
    )
    assert found.name in {"ab.jpg", "a?b.jpg"}
