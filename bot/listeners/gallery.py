"""*Gallery*, *Send me all* and *Share here*: having the photos."""

from collections.abc import Callable

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
from bot.views import Views
from bot.workspace import call
from pipeline.domain.model import ChannelId, PhotoId
from pipeline.errors import FindmeError, PictureError, SourceUnavailableError


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
        view_id = self._views.open(click.trigger_id, blocks.waiting("Gallery"))
        self._show(click, view_id, click.question.at(0))

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
        else:
            self._views.update_with_pictures(view_id, lambda pictures: view(page, pictures))

    def send_all(self, ack: Ack, body: Json) -> None:
        """All originals as a zip, into the direct messages."""
        ack()
        click = Click.from_body(body)
        reply = self._reply(click)
        with looking(reply):
            found = self._answers.found(click.team_id, click.user_id, click.question)
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
        view_id = self._views.open(click.trigger_id, blocks.waiting("Share photos"))
        where = click.place

        def filled(page: Page, pictures: bool) -> View:  # noqa: FBT001 - what Views hands over
            if where is None or not page.shown:
                return blocks.told("Share photos", "There are no photos now that you could share.")
            return blocks.share_form(page, where, click.response_url, pictures=pictures)

        self._fill(click, view_id, click.question, filled, title="Share photos", size=PAGE_SIZE)

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
        about = submission.about
        where = ChannelId(about["channel"])
        question = Question.from_code(about["question"])
        user_id = submission.user_id
        page = self._answers.page(
            submission.team_id, user_id, question, size=PAGE_SIZE, where=where
        )
        reply = self._replies.to(user_id, about["response_url"])
        matches = [one.match for one in blocks.chosen_of(page, chosen)]
        if page.share_with is None or not matches:
            reply.send("Nothing was shared: you can't see these photos any more. Ask again.")
            return
        shown = self._answers.shown(submission.team_id, user_id, matches, tell_of=where)
        message = parts.as_json(blocks.shared(user_id, shown, where))
        try:
            call(
                self._client.chat_postMessage,
                channel=where,
                text=blocks.shared_text(user_id, len(shown)),
                blocks=message,
            )
        except SourceUnavailableError as error:
            reply.send(f"Nothing was shared. {error}")

    def _reply(self, click: Click) -> Reply:
        return self._replies.to(click.user_id, click.response_url, channel_id=click.place)
