"""Domain values -> Block Kit. Pure: nothing is asked for or sent here."""

from collections.abc import Sequence
from datetime import datetime

from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    ImageElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.blocks.basic_components import SlackFile

from bot.mrkdwn import escape, shortened
from bot.payloads import FindRequest
from pipeline.domain.model import Certainty, Channel, IndexCounts, Match, PhotoState, UserId
from pipeline.usecases.find_photos import Found

PAGE_SIZE = 10
MORE = "more"

# Slack shows no other kinds in an image element.
SHOWN_TYPES = {"image/png", "image/jpeg", "image/gif"}

_NAME_LIMIT = 150
_PROBLEMS_LIMIT = 5
_MARKS = {Certainty.SURE: "✅ sure", Certainty.MAYBE: "❔ maybe"}

HELP = (
    "*Findme* finds the photos you are in, among those posted in the channels you and I share.\n"
    "• `/findme` – photos of you, found by your profile picture\n"
    "• `/findme @colleague` – photos of a colleague\n"
    "• `/findme help` – this\n"
    "Only you see the answers. Photos and faces stay on your company's own machines."
)


def answer(found: Found, request: FindRequest, *, pictures: bool = True) -> list[Block]:
    """One page of an answer. `pictures=False` is for when Slack refuses to show a file."""
    page = found.matches[request.first : request.first + PAGE_SIZE]
    blocks: list[Block] = [_text(summary(found, request))]
    notes = _notes(found, request)
    if notes:
        blocks.append(ContextBlock(elements=[MarkdownTextObject(text=note) for note in notes]))
    blocks += [_photo(match, pictures=pictures) for match in page]
    shown = request.first + len(page)
    if shown < len(found.matches):
        left = len(found.matches) - shown
        more = ButtonElement(
            action_id=MORE,
            text=PlainTextObject(text=f"Show {min(left, PAGE_SIZE)} more of {left}"),
            value=request.more_value(shown),
        )
        blocks.append(ActionsBlock(elements=[more]))
    return blocks


def summary(found: Found, request: FindRequest) -> str:
    """The first line of an answer, which is also its notification."""
    of_whom = "you" if request.target == request.asker else f"<@{request.target}>"
    total = len(found.matches)
    if request.first >= max(total, 1):
        return "There are no more photos now that you could see. Type `/findme` for all of them."
    if request.first:
        last = min(request.first + PAGE_SIZE, total)
        return f"Photos {request.first + 1}–{last} of {total}"
    if total == 0:
        return f"I found no photos of {of_whom} yet."
    maybe = total - found.sure
    parts = [f"{found.sure} sure"] * bool(found.sure) + [f"{maybe} maybe"] * bool(maybe)
    return f"*{total} {'photo' if total == 1 else 'photos'} of {of_whom}*: {', '.join(parts)}"


def _notes(found: Found, request: FindRequest) -> list[str]:
    if request.first:
        return []
    mine = request.target == request.asker
    whose = "Your" if mine else "Their"
    notes = []
    if found.channels_searched == 0:
        notes.append(
            "You and I share no channel: invite me to the one with the photos, "
            "or join a channel I am in."
        )
    if found.is_poor:
        notes.append(
            f"{whose} profile picture shows a face that is small, blurred or turned away; "
            "with a clear one I find more."
        )
    if found.faces_in_picture > 1:
        notes.append(
            f"{whose} profile picture shows {found.faces_in_picture} faces; "
            "I looked for the largest one."
        )
    if found.photos_pending:
        waiting = found.photos_pending
        notes.append(
            f"{waiting} new {'photo is' if waiting == 1 else 'photos are'} still being read; "
            "ask again in a minute."
        )
    if not found.matches and found.channels_searched and not found.photos_pending:
        notes.append(
            f"I looked in {_channels(found.channels_searched)} that "
            "we share. A profile picture with a clear, frontal face finds more."
        )
    return notes


