"""The Home tab, and the message about new photos."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import alert as alerts
from bot.blocks import home as blocks
from bot.pages import Home, Panel
from bot.payloads import Click
from bot.question import Question
from pipeline.domain.model import ChannelId, ReferenceKind
from pipeline.domain.people import AboutPerson, KnownReference
from pipeline.usecases.find_photos import Found
from tests.rendering import (
    ME,
    WORST_NAME,
    Json,
    elements,
    found,
    match,
    mrkdwn_texts,
    page,
    parsed,
    shown,
    skeleton,
    taken,
    taken_view,
)
from tests.strategies import photo_names
from tests.unit.panels import largest_panel

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NOBODY = AboutPerson(references=[], confirmed=0, rejected=0, alerts_on=False)


def reference(number: int = 0, *, kind: ReferenceKind = ReferenceKind.SELFIE) -> KnownReference:
    return KnownReference(
        kind=kind,
        origin=f"{number:064x}",
        quality=0.1 * (number % 10),
        faces_in_picture=1,
        created_at=NOW,
    )


PROFILE = reference(kind=ReferenceKind.PROFILE)


def home(
    everything: Found | None = None,
    about: AboutPerson = NOBODY,
    *,
    problem: str = "",
    panel: Panel | None = None,
    alt_text: str = "Photo",
    **notes: Any,
) -> Home:
    latest = [shown(one, alt_text=alt_text) for one in (everything.matches if everything else ())]
    return Home(
        asker=ME,
        found=everything,
        problem=problem,
        latest=latest[:4],
        about=about,
        panel=panel,
        **notes,
    )


def rendered(one: Home, *, pictures: bool = True) -> list[Json]:
    view = taken_view(blocks.home(one, pictures=pictures))
    assert view["type"] == "home"
    shown: list[Json] = view["blocks"]
    return shown


def said(one: Home) -> str:
    return "\n".join(mrkdwn_texts(rendered(one)))


@pytest.mark.parametrize("pictures", [True, False])
@pytest.mark.parametrize("alerts_on", [True, False])
def test_slack_takes_the_largest_home_tab(*, pictures: bool, alerts_on: bool) -> None:
    about = AboutPerson(
        references=[PROFILE, *map(reference, range(30))],
        confirmed=99_999,
        rejected=99_999,
        alerts_on=alerts_on,
    )
    everything = found(*(match(each, sure=False, name=WORST_NAME) for each in range(9)))
    one = home(
        everything,
        about,
        panel=largest_panel(),
        alt_text=WORST_NAME,
        note="I forgot that selfie.",
        admin_note="I watch <#C1> now, and look through what is there.",
    )

    tab = rendered(one, pictures=pictures)

    assert len(tab) <= 75
    assert len(elements(tab)["remove_selfie"]) == 10
    assert len(elements(tab)["remove_channel"]) == 20
    assert "20 more selfies" in "\n".join(mrkdwn_texts(tab))


def test_a_single_selfie_too_many_is_no_plural() -> None:
    assert "1 more selfie." in said(home(about=replace(NOBODY, references=[reference()] * 11)))


@given(st.lists(photo_names(), max_size=4), photo_names())
@settings(deadline=None, max_examples=50)
def test_no_name_breaks_out_of_its_place(names: list[str], alt_text: str) -> None:
    def tab(names: list[str], alt_text: str) -> list[Json]:
        matches = [match(number, name=name) for number, name in enumerate(names)]
        new = found(*matches)
        people = [shown(one, alt_text=alt_text) for one in matches]
        return rendered(home(new, alt_text=alt_text)) + taken(alerts.alert(ME, new, people))

    assert skeleton(tab(names, alt_text)) == skeleton(tab(["a"] * len(names), "b"))


@pytest.mark.parametrize(
    ("everything", "problem", "start"),
    [
        (None, "You have no profile picture yet.", "You have no profile picture yet."),
        (found(), "", "I found no photos of you yet."),
        (found(match()), "", "*1 photo of you*: 1 sure. The latest:"),
        (found(match(1), match(2, sure=False)), "", "*2 photos of you*: 1 sure, 1 maybe."),
    ],
)
def test_home_begins_with_my_photos(everything: Found | None, problem: str, start: str) -> None:
    assert said(home(everything, problem=problem)).startswith(start)


@pytest.mark.parametrize(
    ("everything", "actions"),
    [
        (None, ["selfie"]),
        (found(), ["selfie"]),
        (found(match()), ["gallery", "send_all", "selfie"]),
    ],
)
def test_home_offers_what_can_be_done_with_my_photos(
    everything: Found | None, actions: list[str]
) -> None:
    tab = rendered(home(everything))

    row = next(each for each in tab if each["type"] == "actions")
    assert [each["action_id"] for each in row["elements"]] == actions
    assert question_of(row) == Question(people=(ME,))


def question_of(row: Json) -> Question:
    action: dict[str, Any] = {"action_id": "x", "block_id": row["block_id"]}
    body = {"team": {"id": "T1"}, "user": {"id": "U1"}, "actions": [action]}
    return Click.from_body(body).question


@pytest.mark.parametrize(
    ("alerts_on", "state", "switch"),
    [(True, "*On.*", "alerts_off"), (False, "*Off.*", "alerts_on")],
)
def test_home_shows_whether_alerts_are_on(state: str, switch: str, *, alerts_on: bool) -> None:
    one = home(about=replace(NOBODY, alerts_on=alerts_on))

    assert state in said(one)
    assert {"alerts_on", "alerts_off"} & set(elements(rendered(one))) == {switch}


@pytest.mark.parametrize(
    ("confirmed", "rejected", "words"),
    [
        (2, 0, "Your word on faces: 2 that are you."),
        (0, 1, "Your word on faces: 1 that are not."),
        (1_000, 1, "Your word on faces: 1,000 that are you and 1 that are not."),
    ],
)
def test_home_counts_my_verdicts(confirmed: int, rejected: int, words: str) -> None:
    one = home(about=replace(NOBODY, confirmed=confirmed, rejected=rejected))

    assert words in said(one)
    assert "forget_verdicts" in elements(rendered(one))


def test_home_tells_what_is_known_and_how_to_delete_each_of_it() -> None:
    one = home(about=replace(NOBODY, references=[PROFILE, reference(7)]))
    tab = rendered(one)

    assert "The face in your profile picture: too small, blurred" in said(one)
    assert "A selfie from <!date^" in said(one)
    (remove,) = elements(tab)["remove_selfie"]
    assert remove["value"] == reference(7).origin
    (forget,) = elements(tab)["forget_me"]
    assert forget["style"] == "danger"
    assert forget["confirm"]["text"]["type"] == "plain_text"


def test_where_nothing_is_known_there_is_nothing_to_delete() -> None:
    one = home()

    assert "Nothing yet" in said(one)
    assert not {"forget_me", "remove_selfie", "forget_verdicts"} & set(elements(rendered(one)))


@pytest.mark.parametrize("has_template", [True, False])
def test_whoever_is_off_is_offered_nothing_that_is_not_for_them(*, has_template: bool) -> None:
    about = replace(NOBODY, is_out=True, has_template=has_template)
    one = home(about=about, problem="Findme is off for you.")

    assert set(elements(rendered(one))) == {"turn_on"}
    assert ("one template of your face" in said(one)) is has_template
    assert ("I know no face of yours" in said(one)) is not has_template
    assert "when you ask me" not in said(one)


def test_home_has_the_panel_for_admins_alone() -> None:
    admins = {"remove_channel", "add_channel", "reindex", "refresh_panel"}

    assert admins <= set(elements(rendered(home(panel=largest_panel()))))
    assert not admins & set(elements(rendered(home())))


def test_home_says_what_a_button_did() -> None:
    assert said(home(note="I forgot that selfie.")).startswith("✅ I forgot that selfie.")


def test_after_all_was_deleted_home_says_so_and_leads_back() -> None:
    view = taken_view(blocks.forgotten())

    assert set(elements(view)) == {"home_again"}
    assert "I know nothing about you any more" in mrkdwn_texts(view)[0]


@pytest.mark.parametrize("pictures", [True, False])
def test_slack_takes_the_largest_alert(*, pictures: bool) -> None:
    new = found(*(match(each, sure=each % 2 == 0, name=WORST_NAME) for each in range(500)))
    people = page(new, size=500, alt_text=WORST_NAME).shown

    message = taken(alerts.alert(ME, new, people, pictures=pictures))

    assert len([each for each in message if "accessory" in each]) == (10 if pictures else 0)
    assert "… and 490 more." in mrkdwn_texts(message)
    assert set(elements(message)) == {"gallery", "alerts_off"}
    assert question_of(message[-1]) == Question(people=(ME,))


def channels(*names: str, sure: bool = True) -> Found:
    matches = []
    for number, name in enumerate(names):
        one = match(number, sure=sure)
        share = replace(one.face.share, channel_id=ChannelId(name))
        matches.append(replace(one, face=replace(one.face, share=share)))
    return found(*matches, channels=[*names, "C9"])


@pytest.mark.parametrize(
    ("new", "text"),
    [
        (channels("C1"), "🔔 *1 new photo of you*, in <#C1>"),
        (channels("C1", "C2", "C2"), "🔔 *3 new photos of you*, in <#C1> and <#C2>"),
        (channels("C1", "C2", "C3", "C4"), "🔔 *4 new photos of you*, in 4 channels"),
        (
            channels("C1", "C2", sure=False),
            "🔔 *2 new photos that may show you*, in <#C1> and <#C2>",
        ),
        (
            found(match(1), match(2, sure=False)),
            "🔔 *1 new photo of you*, and 1 that may show you, in <#C1>",
        ),
    ],
)
def test_an_alert_says_how_many_are_new_and_where(new: Found, text: str) -> None:
    assert alerts.summary(new) == text


def test_an_alert_names_no_channel_without_a_new_photo() -> None:
    new = channels("C1")
    message = taken(alerts.alert(ME, new, [shown(one) for one in new.matches]))

    tokens = [token for text in mrkdwn_texts(message) for token in parsed(text)]
    assert ("channel", "C9") not in tokens
