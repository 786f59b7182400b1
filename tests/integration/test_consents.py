"""A colleague wants to look for somebody: one question, that person's word, one answer."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import pytest

from pipeline.domain.consent import (
    ASK_AGAIN_AFTER,
    MOST_UNANSWERED,
    ONCE_LASTS,
    Allowance,
    Answer,
    ColleagueSearch,
    Consent,
    ConsentRequest,
    Granted,
    RequestId,
)
from pipeline.domain.model import TeamId, UserId
from pipeline.errors import (
    ColleagueSearchOffError,
    ConsentNeededError,
    DatabaseUnavailableError,
    FindmeError,
    PersonGoneError,
    SourceUnavailableError,
    TurnedOffError,
)
from pipeline.storage.connect import Database
from pipeline.usecases.consent import SENDING_TAKES, AskConsent, GiveConsent, SendGranted
from pipeline.wiring import now
from tests.integration.privacy_house import ANN, BEN, CLEO, DORA, OTHER, TEAM, House, at_once
from tests.strategies import EPOCH

DAY = timedelta(days=1)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


class Post:
    """What was written to people, and what is to go wrong next."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.at = EPOCH
        self.told: list[UserId] = []
        self.sent: list[tuple[UserId, str]] = []
        self.failures: list[Exception] = []
        self.ask = AskConsent(consents=house.consents, tell=self.tell, clock=self.clock)
        self.give = GiveConsent(consents=house.consents, clock=self.clock)
        self.send_granted = SendGranted(consents=house.consents, send=self.send, clock=self.clock)

    def clock(self) -> datetime:
        return self.at

    def tell(self, wish: ConsentRequest) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(wish.person_id)

    def send(self, team_id: TeamId, granted: Granted) -> None:
        assert team_id == TEAM
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((granted.asker_id, granted.question))

    def asks(self, asker: UserId, *people: UserId, question: str = "party") -> None:
        self.ask(TEAM, asker, people=people, of=people, question=question)


@pytest.fixture
def post(house: House) -> Post:
    return Post(house)


def consent_of(
    house: House, user_id: UserId, *, asker: UserId = BEN, people: Sequence[UserId] = ()
) -> Consent:
    found = house.consents.of(TEAM, people or [user_id], asker=asker)
    return found.get(user_id, Consent())


def word(house: House, user_id: UserId, request_id: RequestId, answer: Answer) -> bool:
    """Somebody says it now."""
    return house.consents.answer(TEAM, user_id, request_id, answer, now=now())


def is_allowed(house: House, asker: UserId, *people: UserId) -> bool:
    """Whether the asker may look for them just now."""
    try:
        house.permit()(TEAM, asker, people)
    except ConsentNeededError:
        return False
    return True


def test_whoever_said_nothing_is_asked(house: House) -> None:
    assert list(house.wish(BEN, ANN)) == [ANN]
    assert house.granted() == []
    assert not is_allowed(house, BEN, ANN)


def test_the_same_wish_twice_is_one_and_told_once(house: House) -> None:
    house.wish(BEN, ANN)

    assert house.wish(BEN, ANN) == {}
    assert house.rows("select count(*) from consent_requests") == [(1,)]


def test_another_question_of_the_same_asker_waits_untold(house: House) -> None:
    first = house.wish(BEN, ANN)[ANN]

    assert house.wish(BEN, ANN, question="offsite") == {}

    assert house.consents.answer(TEAM, ANN, first, Answer.ALLOWED, now=now())
    assert house.granted() == [(BEN, "party"), (BEN, "offsite")]


def test_two_wishes_at_once_are_one(house: House) -> None:
    told = at_once(*[lambda: house.wish(BEN, ANN, CLEO)] * 4)

    assert sorted(len(one) for one in told) == [0, 0, 0, 2]
    assert house.rows("select count(*) from consent_requests") == [(2,)]


def test_two_askers_at_once_are_both_heard(house: House) -> None:
    for number in range(5):
        asked = at_once(
            partial(house.wish, BEN, ANN, DORA, question=str(number)),
            partial(house.wish, CLEO, DORA, ANN, question=str(number)),
        )
        assert [len(one) for one in asked] == ([2, 2] if number == 0 else [0, 0])

    house.consents.decide(TEAM, ANN, Allowance.ALLOWED, now=now())
    house.consents.decide(TEAM, DORA, Allowance.ALLOWED, now=now())
    assert len(house.granted()) == 10


def test_allowed_holds_for_everybody_and_answers_all_who_wait(house: House) -> None:
    asked = house.wish(BEN, ANN)
    house.wish(CLEO, ANN)

    assert word(house, ANN, asked[ANN], Answer.ALLOWED)

    assert house.granted() == [(BEN, "party"), (CLEO, "party")]
    assert is_allowed(house, DORA, ANN)


