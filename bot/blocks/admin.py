"""What admins see: channels, counts, errors, work under way; in a message, a modal or Home."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from slack_sdk.models.blocks import (
    Block,
    ConversationFilter,
    ConversationSelectElement,
    DividerBlock,
    PlainTextObject,
)
from slack_sdk.models.views import View

from bot.blocks import parts
from bot.blocks.modal import modal
from bot.blocks.texts import reindex_progress
from bot.mrkdwn import escape, shortened
from bot.pages import Panel
from pipeline.domain.audit import Noted
from pipeline.domain.model import Channel, ChannelId, IndexCounts

ADD_CHANNEL, REMOVE_CHANNEL, REINDEX, REFRESH = (
    "add_channel",
    "remove_channel",
    "reindex",
    "refresh_panel",
)
CHANNELS_SHOWN = 20
PROBLEMS_SHOWN = 5
PROBLEM_LIMIT = 300
PROBLEMS_CHARACTERS = 2_800
STATUS_LIMIT = 8_000
"""Characters of channels in a message, of the 12,000 that Slack takes in all."""


def status(panel: Panel) -> list[Block]:
    """The answer to `/findme-admin status`: as much as fits into a message."""
    shown = _fitting([f"• {_channel(*one)}" for one in panel.channels], STATUS_LIMIT)
    blocks: list[Block] = [parts.text(part) for part in parts.parted([_heading(panel), *shown])]
    if hidden := len(panel.channels) - len(shown):
        blocks.append(parts.small_print([f"… and {_channels(hidden)} more."]))
    return [*blocks, *_work(panel), *_problems(panel)]


def panel_blocks(panel: Panel, *, note: str = "") -> list[Block]:
    """The same with its buttons and the last acts; at most 32 blocks."""
    blocks: list[Block] = [parts.heading("For admins"), parts.text(_heading(panel))]
    if note:
        blocks.append(parts.text(f"ℹ️ {note}"))  # noqa: RUF001 - the sign for information
    for channel, counts in panel.channels[:CHANNELS_SHOWN]:
        remove = parts.button(
            REMOVE_CHANNEL,
            "Remove",
            value=channel.channel_id,
            confirm=parts.confirm(
                "I forget the photos and faces of this channel, and show none of them any more.",
                yes="Remove",
            ),
        )
        blocks.append(parts.text(_channel(channel, counts), accessory=remove))
    if len(panel.channels) > CHANNELS_SHOWN:
        hidden = len(panel.channels) - CHANNELS_SHOWN
        line = f"… and {_channels(hidden)} more: see `/findme-admin status`."
        blocks.append(parts.small_print([line]))
    choose = ConversationSelectElement(
        action_id=ADD_CHANNEL,
        placeholder=PlainTextObject(text="Choose a channel"),
        filter=ConversationFilter(include=["public", "private"], exclude_bot_users=True),
    )
    blocks.append(parts.text("Watch another channel:", accessory=choose))
    blocks += [*_work(panel), *_problems(panel), *_last_acts(panel)]
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


def audit(acts: Sequence[Noted]) -> list[Block]:
    """The answer to `/findme-admin audit`: the newest first."""
    if not acts:
        return [parts.text("Nothing was done yet.")]
    lines = [_act(one) for one in acts]
    return [parts.text(part) for part in parts.parted(["*What was done*, newest first:", *lines])]


def _last_acts(panel: Panel) -> list[Block]:
    if not panel.audit:
        return []
    lines = [_act(one) for one in panel.audit]
    more = "`/findme-admin audit` shows more."
    return [DividerBlock(), parts.text("\n".join(["*Last acts*", *lines, more]))]


def _act(noted: Noted) -> str:
    entry = noted.entry
    who = parts.mention(entry.actor_id) if entry.actor_id else "Findme"
    is_about = entry.person_id is not None and entry.person_id != entry.actor_id
    whom = f": {parts.mention(entry.person_id)}" if entry.person_id and is_about else ""
    details = ", ".join(
        parts.channel_mention(ChannelId(str(value))) if key == "channel" else f"{value:,} {key}"
        for key, value in entry.details.items()
        if value
    )
    return f"• {parts.date(noted.at)} · {who} {entry.act.value}{whom}" + (
        f" ({details})" if details else ""
    )


def panel_view(panel: Panel, *, note: str = "") -> View:
    """The panel as a modal."""
    return modal("Findme", panel_blocks(panel, note=note))


def _heading(panel: Panel) -> str:
    number = _channels(len(panel.channels)) if panel.channels else "no channel yet"
    return f"*Findme* watches {number}, engine `{panel.engine_id}`."


def _channels(number: int) -> str:
    return f"{number:,} {'channel' if number == 1 else 'channels'}"


def _fitting(lines: Sequence[str], limit: int) -> Sequence[str]:
    """As many of the first lines as hold at most so many characters."""
    lengths = list(accumulate(len(line) + 1 for line in lines))
    return lines[: bisect_right(lengths, limit)]


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
    problem = (
        f"\n   ⚠️ {escape(shortened(channel.problem, PROBLEM_LIMIT))}" if channel.problem else ""
    )
    extra = f", {counts.without_face:,} without a face{extra}" if counts.without_face else extra
    numbers = f"{parts.photos(counts.photos)}, {parts.faces(counts.faces)}{extra}"
    return f"{parts.channel_mention(channel.channel_id)}: {numbers}{problem}"


def _work(panel: Panel) -> list[Block]:
    return [
        parts.text(reindex_progress(counts, listed=run.listed)) for run, counts in panel.runs[:2]
    ]


def _problems(panel: Panel) -> Sequence[Block]:
    named = [
        f"• {escape(shortened(name, parts.NAME_LIMIT)) or 'photo'}: "
        f"{escape(shortened(reason, PROBLEM_LIMIT))}"
        for name, _state, reason in panel.problems[:PROBLEMS_SHOWN]
    ]
    told = ["Not in the index:", *_fitting(named, PROBLEMS_CHARACTERS)]
    if panel.hidden_problems:
        elsewhere = "more " if named else ""
        hidden = parts.photos(panel.hidden_problems)
        told.append(f"• {elsewhere}in channels that you can't open: {hidden}")
    if len(told) == 1:
        return []
    return [DividerBlock(), parts.text("\n".join(told))]
