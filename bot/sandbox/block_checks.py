"""Whether Slack would take a list of blocks.

The limits are those of https://docs.slack.dev/reference/block-kit; what slack_sdk's own models
check is left to them. Problems are sentences with a JSON pointer, as Slack writes them into
`response_metadata.messages`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from bot.sandbox.element_checks import (
    ACTIONS_ELEMENTS,
    INPUT_ELEMENTS,
    SECTION_ELEMENTS,
    Problem,
    SlackFileCheck,
    element_problems,
    image_problems,
    length_problems,
    text_problems,
)
from bot.sandbox.model import Json

MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
MESSAGE_CHARACTERS_MAX = 12_000
"""Of all texts of a posted message together (https://github.com/slackapi/bolt-js/issues/2509)."""
VIEW_BYTES_MAX = 250_000
ACTIONS_MAX = 25
FIELDS_MAX = 10
CONTEXT_ELEMENTS_MAX = 10
BLOCK_TYPES = frozenset(
    {
        "actions",
        "context",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "rich_text",
        "section",
        "table",
        "video",
    }
)
_VIEW_ONLY = frozenset({"input"})


def problems(blocks: Any, *, in_view: bool, may_show: SlackFileCheck) -> list[str]:
    """All that is wrong with the blocks; nothing if Slack would take them."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return ["[ERROR] expected an array of objects [json-pointer:/blocks]"]
    found = [
        f"[ERROR] {what} [json-pointer:/blocks{where}]"
        for what, where in _problems(blocks, in_view=in_view, may_show=may_show)
    ]
    return found or _sdk_problems(blocks)


def _sdk_problems(blocks: list[Json]) -> list[str]:
    try:
        for block in Block.parse_all(blocks):
            block.validate_json()
    except (SlackObjectFormationError, TypeError, ValueError, KeyError, AttributeError) as e:
        return [f"[ERROR] {e} [json-pointer:/blocks]"]
    return []


def _problems(blocks: list[Json], *, in_view: bool, may_show: SlackFileCheck) -> Iterator[Problem]:
    most = VIEW_BLOCKS_MAX if in_view else MESSAGE_BLOCKS_MAX
    if len(blocks) > most:
        yield f"no more than {most} items allowed", ""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        where = f"/{index}"
        block_id = block.get("block_id")
        if block_id:
            if block_id in seen:
                yield f"`block_id` {block_id} already exists", f"{where}/block_id"
            seen.add(block_id)
            yield from length_problems(block_id, 255, f"{where}/block_id")
        yield from _block_problems(block, where, in_view=in_view, may_show=may_show)


def _block_problems(
    block: Json, where: str, *, in_view: bool, may_show: SlackFileCheck
) -> Iterator[Problem]:
    kind = block.get("type")
    if kind not in BLOCK_TYPES or (kind in _VIEW_ONLY and not in_view):
        # An input block is allowed in messages of some apps only; findme's are not among them.
        yield f"unsupported type: {kind}", f"{where}/type"
    match kind:
        case "section":
            yield from _section_problems(block, where, may_show)
        case "header":
            yield from text_problems(block.get("text"), 150, f"{where}/text", plain=True)
        case "image":
            yield from image_problems(block, where, may_show)
            if "title" in block:
                yield from text_problems(block["title"], 2000, f"{where}/title", plain=True)
        case "actions":
            yield from _actions_problems(block, where)
        case "context":
            yield from _context_problems(block, where, may_show)
        case "input":
            yield from text_problems(block.get("label"), 2000, f"{where}/label", plain=True)
            if "hint" in block:
                yield from text_problems(block["hint"], 2000, f"{where}/hint", plain=True)
            element = block.get("element") or {}
            at = f"{where}/element"
            yield from element_problems(element, at, may_show, allowed=INPUT_ELEMENTS)
        case _:
            return


def _section_problems(block: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    if "text" not in block and "fields" not in block:
        yield "missing required field: text", where
    if "text" in block:
        yield from text_problems(block["text"], 3000, f"{where}/text")
    fields = block.get("fields", ())
    if len(fields) > FIELDS_MAX:
        yield f"no more than {FIELDS_MAX} items allowed", f"{where}/fields"
    for index, entry in enumerate(fields):
        yield from text_problems(entry, 2000, f"{where}/fields/{index}")
    if "accessory" in block:
        at = f"{where}/accessory"
        yield from element_problems(block["accessory"], at, may_show, allowed=SECTION_ELEMENTS)


def _actions_problems(block: Json, where: str) -> Iterator[Problem]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= ACTIONS_MAX:
        yield f"must have between 1 and {ACTIONS_MAX} items", f"{where}/elements"
    action_ids = [element["action_id"] for element in elements if element.get("action_id")]
    for action_id in {each for each in action_ids if action_ids.count(each) > 1}:
        yield f"`action_id` {action_id} already exists", f"{where}/elements"
    for index, element in enumerate(elements):
        at = f"{where}/elements/{index}"
        yield from element_problems(element, at, lambda _: False, allowed=ACTIONS_ELEMENTS)


def _context_problems(block: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= CONTEXT_ELEMENTS_MAX:
        yield f"must have between 1 and {CONTEXT_ELEMENTS_MAX} items", f"{where}/elements"
    for index, element in enumerate(elements):
        at = f"{where}/elements/{index}"
        if element.get("type") == "image":
            yield from image_problems(element, at, may_show)
        else:
            yield from text_problems(element, 3000, at)


def view_problems(view: Json, *, may_show: SlackFileCheck) -> list[str]:
    """All that is wrong with a modal or a Home tab (https://docs.slack.dev/reference/views)."""
    found = [f"[ERROR] {what} [json-pointer:/view{where}]" for what, where in _around(view)]
    return found + problems(view.get("blocks"), in_view=True, may_show=may_show)


def _around(view: Json) -> Iterator[Problem]:
    is_modal = view.get("type") == "modal"
    for key in ("title", "submit", "close"):
        if key in view and not is_modal:
            yield f"unsupported field: {key}", f"/{key}"
        elif key in view or (is_modal and key == "title"):
            yield from text_problems(view.get(key), 24, f"/{key}", plain=True)
    for key, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        yield from length_problems(view.get(key, ""), most, f"/{key}")
    blocks = view.get("blocks") or []
    if is_modal and "submit" not in view and any(each.get("type") == "input" for each in blocks):
        yield "missing required field: submit", ""
    if len(json.dumps(view)) > VIEW_BYTES_MAX:
        yield "view_too_large", ""


def characters(value: object) -> int:
    """How much text stands in blocks: what Slack counts of a message that is posted."""
    if isinstance(value, list):
        return sum(map(characters, value))
    if isinstance(value, dict):
        return sum(
            len(each) if key == "text" and isinstance(each, str) else characters(each)
            for key, each in value.items()
        )
    return 0


def with_ids(blocks: list[Json], new_id: Callable[[], str]) -> tuple[Json, ...]:
    """The blocks with the block_id and action_id that Slack adds where the app gave none."""
    return tuple(_with_ids(block, new_id) for block in blocks)


def _with_ids(block: Json, new_id: Callable[[], str]) -> Json:
    named = {**block, "block_id": block.get("block_id") or new_id()}
    if named["type"] == "actions":
        named["elements"] = [_with_action_id(e, new_id) for e in named["elements"]]
    for key in ("accessory", "element"):
        if key in named and named[key].get("type") != "image":
            named[key] = _with_action_id(named[key], new_id)
    return named


def _with_action_id(element: Json, new_id: Callable[[], str]) -> Json:
    return {**element, "action_id": element.get("action_id") or new_id()}
