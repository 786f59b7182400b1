"""What the kitchen serves: blocks as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Block = dict[str, Any]


def plain(text: str) -> Block:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def marked(text: str) -> Block:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def option(value: str, text: str | None = None) -> Block:
    """An option; its text is its value, if not given."""
    return {"text": plain(text or value.title()), "value": value}


def options(*values: str) -> list[Block]:
    """Several of them."""
    return [option(value) for value in values]


def button(action_id: str, text: str, **more: Any) -> Block:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def answer(files: Sequence[str]) -> list[Block]:
    """Findme's kind of answer: a line, photos with thumbnails, verdicts, an overflow menu, More."""
    blocks: list[Block] = [
        {"type": "section", "text": marked(f"*{len(files)} photos of you* in #photos: 1 sure")},
        {"type": "context", "elements": [marked("Your profile picture is a bit _dark_.")]},
    ]
    for number, file_id in enumerate(files):
        alt = f"Photo {number}, posted on 12 May"
        blocks.append(
            {
                "type": "section",
                "block_id": f"photo-{number}",
                "text": marked(
                    f"*<https://example.com/{number}|IMG_{number}.jpg>*\n✅ sure · "
                    "<!date^1715500000^{date_short_pretty} at {time}|12 May>"
                ),
                "accessory": {"type": "image", "slack_file": {"id": file_id}, "alt_text": alt},
            }
        )
        more = {
            "type": "overflow",
            "action_id": "photo_menu",
            "options": [option("me", "That's me"), option("not-me", "Not me")],
        }
        yes = button("me", "That's me", value=file_id, style="primary")
        blocks.append({"type": "actions", "block_id": f"verdict-{number}", "elements": [yes, more]})
    last = [button("more", "Show 10 more", value="10"), button("gallery", "Gallery")]
    return [*blocks, {"type": "actions", "block_id": "last", "elements": last}]


def everything() -> list[Block]:
    """Every block and element that a message takes."""
    confirm = {
        "title": plain("Really?"),
        "text": marked("All of *it* goes."),
        "confirm": plain("Yes, all"),
        "deny": plain("Keep it"),
    }
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "rich", "style": {"bold": True}}],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "text", "text": "one point"}],
                    }
                ],
            },
        ],
    }
    chooser = {"type": "static_select", "action_id": "one", "placeholder": plain("Pick one")}
    people = {"type": "multi_users_select", "action_id": "people", "placeholder": plain("Whom?")}
    boxes = {"type": "checkboxes", "action_id": "boxes", "options": options("red", "blue")}
    radio = {"type": "radio_buttons", "action_id": "radio", "options": options("left", "right")}
    day = {"type": "datepicker", "action_id": "day", "placeholder": plain("Day")}
    where = {"type": "channels_select", "action_id": "where", "placeholder": plain("Channel")}
    return [
        {"type": "header", "text": plain("A header :tada:")},
        {
            "type": "section",
            "fields": [marked("*Photos*\n14"), marked("*Faces*\n32")],
            "accessory": button("help", "Help", url="https://example.com/help"),
        },
        {"type": "divider"},
        {"type": "section", "text": marked("Whom?"), "accessory": people},
        {
            "type": "actions",
            "block_id": "choices",
            "elements": [chooser | {"options": options("north", "south")}, day, where],
        },
        {"type": "actions", "block_id": "marks", "elements": [boxes, radio]},
        {
            "type": "actions",
            "elements": [button("all", "Forget all", style="danger", confirm=confirm)],
        },
        rich,
    ]


def _input(block_id: str, label: str, element: Block, **more: Any) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        **more,
    }


def modal(*, note: str = "All of *this* can be filled in.") -> Block:
    """A modal with all kinds of inputs, a stateful element in an actions block, and a push."""
    picture = {
        "type": "file_input",
        "action_id": "file",
        "filetypes": ["jpg", "jpeg", "png"],
        "max_files": 1,
    }
    text = {"type": "plain_text_input", "action_id": "text", "placeholder": plain("Your name")}
    chosen = {"type": "static_select", "action_id": "size", "options": options("small", "large")}
    alerts = {
        "type": "checkboxes",
        "action_id": "alerts",
        "options": options("daily", "weekly"),
        "initial_options": options("daily"),
    }
    return {
        "type": "modal",
        "callback_id": "selfie",
        "notify_on_close": True,
        "title": plain("Your selfie"),
        "submit": plain("Use it"),
        "close": plain("Cancel"),
        "blocks": [
            {"type": "section", "block_id": "note", "text": marked(note)},
            _input("name", "Name", text, hint=plain("As on your badge")),
            _input("selfie", "A picture of you", picture),
            _input("size", "Size", chosen, optional=True),
            {"type": "actions", "block_id": "alerts", "elements": [alerts]},
            {"type": "actions", "block_id": "on", "elements": [button("push", "More…")]},
        ],
    }


def second_modal() -> Block:
    """A modal to put on top; it has nothing to submit."""
    section = {"type": "section", "text": marked("Deeper")}
    return {"type": "modal", "title": plain("More"), "blocks": [section]}


def home() -> Block:
    """A Home tab with a choice that counts at once."""
    alerts = {"type": "checkboxes", "action_id": "alerts", "options": options("new photos")}
    return {
        "type": "home",
        "blocks": [
            {"type": "header", "text": plain("What Findme knows about you")},
            {"type": "section", "text": marked("*2* references, *14* photos")},
            {"type": "actions", "block_id": "alerts", "elements": [alerts]},
            {
                "type": "actions",
                "elements": [button("forget", "Forget me", style="danger")],
            },
        ],
    }
