"""The gallery: a modal with large pictures; and the modal in which some are chosen to be shared."""

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    Option,
    PlainTextObject,
)
from slack_sdk.models.views import View

from bot.blocks import parts
from bot.blocks.answer import of_whom, photo_lines, summary
from bot.blocks.modal import form, modal
from bot.mrkdwn import shortened
from bot.pages import Page, Shown
from bot.payloads import block_id
from pipeline.domain.model import ChannelId, UserId

GALLERY_SIZE = 40
GALLERY_PAGE = "gallery_page"
GALLERY_PAGE_BACK = "gallery_page_back"

SHARE_VIEW = "share"
CHOSEN = "chosen"


def gallery(page: Page, *, pictures: bool = True) -> View:
    """Up to 40 pictures: two blocks each, of the hundred that a modal holds."""
    question, total = page.question, len(page.found.matches)
    heading = summary(page)
    if page.shown and question.first:
        heading = f"*{question.first + 1:,}–{page.end:,} of {total:,}*: {of_whom(page)}"
    blocks: list[Block] = [parts.text(heading)]
    for shown in page.shown:
        if pictures and shown.file_id is not None:
            blocks.append(parts.picture(shown.file_id, shown.alt_text))
            blocks.append(parts.small_print([photo_lines(shown.match, page.found)]))
        else:
            blocks.append(parts.text(photo_lines(shown.match, page.found)))
    steps = []
    if question.first:
        start = max(0, question.first - GALLERY_SIZE)
        steps.append(parts.button(GALLERY_PAGE_BACK, "◀ Back", value=str(start)))
    if page.left:
        label = f"Next {min(page.left, GALLERY_SIZE)} ▶"
        steps.append(parts.button(GALLERY_PAGE, label, value=str(page.end)))
    if steps:
        blocks.append(parts.buttons(steps, block_id=block_id("gallery", question)))
    return modal("Gallery", blocks)


def share_form(page: Page, channel_id: ChannelId, response_url: str, *, pictures: bool) -> View:
    """Which of the page's photos to post in the channel."""
    everybody = f"Everybody in {parts.channel_mention(channel_id)} will see what you choose."
    blocks: list[Block] = [parts.text(f"📣 {everybody}")]
    for number, shown in enumerate(page.shown, start=1):
        if pictures and shown.file_id is not None:
            blocks.append(parts.picture(shown.file_id, shown.alt_text))
        blocks.append(_choice(number, shown))
    about = {
        "question": page.question.code(),
        "channel": channel_id,
        "response_url": response_url,
    }
    return form(SHARE_VIEW, "Share photos", blocks, submit="Share", about=about)


def choice_block(number: int) -> str:
    """The block of the photo with that number, from 1 on; an error is shown there."""
    return f"choice-{number}"


def _choice(number: int, shown: Shown) -> Block:
    option = Option(
        text=PlainTextObject(text="Share this photo"), value=str(shown.match.face.photo_id)
    )
    name = shortened(shown.match.face.photo_name, 60) or "photo"
    return InputBlock(
        block_id=choice_block(number),
        label=PlainTextObject(text=f"{number} · {name}", emoji=False),
        element=CheckboxesElement(action_id=CHOSEN, options=[option]),
        optional=True,
    )


def shared_text(by: UserId, number: int) -> str:
    """What stands above photos that somebody shares."""
    return f"{parts.mention(by)} shares {parts.photos(number)}, found by Findme"


def shared(by: UserId, chosen: list[Shown], channel_id: ChannelId) -> list[Block]:
    """The message with photos that somebody chose: no link leads out of the channel."""
    blocks: list[Block] = [parts.text(shared_text(by, len(chosen)))]
    for one in chosen:
        share = one.match.face.share
        name = shortened(one.match.face.photo_name, parts.NAME_LIMIT) or "photo"
        label = parts.link(share.permalink if share.channel_id == channel_id else "", name)
        if one.file_id is None:
            blocks.append(parts.text(f"• {label}"))
        else:
            blocks.append(parts.picture(one.file_id, one.alt_text))
            blocks.append(parts.small_print([label]))
    return blocks
