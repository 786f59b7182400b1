"""Selfies: a picture is looked at, told of in words, and then kept or used once."""

from collections.abc import Sequence

from slack_bolt import Ack

from bot.asking import Asking
from bot.blocks import selfie as blocks
from bot.blocks.gallery import waiting
from bot.files.downloads import Downloads
from bot.payloads import Click, Json, Submission, UploadedFile
from bot.question import Question
from bot.replies import Replies
from bot.selfies import Selfies
from bot.views import Views
from pipeline.errors import FindmeError, NoFaceInPictureError, PhotoGoneError, UnreadablePhotoError

TITLE = "Use a selfie"


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

    def open(self, trigger_id: str, response_url: str) -> None:
        """Ask for a picture; the answer goes to `response_url`. Raises SourceUnavailableError."""
        self._views.open(trigger_id, blocks.form(response_url))

    def button(self, ack: Ack, body: Json) -> None:
        """*Use a selfie*, wherever it stands."""
        ack()
        click = Click.from_body(body)
        self.open(click.trigger_id, click.response_url)

    def given(self, ack: Ack, body: Json) -> None:
        """A picture was given: look at it, and say what it is worth before it is used."""
        ack(
            response_action="update",
            view=waiting(TITLE, "I'm looking at your picture…").to_dict(),
        )
        submission = Submission.from_body(body)
        response_url = str(submission.about.get("response_url") or "")
        try:
            data = self._fetch(submission.files)
            token, selfie = self._selfies.hold(submission.team_id, submission.user_id, data)
        except FindmeError as error:
            view = blocks.form(response_url, problem=_problem(error))
        else:
            if selfie.is_usable:
                view = blocks.judged(selfie.reference, token=token, response_url=response_url)
            else:
                view = blocks.form(response_url, problem=blocks.unusable(selfie.reference))
        self._views.update(submission.view_id, view)

    def _fetch(self, files: Sequence[UploadedFile]) -> bytes:
        if not files or files[0].url is None:
            raise UnreadablePhotoError("Slack gave me no file")
        if files[0].size_bytes > blocks.MAX_BYTES:
            raise UnreadablePhotoError(f"it is larger than {blocks.MAX_BYTES // 10**6} MB")
        return self._downloads.photo(files[0].url, max_bytes=blocks.MAX_BYTES)

    def used(self, ack: Ack, body: Json) -> None:
        """Keep what the selfie says, or use it once; either way show the photos."""
        submission = Submission.from_body(body)
        ack()
        about, user_id = submission.about, submission.user_id
        token = str(about["token"])
        question = Question(people=(user_id,), selfie=token)
        reply = self._replies.to(user_id, str(about.get("response_url") or ""))
        try:
            if blocks.KEEP in submission.chosen.get(blocks.USE, ()):
                self._selfies.keep(submission.team_id, user_id, token)
                question = Question(people=(user_id,))
            self._asking(reply, submission.team_id, user_id, question)
        except FindmeError as error:
            reply.send(str(error))


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
