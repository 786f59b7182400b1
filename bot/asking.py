"""From a question to its answer in Slack."""

from bot.answers import Answers
from bot.blocks import answer as blocks
from bot.pages import Rejected
from bot.payloads import FaceInPhoto
from bot.question import Question
from bot.refusals import refusal
from bot.replies import Reply, looking
from pipeline.domain.model import ChannelId, PhotoId, TeamId, UserId
from pipeline.domain.visibility import Sight
from pipeline.errors import FaceGoneError, PictureError


class Asking:
    """Sends the answer to a question to where it was asked."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

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
        sight: Sight | None = None,
    ) -> None:
        """One page of the answer, or why there is none; in place of the one clicked if `replace`.

        `rejected`: the face that was rejected a moment ago, of an answer of `before` photos.
        `sight` is the asker's, where the same click asked for it.

        Raises: FindmeErrors that are the sentence to tell.
        """
        try:
            with looking(reply):
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
            reply.send(sentence, told, replace=replace)
            return
        noted = None
        if rejected is not None:
            also = max(0, before - len(page.found.matches) - 1)
            noted = Rejected(face=rejected, also=also)
        text = blocks.summary(page)
        # A file that was deleted a moment ago would make Slack refuse the whole answer.
        if not reply.send(text, blocks.answer(page, noted=noted), replace=replace):
            reply.send(text, blocks.answer(page, noted=noted, pictures=False), replace=replace)
