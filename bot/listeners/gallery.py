"""*Gallery*, *Send me all* and *Share here*: having the photos."""

from collections.abc import Callable, Collection
from functools import cache

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.answers import Answers
from bot.blocks import gallery as blocks
from bot.blocks import parts
from bot.blocks.answer import PAGE_SIZE
from bot.blocks.modal import waiting
from bot.calls import SlackRefusedError, call, in_words, is_perhaps_done
from bot.files.parcels import Parcels
from bot.listeners.home import HomeListeners
from bot.pages import Page
from bot.payloads import Click, Json, Submission
from bot.question import Question
from bot.refusals import refusal
from bot.replies import Replies, Reply, looking
from bot.views import Views
from pipeline.domain.model import ChannelId, PhotoId
from pipeline.errors import FindmeError, PictureError, SourceUnavailableError

GALLERY, SHARE = "Gallery", "Share photos"


class NothingToShowError(FindmeError):
    """There are no photos now that you could see. Type `/findme` to look again."""


class NotSharedError(FindmeError):
    """Those photos can't be shared there."""


class SharingUncertainError(SourceUnavailableError):
    """Slack didn't tell me whether it was posted; look in the channel before you share again."""


class GalleryListeners:
    """What somebody does with the photos that were found."""

    def __init__(
        self,
        *,
        client: WebClient,
        views: Views,
        answers: Answers,
        replies: Replies,
        parcels: Parcels,
        home: HomeListeners,
    ) -> None:
        self._client = client
        self._views = views
        self._answers = answers
        self._replies = replies
        self._parcels = parcels
        self._home = home

    def gallery(self, ack: Ack, body: Json) -> None:
        """All photos, large, up to 40 a page, in a modal."""
        ack()
        click = Click.from_body(body)
        question = click.question.at(0)
        view_id = self._views.open(click.trigger_id, waiting(GALLERY))
        self._show(click, view_id, question)

    def gallery_page(self, ack: Ack, body: Json) -> None:
        """Another page of it."""
        ack()
        click = Click.from_body(body)
        if click.view_id is not None:
            self._show(click, click.view_id, click.question.at(int(click.value)))

    def _show(self, click: Click, view_id: str, question: Question) -> None:
        self._views.fill(
            view_id,
            GALLERY,
            self._view_of(
                click,
                question,
                lambda page, pictures: blocks.gallery(page, pictures=pictures),
                size=blocks.GALLERY_SIZE,
            ),
        )

    def _view_of(
        self,
        click: Click,
        question: Question,
        view: Callable[[Page, bool], View],
        *,
        size: int,
    ) -> Callable[[bool], View]:
        """What makes a modal of a page that is looked for once, or tells why there is none."""

        @cache
        def page() -> Page:
            try:
                return self._answers.page(
                    click.team_id, click.user_id, question, size=size, where=click.place
                )
            except PictureError as error:
                sentence, _ = refusal(error, question, click.user_id)
                raise NothingToShowError(sentence) from error

        return lambda pictures: view(page(), pictures)

    def send_all(self, ack: Ack, body: Json) -> None:
        """All originals as a zip, into the direct messages."""
        ack()
        click = Click.from_body(body)
        reply = self._reply(click)
        question = click.question
        try:
            with looking(reply):
                found = self._answers.found(click.team_id, click.user_id, question)
        except PictureError as error:
            reply.send(*refusal(error, question, click.user_id))
            return
        if not found.matches:
            raise NothingToShowError
        title = self._answers.title(click.team_id, found)
        photo_ids = [match.face.photo_id for match in found.matches]

        def still() -> Collection[PhotoId]:
            return self._answers.still(click.team_id, click.user_id, question, photo_ids)

        self._parcels.send(click.user_id, found.matches, title=title, still=still)
        number = parts.photos(len(found.matches))
        packing = f"I'm packing {number} for you. They come in our direct messages."
        if click.view_id is None:
            reply.send(f"📦 {packing}")
        elif not click.is_modal:
            self._home.show(click.team_id, click.user_id, note=packing)

    def share(self, ack: Ack, body: Json) -> None:
        """Asks which of the page's photos to post in the channel."""
        ack()
        click = Click.from_body(body)
        question = click.question
        view_id = self._views.open(click.trigger_id, waiting(SHARE))

        def form(page: Page, pictures: bool) -> View:  # noqa: FBT001 - what Views hands over
            if not page.shown:
                raise NothingToShowError
            if page.share_with is None:
                raise NotSharedError(
                    "Photos can be shared in a channel that you and I are both in."
                )
            return blocks.share_form(page, page.share_with, click.response_url, pictures=pictures)

        self._views.fill(view_id, SHARE, self._view_of(click, question, form, size=PAGE_SIZE))

    def shared(self, ack: Ack, body: Json) -> None:
        """Posts what was chosen, if who chose it may still see it and is still in the channel."""
        submission = Submission.from_body(body)
        chosen = {PhotoId(int(one)) for one in submission.chosen.get(blocks.CHOSEN, ())}
        if not chosen:
            ack(
                response_action="errors",
                errors={blocks.choice_block(1): "Choose at least one photo."},
            )
            return
        ack()
        try:
            self._post(submission, chosen)
        except FindmeError as error:
            # A submission has no response_url of its own: Slack put it into the click before.
            reply = self._replies.to(submission.user_id, submission.about["response_url"])
            nothing = "" if isinstance(error, SharingUncertainError) else "Nothing was shared. "
            reply.send(f"{nothing}{in_words(error)}")

    def _post(self, submission: Submission, chosen: Collection[PhotoId]) -> None:
        team_id, user_id, about = submission.team_id, submission.user_id, submission.about
        where = ChannelId(about["channel"])
        # All of them: meanwhile new photos may have moved some to another page.
        found = self._answers.found(team_id, user_id, Question.from_code(about["question"]))
        if where not in found.joined_ids:
            raise NotSharedError("You and I are not both in that channel any more.")
        matches = [match for match in found.matches if match.face.photo_id in chosen]
        if not matches:
            raise NotSharedError("You can't see these photos any more; type `/findme` again.")
        shown = self._answers.shown(team_id, user_id, matches, tell_of=where)
        try:
            call(
                self._client.chat_postMessage,
                channel=where,
                text=blocks.shared_text(user_id, len(shown)),
                blocks=parts.as_json(blocks.shared(user_id, shown, where)),
            )
        except SourceUnavailableError as error:
            if is_perhaps_done(error):
                raise SharingUncertainError from error
            if isinstance(error, SlackRefusedError) and error.code == "invalid_blocks":
                raise NotSharedError(
                    "One of the photos was deleted a moment ago; choose again."
                ) from error
            raise

    def _reply(self, click: Click) -> Reply:
        return self._replies.to(click.user_id, click.response_url)
