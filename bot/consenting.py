"""A colleague's wish becomes a message, and a yes becomes the answer to who asked."""

import structlog
from slack_sdk import WebClient

from bot.asking import Asking
from bot.blocks import consent as blocks
from bot.blocks.parts import as_json
from bot.calls import call, in_words
from bot.question import Question
from bot.replies import Replies
from pipeline.domain.consent import ConsentRequest, Granted
from pipeline.domain.model import TeamId
from pipeline.errors import ConsentNeededError, FindmeError, SourceUnavailableError

log = structlog.get_logger(__name__)


class Consenting:
    """Writes to people for the use cases of consent."""

    def __init__(self, client: WebClient, *, asking: Asking, replies: Replies) -> None:
        self._client = client
        self._asking = asking
        self._replies = replies

    def tell(self, wish: ConsentRequest) -> None:
        """Ask the person, in their direct messages. Raises SourceUnavailableError."""
        call(
            self._client.chat_postMessage,
            channel=wish.person_id,
            text=blocks.wish_text(wish),
            blocks=as_json(blocks.wish(wish)),
        )

    def send(self, team_id: TeamId, granted: Granted) -> None:
        """The answer, in the asker's direct messages.

        Raises: SourceUnavailableError, DatabaseUnavailableError: worth another try.
        """
        reply = self._replies.to(granted.asker_id)
        try:
            sent = self._asking(
                reply,
                team_id,
                granted.asker_id,
                Question.from_code(granted.question),
                is_awaited=False,
            )
        except ConsentNeededError:
            # Somebody changed their mind on the way: the asker is told nothing, as before.
            log.info("consent.withdrawn")
            return
        except SourceUnavailableError:
            raise
        except FindmeError as error:
            sent = reply.send(in_words(error))
        if not sent:
            raise SourceUnavailableError("Slack didn't take an answer; it is sent again.")
