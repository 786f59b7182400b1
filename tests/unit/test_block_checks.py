"""What the local workspace refuses, since Slack would: each published limit, at it and past it."""

from typing import Any

import pytest

from bot.sandbox.block_checks import characters, problems, view_problems

Json = dict[str, Any]


def plain(length: int = 4) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int = 4) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def button(**facts: Any) -> Json:
    return {"type": "button", "action_id": "go", "text": plain(), **facts}


def option(number: int = 0, **facts: Any) -> Json:
    return {"text": plain(), "value": str(number), **facts}


def options(kind: str, number: int, **facts: Any) -> Json:
    made = {"type": kind, "action_id": "choose", "options": list(map(option, range(number)))}
    return {**made, **facts}


def menu_of(**facts: Any) -> Json:
    return {"type": "static_select", "action_id": "choose", "placeholder": plain(), **facts}


def confirm(**facts: Any) -> Json:
    texts = {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()}
    return {**texts, **facts}


def section(accessory: Json | None = None, **facts: Any) -> Json:
    shown = {"type": "section", "text": mrkdwn(), **facts}
    return shown if accessory is None else {**shown, "accessory": accessory}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def asked(element: Json, **facts: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element, **facts}


def image(**facts: Any) -> Json:
    return {"type": "image", "alt_text": "x", "image_url": "https://a.example/b", **facts}


def typed(**facts: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "say", **facts}


def files(**facts: Any) -> Json:
    return {"type": "file_input", "action_id": "give", **facts}


def wrong(*blocks: Json, in_view: bool = True) -> list[str]:
    return problems(list(blocks), in_view=in_view, may_show=lambda _: True)


@pytest.mark.parametrize(
    ("most", "too_much", "pointer"),
    [
        (section(text=mrkdwn(3000)), section(text=mrkdwn(3001)), "/0/text/text"),
        (section(text=mrkdwn(1)), section(text=mrkdwn(0)), "/0/text/text"),
        (section(fields=[mrkdwn()] * 10), section(fields=[mrkdwn()] * 11), "/0/fields"),
        (section(fields=[mrkdwn(2000)]), section(fields=[mrkdwn(2001)]), "/0/fields/0/text"),
        (section(block_id="x" * 255), section(block_id="x" * 256), "/0/block_id"),
        (
            {"type": "header", "text": plain(150)},
            {"type": "header", "text": plain(151)},
            "/0/text/text",
        ),
        (image(alt_text="x" * 2000), image(alt_text="x" * 2001), "/0/alt_text"),
        (image(title=plain(2000)), image(title=plain(2001)), "/0/title/text"),
        (
            image(image_url="https://" + "x" * 2992),
            image(image_url="https://" + "x" * 2993),
            "/0/image_url",
        ),
        (
            actions(*(button(action_id=str(each)) for each in range(25))),
            actions(*(button(action_id=str(each)) for each in range(26))),
            "/0/elements",
        ),
        (actions(button()), actions(button(), button()), "/0/elements"),
        (
            {"type": "context", "elements": [mrkdwn()] * 10},
            {"type": "context", "elements": [mrkdwn()] * 11},
            "/0/elements",
        ),
        (asked(typed(), label=plain(2000)), asked(typed(), label=plain(2001)), "/0/label/text"),
        (asked(typed(), hint=plain(2000)), asked(typed(), hint=plain(2001)), "/0/hint/text"),
    ],
)
def test_a_block_is_held_to_its_limits(most: Json, too_much: Json, pointer: str) -> None:
    assert wrong(most) == []
    assert any(f"[json-pointer:/blocks{pointer}" in each for each in wrong(too_much))


