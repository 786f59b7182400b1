"""The Home tab: my photos, alerts, what Findme knows about me; for admins the panel."""

from slack_sdk.models.blocks import Block, DividerBlock
from slack_sdk.models.views import View

from bot.blocks import consent as consent_blocks
from bot.blocks import parts
from bot.blocks.admin import panel_blocks
from bot.blocks.answer import GALLERY, SELFIE, SEND_ALL, photo_lines
from bot.blocks.selfie import quality_words
from bot.pages import Home
from bot.payloads import block_id
from bot.question import Question
from pipeline.domain.model import ReferenceKind

REMOVE_SELFIE, FORGET_VERDICTS, FORGET_ME = "remove_selfie", "forget_verdicts", "forget_me"
HOME_AGAIN = "home_again"
ALERTS_ON, ALERTS_OFF = "alerts_on", "alerts_off"
SELFIES_SHOWN = 10
PRIVATE = (
    "All of this is numbers that describe faces, kept on your company's own machines. "
    "I keep no pictures."
)


def home(page: Home, *, pictures: bool = True) -> View:
    """At most 70 of the 100 blocks that a view holds. `pictures` as in an answer."""
    blocks: list[Block] = []
    if page.found is not None and page.found.is_first:
        blocks.append(parts.text(consent_blocks.FIRST))
    blocks.append(parts.heading("Your photos"))
    if page.note:
        blocks.append(parts.text(f"✅ {page.note}"))
    blocks += _photos(page, pictures=pictures)
    if not page.about.is_out:
        blocks += [DividerBlock(), parts.heading("New photos of you"), _alerts(page)]
    blocks += [DividerBlock(), parts.heading("Who may find you")]
    blocks += consent_blocks.who_may_find_me(page.about, page.policy)
    blocks += [DividerBlock(), parts.heading("What I know about you"), *_known(page)]
    if page.panel is not None:
        blocks += [DividerBlock(), *panel_blocks(page.panel, note=page.admin_note)]
    return View(type="home", blocks=blocks)


def forgotten() -> View:
    """What is there after somebody had all of it deleted."""
    return View(
        type="home",
        blocks=[
            parts.heading("All of it is deleted"),
            parts.text(
                "I know nothing about you any more: no picture, no selfie, no word of yours on "
                "faces, and I send you no alerts. What I sent you before stays in our messages, "
                "and a selfie's file among your files in Slack, until you delete it there. If you "
                "type `/findme` or show this tab again, I look at your profile picture anew."
            ),
            parts.buttons([parts.button(HOME_AGAIN, "Show my Home tab again")]),
        ],
    )


def failed(sentence: str) -> View:
    """What is there when nothing can be looked up."""
    again = parts.button(HOME_AGAIN, "Try again")
    return View(type="home", blocks=[parts.text(f"⚠️ {sentence}"), parts.buttons([again])])


def _photos(page: Home, *, pictures: bool) -> list[Block]:
    question = Question(people=(page.asker,))
    elements = [] if page.about.is_out else [parts.button(SELFIE, "🤳 Use a selfie")]
    found = page.found
    if found is None or not found.matches:
        sentence = page.problem or (
            "I found no photos of you yet. As soon as somebody posts one in a channel that I am in "
            "and you can open, it shows here."
        )
        blocks = [parts.text(sentence)]
    else:
        maybe = len(found.matches) - found.sure
        counts = f"{found.sure:,} sure" + (f", {maybe:,} maybe" if maybe else "")
        blocks = [parts.text(f"*{parts.photos(len(found.matches))} of you*: {counts}. The latest:")]
        for shown in page.latest:
            file_id = shown.file_id if pictures else None
            accessory = parts.thumbnail(file_id, shown.alt_text) if file_id else None
            blocks.append(parts.text(photo_lines(shown.match, found), accessory=accessory))
        elements = [
            parts.button(GALLERY, "🖼 Gallery", style="primary"),
            parts.button(SEND_ALL, "📦 Send me all"),
            *elements,
        ]
    if elements:
        blocks.append(parts.buttons(elements, block_id=block_id("home", question)))
    return blocks


def _alerts(page: Home) -> Block:
    if page.about.alerts_on:
        switch = parts.button(ALERTS_OFF, "Turn off")
        return parts.text(
            "🔔 *On.* I send you a message when new photos of you are there: gathered, never at "
            "night, and never twice for one photo.",
            accessory=switch,
        )
    switch = parts.button(ALERTS_ON, "Turn on", style="primary")
    return parts.text(
        "🔕 *Off.* Shall I send you a message when new photos of you are there?", accessory=switch
    )


def _known(page: Home) -> list[Block]:
    about = page.about
    if about.is_out:
        kept = consent_blocks.TEMPLATE if about.has_template else consent_blocks.NO_TEMPLATE
        return [parts.text(kept)]
    blocks: list[Block] = []
    for one in about.references:
        if one.kind is ReferenceKind.PROFILE:
            words = quality_words(one.quality)
            blocks.append(parts.text(f"• The face in your profile picture: {words}."))
    selfies = [one for one in about.references if one.kind is ReferenceKind.SELFIE]
    for one in selfies[:SELFIES_SHOWN]:
        when = parts.date(one.created_at, "{date_short_pretty}")
        remove = parts.button(REMOVE_SELFIE, "Remove", value=one.origin)
        line = f"• A selfie from {when}: {quality_words(one.quality)}."
        blocks.append(parts.text(line, accessory=remove))
    if (more := len(selfies) - SELFIES_SHOWN) > 0:
        blocks.append(parts.text(f"• {more} more {'selfie' if more == 1 else 'selfies'}."))
    if about.confirmed or about.rejected:
        said = parts.joined(
            [f"{about.confirmed:,} that are you"] * bool(about.confirmed)
            + [f"{about.rejected:,} that are not"] * bool(about.rejected)
        )
        take_back = parts.button(
            FORGET_VERDICTS,
            "Take back",
            confirm=parts.confirm("I forget which faces you said are you or not.", yes="Take back"),
        )
        blocks.append(parts.text(f"• Your word on faces: {said}.", accessory=take_back))
    if not blocks:
        return [parts.text("Nothing yet: I look at your profile picture when you ask me.")]
    delete = parts.button(
        FORGET_ME,
        "🗑 Delete all of it",
        style="danger",
        confirm=parts.confirm(
            "I forget your selfies, what you said of faces, whether colleagues may find you, and "
            "your alerts. The photos themselves stay in Slack; if you ask again, I look at your "
            "profile picture anew. To keep you from being found, turn Findme off instead.",
            yes="Delete",
        ),
    )
    return [
        *blocks,
        parts.small_print([PRIVATE]),
        parts.buttons([delete], block_id="forget"),
    ]
