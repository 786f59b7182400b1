"""The Home tab: what Findme knows about me, my photos, alerts; for admins the panel."""

from collections.abc import Callable

import structlog
from slack_bolt import Ack
from slack_sdk.models.views import View

from bot.administration import Administration
from bot.answers import Answers
from bot.blocks import home as blocks
from bot.calls import in_words
from bot.latest import Latest
from bot.pages import Home
from bot.payloads import Click, HomeOpened, Json
from bot.question import Question
from bot.refusals import refusal
from bot.replies import Replies
from bot.views import Views
from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import Certainty, Match, TeamId, UserId
from pipeline.errors import (
    FindmeError,
    NotAMemberError,
    PictureError,
    SourceUnavailableError,
    TurnedOffError,
)
from pipeline.ports import AlertStore, Engines, PersonStore, ReferenceStore, VerdictStore
from pipeline.storage.consents import Consents
from pipeline.usecases.find_photos import Found

LATEST = 4

log = structlog.get_logger(__name__)


class HomeListeners:
    """Published when it is opened, and after each of its buttons."""

    def __init__(
        self,
        *,
        views: Views,
        answers: Answers,
        administration: Administration,
        engines: Engines,
        people: PersonStore,
        references: ReferenceStore,
        verdicts: VerdictStore,
        alerts: AlertStore,
        replies: Replies,
        consents: Consents,
        policy: ColleagueSearch,
    ) -> None:
        self._consents = consents
        self._policy = policy
        self._views = views
        self._answers = answers
        self._administration = administration
        self._engines = engines
        self._people = people
        self._references = references
        self._verdicts = verdicts
        self._alerts = alerts
        self._replies = replies
        self._latest = Latest()

    def opened(self, ack: Ack, body: Json) -> None:
        """The tab was opened."""
        ack()
        event = HomeOpened.from_body(body)
        if not event.is_home:
            return
        try:
            self.show(event.team_id, event.user_id)
        except FindmeError as error:
            # Nobody is told of an event that fails, and an empty tab says nothing.
            log.warning("home.failed", reason=str(error))
            number = self._latest.begin(event.user_id)
            view = blocks.failed(in_words(error))
            self._publish(event.user_id, number, lambda _: view)

    def show(
        self, team_id: TeamId, user_id: UserId, *, note: str = "", admin_note: str = ""
    ) -> None:
        """Publish it as things are now. Raises SourceUnavailableError, DatabaseUnavailableError."""
        number = self._latest.begin(user_id)
        found, problem = self._found(team_id, user_id)
        matches = found.matches if found else ()
        sure = [match for match in matches if match.certainty is Certainty.SURE]
        latest = sorted(sure or matches, key=_shared_at, reverse=True)[:LATEST]
        engine_id = self._engines.of(team_id).engine_id
        page = Home(
            asker=user_id,
            found=found,
            problem=problem,
            latest=self._answers.shown(team_id, user_id, latest),
            about=self._people.about(team_id, user_id, engine_id=engine_id),
            panel=(
                self._administration.panel(team_id, user_id)
                if self._administration.is_admin(user_id)
                else None
            ),
            policy=self._policy,
            note=note,
            admin_note=admin_note,
        )
        self._publish(user_id, number, lambda pictures: blocks.home(page, pictures=pictures))
        if found is not None and found.is_first:
            self._consents.told(team_id, user_id)

    def _found(self, team_id: TeamId, user_id: UserId) -> tuple[Found | None, str]:
        """Their photos, or why there are none; the rest of the tab is there either way."""
        question = Question(people=(user_id,))
        try:
            return self._answers.found(team_id, user_id, question), ""
        except PictureError as error:
            return None, refusal(error, question, user_id)[0]
        except (
            NotAMemberError,
            SourceUnavailableError,
            TurnedOffError,
        ) as error:
            return None, in_words(error)

    def _publish(self, user_id: UserId, number: int, view: Callable[[bool], View]) -> None:
        self._latest.show(user_id, number, lambda: self._views.publish_with_pictures(user_id, view))

    def alerts_on(self, ack: Ack, body: Json) -> None:
        """*Turn on*."""
        ack()
        click = Click.from_body(body)
        self._alerts.turn_on(click.team_id, click.user_id)
        self.show(click.team_id, click.user_id, note="I'll tell you when there are new photos.")

    def alerts_off(self, ack: Ack, body: Json) -> None:
        """*Turn off*, in Home or under an alert."""
        ack()
        click = Click.from_body(body)
        self._alerts.turn_off(click.team_id, click.user_id)
        note = "I won't tell you of new photos any more."
        if click.view_id is None:
            reply = self._replies.to(click.user_id, click.response_url, channel_id=click.place)
            reply.send(f"🔕 {note} The *Home* tab turns it on again.")
        self.show(click.team_id, click.user_id, note=note)

    def remove_selfie(self, ack: Ack, body: Json) -> None:
        """*Remove* beside a selfie."""
        ack()
        click = Click.from_body(body)
        self._references.drop_selfie(click.team_id, click.user_id, click.value)
        self.show(click.team_id, click.user_id, note="I forgot that selfie.")

    def forget_verdicts(self, ack: Ack, body: Json) -> None:
        """*Take back*."""
        ack()
        click = Click.from_body(body)
        self._verdicts.forget_verdicts(click.team_id, click.user_id)
        self.show(click.team_id, click.user_id, note="I forgot what you said of faces.")

    def forget_me(self, ack: Ack, body: Json) -> None:
        """*Delete all of it*."""
        ack()
        click = Click.from_body(body)
        self._administration.forget(click.team_id, click.user_id, by=click.user_id)
        # A search would look at the profile picture, and know the person again.
        number = self._latest.begin(click.user_id)
        self._publish(click.user_id, number, lambda _: blocks.forgotten())

    def refresh(self, ack: Ack, body: Json) -> None:
        """*Show Home again*, after everything was deleted."""
        ack()
        click = Click.from_body(body)
        self.show(click.team_id, click.user_id)


def _shared_at(match: Match) -> float:
    return match.face.share.shared_at.timestamp()
