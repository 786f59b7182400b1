"""`/findme`, *More*, and the reader's word on a match."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from slack_bolt import Ack

from bot.asking import Asking
from bot.blocks import answer as blocks
from bot.blocks.texts import HELP
from bot.grammar.commands import HelpRequest, OwnRequest, SelfieRequest, parsed
from bot.listeners.consent import ConsentListeners
from bot.listeners.selfie import SelfieListeners, place_of
from bot.names import Names
from bot.payloads import Click, Command, FaceInPhoto, Json
from bot.question import Question
from bot.replies import Replies, Reply, looking
from bot.selfies import SelfieGoneError
from bot.turns import Turns
from pipeline.domain.model import UserId
from pipeline.domain.verdicts import Verdict
from pipeline.domain.visibility import Sight
from pipeline.errors import ConsentNeededError, PictureError
from pipeline.ports import Clock
from pipeline.usecases.give_verdict import GiveVerdict

# An old answer's question: its selfie is gone, or a colleague's leave has ended.
_NOT_ANEW = (SelfieGoneError, ConsentNeededError)
TAKEN = "Noted. I can't show you this answer anew; type `/findme` to look again."


class FindListeners:
    """Answers are ephemeral: only who asked sees them."""

    def __init__(
        self,
        *,
        asking: Asking,
        replies: Replies,
        names: Names,
        give_verdict: GiveVerdict,
        selfies: SelfieListeners,
        consent: ConsentListeners,
        turns: Turns,
        clock: Clock,
        bot_user_id: UserId,
    ) -> None:
        self._asking = asking
        self._replies = replies
        self._names = names
        self._give_verdict = give_verdict
        self._selfies = selfies
        self._consent = consent
        self._turns = turns
        self._clock = clock
        self._bot_user_id = bot_user_id

    def command(self, ack: Ack, body: Json) -> None:
        """`/findme [me] [@people…] [in #channel…] [since/until DATE] [sure|all]`, and the like."""
        ack()
        command = Command.from_body(body)
        reply = self._replies.to(command.user_id, command.response_url)
        if command.text.lower() == "selfie":
            # Slack waits for a modal no longer than 3 s: no looking up of anything before it.
            self._selfies.open(
                command.trigger_id, place_of(command.response_url, command.channel_id)
            )
            return
        with self._turn(reply):
            self._answer(command, reply)

    def _answer(self, command: Command, reply: Reply) -> None:
        with looking(reply):
            asked = parsed(
                command.text,
                asker=command.user_id,
                now=self._clock(),
                timezone=self._names.time_zone_of(command.user_id),
                languages=self._names.languages(command.user_id),
            )
        match asked:
            case HelpRequest():
                reply.send(HELP)
            case SelfieRequest():
                self._selfies.open(
                    command.trigger_id, place_of(command.response_url, command.channel_id)
                )
            case Question() if self._bot_user_id in asked.people:
                reply.send("I'm an app, and in no photos. Name people, like `/findme @colleague`.")
            case OwnRequest(act=act):
                self._consent.own(reply, command.team_id, command.user_id, act)
            case Question():
                try:
                    self._asking(
                        reply, command.team_id, command.user_id, asked, where=command.channel_id
                    )
                except ConsentNeededError as needed:
                    self._consent.wish(reply, command.team_id, asked, needed)

    def more(self, ack: Ack, body: Json) -> None:
        """The next page, below the one before; what may be seen is asked anew."""
        ack()
        click = Click.from_body(body)
        question = click.question.at(int(click.value))
        reply = self._reply(click)
        with self._turn(reply):
            self._asking(reply, click.team_id, click.user_id, question, where=click.place)

    def said_me(self, ack: Ack, body: Json) -> None:
        """*That's me*."""
        ack()
        click = Click.from_body(body)
        self._judge(click, Verdict.ME, FaceInPhoto.from_value(click.value))

    def said_not_me(self, ack: Ack, body: Json) -> None:
        """*Not me*."""
        ack()
        click = Click.from_body(body)
        self._judge(click, Verdict.NOT_ME, FaceInPhoto.from_value(click.value))

    def said(self, ack: Ack, body: Json) -> None:
        """The menu of a sure photo."""
        ack()
        click = Click.from_body(body)
        self._judge(click, *blocks.verdict_of(click.value))

    def undo(self, ack: Ack, body: Json) -> None:
        """*Undo*: as if nothing had been said."""
        ack()
        click = Click.from_body(body)
        face = FaceInPhoto.from_value(click.value)
        reply = self._reply(click)
        with self._turn(reply):
            self._give_verdict.take_back(click.team_id, click.user_id, face.photo_id, face.box)
            self._show_again(click, reply)

    def _judge(self, click: Click, verdict: Verdict, face: FaceInPhoto) -> None:
        reply = self._reply(click)
        with self._turn(reply):
            # Once for the whole click: what it shows may not be theirs to see, or judge, any more.
            with looking(reply):
                sight = self._asking.sight_of(click.team_id, click.user_id, face.photo_id)
            rejected = face if verdict is Verdict.NOT_ME else None
            before = self._count(click, reply, sight) if rejected else 0
            self._give_verdict(click.team_id, click.user_id, face.photo_id, face.box, verdict)
            self._show_again(click, reply, rejected=rejected, before=before, sight=sight)

    def _count(self, click: Click, reply: Reply, sight: Sight) -> int:
        with looking(reply), suppress(PictureError, *_NOT_ANEW):
            return self._asking.count(click.team_id, click.user_id, click.question, sight=sight)
        return 0

    def _show_again(
        self,
        click: Click,
        reply: Reply,
        *,
        rejected: FaceInPhoto | None = None,
        before: int = 0,
        sight: Sight | None = None,
    ) -> None:
        try:
            self._asking(
                reply,
                click.team_id,
                click.user_id,
                click.question,
                where=click.place,
                rejected=rejected,
                before=before,
                replace=True,
                sight=sight,
            )
        except _NOT_ANEW:
            reply.send(TAKEN)

    @contextmanager
    def _turn(self, reply: Reply) -> Iterator[None]:
        """Wait with a word on it, then be worked for."""
        with ExitStack() as stack:
            with looking(reply):
                stack.enter_context(self._turns.one())
            yield

    def _reply(self, click: Click) -> Reply:
        return self._replies.to(click.user_id, click.response_url)
