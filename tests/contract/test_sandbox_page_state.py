"""What stands in the elements of a view or message is told with every use of one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.inputs import Filled, action_json, state_json, value_of

Json = dict[str, Any]


def _option(value: str) -> Json:
    return {"text": {"type": "plain_text", "text": value}, "value": value}


OPTIONS = [_option("a"), _option("b")]

ELEMENTS: list[tuple[Json, Any, str]] = [
    ({"type": "plain_text_input"}, "word", "value"),
    ({"type": "datepicker"}, "2026-05-12", "selected_date"),
    ({"type": "users_select"}, "U1", "selected_user"),
    ({"type": "multi_users_select"}, ["U1", "U2"], "selected_users"),
    ({"type": "static_select", "options": OPTIONS}, "b", "selected_option"),
    ({"type": "radio_buttons", "options": OPTIONS}, "b", "selected_option"),
    ({"type": "checkboxes", "options": OPTIONS}, ["a", "b"], "selected_options"),
]


@pytest.mark.parametrize(("element", "value", "_key"), ELEMENTS, ids=lambda each: str(each)[:40])
def test_a_value_comes_back_from_what_was_told_of_it(element: Json, value: Any, _key: str) -> None:
    named = element | {"action_id": "it"}
    assert value_of(named, action_json(named, "block", value)) == value


@pytest.mark.parametrize(("element", "value", "key"), ELEMENTS, ids=lambda each: str(each)[:40])
def test_an_element_that_was_emptied_is_told_as_empty(element: Json, value: Any, key: str) -> None:
    named = element | {"action_id": "it"}
    empty: Any = [] if isinstance(value, list) else ""
    filled: Filled = {("block", "it"): empty}
    state = state_json([("block", named)], {}, filled)
    assert state["block"]["it"][key] == ([] if isinstance(value, list) else None)


def test_what_was_filled_in_counts_before_the_initial_value_and_after_what_is_given() -> None:
    text = {"type": "plain_text_input", "action_id": "it", "initial_value": "first"}
    other = {"type": "plain_text_input", "action_id": "it", "initial_value": "other"}
    elements = [("one", text), ("two", other)]
    state = state_json(elements, {}, {("one", "it"): "typed"})
    assert state["one"]["it"]["value"] == "typed"
    assert state["two"]["it"]["value"] == "other"
    given = state_json([("one", text)], {"it": "given"}, {("one", "it"): "typed"})
    assert given["one"]["it"]["value"] == "given"


def test_an_option_that_the_app_took_away_is_no_longer_chosen() -> None:
    chosen = {"type": "static_select", "action_id": "it", "options": OPTIONS}
    state = state_json([("block", chosen)], {}, {("block", "it"): "gone"})
    assert state["block"]["it"]["selected_option"] is None
    with pytest.raises(LookupError):
        state_json([("block", chosen)], {"it": "gone"})