def _photo(match: Match, *, pictures: bool) -> Block:
    face = match.face
    name = shortened(face.photo_name, _NAME_LIMIT) or "photo"
    by = f" by <@{face.share.shared_by}>" if face.share.shared_by else ""
    text = (
        f"*<{face.share.permalink}|{escape(name)}>*\n"
        f"{_MARKS[match.certainty]} · {_date(face.share.shared_at)}{by}"
    )
    picture = None
    if pictures and face.media_type in SHOWN_TYPES:
        picture = ImageElement(
            slack_file=SlackFile(id=face.file_id),
            alt_text=f"Photo {name}, posted on {face.share.shared_at:%d %B %Y}",
        )
    return SectionBlock(text=MarkdownTextObject(text=text), accessory=picture)


def reindex_progress(counts: IndexCounts, *, listed: bool) -> str:
    """What the message of a running re-index says."""
    done = counts.photos - counts.pending
    if not listed:
        return f"🔄 Re-indexing: looking for photos… {counts.photos} so far."
    filled = round(10 * done / counts.photos) if counts.photos else 10
    return f"🔄 Re-indexing: {'▰' * filled}{'▱' * (10 - filled)} {done} of {counts.photos} photos."


def reindex_done(counts: IndexCounts) -> str:
    """What it says in the end."""
    failed = ""
    if counts.unreadable:
        failed += f", {counts.unreadable} unreadable"
    if counts.given_up:
        failed += f", {counts.given_up} given up"
    return (
        f"✅ Re-indexed: {counts.indexed} photos with {counts.faces} faces, "
        f"{counts.without_face} without a face{failed}. "
        "`/findme-admin status` has the details."
    )


def status(
    engine_id: str,
    channels: Sequence[tuple[Channel, IndexCounts]],
    problems: Sequence[tuple[str, PhotoState, str]],
) -> list[Block]:
    """The answer to `/findme-admin status`: as much as fits into a message."""
    lines = [f"*Findme* watches {_channels(len(channels))}, engine `{engine_id}`."]
    for channel, counts in channels:
        extra = "".join(
            f", {number} {word}"
            for number, word in (
                (counts.pending, "waiting"),
                (counts.unreadable, "unreadable"),
                (counts.given_up, "given up"),
            )
            if number
        )
        problem = f"\n   ⚠️ {escape(channel.problem)}" if channel.problem else ""
        numbers = f"{counts.photos} photos, {counts.faces} faces{extra}"
        lines.append(f"• <#{channel.channel_id}>: {numbers}{problem}")
    blocks: list[Block] = [_text("\n".join(part)) for part in _parts(lines, 10)]
    if problems:
        told = [
            f"• {escape(shortened(name, _NAME_LIMIT))}: {escape(shortened(reason, _NAME_LIMIT))}"
            for name, _state, reason in problems[:_PROBLEMS_LIMIT]
        ]
        blocks.append(_text("Not in the index:\n" + "\n".join(told)))
    return blocks[:50]


def welcome(channel_id: str) -> str:
    """What the bot says when it comes into a channel."""
    return (
        f"Hi! I look for faces in the photos posted in <#{channel_id}>. Type `/findme` and I show "
        "you those that you are in; only you will see the answer. "
        "Photos and faces stay on your company's own machines."
    )


def as_json(blocks: Sequence[JsonObject]) -> list[dict[str, object]]:
    """Blocks as Slack takes them; each is checked against Block Kit's limits first."""
    return [block.to_dict() for block in blocks]


def mention(user_id: UserId) -> str:
    """A person's name, as Slack shows it."""
    return f"<@{user_id}>"


def _channels(number: int) -> str:
    return f"{number} {'channel' if number == 1 else 'channels'}"


def _text(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=text))


def _date(when: datetime) -> str:
    """The day in the reader's own time zone and language; a plain one where that isn't known."""
    return f"<!date^{when.timestamp():.0f}^{{date_short_pretty}} at {{time}}|{when:%d %b %Y}>"


def _parts(lines: Sequence[str], size: int) -> list[Sequence[str]]:
    return [lines[i : i + size] for i in range(0, len(lines), size)]