def test_refused_holds_for_everybody_and_ends_every_question(house: House) -> None:
    asked = house.wish(BEN, ANN)
    house.wish(CLEO, ANN, DORA)

    assert word(house, ANN, asked[ANN], Answer.REFUSED)
    house.consents.decide(TEAM, DORA, Allowance.ALLOWED, now=now())

    assert house.granted() == []
    assert house.rows("select count(*) from consent_requests where done_at is null") == [(0,)]


def test_whoever_answers_a_question_that_another_refused_is_heard(house: House) -> None:
    asked = house.wish(BEN, ANN, CLEO)
    word(house, ANN, asked[ANN], Answer.REFUSED)

    assert house.consents.answer(TEAM, CLEO, asked[CLEO], Answer.ALLOWED, now=now())

    assert consent_of(house, CLEO).colleagues is Allowance.ALLOWED
    assert house.granted() == []


def test_once_is_for_that_asker_and_these_people(house: House) -> None:
    asked = house.wish(BEN, ANN)
    house.wish(CLEO, ANN)

    assert word(house, ANN, asked[ANN], Answer.ONCE)

    assert house.granted() == [(BEN, "party")]
    assert is_allowed(house, BEN, ANN)
    assert not is_allowed(house, CLEO, ANN)
    assert not is_allowed(house, BEN, ANN, BEN)
    assert consent_of(house, ANN).colleagues is None


def test_once_is_for_a_day(house: House) -> None:
    before = now() - ONCE_LASTS - timedelta(minutes=1)
    asked = house.wish(BEN, ANN, at=before)

    house.consents.answer(TEAM, ANN, asked[ANN], Answer.ONCE, now=before)

    assert not is_allowed(house, BEN, ANN)


def test_once_is_for_the_same_people_in_any_order(house: House) -> None:
    asked = house.wish(BEN, ANN, BEN, CLEO)
    for person in (ANN, BEN, CLEO):
        house.consents.answer(TEAM, person, asked[person], Answer.ONCE, now=now())

    assert is_allowed(house, BEN, CLEO, ANN, BEN)
    assert not is_allowed(house, BEN, CLEO, ANN)


def test_once_does_not_end_before_the_others_agreed(house: House) -> None:
    """The answer to two people's yes comes, be there days between them."""
    asked = house.wish(BEN, ANN, CLEO, at=now() - 5 * DAY)
    house.consents.answer(TEAM, ANN, asked[ANN], Answer.ONCE, now=now() - 4 * DAY)
    house.consents.answer(TEAM, CLEO, asked[CLEO], Answer.ONCE, now=now())
    allowed = []

    def send(team_id: TeamId, granted: Granted) -> None:
        del team_id, granted
        allowed.append(is_allowed(house, BEN, ANN, CLEO))

    SendGranted(consents=house.consents, send=send, clock=now)(TEAM)

    assert allowed == [True]
    assert is_allowed(house, BEN, ANN, CLEO)


def test_a_no_ends_what_was_allowed_once(house: House) -> None:
    asked = house.wish(BEN, ANN)
    word(house, ANN, asked[ANN], Answer.ONCE)

    house.consents.decide(TEAM, ANN, Allowance.REFUSED, now=now())

    assert not is_allowed(house, BEN, ANN)


def test_whoever_allowed_it_once_may_be_asked_once_more(house: House) -> None:
    asked = house.wish(BEN, ANN, at=now() - 3 * DAY)
    house.consents.answer(TEAM, ANN, asked[ANN], Answer.ONCE, now=now() - 3 * DAY)
    assert house.wish(BEN, ANN) == {}  # its answer is still to be sent
    SendGranted(consents=house.consents, send=lambda *_: None, clock=lambda: now() - 3 * DAY)(TEAM)

    assert list(house.wish(BEN, ANN)) == [ANN]


def test_a_word_counts_only_from_the_person_and_on_an_open_wish(house: House) -> None:
    asked = house.wish(BEN, ANN)[ANN]

    assert not house.consents.answer(TEAM, BEN, asked, Answer.ALLOWED, now=now())
    assert not house.consents.answer(OTHER, ANN, asked, Answer.ALLOWED, now=now())
    assert house.consents.answer(TEAM, ANN, asked, Answer.ONCE, now=now())
    assert not house.consents.answer(TEAM, ANN, asked, Answer.REFUSED, now=now())
    assert consent_of(house, ANN).colleagues is None


