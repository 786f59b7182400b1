"""Slack's events become frozen values."""

from typing import Any

import pytest

from bot.payloads import (
    ChangedUser,
    ChannelEvent,
    DeletedMessage,
    FileEvent,
    HomeOpened,
    MembershipEvent,
    RevokedTokens,
)
from pipeline.domain.model import ChannelId, FileId, TeamId, UserId


def envelope(**event: Any) -> dict[str, Any]:
    """As Slack sends an event."""
    return {
        "token": "t",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": event,
        "type": "event_callback",
        "event_id": "Ev1",
        "event_time": 1_777_000_000,
    }


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


@pytest.mark.parametrize(("tab", "is_home"), [("home", True), ("messages", False)])
def test_home_is_one_of_the_tabs_that_can_be_opened(tab: str, *, is_home: bool) -> None:
    body = envelope(type="app_home_opened", user="U1", channel="D1", tab=tab, event_ts="1.2")

    assert HomeOpened.from_body(body) == HomeOpened(
        team_id=TeamId("T1"), user_id=UserId("U1"), is_home=is_home
    )


def test_a_deleted_message_is_known_by_its_place() -> None:
    body = envelope(
        type="message",
        subtype="message_deleted",
        channel="C1",
        ts="3.4",
        deleted_ts="1.2",
        previous_message={"ts": "1.2"},
    )

    assert DeletedMessage.from_body(body) == DeletedMessage(
        team_id=TeamId("T1"), channel_id=ChannelId("C1"), ts="1.2", file_ids=()
    )


def test_a_deleted_message_names_what_may_have_been_a_photo() -> None:
    files: list[dict[str, Any]] = [
        {"id": "F1", "mimetype": "image/png"},
        {"id": "F2", "mimetype": "application/pdf"},
        # Of another workspace: Slack holds its facts back.
        {"id": "F3", "mimetype": "", "file_access": "check_file_info"},
        {"id": "F4", "mode": "tombstone"},
    ]
    body = envelope(
        type="message",
        subtype="message_deleted",
        channel="C1",
        deleted_ts="1.2",
        previous_message={"ts": "1.2", "files": files},
    )
    found = DeletedMessage.from_body(body)

    assert found is not None
    assert found.file_ids == ("F1", "F3")


@pytest.mark.parametrize("before", [None, {}, {"files": None}])
def test_a_deleted_message_may_have_shown_nothing(before: Any) -> None:
    body = envelope(
        type="message",
        subtype="message_deleted",
        channel="C1",
        deleted_ts="1.2",
        previous_message=before,
    )
    found = DeletedMessage.from_body(body)

    assert found is not None
    assert found.file_ids == ()


@pytest.mark.parametrize("subtype", [None, "file_share", "message_changed"])
def test_any_other_message_is_none_of_it(subtype: str | None) -> None:
    body = envelope(type="message", channel="C1", ts="1.2", subtype=subtype)

    assert DeletedMessage.from_body(body) is None


def test_an_unshared_file_names_its_channel() -> None:
    body = envelope(type="file_unshared", file_id="F1", channel_id="C1", file={"id": "F1"})

    assert FileEvent.from_body(body) == FileEvent(
        team_id=TeamId("T1"), file_id=FileId("F1"), channel_id=ChannelId("C1")
    )


@pytest.mark.parametrize("channel", ["C1", {"id": "C1", "name": "new", "created": 1}])
def test_a_channel_event_names_the_channel_or_tells_of_it(channel: Any) -> None:
    body = envelope(type="channel_rename", channel=channel)

    assert ChannelEvent.from_body(body) == ChannelEvent(
        team_id=TeamId("T1"), channel_id=ChannelId("C1")
    )


def test_a_changed_user_comes_with_the_whole_profile() -> None:
    user = {"id": "U1", "deleted": True, "updated": 12, "profile": {"display_name": "Ann"}}
    found = ChangedUser.from_body(envelope(type="user_change", user=user))

    assert (found.user_id, found.profile.name) == ("U1", "Ann")
    assert (found.profile.is_deleted, found.profile.updated_s) == (True, 12)


@pytest.mark.parametrize(
    ("tokens", "users"),
    [({"oauth": ["U1"], "bot": ["U2", "U3"]}, ("U2", "U3")), ({"oauth": ["U1"]}, ()), (None, ())],
)
def test_revoked_tokens_are_known_by_their_users(tokens: Any, users: tuple[str, ...]) -> None:
    found = RevokedTokens.from_body(envelope(type="tokens_revoked", tokens=tokens))

    assert found.bot_user_ids == users


EVENTS: list[tuple[Any, dict[str, Any]]] = [
    (FileEvent, {"file_id": "F1", "channel_id": "C1"}),
    (MembershipEvent, {"user": "U1", "channel": "C1"}),
    (ChannelEvent, {"channel": "C1"}),
    (ChangedUser, {"user": {"id": "U1"}}),
    (RevokedTokens, {"tokens": {}}),
    (DeletedMessage, {"subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.2"}),
    (HomeOpened, {"user": "U1", "tab": "home"}),
]


@pytest.mark.parametrize(("kind", "event"), EVENTS)
def test_an_event_in_another_workspaces_channel_is_of_whom_it_was_sent_to(
    kind: Any, event: dict[str, Any]
) -> None:
    body = envelope(**event) | {"team_id": "T2", "authorizations": [{"team_id": "T1"}]}

    assert kind.from_body(body).team_id == "T1"


@pytest.mark.parametrize("authorizations", [None, [], [{"team_id": None}], [{}]])
def test_the_envelope_says_whose_it_is_where_no_authorization_does(authorizations: Any) -> None:
    body = envelope(file_id="F1") | {"authorizations": authorizations}

    assert FileEvent.from_body(body).team_id == "T1"
