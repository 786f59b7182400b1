"""Slack's user and conversation objects -> who may see what."""

from typing import Any

import pytest

from bot.payloads import channel_facts, reader
from pipeline.domain.model import TeamId
from pipeline.domain.visibility import Reader

OURS, THEIRS = TeamId("T1"), TeamId("T2")
SOMEBODY: dict[str, Any] = {"id": "U1", "team_id": OURS, "deleted": False, "is_bot": False}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, Reader.MEMBER),
        ({"is_restricted": False, "is_ultra_restricted": False}, Reader.MEMBER),
        ({"is_admin": True}, Reader.MEMBER),
        ({"is_restricted": True}, Reader.GUEST),
        ({"is_restricted": True, "is_ultra_restricted": True}, Reader.GUEST),
        ({"is_ultra_restricted": True}, Reader.GUEST),
        ({"team_id": THEIRS}, Reader.STRANGER),
        ({"team_id": THEIRS, "is_stranger": False}, Reader.STRANGER),
        ({"team_id": THEIRS, "is_admin": True}, Reader.STRANGER),
        ({"team_id": THEIRS, "is_restricted": True}, Reader.STRANGER),
        ({"team_id": None}, Reader.STRANGER),
        ({"is_stranger": True}, Reader.STRANGER),
        ({"deleted": True}, Reader.GONE),
        ({"deleted": True, "team_id": THEIRS}, Reader.GONE),
        ({"is_bot": True}, Reader.APP),
        ({"id": "USLACKBOT"}, Reader.APP),
    ],
)
def test_a_user_object_says_what_somebody_is_to_the_workspace(
    user: dict[str, Any], expected: Reader
) -> None:
    assert reader(SOMEBODY | user, team_id=OURS) is expected


@pytest.mark.parametrize(
    ("teams", "expected"),
    [
        ([THEIRS, OURS], Reader.MEMBER),
        ([THEIRS], Reader.STRANGER),
        ([], Reader.STRANGER),
        (None, Reader.STRANGER),
    ],
)
def test_on_enterprise_grid_a_member_may_be_of_several_workspaces(
    teams: list[TeamId] | None, expected: Reader
) -> None:
    user = SOMEBODY | {"team_id": THEIRS, "enterprise_user": {"id": "W1", "teams": teams}}

    assert reader(user, team_id=OURS) is expected


def test_a_user_object_without_a_workspace_is_a_strangers() -> None:
    assert reader({"id": "U1"}, team_id=OURS) is Reader.STRANGER


@pytest.mark.parametrize(
    ("conversation", "is_private"),
    [({"is_private": False}, False), ({"is_private": True}, True), ({}, True)],
)
def test_what_slack_does_not_call_public_is_private(
    conversation: dict[str, bool], *, is_private: bool
) -> None:
    assert channel_facts({"id": "C1"} | conversation).is_private is is_private


@pytest.mark.parametrize("is_archived", [True, False])
def test_an_archived_conversation_is_known_as_one(*, is_archived: bool) -> None:
    assert channel_facts({"id": "C1", "is_archived": is_archived}).is_archived is is_archived
