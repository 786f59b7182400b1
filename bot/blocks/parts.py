"""The pieces that every message and view is made of. Pure, as all of this package."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    ImageBlock,
    ImageElement,
    InteractiveElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.blocks.basic_components import SlackFile

from bot.mrkdwn import cut, escape, shortened
from pipeline.domain.model import ChannelId, FileId, UserId

TEXT_LIMIT = 3000
HEADING_LIMIT = 150
NAME_LIMIT = 80
"""Of a name or a reason in a line; a posted message holds some 12,000 characters in all."""
BUTTON_LIMIT = 75
ALT_LIMIT = 2000
CONTEXT_LIMIT = 10

_IN_ADDRESS = str.maketrans({"<": "%3C", ">": "%3E", "|": "%7C", " ": "%20", "&": "&amp;"})


def text(mrkdwn: str, *, accessory: ImageElement | InteractiveElement | None = None) -> Block:
    """A paragraph; what would not fit is cut off."""
    return SectionBlock(text=_mrkdwn(mrkdwn), accessory=accessory)


def heading(plain: str) -> Block:
    """A heading, in plain text."""
    return HeaderBlock(text=PlainTextObject(text=shortened(plain, HEADING_LIMIT)))


def small_print(lines: Sequence[str]) -> Block:
    """Lines that matter less."""
    return ContextBlock(elements=[_mrkdwn(line) for line in lines[:CONTEXT_LIMIT]])


def buttons(elements: Sequence[InteractiveElement], *, block_id: str | None = None) -> Block:
    """A row of buttons and menus."""
    return ActionsBlock(elements=list(elements), block_id=block_id)


def button(
    action_id: str,
    label: str,
    *,
    value: str | None = None,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    """A button; `style` is primary or danger."""
    return ButtonElement(
        action_id=action_id,
        text=PlainTextObject(text=shortened(label, BUTTON_LIMIT)),
        value=value,
        style=style,
        confirm=confirm,
    )


def confirm(question: str, *, yes: str) -> ConfirmObject:
    """What is asked, in plain text, before a button does what can't be undone."""
    return ConfirmObject(
        title="Are you sure?",
        text=PlainTextObject(text=question),
        confirm=yes,
        deny="Cancel",
        style="danger",
    )


def thumbnail(file_id: FileId, alt_text: str) -> ImageElement:
    """A small picture beside a paragraph."""
    return ImageElement(slack_file=SlackFile(id=file_id), alt_text=_alt(alt_text))


def picture(file_id: FileId, alt_text: str) -> Block:
    """A picture as large as Slack shows it."""
    return ImageBlock(slack_file=SlackFile(id=file_id), alt_text=_alt(alt_text))


def as_json(blocks: Sequence[JsonObject]) -> list[dict[str, object]]:
    """Blocks as Slack takes them; each is checked against Block Kit's limits first."""
    return [block.to_dict() for block in blocks]


def mention(user_id: UserId) -> str:
    """A person's name, as Slack shows it."""
    return f"<@{user_id}>"


def channel_mention(channel_id: ChannelId) -> str:
    """A channel's name, as Slack shows it to who may know it."""
    return f"<#{channel_id}>"


def date(when: datetime, form: str = "{date_short_pretty} at {time}") -> str:
    """The day in the reader's own time zone and language; a plain one where that isn't known."""
    return f"<!date^{when.timestamp():.0f}^{form}|{when:%d %b %Y}>"


def link(url: str, label: str) -> str:
    """A link; `label` is plain text, and all there is without an address."""
    address = url.translate(_IN_ADDRESS)
    return f"<{address}|{escape(label)}>" if url else escape(label)


def photos(number: int) -> str:
    """How many photos, in words."""
    return f"{number:,} {'photo' if number == 1 else 'photos'}"


def faces(number: int) -> str:
    """How many faces, in words."""
    return f"{number:,} {'face' if number == 1 else 'faces'}"


def joined(words: Sequence[str]) -> str:
    """One, "one and two", or "one, two and three"."""
    return " and ".join([part for part in (", ".join(words[:-1]), *words[-1:]) if part])


def parted(lines: Sequence[str]) -> Iterator[str]:
    """Lines in as few texts as hold them whole."""
    part = ""
    for line in lines:
        if part and len(part) + 1 + len(line) > TEXT_LIMIT:
            yield part
            part = ""
        part = f"{part}\n{line}" if part else line
    if part:
        yield part


def _mrkdwn(text: str) -> MarkdownTextObject:
    # Verbatim: mentions and links are those that are marked up; "#party" in a name is none.
    return MarkdownTextObject(text=cut(text, TEXT_LIMIT), verbatim=True)


def _alt(text: str) -> str:
    # Slack refuses a picture without any.
    return shortened(text, ALT_LIMIT) or "Photo"
