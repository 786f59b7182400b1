"""What the bot does when somebody says that it was uninstalled: Slack's own word decides."""

from __future__ import annotations

import pytest

from bot.calls import SlackRefusedError, TokenRefusedError
from bot.standing import Service, Standing, WorkElsewhere
from pipeline.errors import DatabaseUnavailableError, SourceUnavailableError

REFUSED = TokenRefusedError("no", code="account_inactive")
LIMITED = SlackRefusedError("wait", code="ratelimited", retry_after_s=30)
BROKEN = SlackRefusedError("no answer", code="500")
UNREACHABLE = SourceUnavailableError("nothing came")


class Slack:
    """Answers `auth.test` with the error that it has now, if any."""

    def __init__(self, says: Exception | None = None) -> None:
        self.says = says
        self.asked = 0

    def must_be_let_in(self) -> None:
        """One question."""
        self.asked += 1
        if self.says is not None:
            raise self.says


class Kept:
    """What is known of the workspace."""

    def __init__(self) -> None:
        self.forgotten = 0
        self.is_away = False

    def forget(self) -> None:
        """Nothing is left, if the database is there."""
        if self.is_away:
            raise DatabaseUnavailableError
        self.forgotten += 1


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def service(slack: Slack, kept: Kept) -> Service:
    """One that works."""
    made = Service(
        must_be_let_in=slack.must_be_let_in,
        make_work=WorkElsewhere,
        forget=kept.forget,
        prepare=lambda: None,
    )
    made.start()
    return made


@pytest.fixture(params=[LIMITED, BROKEN, UNREACHABLE])
def in_doubt(request: pytest.FixtureRequest, service: Service, slack: Slack) -> Service:
    """The same, told that it was uninstalled while Slack gives no answer."""
    slack.says = request.param
    service.remove()
    return service


def test_a_refused_token_ends_it_at_once(service: Service, slack: Slack, kept: Kept) -> None:
    slack.says = REFUSED
    service.remove()
    assert (service.standing, kept.forgotten) == (Standing.REMOVED, 1)


def test_nothing_is_forgotten_while_slack_gives_no_answer(
    in_doubt: Service, slack: Slack, kept: Kept
) -> None:
    in_doubt.look()
    assert (in_doubt.is_healthy, kept.forgotten) == (True, 0)
    assert slack.asked == 2


def test_the_tick_asks_until_slack_says_that_the_app_is_gone(
    in_doubt: Service, slack: Slack, kept: Kept
) -> None:
    in_doubt.look()
    slack.says = REFUSED
    in_doubt.look()
    assert (in_doubt.standing, kept.forgotten) == (Standing.REMOVED, 1)
    in_doubt.look()
    assert kept.forgotten == 1


def test_an_old_event_is_of_no_more_account_once_the_token_works(
    in_doubt: Service, slack: Slack, kept: Kept
) -> None:
    slack.says = None
    in_doubt.look()
    asked = slack.asked
    in_doubt.look()
    assert slack.asked == asked
    # Revoked later, by nobody who removed the app: everything is kept.
    slack.says = REFUSED
    in_doubt.check()
    in_doubt.look()
    assert (in_doubt.standing, kept.forgotten) == (Standing.SHUT_OUT, 0)


def test_what_is_shut_out_meanwhile_is_forgotten_too(
    service: Service, slack: Slack, kept: Kept
) -> None:
    slack.says = UNREACHABLE
    service.remove()
    service.shut_out("token_revoked")
    service.look()
    assert (service.standing, kept.forgotten) == (Standing.SHUT_OUT, 0)
    slack.says = REFUSED
    service.look()
    assert (service.standing, kept.forgotten) == (Standing.REMOVED, 1)


def test_it_is_forgotten_as_soon_as_the_database_is_there(
    service: Service, slack: Slack, kept: Kept
) -> None:
    slack.says = UNREACHABLE
    service.remove()
    slack.says, kept.is_away = REFUSED, True
    with pytest.raises(DatabaseUnavailableError):
        service.look()
    kept.is_away = False
    service.look()
    assert (service.standing, kept.forgotten) == (Standing.REMOVED, 1)