def test_of_two_clicks_at_once_one_counts(house: House) -> None:
    for number in range(5):
        person = UserId(f"U-{number}")
        asked = house.wish(BEN, person)[person]

        taken = at_once(
            partial(word, house, person, asked, Answer.ALLOWED),
            partial(word, house, person, asked, Answer.REFUSED),
        )

        assert sorted(taken) == [False, True]
        assert is_allowed(house, BEN, person) is taken[0]


def test_people_of_one_question_who_refuse_at_once_do_not_wait_for_each_other(
    house: House,
) -> None:
    for number in range(10):
        one, other = UserId(f"U-{number}"), UserId(f"V-{number}")
        asked = house.wish(BEN, one, other)

        assert at_once(
            partial(word, house, one, asked[one], Answer.REFUSED),
            partial(word, house, other, asked[other], Answer.REFUSED),
        ) == [True, True]

        assert consent_of(house, one).colleagues is Allowance.REFUSED
        assert consent_of(house, other).colleagues is Allowance.REFUSED


def test_asking_answering_and_forgetting_at_once_end_all_the_same(house: House) -> None:
    for number in range(8):
        one, other = UserId(f"U-{number}"), UserId(f"V-{number}")
        house.consents.decide(TEAM, one, Allowance.REFUSED, now=now() - 2 * ASK_AGAIN_AFTER)
        asked = house.wish(BEN, one, other)

        at_once(
            partial(word, house, one, asked[one], Answer.REFUSED),
            partial(word, house, other, asked[other], Answer.REFUSED),
            partial(house.wish, CLEO, one, other),
            partial(house.forget, TEAM, one, by=one),
            partial(house.forget, TEAM, BEN, by=BEN),
        )

        assert not is_allowed(house, BEN, one)
        house.forget(TEAM, one, by=one)
        assert set(house.naming(one)) == {"audit"}


def test_whoever_decides_meanwhile_is_not_asked_and_the_question_is_answered(
    house: House,
) -> None:
    house.consents.decide(TEAM, ANN, Allowance.ALLOWED, now=now())

    assert list(house.wish(BEN, ANN, CLEO)) == [CLEO]
    house.consents.decide(TEAM, CLEO, Allowance.ALLOWED, now=now())

    assert house.granted() == [(BEN, "party")]


def test_a_question_waits_for_everybody(house: House) -> None:
    house.wish(BEN, ANN, CLEO)
    house.consents.decide(TEAM, ANN, Allowance.ALLOWED, now=now())
    assert house.granted() == []

    house.consents.decide(TEAM, CLEO, Allowance.ALLOWED, now=now())

    assert house.granted() == [(BEN, "party")]


def test_a_no_is_final_for_30_days_for_everybody(house: House) -> None:
    house.wish(BEN, ANN, at=EPOCH)
    house.consents.decide(TEAM, ANN, Allowance.REFUSED, now=EPOCH + DAY)

    again = EPOCH + DAY + ASK_AGAIN_AFTER
    for asker in (BEN, CLEO):
        assert house.wish(asker, ANN, at=again - timedelta(seconds=1)) == {}
        assert list(house.wish(asker, ANN, at=again)) == [ANN]


def test_silence_is_final_for_30_days_for_who_asked(house: House) -> None:
    house.wish(BEN, ANN, at=EPOCH)
    again = EPOCH + ASK_AGAIN_AFTER

    assert house.wish(BEN, ANN, question="offsite", at=again - timedelta(seconds=1)) == {}
    assert list(house.wish(CLEO, ANN, at=again - timedelta(seconds=1))) == [ANN]
    assert list(house.wish(BEN, ANN, question="offsite", at=again)) == [ANN]


def test_whoever_does_not_answer_so_many_is_written_to_no_more(house: House) -> None:
    askers = [UserId(f"U-{number}") for number in range(MOST_UNANSWERED + 2)]

    told = [len(house.wish(asker, ANN)) for asker in askers]

    assert told == [1] * MOST_UNANSWERED + [0, 0]
    house.consents.decide(TEAM, ANN, Allowance.ALLOWED, now=now())
    assert [asker for asker, _ in house.granted()] == askers


def test_a_wish_that_did_not_reach_them_may_be_told_again(house: House) -> None:
    asked = house.wish(BEN, ANN)[ANN]

    house.consents.untold(TEAM, asked)

    assert house.wish(BEN, ANN) == {ANN: asked}


def test_whoever_is_out_is_not_bothered_and_not_found(house: House) -> None:
    house.opt_out.off(TEAM, ANN)

    assert house.wish(BEN, ANN) == {}
    assert not is_allowed(house, BEN, ANN)
    with pytest.raises(TurnedOffError):
        house.permit()(TEAM, ANN, [ANN])


