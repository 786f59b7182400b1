"""The answer to `/findme`."""

from datetime import timedelta

from slack_sdk.models.blocks import Block, Option, OverflowMenuElement

from bot.blocks import parts
from bot.blocks.consent import FIRST
from bot.mrkdwn import shortened
from bot.pages import Page, Rejected, Shown
from bot.payloads import FaceInPhoto, StaleButtonError, block_id
from bot.question import Question
from pipeline.domain.model import Certainty, Match, UserId
from pipeline.domain.verdicts import Verdict
from pipeline.usecases.find_photos import Found, Sought

PAGE_SIZE = 10
LONGEST_DAY = timedelta(hours=25)
"""The day on which clocks go back."""

MORE, GALLERY, SEND_ALL, SHARE = "more", "gallery", "send_all", "share"
ME, NOT_ME, UNDO, VERDICT_MENU = "me", "not_me", "undo", "verdict"
SELFIE = "selfie"

_MARKS = {Certainty.SURE: "✅ sure", Certainty.MAYBE: "🤔 maybe"}


def answer(page: Page, *, pictures: bool = True, noted: Rejected | None = None) -> list[Block]:
    """One page of an answer. `pictures=False` is for when Slack refuses to show a file."""
    blocks: list[Block] = [parts.text(FIRST)] if page.found.is_first else []
    if noted is not None:
        undo = parts.button(UNDO, "Undo", value=noted.face.value())
        row = parts.text(_thanks(noted), accessory=undo)
        row.block_id = block_id("noted", page.question)
        blocks.append(row)
    blocks.append(parts.text(summary(page)))
    if lines := notes(page):
        blocks.append(parts.small_print(lines))
    for number, shown in enumerate(page.shown):
        blocks += _photo(page, shown, slot=str(number), pictures=pictures)
    return [*blocks, *_controls(page)]


def _thanks(noted: Rejected) -> str:
    if not noted.also:
        return "Thanks. I won't show you that face again."
    return (
        f"Thanks. I won't show you that face again, nor {parts.photos(noted.also)} more in which "
        "it looks just the same. Was it you after all?"
    )


def summary(page: Page) -> str:
    """The first line of an answer, which is also its notification."""
    total, first = len(page.found.matches), page.question.first
    if first >= max(total, 1):
        return "There are no more photos now that you could see. Type `/findme` for all of them."
    if first:
        return f"*Photos {first + 1:,}–{page.end:,} of {total:,}* of {of_whom(page)}"
    scope = f"{of_whom(page)}{_where(page)}{_when(page.question)}"
    if total == 0:
        sure = " that I am sure of" if page.question.only_sure else ""
        yet = "" if page.question.until else " yet"
        return f"I found no photos of {scope}{yet}{sure}."
    maybe = total - page.found.sure
    counts = [f"{page.found.sure:,} sure"] * bool(page.found.sure)
    counts += [f"{maybe:,} maybe"] * bool(maybe)
    return f"*{parts.photos(total)} of {scope}*: {', '.join(counts)}"


def of_whom(page: Page) -> str:
    """Whose photos: "you", a colleague, or several people together."""
    people = sorted(page.question.people, key=lambda one: one != page.asker)
    words = ["you" if one == page.asker else parts.mention(one) for one in people]
    return parts.joined(words) + (" together" if len(words) > 1 else "")


def notes(page: Page) -> list[str]:
    """What the reader should know of how the answer came about; on the first page."""
    found = page.found
    if page.question.first:
        return []
    lines = []
    if not found.channel_ids:
        lines.append("I am in no channel that you can open: invite me to the one with the photos.")
    for sought in found.sought:
        lines += _about_picture(sought, page.asker)
    if found.photos_pending:
        waiting = found.photos_pending
        lines.append(
            f"{waiting:,} new {'photo is' if waiting == 1 else 'photos are'} still being read; "
            "ask again in a minute."
        )
    if not found.matches and found.channel_ids and not found.photos_pending:
        number = len(found.channel_ids)
        lines.append(
            f"I looked in {number} {'channel' if number == 1 else 'channels'} that you can open. "
            + (
                "Other dates may have some."
                if page.question.since or page.question.until
                else "A picture with a clear, frontal face finds more."
            )
        )
    return lines


def _about_picture(sought: Sought, asker: UserId) -> list[str]:
    whose = "Your" if sought.user_id == asker else f"{parts.mention(sought.user_id)}'s"
    lines = []
    if sought.is_poor:
        lines.append(
            f"{whose} profile picture shows a face that is small, blurred or turned away; "
            "with a clear one I find more."
        )
    if sought.faces_in_picture > 1:
        lines.append(
            f"{whose} profile picture shows {sought.faces_in_picture} faces; "
            "I looked for the largest one."
        )
    return lines


