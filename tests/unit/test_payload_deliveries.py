"""Copies of a delivery are told from new ones."""

from typing import Any

import pytest

from bot.payloads import Delivery

EVENT: dict[str, Any] = {"event_id": "Ev1", "event": {"type": "file_shared"}}
COMMAND: dict[str, Any] = {
    "command": "/findme",
    "trigger_id": "1.2",
    "response_url": "https://hooks/1",
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "trigger_id": "1.3",
    "actions": [{"action_ts": "5.6"}],
}
SUBMISSION: dict[str, Any] = {
    "type": "view_submission",
    "trigger_id": "1.4",
    "view": {"id": "V1", "hash": "h"},
}


@pytest.mark.parametrize("body", [EVENT, COMMAND, CLICK, SUBMISSION])
def test_a_copy_has_the_same_key(body: dict[str, Any]) -> None:
    assert Delivery.from_body(body).key
    assert Delivery.from_body(dict(body)) == Delivery.from_body(body)


def test_no_two_deliveries_have_the_same_key() -> None:
    again: list[dict[str, Any]] = [
        EVENT | {"event_id": "Ev2"},
        COMMAND | {"trigger_id": "1.9"},
        CLICK | {"actions": [{"action_ts": "5.7"}]},
        # The same form after an error: as it was, but for what stands in it.
        SUBMISSION | {"trigger_id": "1.5"},
    ]
    keys = [Delivery.from_body(one).key for one in [EVENT, COMMAND, CLICK, SUBMISSION, *again]]
    assert len(set(keys)) == len(keys)


def test_what_has_no_trigger_is_never_a_copy() -> None:
    assert (
        Delivery.from_body({"type": "view_closed", "view": {"id": "V1", "hash": "h"}}).key is None
    )


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
def test_the_end_of_the_app_is_told_from_other_events(kind: str) -> None:
    assert Delivery.from_body(EVENT | {"event": {"type": kind}}).is_an_end
    assert not Delivery.from_body(EVENT).is_an_end


def test_a_command_says_where_to_answer() -> None:
    assert Delivery.from_body(COMMAND).response_url == "https://hooks/1"