def test_what_was_said_in_one_workspace_says_nothing_in_another(house: House) -> None:
    house.wish(BEN, ANN, team_id=OTHER)
    house.consents.decide(OTHER, ANN, Allowance.ALLOWED, now=now())

    assert not is_allowed(house, BEN, ANN)
    assert (house.granted(), house.granted(OTHER)) == ([], [(BEN, "party")])


def test_what_they_were_told_is_known(house: House) -> None:
    assert not house.permit()(TEAM, ANN, [ANN]).is_told

    house.consents.told(TEAM, ANN)

    assert house.permit()(TEAM, ANN, [ANN]).is_told


def test_the_policy_decides_before_anybody_is_asked(house: House) -> None:
    house.consents.decide(TEAM, ANN, Allowance.ALLOWED, now=now())

    with pytest.raises(ColleagueSearchOffError):
        house.permit(ColleagueSearch.OFF)(TEAM, BEN, [ANN])
    house.permit(ColleagueSearch.OPEN)(TEAM, BEN, [ANN, CLEO])


def test_only_who_has_to_agree_is_named(house: House) -> None:
    house.consents.decide(TEAM, ANN, Allowance.ALLOWED, now=now())

    with pytest.raises(ConsentNeededError) as refused:
        house.permit()(TEAM, BEN, [BEN, ANN, CLEO])

    assert refused.value.people == [CLEO]


def test_an_answer_is_sent_once(post: Post) -> None:
    post.asks(BEN, ANN)
    post.give.decide(TEAM, ANN, Allowance.ALLOWED)

    assert [post.send_granted(TEAM), post.send_granted(TEAM)] == [1, 0]
    assert post.sent == [(BEN, "party")]


def test_of_two_who_send_at_once_one_does(post: Post) -> None:
    for number in range(5):
        person = UserId(f"U-{number}")
        post.asks(BEN, person, CLEO, question=str(number))
        post.give.decide(TEAM, person, Allowance.ALLOWED)
        post.give.decide(TEAM, CLEO, Allowance.ALLOWED)

        sent = at_once(*[lambda: post.send_granted(TEAM)] * 3)

        assert sorted(sent) == [0, 0, 1]


def test_an_answer_whose_sender_died_is_sent_by_another(post: Post) -> None:
    post.asks(BEN, ANN)
    post.give.decide(TEAM, ANN, Allowance.ALLOWED)
    post.failures = [KeyboardInterrupt()]  # type: ignore[list-item]
    with suppress(KeyboardInterrupt):
        post.send_granted(TEAM)

    post.at += SENDING_TAKES
    assert post.send_granted(TEAM) == 0
    post.at += timedelta(seconds=1)
    assert post.send_granted(TEAM) == 1


@pytest.mark.parametrize("failure", [SourceUnavailableError(), DatabaseUnavailableError()])
def test_an_answer_that_could_not_be_sent_is_sent_at_the_next_tick(
    post: Post, failure: Exception
) -> None:
    post.asks(BEN, ANN)
    post.asks(CLEO, ANN)
    post.give.decide(TEAM, ANN, Allowance.ALLOWED)
    post.failures = [failure]

    assert [post.send_granted(TEAM), post.send_granted(TEAM)] == [1, 1]
    assert post.sent == [(CLEO, "party"), (BEN, "party")]


def test_an_answer_that_never_can_be_sent_is_given_up(post: Post) -> None:
    post.asks(BEN, ANN)
    post.give.decide(TEAM, ANN, Allowance.ALLOWED)
    post.failures = [PersonGoneError()]

    assert [post.send_granted(TEAM), post.send_granted(TEAM)] == [0, 0]
    assert post.sent == []


def test_a_message_that_did_not_reach_them_is_written_again(post: Post) -> None:
    post.failures = [FindmeError()]
    post.asks(BEN, ANN, CLEO)
    assert post.told == [CLEO]

    post.asks(BEN, ANN, CLEO)

    assert post.told == [CLEO, ANN]


def test_a_word_is_heard_once(post: Post) -> None:
    post.asks(BEN, ANN)
    ((request_id,),) = post.house.rows("select request_id from consent_requests")

    taken = [post.give.answer(TEAM, ANN, request_id, Answer.ALLOWED) for _ in range(2)]

    assert taken == [True, False]


def test_a_question_of_whom_was_forgotten_is_not_answered(house: House) -> None:
    house.wish(BEN, ANN, CLEO)

    house.forget(TEAM, ANN, by=ANN)
    house.consents.decide(TEAM, CLEO, Allowance.ALLOWED, now=now())

    assert house.granted() == []
