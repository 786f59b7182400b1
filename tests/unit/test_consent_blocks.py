"""Consent in words: Slack takes the largest of each, and nobody learns more than they may."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import admin
from bot.blocks import consent as blocks
from bot.grammar.commands import OwnAct, OwnRequest, parsed
from bot.my_data import EXPLANATION, as_file
from pipeline.domain.audit import Act, Entry, Noted
from pipeline.domain.consent import Allowance, Answer, ColleagueSearch, ConsentRequest, RequestId
from pipeline.domain.model import UserId
from pipeline.domain.people import AboutPerson, Forgotten, PersonData, TurnedOff
from pipeline.errors import UsageError
from tests.rendering import elements, mrkdwn_texts, taken
from tests.unit.panels import act

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ANN, BEN = UserId("U1"), UserId("U2")
LONG = [UserId(f"U{number:010}") for number in range(8)]
NOTHING = Forgotten(references=0, verdicts=0, alerts=False)
ALL = Forgotten(references=2, verdicts=3, alerts=True, consents=4)


def about(*, colleagues: Allowance | None = None, is_out: bool = False) -> AboutPerson:
    return AboutPerson(
        references=[],
        confirmed=0,
        rejected=0,
        alerts_on=False,
        colleagues=colleagues,
        is_out=is_out,
    )


def request(*people: UserId) -> ConsentRequest:
    return ConsentRequest(
        request_id=RequestId(7), asker_id=ANN, person_id=BEN, people=people or (BEN,)
    )


def test_slack_takes_the_largest_wish() -> None:
    shown = taken(blocks.wish(request(*LONG)))
    assert {"consent_allow", "consent_once", "consent_refuse"} <= set(elements(shown))


@pytest.mark.parametrize(
    ("people", "whom"),
    [
        ((BEN,), "photos of you, among"),
        ((BEN, ANN), "photos of you together with them, among"),
        ((BEN, UserId("U3")), "photos of you together with <@U3>, among"),
    ],
)
def test_a_wish_says_whose_photos_it_is_about(people: tuple[UserId, ...], whom: str) -> None:
    assert whom in blocks.wish_text(request(*people))


@pytest.mark.parametrize("policy", ColleagueSearch)
@pytest.mark.parametrize("colleagues", [None, *Allowance])
@pytest.mark.parametrize("is_out", [False, True])
def test_home_says_who_may_find_me_and_how_i_change_it(
    policy: ColleagueSearch, colleagues: Allowance | None, *, is_out: bool
) -> None:
    shown = taken(blocks.who_may_find_me(about(colleagues=colleagues, is_out=is_out), policy))
    found, text = set(elements(shown)), "\n".join(mrkdwn_texts(shown))
    if is_out:
        assert found == {"turn_on"}
        assert "*Nobody*" in text
        return
    assert {"turn_off", "my_data"} <= found
    is_found = {
        ColleagueSearch.OFF: False,
        ColleagueSearch.OPEN: colleagues is not Allowance.REFUSED,
        ColleagueSearch.ASK: colleagues is Allowance.ALLOWED,
    }[policy]
    assert ("your colleagues" in text) == is_found
    assert ("colleagues_refuse" in found) == is_found
    assert ("colleagues_allow" in found) == (not is_found and policy is not ColleagueSearch.OFF)


@given(st.lists(st.sampled_from(LONG), min_size=1, unique=True))
def test_what_an_asker_is_told_says_nothing_of_whether_anybody_is_asked(
    people: list[UserId],
) -> None:
    text = re.sub(r"<@\w+>", "@", blocks.waiting(people))
    assert "asked" not in text
    assert "refused" not in text
    assert text.startswith("I show photos of @")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (NOTHING, "I knew nothing about you"),
        (
            ALL,
            "2 templates of your face, 3 words of yours on faces, 4 consents and wishes and your",
        ),
        (Forgotten(references=1, verdicts=1, alerts=False), "1 template of your face and 1 word"),
    ],
)
def test_the_receipt_counts_what_was_forgotten(what: Forgotten, words: str) -> None:
    assert words in blocks.forgotten(what)


def test_the_receipt_says_that_whoever_is_off_stays_off() -> None:
    off = Forgotten(references=0, verdicts=1, alerts=False, is_out=True)
    assert "You stay off" in blocks.forgotten(off)
    assert "You stay off" not in blocks.forgotten(ALL)


@pytest.mark.parametrize("has_template", [True, False])
def test_whoever_turns_findme_off_is_told_whether_a_template_is_kept(*, has_template: bool) -> None:
    text = blocks.turned_off(TurnedOff(forgotten=ALL, faces=1, has_template=has_template))
    assert ("I keep one template of your face" in text) == has_template
    assert ("add a profile picture" in text) == (not has_template)
    assert "1 face of yours" in text


@pytest.mark.parametrize("answer", Answer)
def test_each_answer_is_thanked_for_in_a_sentence_of_its_own(answer: Answer) -> None:
    others = {blocks.thanks(other) for other in Answer if other is not answer}
    assert blocks.thanks(answer) not in others


@pytest.mark.parametrize("own", OwnAct)
@pytest.mark.parametrize("form", ["{}", "/findme {}", " {} ", "*{}*"])
def test_what_somebody_decides_about_themselves_is_understood(own: OwnAct, form: str) -> None:
    words = form.format(own.value.upper())
    assert parsed(words, asker=ANN, now=NOW, timezone=UTC) == OwnRequest(act=own)


@pytest.mark.parametrize("text", ["me off", "off in <#C1|x>", "forget", "my", "forget me sure"])
def test_nothing_is_turned_off_or_forgotten_by_half_a_command(text: str) -> None:
    with pytest.raises(UsageError):
        parsed(text, asker=ANN, now=NOW, timezone=UTC)


@pytest.mark.parametrize("number", [0, 1, 30])
def test_slack_takes_the_largest_audit(number: int) -> None:
    taken(admin.audit([act()] * number))


@pytest.mark.parametrize("done", Act)
def test_each_act_is_told_by_who_and_about_whom(done: Act) -> None:
    entry = Entry(act=done, actor_id=ANN, person_id=BEN, details={"photos": 2, "faces": 0})
    (line,) = mrkdwn_texts(taken(admin.audit([Noted(entry=entry, at=NOW)])))
    assert f"<@U1> {done.value}: <@U2> (2 photos)" in line


def test_findme_itself_is_named_where_nobody_else_did_it() -> None:
    entry = Entry(act=Act.EXPIRED, details={"photos": 3})
    (line,) = mrkdwn_texts(taken(admin.audit([Noted(entry=entry, at=NOW)])))
    assert "Findme let old data expire (3 photos)" in line


def test_the_file_explains_each_of_its_parts() -> None:
    data = PersonData(
        references=[],
        verdicts=[],
        alerts_on=True,
        told_of=[],
        colleagues=Allowance.REFUSED,
        colleagues_at=NOW,
        out_at=None,
        requests=[],
        posted=[],
        audit=[act()],
    )
    text = as_file(data).decode()
    assert '"colleagues": "refused"' in text
    assert '"colleagues_at": "2026-05-01T00:00:00+00:00"' in text
    assert '"act": "forgot words on faces"' in text
    fields = set(PersonData.__dataclass_fields__) - {"colleagues_at"}
    assert set(EXPLANATION) == fields | {"not_kept"}
