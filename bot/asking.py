"""From a question to its answer in Slack."""

from contextlib import nullcontext

from bot.answers import Answers
from bot.blocks import answer as blocks
from bot.blocks.consent import FIRST
from bot.blocks.parts import text
from bot.pages import Rejected
from bot.payloads import FaceInPhoto
from bot.question import Question
from bot.refusals import refusal
from bot.replies import Reply, looking
from pipeline.domain.consent import NOTHING_SAID
from pipeline.domain.model import ChannelId, PhotoId, TeamId, UserId
from pipeline.domain.visibility import Sight
from pipeline.errors import FaceGoneError, PictureError
from pipeline.storage.consents import Consents


class Asking:
    """Sends the answer to a question to where it was asked."""

    def __init__(self, answers: Answers, *, consents: Consents) -> None:
        self._answers = answers
        self._consents = consents

    def count(self, team_id: TeamId, asker: UserId, question: Question, *, sight: Sight) -> int:
        """How many photos answer it. Raises as `Answers.found` does."""
        return len(self._answers.found(team_id, asker, question, sight=sight).matches)

    def sight_of(self, team_id: TeamId, user_id: UserId, photo_id: PhotoId) -> Sight:
        """What somebody can open now, the photo among it.

        Raises: FaceGoneError if it isn't; and as `Answers.sight_of` does.
        """
        sight = self._answers.sight_of(team_id, user_id)
        if not self._answers.can_open(team_id, photo_id, sight):
            raise FaceGoneError
        return sight

    def __call__(
        self,
        reply: Reply,
        team_id: TeamId,
        asker: UserId,
        question: Question,
        *,
        where: ChannelId | None = None,
        rejected: FaceInPhoto | None = None,
        before: int = 0,
        replace: bool = False,
        is_awaited: bool = True,
        sight: Sight | None = None,
    ) -> bool:
        """One page of the answer, or why there is none; in place of the one clicked if `replace`.

        `rejected`: the face that was rejected a moment ago, of an answer of `before` photos.
        `is_awaited` unless nobody asked a moment ago; `sight` is the asker's, where the same click
        asked for it.
        With their first answer somebody is told how all of this works. False if Slack took none.

        Raises: FindmeErrors that are the sentence to tell.
        """
        try:
            with looking(reply) if is_awaited else nullcontext():
                page = self._answers.page(
                    team_id,
                    asker,
                    question,
                    size=blocks.PAGE_SIZE,
                    where=where,
                    or_last=replace,
                    sight=sight,
                )
        except PictureError as error:
            sentence, told = refusal(error, question, asker)
            if is_first := self._is_first(team_id, asker):
                told = [text(FIRST), *told]
            sent = reply.send(sentence, told, replace=replace)
            if sent and is_first:
                self._consents.told(team_id, asker)
            return sent
        noted = None
        if rejected is not None:
            also = max(0, before - len(page.found.matches) - 1)
            noted = Rejected(face=rejected, also=also)
        summary = blocks.summary(page)
        # A file that was deleted a moment ago would make Slack refuse the whole answer.
        sent = reply.send(summary, blocks.answer(page, noted=noted), replace=replace) or reply.send(
            summary, blocks.answer(page, noted=noted, pictures=False), replace=replace
        )
        if sent and page.found.is_first:
            self._consents.told(team_id, asker)
        return sent

    def _is_first(self, team_id: TeamId, asker: UserId) -> bool:
        known = self._consents.of(team_id, [], asker=asker).get(asker, NOTHING_SAID)
        return not known.is_told
