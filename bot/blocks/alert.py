"""The message about new photos."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.blocks import parts
from bot.blocks.answer import GALLERY, photo_lines
from bot.blocks.home import ALERTS_OFF
from bot.pages import Shown
from bot.payloads import block_id
from bot.question import Question
from pipeline.domain.model import UserId
from pipeline.usecases.find_photos import Found

PHOTOS_SHOWN = 10


def summary(found: Found) -> str:
    """The first line, which is also the notification."""
    maybe = len(found.matches) - found.sure
    channels = sorted({match.face.share.channel_id for match in found.matches})
    where = parts.joined([parts.channel_mention(one) for one in channels[:3]])
    if len(channels) > len(channels[:3]):
        where = f"{len(channels)} channels"
    if not found.sure:
        return f"🔔 *{_new(maybe)} that may show you*, in {where}"
    more = f", and {maybe:,} that may show you" if maybe else ""
    return f"🔔 *{_new(found.sure)} of you*{more}, in {where}"


def _new(number: int) -> str:
    return f"{number:,} new {'photo' if number == 1 else 'photos'}"


def alert(
    user_id: UserId, found: Found, shown: Sequence[Shown], *, pictures: bool = True
) -> list[Block]:
    """At most ten photos; the gallery has them all. `pictures` as in an answer."""
    blocks: list[Block] = [parts.text(summary(found))]
    for one in shown[:PHOTOS_SHOWN]:
        file_id = one.file_id if pictures else None
        accessory = parts.thumbnail(file_id, one.alt_text) if file_id else None
        blocks.append(parts.text(photo_lines(one.match, found), accessory=accessory))
    if len(found.matches) > PHOTOS_SHOWN:
        blocks.append(parts.small_print([f"… and {len(found.matches) - PHOTOS_SHOWN:,} more."]))
    question = Question(people=(user_id,))
    blocks.append(
        parts.buttons(
            [
                parts.button(GALLERY, "🖼 All photos of me"),
                parts.button(ALERTS_OFF, "🔕 No more alerts"),
            ],
            block_id=block_id("alert", question),
        )
    )
    return blocks
