"""What people type, click and submit becomes frozen requests; buttons of old are stale."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.payloads import (
    Click,
    Command,
    StaleButtonError,
    block_id,
)
from bot.question import Question
from pipeline.domain.model import ChannelId, TeamId, UserId

URL = "https://hooks.slack.com/actions/T1/1/x"
QUESTION = Question(people=(UserId("U1"), UserId("U2")), only_sure=True, first=10)


def interaction(kind: str, **facts: Any) -> dict[str, Any]:
    """What all interactions have in common."""
    return {
        "type": kind,
        "user": {"id": "U1", "username": "ann", "name": "ann", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "t",
        "trigger_id": "1.2.3",
        "team": {"id": "T1", "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        **facts,
    }


def button(**facts: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "More", "emoji": True}
    block = block_id("nav", QUESTION)
    return {
        "type": "button",
        "action_id": "more",
        "block_id": block,
        "text": text,
        "action_ts": "1",
        **facts,
    }


def in_message(action: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A click in an ephemeral message, as Slack sends it: without the message."""
    return interaction(
        "block_actions",
        container={
            "type": "message",
            "message_ts": "1.2",
            "channel_id": "C1",
            "is_ephemeral": True,
        },
        channel={"id": "C1", "name": "privategroup"},
        state={"values": {}},
        response_url=URL,
        actions=[action],
        **facts,
    )


def in_view(action: dict[str, Any], kind: str = "modal") -> dict[str, Any]:
    return interaction(
        "block_actions",
        container={"type": "view", "view_id": "V1"},
        view={"id": "V1", "type": kind, "blocks": [], "private_metadata": ""},
        actions=[action],
    )


COMMAND = {
    "token": "t",
    "team_id": "T1",
    "team_domain": "acme",
    "channel_id": "C1",
    "channel_name": "party",
    "user_id": "U1",
    "user_name": "ann",
    "command": "/findme",
    "text": " me <@U2|ben> ",
    "api_app_id": "A1",
    "is_enterprise_install": "false",
    "response_url": "https://hooks.slack.com/commands/1",
    "trigger_id": "1.2.3",
}


def test_a_command_is_by_somebody_and_somewhere() -> None:
    assert Command.from_body(COMMAND) == Command(
        team_id=TeamId("T1"),
        user_id=UserId("U1"),
        channel_id=ChannelId("C1"),
        text="me <@U2|ben>",
        trigger_id="1.2.3",
        response_url="https://hooks.slack.com/commands/1",
    )


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_command_may_be_alone(text: str | None) -> None:
    assert Command.from_body({**COMMAND, "text": text}).text == ""


def test_a_button_in_a_message_is_clicked_in_its_channel() -> None:
    click = Click.from_body(in_message(button(value="20")))

    assert click == Click(
        team_id=TeamId("T1"),
        user_id=UserId("U1"),
        place=ChannelId("C1"),
        action_id="more",
        value="20",
        block_id=block_id("nav", QUESTION),
        trigger_id="1.2.3",
        response_url=URL,
        view_id=None,
        is_modal=False,
    )


@pytest.mark.parametrize(("kind", "is_modal"), [("modal", True), ("home", False)])
def test_a_button_in_a_view_has_no_channel_and_no_way_to_answer(
    kind: str, *, is_modal: bool
) -> None:
    click = Click.from_body(in_view(button(), kind))

    assert (click.view_id, click.is_modal) == ("V1", is_modal)
    assert (click.place, click.response_url, click.value) == (None, "", "")


@pytest.mark.parametrize(
    ("action", "value"),
    [
        (button(value="0"), "0"),
        (button(), ""),
        (
            {
                "type": "overflow",
                "action_id": "verdict",
                "block_id": "0:U1",
                "selected_option": {
                    "text": {"type": "plain_text", "text": "Not me"},
                    "value": "not me 1:2:3:4:5",
                },
            },
            "not me 1:2:3:4:5",
        ),
        (
            {
                "type": "conversations_select",
                "action_id": "add_channel",
                "block_id": "x",
                "selected_conversation": "C9",
            },
            "C9",
        ),
        (
            {
                "type": "channels_select",
                "action_id": "add_channel",
                "block_id": "x",
                "selected_channel": "C8",
            },
            "C8",
        ),
        (
            {
                "type": "static_select",
                "action_id": "x",
                "block_id": "x",
                "selected_option": None,
            },
            "",
        ),
    ],
)
def test_a_click_carries_what_was_chosen(action: dict[str, Any], value: str) -> None:
    assert Click.from_body(in_message(action)).value == value


@given(st.text("abc019", max_size=5))
def test_a_click_brings_the_question_back(slot: str) -> None:
    action = button(block_id=block_id(slot, QUESTION))

    assert Click.from_body(in_message(action)).question == QUESTION


@pytest.mark.parametrize("old", ["", "b4Xz", "nav", "nav:", "nav:U1", "nav:U1||||||x", "U1||||||0"])
def test_a_button_without_a_question_is_stale(old: str) -> None:
    click = Click.from_body(in_message(button(block_id=old)))

    with pytest.raises(StaleButtonError) as caught:
        _ = click.question
    assert "type `/findme` again" in str(caught.value)


@given(st.text())
def test_whatever_a_block_is_called_it_is_a_question_or_stale(old: str) -> None:
    click = Click.from_body(in_message(button(block_id=old)))

    with suppress(StaleButtonError):
        assert isinstance(click.question, Question)
