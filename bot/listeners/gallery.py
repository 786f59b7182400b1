"""*Gallery*, *Send me all* and *Share here*: having the photos."""

from collections.abc import Callable, Collection

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.answers import Answers
from bot.blocks import gallery as blocks
from bot.blocks import parts
from bot.blocks.answer import PAGE_SIZE
from bot.files.parcels import Parcels
from bot.pages import Page
from bot.payloads import Click, Json, Submission
from bot.question import Question
from bot.refusals import refusal
from bot.replies import Replies, Reply, looking
from bot.views import FAILED, Views
from bot.workspace import call
from pipeline.domain.model import ChannelId, PhotoId
from pipeline.errors import FindmeError, PictureError, SourceUnavailableError


class NotSharedError(FindmeError):
    """Those photos can't be shared there."""


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
    ) -> None:
        self._client = client
        self._views = views
        self._answers = answers
        self._replies = replies
        self._parcels = parcels

    def gallery(self, ack: Ack, body: Json) -> None:
        """All photos, large, up to 40 a page, in a modal."""
        ack()
        click = Click.from_body(body)
        question = click.question.at(0)
        view_id = self._views.open(click.trigger_id, blocks.waiting("Gallery"))
        self._show(click, view_id, question)

    def gallery_page(self, ack: Ack, body: Json) -> None:
        """Another page of it."""
        ack()
        click = Click.from_body(body)
        if click.view_id is not None:
            self._show(click, click.view_id, click.question.at(int(click.value)))

    def _show(self, click: Click, view_id: str, question: Question) -> None:
        def filled(page: Page, pictures: bool) -> View:  # noqa: FBT001 - what Views hands over
            return blocks.gallery(page, pictures=pictures)

        self._fill(click, view_id, question, filled, title="Gallery", size=blocks.GALLERY_SIZE)

    def _fill(
        self,
        click: Click,
        view_id: str,
        question: Question,
        view: Callable[[Page, bool], View],
        *,
        title: str,
        size: int,
    ) -> None:
        """Show a page in a modal that is open already, or say there why it can't be shown."""
        try:
            page = self._answers.page(click.team_id, click.user_id, question, size=size)
        except PictureError as error:
            sentence, _ = refusal(error, question, click.user_id)
            self._views.update(view_id, blocks.told(title, sentence))
        except FindmeError as error:
            self._views.update(view_id, blocks.told(title, str(error)))
        except Exception:
            self._views.update(view_id, blocks.told(title, FAILED))
            raise
        else:
            self._views.update_with_pictures(view_id, lambda pictures: view(page, pictures))

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
            reply.send("There are no photos now that you could see. Type `/findme` to look again.")
            return
        title = self._answers.title(click.team_id, found)
        self._parcels.send(click.user_id, found.matches, title=title)
        if click.view_id is None:
            number = parts.photos(len(found.matches))
            reply.send(f"📦 I'm packing {number} for you. They come in our direct messages.")

    def share(self, ack: Ack, body: Json) -> None:
        """Asks which of the page's photos to post in the channel."""
        ack()
        click = Click.from_body(body)
        where, question = click.place, click.question
        view_id = self._views.open(click.trigger_id, blocks.waiting("Share photos"))

        def filled(page: Page, pictures: bool) -> View:  # noqa: FBT001 - what Views hands over
            if where is None or not page.shown:
                return blocks.told("Share photos", "There are no photos now that you could share.")
            return blocks.share_form(page, where, click.response_url, pictures=pictures)

        self._fill(click, view_id, question, filled, title="Share photos", size=PAGE_SIZE)

    def shared(self, ack: Ack, body: Json) -> None:
        """Posts what was chosen, if who chose it may still see it and is still in the channel."""
        submission = Submission.from_body(body)
        chosen = {PhotoId(int(one)) for one in submission.chosen.get(blocks.CHOSEN, ())}
        if not chosen:
            ack(
                response_action="errors",
                errors={blocks.choice_block(1): "Choose at least one photo, this one or another."},
            )
            return
        ack()
        try:
            self._post(submission, chosen)
        except FindmeError as error:
            # A submission has no response_url of its own: Slack put it into the click before.
            reply = self._replies.to(submission.user_id, submission.about["response_url"])
            reply.send(f"Nothing was shared. {error}")

    def _post(self, submission: Submission, chosen: Collection[PhotoId]) -> None:
        team_id, user_id, about = submission.team_id, submission.user_id, submission.about
        where = ChannelId(about["channel"])
        # All of them: meanwhile new photos may have moved some to another page.
        found = self._answers.found(team_id, user_id, Question.from_code(about["question"]))
        if where not in found.visible_ids:
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
            if "invalid_blocks" not in str(error):
                raise
            raise NotSharedError(
                "One of the photos was deleted a moment ago; choose again."
            ) from error

    def _reply(self, click: Click) -> Reply:
        return self._replies.to(click.user_id, click.response_url)
