"""Selfies: a picture is looked at, told of in words, and then kept or used once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_bolt import Ack
from slack_sdk.models.views import View

from bot.asking import Asking
from bot.blocks import selfie as blocks
from bot.blocks.modal import waiting
from bot.calls import in_words
from bot.files.downloads import Downloads
from bot.listeners.home import HomeListeners
from bot.payloads import Click, Json, Submission, UploadedFile
from bot.question import Question
from bot.replies import Replies
from bot.selfies import Selfies
from bot.views import Views
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import FindmeError, NoFaceInPictureError, PhotoGoneError, UnreadablePhotoError

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
        home: HomeListeners,
    ) -> None:
        self._views = views
        self._selfies = selfies
        self._downloads = downloads
        self._asking = asking
        self._replies = replies
        self._home = home

    def open(self, trigger_id: str, about: Mapping[str, str]) -> None:
        """Ask for a picture; `about` is from `place_of`. Raises TooLateError."""
        self._views.open(trigger_id, blocks.ask(about))

    def button(self, ack: Ack, body: Json) -> None:
        """*Use a selfie*, wherever it stands."""
        ack()
        click = Click.from_body(body)
        about = place_of(click.response_url, click.place, click.question)
        self.open(click.trigger_id, about)

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
            view=waiting(blocks.TITLE, "I'm looking at your picture…").to_dict(),
        )
        acknowledged_s = time.monotonic()

        def judged(_pictures: bool) -> View:  # noqa: FBT001 - what Views hands over
            try:
                return self._judged(submission, url)
            finally:
                time.sleep(max(0.0, acknowledged_s + ACK_FIRST_S - time.monotonic()))

        self._views.fill(submission.view_id, blocks.TITLE, judged)

    def _judged(self, submission: Submission, url: str) -> View:
        try:
            data = self._downloads.photo(url, max_bytes=blocks.MAX_BYTES)
            token, selfie = self._selfies.hold(submission.team_id, submission.user_id, data)
        except FindmeError as error:
            return blocks.ask(submission.about, problem=_problem(error))
        if not selfie.is_usable:
            return blocks.ask(submission.about, problem=blocks.unusable(selfie.reference))
        return blocks.judged(selfie.reference, submission.about, token=token)

    def used(self, ack: Ack, body: Json) -> None:
        """Keep what the selfie says, or use it once; either way answer what was asked."""
        submission = Submission.from_body(body)
        ack()
        user_id, about = submission.user_id, submission.about
        token, channel_id = str(about["token"]), str(about.get("channel") or "")
        response_url = str(about.get("response_url") or "")
        reply = self._replies.to(user_id, response_url)
        question = _question(about, user_id)
        is_kept = blocks.KEEP in submission.chosen.get(blocks.USE, ())
        try:
            if is_kept:
                self._selfies.keep(submission.team_id, user_id, token)
            else:
                question = replace(question, selfie=token)
            self._asking(
                reply, submission.team_id, user_id, question, where=ChannelId(channel_id) or None
            )
            if not response_url and not channel_id:
                # From Home, which would stay as it was: the answer is in another tab.
                note = blocks.KEPT if is_kept else blocks.USED
                self._home.show(submission.team_id, user_id, note=note)
        except FindmeError as error:
            reply.send(in_words(error))


def place_of(
    response_url: str, channel_id: ChannelId | None, question: Question | None = None
) -> dict[str, str]:
    """Where the answer to a selfie goes, and what was asked before it was needed."""
    return {
        "response_url": response_url,
        "channel": channel_id or "",
        "question": question.at(0).code() if question else "",
    }


def _question(about: Mapping[str, Any], user_id: UserId) -> Question:
    code = str(about.get("question") or "")
    return Question.from_code(code) if code else Question(people=(user_id,))


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
            return in_words(error)
