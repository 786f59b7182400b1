"""What admins see: channels, counts, errors, work under way; in a message, a modal or Home."""

from collections.abc import Sequence

from slack_sdk.models.blocks import (
    Block,
    ConversationFilter,
    ConversationSelectElement,
    DividerBlock,
    PlainTextObject,
)
from slack_sdk.models.views import View

from bot.blocks import parts
from bot.blocks.texts import reindex_progress
from bot.mrkdwn import escape, shortened
from bot.pages import Panel
from pipeline.domain.model import Channel, IndexCounts

ADD_CHANNEL, REMOVE_CHANNEL, REINDEX, REFRESH = (
    "add_channel",
    "remove_channel",
    "reindex",
    "refresh_panel",
)
CHANNELS_SHOWN = 20
PROBLEMS_SHOWN = 5


def status(panel: Panel) -> list[Block]:
    """The answer to `/findme-admin status`: as much as fits into a message."""
    lines = [_heading(panel), *(f"• {_channel(*one)}" for one in panel.channels)]
    blocks: list[Block] = [parts.text(part) for part in parts.parted(lines)][:45]
    return [*blocks, *_work(panel), *_problems(panel)]


def panel_blocks(panel: Panel, *, note: str = "") -> list[Block]:
    """The same with its buttons; at most 30 blocks."""
    blocks: list[Block] = [parts.heading("For admins"), parts.text(_heading(panel))]
    if note:
        blocks.append(parts.text(f"ℹ️ {note}"))  # noqa: RUF001 - the sign for information
    for channel, counts in panel.channels[:CHANNELS_SHOWN]:
        remove = parts.button(
            REMOVE_CHANNEL,
            "Remove",
            value=channel.channel_id,
            confirm=parts.confirm(
                f"I forget the photos and faces of {parts.channel_mention(channel.channel_id)}, "
                "and show none of them any more.",
                yes="Remove",
            ),
        )
        blocks.append(parts.text(_channel(channel, counts), accessory=remove))
    if len(panel.channels) > CHANNELS_SHOWN:
        hidden = len(panel.channels) - CHANNELS_SHOWN
        line = f"… and {hidden} more: `/findme-admin status` names them all."
        blocks.append(parts.small_print([line]))
    choose = ConversationSelectElement(
        action_id=ADD_CHANNEL,
        placeholder=PlainTextObject(text="Choose a channel"),
        filter=ConversationFilter(include=["public", "private"], exclude_bot_users=True),
    )
    blocks.append(parts.text("Watch another channel:", accessory=choose))
    blocks += [*_work(panel), *_problems(panel)]
    blocks.append(
        parts.buttons(
            [
                parts.button(
                    REINDEX,
                    "🔄 Re-index all",
                    confirm=parts.confirm(
                        "I read every photo again. Searches go on meanwhile.", yes="Re-index"
                    ),
                ),
                parts.button(REFRESH, "Refresh"),
            ],
            block_id="admin",
        )
    )
    return blocks


def panel_view(panel: Panel, *, note: str = "") -> View:
    """The panel as a modal."""
    return View(
        type="modal",
        title=PlainTextObject(text="Findme"),
        close=PlainTextObject(text="Close"),
        blocks=panel_blocks(panel, note=note),
    )


def _heading(panel: Panel) -> str:
    number = len(panel.channels)
    word = "channel" if number == 1 else "channels"
    return f"*Findme* watches {number} {word}, engine `{panel.engine_id}`."


def _channel(channel: Channel, counts: IndexCounts) -> str:
    extra = "".join(
        f", {number:,} {word}"
        for number, word in (
            (counts.pending, "waiting"),
            (counts.unreadable, "unreadable"),
            (counts.given_up, "given up"),
        )
        if number
    )
    problem = f"\n   ⚠️ {escape(shortened(channel.problem, 500))}" if channel.problem else ""
    numbers = f"{counts.photos:,} photos, {counts.faces:,} faces{extra}"
    return f"{parts.channel_mention(channel.channel_id)}: {numbers}{problem}"


def _work(panel: Panel) -> list[Block]:
    return [
        parts.text(reindex_progress(counts, listed=run.listed)) for run, counts in panel.runs[:2]
    ]


def _problems(panel: Panel) -> Sequence[Block]:
    if not panel.problems:
        return []
    told = [
        f"• {escape(shortened(name, parts.NAME_LIMIT))}: "
        f"{escape(shortened(reason, parts.NAME_LIMIT))}"
        for name, _state, reason in panel.problems[:PROBLEMS_SHOWN]
    ]
    return [DividerBlock(), parts.text("Not in the index:\n" + "\n".join(told))]