@pytest.mark.parametrize(
    ("most", "too_much", "key"),
    [
        (button(action_id="x" * 255), button(action_id="x" * 256), "action_id"),
        (button(text=plain(75)), button(text=plain(76)), "text"),
        (button(), button(text=mrkdwn()), "text"),
        (button(value="x" * 2000), button(value="x" * 2001), "value"),
        (button(url="x" * 3000), button(url="x" * 3001), "url"),
        (button(style="danger"), button(style="default"), "style"),
        (
            button(accessibility_label="x" * 75),
            button(accessibility_label="x" * 76),
            "accessibility_label",
        ),
        (button(confirm=confirm(title=plain(100))), button(confirm=confirm(title=plain(101))), ""),
        (button(confirm=confirm(text=plain(300))), button(confirm=confirm(text=plain(301))), ""),
        (button(confirm=confirm(deny=plain(30))), button(confirm=confirm(deny=plain(31))), ""),
        (button(confirm=confirm()), button(confirm=confirm(confirm=plain(31))), "confirm/confirm"),
        (button(confirm=confirm(style="primary")), button(confirm=confirm(style="red")), "confirm"),
        (button(confirm=confirm()), button(confirm={"title": plain()}), "confirm"),
        (options("overflow", 5), options("overflow", 6), "options"),
        (options("overflow", 1), options("overflow", 0), "options"),
        (
            options("overflow", 1),
            options("overflow", 1, options=[option(text=mrkdwn())]),
            "options/0/text",
        ),
        (options("checkboxes", 10), options("checkboxes", 11), "options"),
        (options("radio_buttons", 10), options("radio_buttons", 11), "options"),
        (
            options("radio_buttons", 2, initial_option=option(1)),
            options("radio_buttons", 2, initial_option=option(2)),
            "initial_option",
        ),
        (
            options("checkboxes", 2, initial_options=[option(0), option(1)]),
            options("checkboxes", 2, initial_options=[option(0), option(2)]),
            "initial_option",
        ),
        (options("static_select", 100), options("static_select", 101), "options"),
        (menu_of(options=[option()]), menu_of(), ""),
        (
            menu_of(option_groups=[{"label": plain(75), "options": [option()]}]),
            menu_of(option_groups=[{"label": plain(76), "options": [option()]}]),
            "option_groups/0/label",
        ),
        (
            menu_of(options=[option()], placeholder=plain(150)),
            menu_of(options=[option()], placeholder=plain(151)),
            "placeholder",
        ),
        (
            options("checkboxes", 1, options=[option(value="x" * 150)]),
            options("checkboxes", 1, options=[option(value="x" * 151)]),
            "options/0/value",
        ),
        (
            options("checkboxes", 1, options=[option(description=plain(75))]),
            options("checkboxes", 1, options=[option(description=plain(76))]),
            "options/0/description",
        ),
    ],
)
def test_an_element_is_held_to_its_limits(most: Json, too_much: Json, key: str) -> None:
    assert wrong(section(most)) == []
    found = wrong(section(too_much))
    assert any(f"[json-pointer:/blocks/0/accessory/{key}".rstrip("/") in each for each in found)


@pytest.mark.parametrize(
    ("most", "too_much"),
    [
        (files(max_files=10), files(max_files=11)),
        (files(max_files=1), files(max_files=0)),
        (typed(max_length=3000), typed(max_length=3001)),
    ],
)
def test_an_input_is_held_to_its_limits(most: Json, too_much: Json) -> None:
    assert wrong(asked(most)) == []
    assert wrong(asked(too_much))


@pytest.mark.parametrize(
    "block",
    [
        section(files()),
        section(typed()),
        actions(files()),
        actions(image()),
        asked(button()),
        asked(options("overflow", 2)),
        section({"action_id": "x"}),
    ],
)
def test_an_element_stands_only_where_it_may(block: Json) -> None:
    assert any("type" in each for each in wrong(block))


def test_a_message_holds_fifty_blocks_and_a_view_a_hundred() -> None:
    assert wrong(*[section()] * 50, in_view=False) == []
    assert wrong(*[section()] * 51, in_view=False)
    assert wrong(*[section()] * 100) == []
    assert wrong(*[section()] * 101)


def test_two_blocks_have_two_ids() -> None:
    assert wrong(section(block_id="a"), section(block_id="b")) == []
    assert wrong(section(block_id="a"), section(block_id="a"))


def modal(**facts: Any) -> Json:
    return {"type": "modal", "title": plain(), "blocks": [section()], **facts}


@pytest.mark.parametrize(
    ("most", "too_much"),
    [
        (modal(title=plain(24)), modal(title=plain(25))),
        (modal(), {"type": "modal", "blocks": [section()]}),
        (modal(submit=plain(24)), modal(submit=plain(25))),
        (modal(close=plain(24)), modal(close=plain(25))),
        (modal(private_metadata="x" * 3000), modal(private_metadata="x" * 3001)),
        (modal(callback_id="x" * 255), modal(callback_id="x" * 256)),
        (modal(external_id="x" * 255), modal(external_id="x" * 256)),
        (modal(blocks=[asked(typed())], submit=plain()), modal(blocks=[asked(typed())])),
        ({"type": "home", "blocks": [section()]}, {"type": "home", "blocks": [section()] * 101}),
        (
            {"type": "home", "blocks": [section()]},
            {"type": "home", "title": plain(), "blocks": [section()]},
        ),
        (
            modal(blocks=[section(text=mrkdwn(2400))] * 100),
            modal(blocks=[section(text=mrkdwn(2500))] * 100),
        ),
    ],
)
def test_a_view_is_held_to_its_limits(most: Json, too_much: Json) -> None:
    assert view_problems(most, may_show=lambda _: True) == []
    assert view_problems(too_much, may_show=lambda _: True)


def test_the_text_of_a_message_is_counted_wherever_it_stands() -> None:
    blocks = [section(button(text=plain(7)), text=mrkdwn(30)), {"type": "header", "text": plain(5)}]

    assert characters(blocks) == 42
