"""What people decide about themselves: by command, in a colleague's wish, in the Home tab."""

from typing import assert_never

from slack_bolt import Ack
from slack_sdk import WebClient

from bot.blocks import consent as blocks
from bot.calls import call
from bot.files.uploads import Uploads
from bot.grammar.commands import OwnAct
from bot.listeners.home import HomeListeners
from bot.my_data import FILE_NAME, as_file
from bot.payloads import Click, Json
from bot.question import Question
from bot.replies import Replies, Reply, looking
from pipeline.domain.consent import Allowance, Answer, RequestId
from pipeline.domain.model import ChannelId, TeamId, UserId
from pipeline.errors import ConsentNeededError
from pipeline.ports import DataStore, Visibility
from pipeline.usecases.consent import AskConsent, GiveConsent, SendGranted
from pipeline.usecases.forget_person import ForgetPerson
from pipeline.usecases.opt_out import OptOut

SENT = "📄 All that I keep about you is in our direct messages now."


class ConsentListeners:
    """Each does one thing, and says what it did."""

    def __init__(
        self,
        *,
        client: WebClient,
        ask_consent: AskConsent,
        give_consent: GiveConsent,
        send_granted: SendGranted,
        opt_out: OptOut,
        forget_person: ForgetPerson,
        data: DataStore,
        visibility: Visibility,
        uploads: Uploads,
        replies: Replies,
        home: HomeListeners,
    ) -> None:
        self._client = client
        self._ask = ask_consent
        self._give = give_consent
        self._send_granted = send_granted
        self._opt_out = opt_out
        self._forget_person = forget_person
        self._data = data
        self._visibility = visibility
        self._uploads = uploads
        self._replies = replies
        self._home = home

    def own(self, reply: Reply, team_id: TeamId, user_id: UserId, act: OwnAct) -> None:
        """`/findme off`, `on`, `forget me`, `my data`."""
        with looking(reply):
            done = self._done(team_id, user_id, act)
        reply.send(done)

    def wish(
        self, reply: Reply, team_id: TeamId, question: Question, needed: ConsentNeededError
    ) -> None:
        """A question for people who have to agree first."""
        people = [UserId(one) for one in needed.people]
        # First of all: how long it takes must not tell whether anybody is asked.
        reply.send(blocks.waiting(people))
        self._ask(
            team_id,
            reply.user_id,
            people=question.people,
            of=people,
            question=question.code(),
        )

    def _done(self, team_id: TeamId, user_id: UserId, act: OwnAct) -> str:
        match act:
            case OwnAct.OFF:
                return blocks.turned_off(self._opt_out.off(team_id, user_id))
            case OwnAct.ON:
                return blocks.turned_on(was_off=self._opt_out.on(team_id, user_id))
            case OwnAct.FORGET_ME:
                return blocks.forgotten(self._forget_person(team_id, user_id, by=user_id))
            case OwnAct.MY_DATA:
                self._send_data(team_id, user_id)
                return SENT
            case _:
                assert_never(act)

    def _send_data(self, team_id: TeamId, user_id: UserId) -> None:
        # What they can't open (any more) is not named either.
        sight = self._visibility.sight_of(user_id)
        content = as_file(self._data.everything(team_id, user_id, channel_ids=sight.open))
        first = call(
            self._client.chat_postMessage,
            channel=user_id,
            text="📄 All that I keep about you, as a file:",
        )
        self._uploads.upload(content, name=FILE_NAME, channel_id=ChannelId(first["channel"]))

    def allowed(self, ack: Ack, body: Json) -> None:
        """*Allow colleagues*, to a wish."""
        ack()
        self._answered(Click.from_body(body), Answer.ALLOWED)

    def once(self, ack: Ack, body: Json) -> None:
        """*Just this once*."""
        ack()
        self._answered(Click.from_body(body), Answer.ONCE)

    def refused(self, ack: Ack, body: Json) -> None:
        """*No*."""
        ack()
        self._answered(Click.from_body(body), Answer.REFUSED)

    def _answered(self, click: Click, answer: Answer) -> None:
        taken = self._give.answer(click.team_id, click.user_id, RequestId(int(click.value)), answer)
        reply = self._replies.to(click.user_id, click.response_url, channel_id=click.place)
        reply.send(blocks.thanks(answer) if taken else blocks.NOT_OPEN, replace=True)
        self._send_granted(click.team_id)

    def colleagues_allowed(self, ack: Ack, body: Json) -> None:
        """*Allow colleagues*, in Home."""
        ack()
        click = Click.from_body(body)
        self._give.decide(click.team_id, click.user_id, Allowance.ALLOWED)
        self._home.show(click.team_id, click.user_id, note="Colleagues find photos of you now.")
        self._send_granted(click.team_id)

    def colleagues_refused(self, ack: Ack, body: Json) -> None:
        """*Don't allow*, in Home."""
        ack()
        click = Click.from_body(body)
        self._give.decide(click.team_id, click.user_id, Allowance.REFUSED)
        self._home.show(click.team_id, click.user_id, note="Colleagues don't find you any more.")

    def turn_off(self, ack: Ack, body: Json) -> None:
        """*Turn Findme off for me*."""
        ack()
        self._clicked(Click.from_body(body), OwnAct.OFF)

    def turn_on(self, ack: Ack, body: Json) -> None:
        """*Turn on*."""
        ack()
        self._clicked(Click.from_body(body), OwnAct.ON)

    def my_data(self, ack: Ack, body: Json) -> None:
        """*Send me my data*."""
        ack()
        self._clicked(Click.from_body(body), OwnAct.MY_DATA)

    def _clicked(self, click: Click, act: OwnAct) -> None:
        note = self._done(click.team_id, click.user_id, act)
        self._home.show(click.team_id, click.user_id, note=note)
