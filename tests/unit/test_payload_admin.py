"""What an admin types becomes a request, or a sentence that says what to type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.payloads import (
    ADMIN_USAGE,
    AddChannelRequest,
    AdminRequest,
    ForgetRequest,
    PanelRequest,
    ReindexRequest,
    RemoveChannelRequest,
    StatusRequest,
    admin_request,
)
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import UsageError
from tests.rendering import parsed
from tests.strategies import photo_names

C1 = ChannelId("C1")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("", PanelRequest()),
        ("  ", PanelRequest()),
        ("status", StatusRequest()),
        (" Status ", StatusRequest()),
        ("reindex", ReindexRequest(channel_id=None)),
        ("REINDEX", ReindexRequest(channel_id=None)),
        ("reindex <#C1>", ReindexRequest(channel_id=C1)),
        ("reindex  <#C1|party>", ReindexRequest(channel_id=C1)),
        ("reindex <#G1|>", ReindexRequest(channel_id=ChannelId("G1"))),
        ("channels add <#C1|party>", AddChannelRequest(channel_id=C1)),
        ("Channels Add <#C1>", AddChannelRequest(channel_id=C1)),
        ("channels remove <#C1|party>", RemoveChannelRequest(channel_id=C1)),
        ("forget <@U2|ben>", ForgetRequest(user_id=UserId("U2"))),
        ("FORGET <@W012A3CDE>", ForgetRequest(user_id=UserId("W012A3CDE"))),
    ],
)
def test_every_form_of_the_command_is_a_request(text: str, request_: AdminRequest) -> None:
    assert admin_request(text) == request_


@pytest.mark.parametrize(
    "text",
    [
        "stats",
        "status now",
        "reindex party",
        "reindex #party",
        "reindex <@U1>",
        "reindex <#C1> <#C2>",
        "channels",
        "channels add",
        "channels add party",
        "channels add <@U1>",
        "channels drop <#C1>",
        "add <#C1>",
        "forget",
        "forget ben",
        "forget me",
        "forget <#C1>",
        "forget <@U1> <@U2>",
        "forget <@u1>",
    ],
)
def test_anything_else_is_answered_with_what_can_be_typed(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        admin_request(text)

    assert str(caught.value).startswith("I don't understand “")
    assert str(caught.value).endswith(ADMIN_USAGE)


@given(photo_names() | st.text())
def test_what_was_typed_is_told_without_its_mark_up(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        admin_request(f"x{text}")

    assert len(str(caught.value)) < 800
    assert {token[0] for token in parsed(str(caught.value))} == {"text"}


def test_the_usage_is_sound_mark_up() -> None:
    assert {token[0] for token in parsed(ADMIN_USAGE)} == {"text"}
