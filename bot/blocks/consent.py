"""Consent in words: the first answer, a colleague's wish, what was forgotten, being off."""

from collections.abc import Sequence
from typing import assert_never

from slack_sdk.models.blocks import Block

from bot.blocks import parts
from pipeline.domain.consent import Allowance, Answer, ColleagueSearch, ConsentRequest
from pipeline.domain.model import UserId
from pipeline.domain.people import AboutPerson, Forgotten, TurnedOff

ALLOW, ONCE, REFUSE = "consent_allow", "consent_once", "consent_refuse"
COLLEAGUES_ALLOW, COLLEAGUES_REFUSE = "colleagues_allow", "colleagues_refuse"
TURN_OFF, TURN_ON, MY_DATA = "turn_off", "turn_on", "my_data"

FIRST = (
    "👋 I compare the face in your profile picture, or in a selfie of yours, with the faces in "
    "photos of channels that you can open, and keep numbers that describe it, on your company's "
    "own machines alone. `/findme forget me` deletes what I know about you, `/findme off` also "
    "keeps you from being found, and `/findme my data` shows you all of it."
)
"""With somebody's first answer: what happens, and how it ends."""

_ALLOW = "*Allow colleagues*: whoever asks finds photos of you; my *Home* tab takes it back."
_ONCE = "*Just this once*: {asker} gets this one answer, and can look at it for a day."
_REFUSE = "*No*, or no answer: nobody learns which, and I don't ask you again for 30 days."
NOT_OPEN = "That question isn't open any more; nobody finds you by it."
TEMPLATE = (
    "I keep one template of your face, numbers alone, to know which faces in new photos are yours "
    "and keep them out of the index; `/findme on` deletes it."
)
NO_TEMPLATE = (
    "I know no face of yours, so I can't tell which faces in photos are you: nobody can ask me for "
    "you by name, and no face is yours in my index. If you want yours kept out of it, add a "
    "profile picture that shows your face and type `/findme off` again."
)


def waiting(people: Sequence[UserId]) -> str:
    """What an asker is told, whether the people are asked, have refused or are out."""
    who = parts.joined([parts.mention(one) for one in people])
    they = "they agree" if len(people) == 1 else "all of them agree"
    return (
        f"I show photos of {who} only if {they}. If so, the answer comes to you by itself, in our "
        "direct messages."
    )


def wish(request: ConsentRequest) -> list[Block]:
    """The message to the person whom a colleague wants to look for."""
    value = str(request.request_id)
    return [
        parts.text(wish_text(request)),
        parts.buttons(
            [
                parts.button(ALLOW, "Allow colleagues", value=value, style="primary"),
                parts.button(ONCE, "Just this once", value=value),
                parts.button(REFUSE, "No", value=value),
            ],
            block_id=f"consent-{value}",
        ),
        parts.small_print([_ALLOW, _ONCE.format(asker=parts.mention(request.asker_id)), _REFUSE]),
    ]


def wish_text(request: ConsentRequest) -> str:
    """Its first line, which is also the notification."""
    others = [
        parts.mention(one)
        for one in request.people
        if one not in (request.person_id, request.asker_id)
    ]
    asker = parts.mention(request.asker_id)
    with_asker = request.asker_id in request.people
    together = parts.joined([*others, *(["them"] * with_asker)])
    whom = f"you together with {together}" if together else "you"
    return (
        f"{asker} would like me to find photos of {whom}, among those in channels that they can "
        "open. May I?"
    )


def thanks(answer: Answer, asker: UserId | None = None) -> str:
    """In place of the message, once the person answered."""
    match answer:
        case Answer.ALLOWED:
            return "✅ Colleagues find photos of you now. My *Home* tab takes it back."
        case Answer.ONCE:
            who = parts.mention(asker) if asker else "Your colleague"
            return f"✅ {who} gets this one answer. Others still have to ask you."
        case Answer.REFUSED:
            return "🔒 Nobody finds you, and nobody is told that you said no."
        case _:
            assert_never(answer)


