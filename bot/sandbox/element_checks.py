"""Whether Slack would take what stands in a block: texts, pictures, elements, options, dialogs.

The limits are those of https://docs.slack.dev/reference/block-kit/block-elements and
https://docs.slack.dev/reference/block-kit/composition-objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.model import Json

TEXT_TYPES = frozenset({"plain_text", "mrkdwn"})
PLACEHOLDER_MAX = 150
TYPED_MAX = 3000
FILES_MAX = 10

_PICKERS = frozenset({"datepicker", "timepicker"})
_MENUS = frozenset(
    f"{kind}_select" for kind in ("static", "external", "users", "conversations", "channels")
)
_MANY_MENUS = frozenset(f"multi_{menu}" for menu in _MENUS)
_CHOICES = frozenset({"checkboxes", "radio_buttons"})
SECTION_ELEMENTS = (
    _PICKERS
    | _MENUS
    | _MANY_MENUS
    | _CHOICES
    | {"button", "image", "overflow", "workflow_button", "feedback_buttons", "icon_button"}
)
ACTIONS_ELEMENTS = (
    _PICKERS
    | _MENUS
    | _MANY_MENUS
    | _CHOICES
    | {"button", "datetimepicker", "overflow", "workflow_button"}
)
INPUT_ELEMENTS = (
    _PICKERS
    | _MENUS
    | _MANY_MENUS
    | _CHOICES
    | {
        "datetimepicker",
        "email_text_input",
        "file_input",
        "number_input",
        "plain_text_input",
        "rich_text_input",
        "url_text_input",
    }
)

SlackFileCheck = Callable[[Json], bool]
"""Whether the bot may show the file that a `slack_file` object names."""

Problem = tuple[str, str]
"""What is wrong, and a JSON pointer to it."""


def text_problems(text: Any, most: int, where: str, *, plain: bool = False) -> Iterator[Problem]:
    """A text object of 1 to `most` characters; `plain` if it takes no mark-up."""
    if not isinstance(text, dict):
        yield "missing required field: text", where
        return
    allowed = {"plain_text"} if plain else TEXT_TYPES
    if text.get("type") not in allowed:
        yield f"unsupported type: {text.get('type')}", f"{where}/type"
    if not text.get("text"):
        yield "must be more than 0 characters", f"{where}/text"
    else:
        yield from length_problems(text["text"], most, f"{where}/text")


def length_problems(value: Any, most: int, where: str) -> Iterator[Problem]:
    """A string of at most `most` characters."""
    if not isinstance(value, str):
        yield "must be a string", where
    elif len(value) > most:
        yield f"must be less than {most + 1} characters", where


def image_problems(image: Json, where: str, may_show: SlackFileCheck) -> Iterator[Problem]:
    """An image, as a block or an element."""
    if not image.get("alt_text"):
        yield "missing required field: alt_text", where
    else:
        yield from length_problems(image["alt_text"], 2000, f"{where}/alt_text")
    url, slack_file = image.get("image_url"), image.get("slack_file")
    if (url is None) == (slack_file is None):
        yield "must have exactly one of image_url and slack_file", where
    elif url is not None:
        yield from length_problems(url, 3000, f"{where}/image_url")
        if not str(url).startswith(("http://", "https://")):
            yield "invalid image url", f"{where}/image_url"
    elif slack_file is not None and not may_show(slack_file):
        yield "invalid slack file", f"{where}/slack_file"


def element_problems(
    element: Json, where: str, may_show: SlackFileCheck, *, allowed: frozenset[str]
) -> Iterator[Problem]:
    """An element of a block that takes the types `allowed`."""
    kind = element.get("type")
    if kind is None:
        yield "missing required field: type", where
        return
    if kind not in allowed:
        yield f"unsupported type: {kind}", f"{where}/type"
    if kind == "image":
        yield from image_problems(element, where, may_show)
        return
    yield from length_problems(element.get("action_id", ""), 255, f"{where}/action_id")
    if "placeholder" in element:
        at = f"{where}/placeholder"
        yield from text_problems(element["placeholder"], PLACEHOLDER_MAX, at, plain=True)
    if "confirm" in element:
        yield from _confirm_problems(element["confirm"], f"{where}/confirm")
    yield from _own_problems(element, where)


def _own_problems(element: Json, where: str) -> Iterator[Problem]:
    match element["type"]:
        case "button":
            yield from _button_problems(element, where)
        case "overflow":
            yield from _options_problems(element, where, most=5, plain=True)
        case "checkboxes" | "radio_buttons":
            yield from _options_problems(element, where, most=10)
        case "static_select" | "multi_static_select":
            yield from _menu_problems(element, where)
        case "file_input":
            if not 1 <= element.get("max_files", FILES_MAX) <= FILES_MAX:
                yield f"must be between 1 and {FILES_MAX}", f"{where}/max_files"
        case "plain_text_input":
            for key in ("min_length", "max_length"):
                if element.get(key, 0) > TYPED_MAX:
                    yield f"must be at most {TYPED_MAX}", f"{where}/{key}"
        case _:
            return


def _button_problems(button: Json, where: str) -> Iterator[Problem]:
    yield from text_problems(button.get("text"), 75, f"{where}/text", plain=True)
    for key, most in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
        yield from length_problems(button.get(key, ""), most, f"{where}/{key}")
    yield from _style_problems(button, where)


def _style_problems(styled: Json, where: str) -> Iterator[Problem]:
    if styled.get("style") not in {None, "primary", "danger"}:
        yield f"invalid style: {styled['style']}", f"{where}/style"


def _confirm_problems(dialog: Any, where: str) -> Iterator[Problem]:
    if not isinstance(dialog, dict):
        yield "expected an object", where
        return
    # Slack documents plain text for `text`, and takes the mark-up that its SDK makes of it too.
    yield from text_problems(dialog.get("text"), 300, f"{where}/text")
    for key, most in (("title", 100), ("confirm", 30), ("deny", 30)):
        yield from text_problems(dialog.get(key), most, f"{where}/{key}", plain=True)
    yield from _style_problems(dialog, where)


def _menu_problems(menu: Json, where: str) -> Iterator[Problem]:
    if ("options" in menu) == ("option_groups" in menu):
        yield "must have exactly one of options and option_groups", where
        return
    if "options" in menu:
        yield from _options_problems(menu, where, most=100, plain=True)
        return
    groups = menu["option_groups"]
    if not 1 <= len(groups) <= 100:  # noqa: PLR2004 - Slack's own bound
        yield "must have between 1 and 100 items", f"{where}/option_groups"
    for index, group in enumerate(groups):
        at = f"{where}/option_groups/{index}"
        yield from text_problems(group.get("label"), 75, f"{at}/label", plain=True)
        yield from _options_problems(group, at, most=100, plain=True)


def _options_problems(
    element: Json, where: str, *, most: int, plain: bool = False
) -> Iterator[Problem]:
    options = element.get("options") or []
    if not 1 <= len(options) <= most:
        yield f"must have between 1 and {most} items", f"{where}/options"
    for index, option in enumerate(options):
        at = f"{where}/options/{index}"
        yield from text_problems(option.get("text"), 75, f"{at}/text", plain=plain)
        yield from length_problems(option.get("value", ""), 150, f"{at}/value")
        if "description" in option:
            yield from text_problems(option["description"], 75, f"{at}/description", plain=plain)
        yield from length_problems(option.get("url", ""), 3000, f"{at}/url")
    chosen = [element.get("initial_option"), *(element.get("initial_options") or ())]
    values = {option.get("value") for option in options}
    for option in chosen:
        if option is not None and option.get("value") not in values:
            yield "must be one of the options", f"{where}/initial_option"
