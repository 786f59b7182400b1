"""Selfies: a picture is looked at, told of in words, and then kept or used once."""

import time
from collections.abc import Sequence

from slack_bolt import Ack
from slack_sdk.models.views import View

from bot.asking import Asking
from bot.blocks import selfie as blocks
from bot.blocks.gallery import told, waiting
from bot.files.downloads import Downloads
from bot.payloads import Click, Json, Submission, UploadedFile
from bot.question import Question
from bot.replies import Replies
from bot.selfies import Selfies
from bot.views import FAILED, Views
from pipeline.domain.model import ChannelId
from pipeline.errors import FindmeError, NoFaceInPictureError, PhotoGoneError, UnreadablePhotoError

TITLE = "Use a selfie"
ACK_FIRST_S = 0.3
"""So long an acknowledgement may take to Slack; coming late, it would replace what followed it."""


class SelfieListeners:
    """From a button or `/findme selfie` to photos; the file is never kept."""

    def __init__(
        self,
        *,
        views: Views,
        selfies: Selfies,
        downloads: Downloads,
        asking: Asking,
        replies: Replies,
    ) -> None:
        self._views = views
        self._selfies = selfies
        self._downloads = downloads
        self._asking = asking
        self._replies = replies

    def open(self, trigger_id: str, response_url: str, where: ChannelId | None) -> None:
        """Ask for a picture; the answer goes to `response_url`, in the channel `where`.

        Raises: TooLateError, SourceUnavailableError.
        """
        self._views.open(trigger_id, blocks.form(response_url, channel_id=where or ""))

    def button(self, ack: Ack, body: Json) -> None:
        """*Use a selfie*, wherever it stands."""
        ack()
        click = Click.from_body(body)
        self.open(click.trigger_id, click.response_url, click.place)

    def given(self, ack: Ack, body: Json) -> None:
        """A picture was given: look at it, and say what it is worth before it is used."""
        submission = Submission.from_body(body)
        try:
            url = _address(submission.files)
        except FindmeError as error:
            ack(response_action="errors", errors={blocks.PICTURE_BLOCK: _problem(error)})
            return
        ack(
            response_action="update",
            view=waiting(TITLE, "I'm looking at your picture…").to_dict(),
        )
        acknowledged_s = time.monotonic()
        try:
            view = self._judged(submission, url)
        except Exception:
            self._views.update(submission.view_id, told(TITLE, FAILED))
            raise
        time.sleep(max(0.0, acknowledged_s + ACK_FIRST_S - time.monotonic()))
        self._views.update(submission.view_id, view)

    def _judged(self, submission: Submission, url: str) -> View:
        response_url, channel_id = _place(submission)
        try:
            data = self._downloads.photo(url, max_bytes=blocks.MAX_BYTES)
            token, selfie = self._selfies.hold(submission.team_id, submission.user_id, data)
        except FindmeError as error:
            return blocks.form(response_url, channel_id=channel_id, problem=_problem(error))
        if not selfie.is_usable:
            problem = blocks.unusable(selfie.reference)
            return blocks.form(response_url, channel_id=channel_id, problem=problem)
        return blocks.judged(
            selfie.reference, token=token, response_url=response_url, channel_id=channel_id
        )

    def used(self, ack: Ack, body: Json) -> None:
        """Keep what the selfie says, or use it once; either way show the photos."""
        submission = Submission.from_body(body)
        ack()
        user_id, token = submission.user_id, str(submission.about["token"])
        response_url, channel_id = _place(submission)
        question = Question(people=(user_id,), selfie=token)
        reply = self._replies.to(user_id, response_url)
        try:
            if blocks.KEEP in submission.chosen.get(blocks.USE, ()):
                self._selfies.keep(submission.team_id, user_id, token)
                question = Question(people=(user_id,))
            self._asking(
                reply, submission.team_id, user_id, question, where=ChannelId(channel_id) or None
            )
        except FindmeError as error:
            reply.send(str(error))


def _place(submission: Submission) -> tuple[str, str]:
    """Where the answer goes: a response_url and its channel, or nothing for a direct message."""
    about = submission.about
    return str(about.get("response_url") or ""), str(about.get("channel") or "")


def _address(files: Sequence[UploadedFile]) -> str:
    """Where the picture is. Raises PhotoGoneError, UnreadablePhotoError."""
    url = files[0].url if files else None
    if url is None:
        raise PhotoGoneError
    if files[0].size_bytes > blocks.MAX_BYTES:
        raise UnreadablePhotoError(f"it is larger than {blocks.MAX_BYTES // 10**6} MB")
    return url


def _problem(error: FindmeError) -> str:
    match error:
        case NoFaceInPictureError():
            return "I can't see a face in that picture. Choose one that shows yours clearly."
        case UnreadablePhotoError():
            return f"I can't read that picture: {error}. Choose another one."
        case PhotoGoneError():
            return "That picture is gone already. Choose it again."
        case _:
            return str(error)