def forgotten(what: Forgotten) -> str:
    """The receipt of `/findme forget me`."""
    if what.is_nothing:
        receipt = "I knew nothing about you, so there is nothing to forget."
    else:
        receipt = (
            f"🗑 I forgot what I knew about you: {forgotten_words(what)}. Nothing of mine links you "
            "to a face any more."
        )
    left = [
        "The audit says that this was done, without anything of your face.",
        "Photos stay in Slack, and what I sent you in our messages.",
    ]
    if what.consents and not what.is_out:
        left.append(
            "Whether colleagues may find you is as if you had never said; `/findme off` keeps you "
            "from being found."
        )
    if what.is_out:
        left.insert(0, f"You stay off: {TEMPLATE[0].lower()}{TEMPLATE[1:]}")
    return "\n".join([receipt, *left])


def forgotten_words(what: Forgotten) -> str:
    """What was forgotten, in numbers."""
    counted = [
        (what.references, "template of your face", "templates of your face"),
        (what.verdicts, "word of yours on a face", "words of yours on faces"),
        (what.consents, "consent or wish", "consents and wishes"),
    ]
    words = [
        f"{number:,} {one if number == 1 else many}" for number, one, many in counted if number
    ]
    return parts.joined([*words, *(["your alerts"] * what.alerts)])


def turned_off(what: TurnedOff) -> str:
    """The receipt of `/findme off`."""
    lines = ["🚫 Findme is off for you: nobody finds you, whoever asks, and neither do you."]
    if not what.forgotten.is_nothing:
        lines.append(f"I forgot {forgotten_words(what.forgotten)}.")
    if what.faces:
        lines.append(f"I took {parts.faces(what.faces)} of yours out of the index.")
    lines.append(TEMPLATE if what.has_template else NO_TEMPLATE)
    return "\n".join(lines)


def turned_on(*, was_off: bool) -> str:
    """The receipt of `/findme on`."""
    if not was_off:
        return "Findme is on for you already; type `/findme` to find your photos."
    return (
        "✅ Findme is on for you again, and the template that kept your face out is deleted. New "
        "photos of you are found; older ones once an admin re-indexes."
    )


def who_may_find_me(about: AboutPerson, policy: ColleagueSearch) -> list[Block]:
    """A section of the Home tab."""
    if about.is_out:
        turn_on = parts.button(TURN_ON, "Turn on", style="primary")
        return [parts.text("🚫 *Nobody*: Findme is off for you.", accessory=turn_on)]
    blocks = [_colleagues(about, policy)]
    off = parts.button(
        TURN_OFF,
        "🚫 Turn Findme off for me",
        confirm=parts.confirm(
            "I forget what I know about you and take your faces out of the index. One template of "
            "your face stays, to keep new ones out.",
            yes="Turn off",
        ),
    )
    return [*blocks, parts.buttons([off, parts.button(MY_DATA, "📄 Send me my data")])]


def _colleagues(about: AboutPerson, policy: ColleagueSearch) -> Block:
    allow = parts.button(COLLEAGUES_ALLOW, "Allow colleagues")
    refuse = parts.button(COLLEAGUES_REFUSE, "Don't allow")
    match policy:
        case ColleagueSearch.OFF:
            return parts.text("*You alone*: in this workspace nobody finds anybody else.")
        case ColleagueSearch.OPEN if about.colleagues is not Allowance.REFUSED:
            return parts.text(
                "*You and your colleagues*, each in the channels that they can open.",
                accessory=refuse,
            )
        case ColleagueSearch.ASK if about.colleagues is Allowance.ALLOWED:
            return parts.text(
                "*You and your colleagues*: you allowed it. Each finds photos in the channels that "
                "they can open.",
                accessory=refuse,
            )
        case ColleagueSearch.ASK if about.colleagues is None:
            return parts.text(
                "*You*; a colleague only after you agreed: I ask you when somebody wants to.",
                accessory=allow,
            )
        case ColleagueSearch.ASK | ColleagueSearch.OPEN:
            return parts.text(
                "*You alone*: you don't want colleagues to find you.", accessory=allow
            )
        case _:
            assert_never(policy)
