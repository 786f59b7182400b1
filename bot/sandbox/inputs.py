"""What a person chose or typed, as Slack reports it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from bot.sandbox.model import Json

Value = str | Sequence[str]
"""Text, the value of an option, or several of them. "" is an element that was emptied."""

Filled = dict[tuple[str, str], Value]
"""What a person has put into the elements of a place so far, by (block_id, action_id)."""

STATELESS = frozenset({"button", "overflow"})
"""Elements that are used, and hold nothing."""

_TYPED = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
_MANY = {"checkboxes": "options", "multi_static_select": "options"}
_SELECTED_KEYS = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "file_input": "files",
}


def action_json(element: Json, block_id: str, value: Value | None) -> Json:
    """One of the `actions` of a block_actions payload. Raises LookupError for an unknown option."""
    base = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id}
    if element["type"] == "button":
        kept = {key: element[key] for key in ("text", "value", "url", "style") if key in element}
        return base | kept
    return base | _choice(element, value)


def state_json(
    elements: Sequence[tuple[str, Json]],
    values: Mapping[str, Value],
    filled: Mapping[tuple[str, str], Value] | None = None,
) -> Json:
    """The `state.values` of a place: block_id → action_id → what is in the element.

    All elements that hold something count, those in actions and section blocks too. `values` go by
    action_id and come before what was `filled` in earlier. Raises LookupError for an unknown option
    or a value without an element.
    """
    unknown = set(values) - {element.get("action_id") for _, element in elements}
    if unknown:
        msg = f"no element for {', '.join(sorted(unknown))}"
        raise LookupError(msg)
    state: Json = {}
    for block_id, element in elements:
        if element["type"] in STATELESS:
            continue
        action_id = element["action_id"]
        chosen = _choice(element, values.get(action_id))
        if action_id not in values and filled:
            # The app may have taken away an option since it was chosen.
            with suppress(LookupError):
                chosen = _choice(element, filled.get((block_id, action_id)))
        state.setdefault(block_id, {})[action_id] = {"type": element["type"], **chosen}
    return state


def value_of(element: Json, chosen: Json) -> Value:
    """The `Value` that an element's part of a state or an action stands for."""
    kind = element["type"]
    if kind in _TYPED:
        return str(chosen.get("value") or "")
    if kind in _SELECTED_KEYS:
        found = chosen.get(_SELECTED_KEYS[kind]) or ""
        return found if isinstance(found, str) else list(found)
    if kind in _MANY:
        return [str(option["value"]) for option in chosen.get("selected_options") or ()]
    return str((chosen.get("selected_option") or {}).get("value", ""))


def _choice(element: Json, value: Value | None) -> dict[str, Any]:
    kind = element["type"]
    if kind in _TYPED:
        return {"value": element.get("initial_value") if value is None else value or None}
    if kind in _SELECTED_KEYS:
        key = _SELECTED_KEYS[kind]
        nothing: Value | None = [] if key.endswith("s") else None
        initial = element.get(key.replace("selected_", "initial_", 1), nothing)
        return {key: initial if value is None else value or nothing}
    if kind in _MANY:
        initial = element.get("initial_options", [])
        given = [value] if isinstance(value, str) else value
        chosen = initial if given is None else [_option(element, each) for each in given]
        return {"selected_options": chosen}
    if value == "":
        return {"selected_option": None}
    initial = element.get("initial_option")
    return {"selected_option": initial if value is None else _option(element, str(value))}


def _option(element: Json, value: str) -> Json:
    grouped = (o for group in element.get("option_groups", ()) for o in group["options"])
    for option in (*element.get("options", ()), *grouped):
        if option.get("value") == value:
            return dict(option)
    msg = f"{element['action_id']} has no option {value!r}"
    raise LookupError(msg)