def wants_selfie(page: Page) -> bool:
    """Whether a selfie of the asker would find more than their profile picture does."""
    return page.shows_asker and any(
        one.user_id == page.asker and (one.is_poor or one.faces_in_picture > 1)
        for one in page.found.sought
    )


def _where(page: Page) -> str:
    channels = page.question.channels or page.found.channel_ids
    if page.question.channels or len(channels) == 1:
        return " in " + parts.joined([parts.channel_mention(one) for one in channels])
    return ""


def _when(question: Question) -> str:
    since = f" since {parts.date(question.since, '{date_short}')}" if question.since else ""
    # `until` is the first moment that doesn't count any more.
    last = question.until - timedelta(seconds=1) if question.until else None
    if question.since and question.until and question.until - question.since <= LONGEST_DAY:
        return f" on {parts.date(question.since, '{date_short}')}"
    return since + (f" until {parts.date(last, '{date_short}')}" if last else "")


def _photo(page: Page, shown: Shown, *, slot: str, pictures: bool) -> list[Block]:
    file_id = shown.file_id if pictures else None
    accessory = None if file_id is None else parts.thumbnail(file_id, shown.alt_text)
    blocks = [parts.text(photo_lines(shown.match, page.found), accessory=accessory)]
    if page.shows_asker:
        blocks.append(_verdict_row(page, shown.match, slot))
    return blocks


def photo_lines(match: Match, found: Found) -> str:
    """A photo's name as its link, how sure it is, when, by whom and where it was posted."""
    share = match.face.share
    name = shortened(match.face.photo_name, parts.NAME_LIMIT) or "photo"
    by = f" by {parts.mention(share.shared_by)}" if share.shared_by else ""
    where = f" in {parts.channel_mention(share.channel_id)}" if len(found.channel_ids) > 1 else ""
    mark = "✅ sure, as you said" if match.confirmed else _MARKS[match.certainty]
    return (
        f"*{parts.link(share.permalink, name)}*\n{mark} · {parts.date(share.shared_at)}{by}{where}"
    )


def _verdict_row(page: Page, match: Match, slot: str) -> Block:
    face = FaceInPhoto(photo_id=match.face.photo_id, box=match.face.box).value()
    row_id = block_id(slot, page.question)
    if match.certainty is Certainty.MAYBE:
        return parts.buttons(
            [
                parts.button(ME, "That's me", value=face, style="primary"),
                parts.button(NOT_ME, "Not me", value=face),
            ],
            block_id=row_id,
        )
    said = [(Verdict.NOT_ME, "Not me")]
    if not match.confirmed:
        said.insert(0, (Verdict.ME, "That's me"))
    options = [Option(text=label, value=f"{verdict.value} {face}") for verdict, label in said]
    menu = OverflowMenuElement(action_id=VERDICT_MENU, options=options)
    return parts.buttons([menu], block_id=row_id)


def verdict_of(option: str) -> tuple[Verdict, FaceInPhoto]:
    """What an option of a sure photo's menu says. Raises StaleButtonError."""
    word, _, face = option.rpartition(" ")
    try:
        verdict = Verdict(word)
    except ValueError as error:
        raise StaleButtonError from error
    return verdict, FaceInPhoto.from_value(face)


def _controls(page: Page) -> list[Block]:
    elements = []
    if page.left:
        label = f"Show {min(page.left, PAGE_SIZE)} more of {page.left:,}"
        elements.append(parts.button(MORE, label, value=str(page.end)))
    if page.shown:
        elements += [
            parts.button(GALLERY, "🖼 Gallery"),
            parts.button(SEND_ALL, "📦 Send me all"),
        ]
        if page.share_with is not None:
            elements.append(parts.button(SHARE, "📣 Share here…"))
    if wants_selfie(page) and not page.question.first:
        elements.append(parts.button(SELFIE, "🤳 Use a selfie"))
    row = parts.buttons(elements, block_id=block_id("nav", page.question))
    return [row] if elements else []


def with_selfie_button(sentence: str, question: Question) -> list[Block]:
    """A sentence, and the way to a better picture."""
    return [
        parts.text(sentence),
        parts.buttons(
            [parts.button(SELFIE, "🤳 Use a selfie", style="primary")],
            block_id=block_id("selfie", question),
        ),
    ]
