"""Who may be looked for, and who may be asked: a no is a no, and looks like silence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.consent import (
    ASK_AGAIN_AFTER,
    MOST_UNANSWERED,
    NOTHING_SAID,
    ONCE_LASTS,
    Allowance,
    ColleagueSearch,
    Consent,
    Contact,
    Finding,
    findings,
    may_be_asked,
    may_find,
)
from pipeline.domain.model import UserId

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY, MINUTE, INSTANT = timedelta(days=1), timedelta(minutes=1), timedelta(microseconds=1)
ANN, BEN, CLEO = UserId("U1"), UserId("U2"), UserId("U3")
ALLOWED = Consent(colleagues=Allowance.ALLOWED, colleagues_at=NOW - DAY)
REFUSED = Consent(colleagues=Allowance.REFUSED, colleagues_at=NOW - DAY)
OUT = Consent(out_at=NOW - DAY)
ONCE = Consent(once_at=NOW - MINUTE)
NOT_BOTHERED = Contact(by_asker=False, unanswered=0)
ASK, OPEN, OFF = ColleagueSearch.ASK, ColleagueSearch.OPEN, ColleagueSearch.OFF
YES, WITH_CONSENT = Finding.YES, Finding.WITH_CONSENT
POLICIES = st.sampled_from(ColleagueSearch)
TIMES = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=90)).map(
    lambda ago: NOW - ago
)


@st.composite
def consents(draw: st.DrawFn) -> Consent:
    """Anything that somebody may have said, at any times."""
    colleagues = draw(st.sampled_from([None, *Allowance]))
    once_at = draw(st.none() | TIMES)
    return Consent(
        is_told=draw(st.booleans()),
        colleagues=colleagues,
        colleagues_at=draw(TIMES) if colleagues else None,
        out_at=draw(st.none() | TIMES),
        once_at=once_at,
        once_sent_at=draw(st.none() | TIMES) if once_at else None,
    )


CONTACTS = st.builds(Contact, by_asker=st.booleans(), unanswered=st.integers(0, 5))


def finding(policy: ColleagueSearch, consent: Consent, *, is_asker: bool = False) -> Finding:
    return may_find(policy, consent, is_asker=is_asker, now=NOW)


@pytest.mark.parametrize(
    ("policy", "consent", "expected"),
    [
        (ASK, NOTHING_SAID, WITH_CONSENT),
        (ASK, ALLOWED, YES),
        (ASK, REFUSED, WITH_CONSENT),
        (ASK, ONCE, YES),
        (ASK, OUT, WITH_CONSENT),
        (OPEN, NOTHING_SAID, YES),
        (OPEN, ALLOWED, YES),
        (OPEN, REFUSED, WITH_CONSENT),
        (OPEN, ONCE, YES),
        (OPEN, OUT, WITH_CONSENT),
        (OFF, NOTHING_SAID, Finding.NOT_HERE),
        (OFF, ALLOWED, Finding.NOT_HERE),
        (OFF, REFUSED, Finding.NOT_HERE),
        (OFF, ONCE, Finding.NOT_HERE),
        (OFF, OUT, Finding.NOT_HERE),
    ],
)
def test_a_colleague_is_found_by_what_they_said_and_the_policy(
    policy: ColleagueSearch, consent: Consent, expected: Finding
) -> None:
    assert finding(policy, consent) is expected


@given(POLICIES, consents(), TIMES)
def test_whoever_is_out_is_never_found_by_others(
    policy: ColleagueSearch, said: Consent, out_at: datetime
) -> None:
    is_out = Consent(
        colleagues=said.colleagues,
        colleagues_at=said.colleagues_at,
        once_at=said.once_at,
        once_sent_at=said.once_sent_at,
        out_at=out_at,
    )

    assert finding(policy, is_out) is not YES


@given(POLICIES, consents())
def test_people_find_themselves_unless_they_are_out(
    policy: ColleagueSearch, consent: Consent
) -> None:
    expected = Finding.TURNED_OFF if consent.is_out else YES

    assert finding(policy, consent, is_asker=True) is expected


@given(POLICIES, consents())
def test_nobody_but_themselves_is_told_that_they_are_out(
    policy: ColleagueSearch, consent: Consent
) -> None:
    assert finding(policy, consent) is not Finding.TURNED_OFF


@given(consents())
def test_silence_a_no_and_being_out_look_the_same(consent: Consent) -> None:
    if finding(ASK, consent) is not YES:
        assert finding(ASK, consent) is finding(ASK, NOTHING_SAID)
    if finding(OPEN, consent) is not YES:
        assert finding(OPEN, consent) is finding(OPEN, REFUSED) is finding(OPEN, OUT)
    assert finding(OFF, consent) is finding(OFF, NOTHING_SAID)


def test_once_lasts_for_a_day() -> None:
    assert finding(ASK, Consent(once_at=NOW - ONCE_LASTS + INSTANT)) is YES
    assert finding(ASK, Consent(once_at=NOW - ONCE_LASTS)) is WITH_CONSENT


def test_once_lasts_from_when_its_answer_was_sent() -> None:
    waited = Consent(once_at=NOW - 9 * DAY, once_sent_at=NOW - ONCE_LASTS + INSTANT)
    ended = Consent(once_at=NOW - 9 * DAY, once_sent_at=NOW - ONCE_LASTS)

    assert (finding(ASK, waited), finding(ASK, ended)) == (YES, WITH_CONSENT)


@pytest.mark.parametrize("policy", [ASK, OPEN])
def test_a_no_ends_what_was_allowed_once_before(policy: ColleagueSearch) -> None:
    refused = Consent(
        colleagues=Allowance.REFUSED,
        colleagues_at=NOW - MINUTE,
        once_at=NOW - 2 * MINUTE,
        once_sent_at=NOW,
    )

    assert finding(policy, refused) is WITH_CONSENT


@pytest.mark.parametrize("policy", [ASK, OPEN])
def test_once_holds_although_there_was_a_no_before(policy: ColleagueSearch) -> None:
    refused_long_ago = Consent(
        colleagues=Allowance.REFUSED, colleagues_at=NOW - 40 * DAY, once_at=NOW - MINUTE
    )

    assert finding(policy, refused_long_ago) is YES


def test_whoever_said_nothing_may_be_asked() -> None:
    assert may_be_asked(NOTHING_SAID, NOT_BOTHERED, now=NOW)


def test_a_no_is_final_for_30_days() -> None:
    assert timedelta(days=30) == ASK_AGAIN_AFTER
    just = Consent(colleagues=Allowance.REFUSED, colleagues_at=NOW - ASK_AGAIN_AFTER + INSTANT)
    over = Consent(colleagues=Allowance.REFUSED, colleagues_at=NOW - ASK_AGAIN_AFTER)

    assert not may_be_asked(just, NOT_BOTHERED, now=NOW)
    assert may_be_asked(over, NOT_BOTHERED, now=NOW)


def test_whoever_did_not_answer_a_colleague_is_not_asked_by_them_again() -> None:
    assert not may_be_asked(NOTHING_SAID, Contact(by_asker=True, unanswered=1), now=NOW)
    assert may_be_asked(NOTHING_SAID, Contact(by_asker=False, unanswered=1), now=NOW)


def test_whoever_does_not_answer_several_colleagues_is_asked_no_more() -> None:
    just = Contact(by_asker=False, unanswered=MOST_UNANSWERED - 1)
    most = Contact(by_asker=False, unanswered=MOST_UNANSWERED)

    assert may_be_asked(NOTHING_SAID, just, now=NOW)
    assert not may_be_asked(NOTHING_SAID, most, now=NOW)


@given(consents(), CONTACTS)
def test_nobody_is_asked_for_what_they_decided(consent: Consent, contact: Contact) -> None:
    if consent.is_out or consent.colleagues is Allowance.ALLOWED:
        assert not may_be_asked(consent, contact, now=NOW)


def test_each_of_several_people_counts() -> None:
    said = {BEN: ALLOWED, CLEO: REFUSED}

    found = findings(ASK, said, asker=ANN, people=[ANN, BEN, CLEO, BEN], now=NOW)

    assert found == {YES: [ANN, BEN], WITH_CONSENT: [CLEO]}


@given(
    POLICIES,
    st.dictionaries(st.sampled_from([ANN, BEN, CLEO]), consents()),
    st.lists(st.sampled_from([ANN, BEN, CLEO])),
)
def test_everybody_is_judged_once_and_as_if_alone(
    policy: ColleagueSearch, said: dict[UserId, Consent], people: list[UserId]
) -> None:
    found = findings(policy, said, asker=ANN, people=people, now=NOW)

    judged = [(user_id, how) for how, those in found.items() for user_id in those]
    assert sorted(user_id for user_id, _ in judged) == sorted(set(people))
    for user_id, how in judged:
        alone = said.get(user_id, NOTHING_SAID)
        assert how is finding(policy, alone, is_asker=user_id == ANN)
