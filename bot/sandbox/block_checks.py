"""Whether Slack would take a list of blocks.

The limits are those of https://docs.slack.dev/reference/block-kit; what slack_sdk's own models
check is left to them. Problems are sentences with a JSON pointer, as Slack writes them into
`response_metadata.messages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from bot.sandbox.model import Json

MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
ACTIONS_MAX = 25
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
TEXT_TYPES = frozenset({"plain_text", "mrkdwn"})
_VIEW_ONLY = frozenset({"input"})

SlackFileCheck = Callable[[Json], bool]
"""Whether the bot may show the file that a `slack_file` object names."""


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


Problem = tuple[str, str]


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
            yield from _length(block_id, 255, f"{where}/block_id")
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
            yield from _text(block.get("text"), 150, f"{where}/text", plain=True)
        case "image":
            yield from _image_problems(block, where, may_show)
            if "title" in block:
                yield from _text(block["title"], 2000, f"{where}/title", plain=True)
        case "actions":
            yield from _actions_problems(block, where)
        case "context":
            yield from _context_problems(block, where, may_show)
        case "input":
            yield from _text(block.get("label"), 2000, f"{where}/label", plain=True)
            yield from _element_problems(block.get("element", {}), f"{where}/element", may_show)
        case _:
            return


def _section_problems(block: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    if "text" not in block and "fields" not in block:
        yield "missing required field: text", where
    if "text" in block:
        yield from _text(block["text"], 3000, f"{where}/text")
    for index, entry in enumerate(block.get("fields", ())):
        yield from _text(entry, 2000, f"{where}/fields/{index}")
    if "accessory" in block:
        yield from _element_problems(block["accessory"], f"{where}/accessory", may_show)


def _actions_problems(block: Json, where: str) -> Iterator[Problem]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= ACTIONS_MAX:
        yield f"must have between 1 and {ACTIONS_MAX} items", f"{where}/elements"
    action_ids = [element["action_id"] for element in elements if element.get("action_id")]
    for action_id in {each for each in action_ids if action_ids.count(each) > 1}:
        yield f"`action_id` {action_id} already exists", f"{where}/elements"
    for index, element in enumerate(elements):
        yield from _element_problems(element, f"{where}/elements/{index}", lambda _: False)


def _context_problems(block: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= CONTEXT_ELEMENTS_MAX:
        yield f"must have between 1 and {CONTEXT_ELEMENTS_MAX} items", f"{where}/elements"
    for index, element in enumerate(elements):
        at = f"{where}/elements/{index}"
        if element.get("type") == "image":
            yield from _image_problems(element, at, may_show)
        else:
            yield from _text(element, 3000, at)


def _image_problems(image: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    if not image.get("alt_text"):
        yield "missing required field: alt_text", where
    else:
        yield from _length(image["alt_text"], 2000, f"{where}/alt_text")
    url, slack_file = image.get("image_url"), image.get("slack_file")
    if (url is None) == (slack_file is None):
        yield "must have exactly one of image_url and slack_file", where
    elif url is not None and not str(url).startswith(("http://", "https://")):
        yield "invalid image url", f"{where}/image_url"
    elif slack_file is not None and not may_show(slack_file):
        yield "invalid slack file", f"{where}/slack_file"


def _element_problems(element: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    yield from _length(element.get("action_id", ""), 255, f"{where}/action_id")
    match element.get("type"):
        case None:
            yield "missing required field: type", where
        case "image":
            yield from _image_problems(element, where, may_show)
        case "button":
            yield from _text(element.get("text"), 75, f"{where}/text", plain=True)
            yield from _length(element.get("value", ""), 2000, f"{where}/value")
            yield from _length(element.get("url", ""), 3000, f"{where}/url")
        case "overflow":
            yield from _option_problems(element, where, most=5)
        case "checkboxes" | "radio_buttons":
            yield from _option_problems(element, where, most=10)
        case "static_select" | "multi_static_select" if "options" in element:
            yield from _option_problems(element, where, most=100)
        case _:
            return


def _option_problems(element: Json, where: str, *, most: int) -> Iterator[Problem]:
    options = element.get("options") or []
    if not 1 <= len(options) <= most:
        yield f"must have between 1 and {most} items", f"{where}/options"
    for index, option in enumerate(options):
        at = f"{where}/options/{index}"
        yield from _text(option.get("text"), 75, f"{at}/text")
        yield from _length(option.get("value", ""), 150, f"{at}/value")


def _text(text: Any, most: int, where: str, *, plain: bool = False) -> Iterator[Problem]:
    if not isinstance(text, dict):
        yield "missing required field: text", where
        return
    allowed = {"plain_text"} if plain else TEXT_TYPES
    if text.get("type") not in allowed:
        yield f"unsupported type: {text.get('type')}", f"{where}/type"
    if not text.get("text"):
        yield "must be more than 0 characters", f"{where}/text"
    else:
        yield from _length(text["text"], most, f"{where}/text")


def _length(value: Any, most: int, where: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield "must be a string", where
    elif len(value) > most:
        yield f"must be less than {most + 1} characters", where


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
