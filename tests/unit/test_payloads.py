"""Slack's JSON becomes frozen requests and values, or a sentence that says what to write."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.mrkdwn import escape
from bot.payloads import (
    ADMIN_USAGE,
    FIND_USAGE,
    FileEvent,
    FindRequest,
    HelpRequest,
    MembershipEvent,
    ReindexRequest,
    StatusRequest,
    admin_request,
    channels,
    found_photo,
    is_gone,
    is_to_be_asked_for,
    is_workspace_admin,
    profile_picture,
    provisional_share,
)
from pipeline.domain.model import ChannelId, FileId, TeamId, UserId
from pipeline.errors import NoProfilePictureError, UsageError

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


def command(text: str | None) -> dict[str, str]:
    body = {"team_id": "T1", "user_id": "U1"}
    return body if text is None else {**body, "text": text}


def find(target: str) -> FindRequest:
    return FindRequest(team_id=TeamId("T1"), asker=UserId("U1"), target=UserId(target))


@pytest.mark.parametrize("text", [None, "", "  ", "me", "ME", " me "])
def test_findme_alone_looks_for_who_asks(text: str | None) -> None:
    assert FindRequest.from_command(command(text)) == find("U1")


@pytest.mark.parametrize("text", ["<@U2>", "<@U2|ben>", " <@U2|ben ode> ", "<@U2|>"])
def test_findme_with_a_colleague_looks_for_them(text: str) -> None:
    assert FindRequest.from_command(command(text)) == find("U2")


def test_people_of_other_workspaces_can_be_looked_for() -> None:
    assert FindRequest.from_command(command("<@W012A3CDE|x>")) == find("W012A3CDE")


@pytest.mark.parametrize("text", ["help", "HELP", " Help "])
def test_findme_help_is_a_request_for_help(text: str) -> None:
    assert FindRequest.from_command(command(text)) == HelpRequest()


@pytest.mark.parametrize(
    "text", ["ben", "@ben", "<@U2> <@U3>", "photos of <@U2>", "<#C1|party>", "<@u2>", "help me"]
)
def test_findme_with_anything_else_says_what_to_try(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        FindRequest.from_command(command(text))

    assert str(caught.value) == f"I don't understand “{escape(text)}”. {FIND_USAGE}"


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(UsageError) as caught:
        FindRequest.from_command(command("x" * 4000))

    assert len(str(caught.value)) < 300


def test_the_more_button_brings_back_the_request_with_its_place() -> None:
    value = find("U2").more_value(10)

    request = FindRequest.from_more(
        {"team": {"id": "T1"}, "user": {"id": "U1"}, "actions": [{"value": value}]}
    )

    assert request == FindRequest(
        team_id=TeamId("T1"), asker=UserId("U1"), target=UserId("U2"), first=10
    )


def test_the_more_button_asks_for_whoever_clicks_it() -> None:
    value = json.dumps({"target": "U2", "first": 10, "asker": "U1"})

    request = FindRequest.from_more(
        {"team": {"id": "T1"}, "user": {"id": "U9"}, "actions": [{"value": value}]}
    )

    assert request.asker == "U9"


@pytest.mark.parametrize("text", ["status", " Status "])
def test_an_admin_asks_for_the_status(text: str) -> None:
    assert admin_request(command(text)) == StatusRequest(team_id=TeamId("T1"), admin=UserId("U1"))


@pytest.mark.parametrize(
    ("text", "channel_id"),
    [
        ("reindex", None),
        ("REINDEX", None),
        ("reindex <#C1>", "C1"),
        ("reindex  <#C1|party>", "C1"),
        ("reindex <#G1|>", "G1"),
    ],
)
def test_an_admin_reindexes_everything_or_a_channel(text: str, channel_id: str | None) -> None:
    assert admin_request(command(text)) == ReindexRequest(
        team_id=TeamId("T1"),
        admin=UserId("U1"),
        channel_id=ChannelId(channel_id) if channel_id else None,
    )


@pytest.mark.parametrize(
    "text",
    [None, "", "stats", "status now", "reindex party", "reindex #party", "reindex <#C1> <#C2>"],
)
def test_an_admin_who_writes_anything_else_is_told_what_to_try(text: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        admin_request(command(text))

    assert str(caught.value).endswith(ADMIN_USAGE)


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


def test_a_file_event_carries_ids_only() -> None:
    event = FileEvent.from_body(
        {"team_id": "T1", "event": {"file_id": "F1", "channel_id": "C1", "type": "file_shared"}}
    )

    assert event == FileEvent(
        team_id=TeamId("T1"), file_id=FileId("F1"), channel_id=ChannelId("C1")
    )


def test_a_deleted_file_event_names_no_channel() -> None:
    body = {"team_id": "T1", "event": {"file_id": "F1", "type": "file_deleted"}}

    assert FileEvent.from_body(body).channel_id is None


@pytest.mark.parametrize(("event", "user"), [({"user": "U1"}, "U1"), ({}, None)])
def test_a_membership_event_may_name_nobody(event: dict[str, str], user: str | None) -> None:
    found = MembershipEvent.from_body({"team_id": "T1", "event": {"channel": "C1", **event}})

    assert (found.user_id, found.channel_id) == (user, "C1")


def test_a_channel_without_a_name_goes_by_its_id() -> None:
    page = {"channels": [{"id": "C1", "name": "party"}, {"id": "C2"}]}

    assert [(channel.channel_id, channel.name) for channel in channels(page)] == [
        ("C1", "party"),
        ("C2", "C2"),
    ]
