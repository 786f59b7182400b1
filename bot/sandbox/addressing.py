"""How a person addresses the bot: commands, clicks, modals, the Home tab."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.sandbox import changes, modals, payloads
from bot.sandbox.calls import ApiError
from bot.sandbox.delivery import Delivery
from bot.sandbox.inputs import STATELESS, Filled, Value, action_json, state_json, value_of
from bot.sandbox.model import (
    SLACKBOT,
    Invocation,
    InvocationId,
    InvocationKind,
    Json,
    Message,
    Outcome,
    Person,
    PersonId,
    View,
    ViewId,
)
from bot.sandbox.reading import Reading, Where, Who, channel_id, person_id
from bot.sandbox.render import view_json
from bot.sandbox.responses import ResponseUrls
from bot.sandbox.state import Missing, Workspace
from bot.sandbox.transports import COMMANDS, INTERACTIVE, Reply

_NAMED = re.compile(r"(?<!\S)([@#])([\w.-]*\w)")


class NotAllowed(Exception):  # noqa: N818 - reads as the sentence it ends
    """A person tried what Slack would not let them do; the argument says what."""


class Addressing(Reading):
    """Sends what people do on to the bot, and applies what it acknowledges with."""

    def __init__(self, ws: Workspace, delivery: Delivery, urls: ResponseUrls) -> None:
        """Act in one workspace."""
        super().__init__(ws)
        self._delivery = delivery
        self._urls = urls

    def run_command(self, who: Who, where: Where, command: str, text: str = "") -> Invocation:
        """Type a slash command; `@name` and `#name` are escaped as Slack does it.

        Raises NotAllowed if the app has no such command or the person is not in the channel.
        """
        ws, person, channel = self._ws, self.person(who), self.channel(where)
        if command not in ws.app.commands:
            msg = f"{command} is not a valid command"
            raise NotAllowed(msg)
        self._must_be_member(person, where)
        escaped = self.with_ids(text) if ws.app.should_escape else text
        invocation = self._invocation(
            InvocationKind.COMMAND, person, name=command, where=where, text=escaped
        )
        payload = payloads.command(ws, invocation, person, channel)
        self._send(invocation, COMMANDS, payload)
        return invocation

    def _must_be_member(self, person: Person, where: Where) -> None:
        if person.is_deleted or person.id not in self.channel(where).members:
            msg = f"{person.name} is not in that channel"
            raise NotAllowed(msg)

    def with_ids(self, text: str) -> str:
        """Text with the names of people and channels as Slack writes them: `<@U…|name>`."""
        people = {person.name: person.id for person in self._ws.people.values()}
        channels = {channel.name: channel.id for channel in self._ws.channels.values()}

        def escape(found: re.Match[str]) -> str:
            sign, name = found.groups()
            known = people.get(name) if sign == "@" else channels.get(name)
            return f"<{sign}{known}|{name}>" if known else found.group()

        return _NAMED.sub(escape, text)

    def click(
        self,
        who: Who,
        place: Message | View,
        action_id: str,
        *,
        value: Value | None = None,
        block_id: str | None = None,
        filled: Filled | None = None,
    ) -> Invocation:
        """Use a button, a menu or another element of a message or view as it is now.

        `value` picks among buttons of one action_id, or is the option to choose; `filled` is what
        else stands in the place's elements. Raises NotAllowed if there is no such element to see.
        """
        person = self.person(who)
        current = self._current(person, place)
        found_block_id, element = self._element(current, action_id, value, block_id)
        chosen = action_json(element, found_block_id, value)
        kept = self._keep(current, filled or {})
        if element["type"] not in STATELESS:
            kept[found_block_id, action_id] = value_of(element, chosen)
        where = current.channel if isinstance(current, Message) else None
        invocation = self._invocation(
            InvocationKind.CLICK,
            person,
            name=action_id,
            where=where,
            source=current if isinstance(current, Message) else None,
            view=current if isinstance(current, View) else None,
        )
        payload = payloads.interaction(self._ws, invocation, person)
        payload["actions"] = [chosen | {"action_ts": invocation.ts}]
        payload |= payloads.place(self._ws, current, self._state(current))
        if invocation.response_url:
            payload["response_url"] = invocation.response_url
        self._send(invocation, INTERACTIVE, payload)
        return invocation

    def _current(self, person: Person, place: Message | View) -> Message | View:
        try:
            if isinstance(place, Message):
                message = self._ws.message(place.channel, place.ts)
                if message.visible_to not in {None, person.id}:
                    raise NotAllowed("that message is for somebody else")
                self._must_be_member(person, message.channel)
                return message
        except Missing as e:
            raise NotAllowed("that message is gone") from e
        view = self._ws.view(place.id)
        if view is None or view.person != person.id:
            raise NotAllowed("that view is not open")
        return view

    def _element(
        self, place: Message | View, action_id: str, value: Value | None, block_id: str | None
    ) -> tuple[str, Json]:
        for found_block_id, element in self.elements(place):
            if element.get("action_id") != action_id or block_id not in {None, found_block_id}:
                continue
            if element["type"] == "button" and value not in {None, element.get("value")}:
                continue
            return found_block_id, element
        msg = f"there is no {action_id} to click"
        raise NotAllowed(msg)

    def _keep(self, place: Message | View, filled: Filled) -> Filled:
        """Remember what stands in a place's elements: Slack tells it with every later use."""
        key = place.id if isinstance(place, View) else f"{place.channel}/{place.ts}"
        with self._ws.changed:
            kept = self._ws.filled[key]
            kept.update(filled)
            return kept

    def _state(self, place: Message | View, values: Mapping[str, Value] | None = None) -> Json:
        state = state_json(self.elements(place), values or {}, self._keep(place, {}))
        modals.give_files(self._ws, state)
        return state

    def open_home(self, who: Who) -> None:
        """Open the bot's Home tab; fires `app_home_opened`."""
        ws, person = self._ws, self.person(who)
        with ws.change():
            event: Json = {
                "type": "app_home_opened",
                "user": person.id,
                "channel": changes.open_direct(ws, person.id).id,
                "tab": "home",
                "event_ts": ws.new_ts(),
            }
            view = ws.homes.get(person.id)
            ws.emit(event | ({"view": view_json(ws, view)} if view else {}))

    def submit_view(
        self,
        who: Who,
        view_id: ViewId,
        values: Mapping[str, Value] | None = None,
        *,
        filled: Filled | None = None,
    ) -> Invocation:
        """Submit a modal with values by action_id, or by block_id and action_id in `filled`.

        What is not given keeps what was chosen by clicks, or its initial value. Text inputs take
        text, menus the value of an option (or a list of them), file inputs a list of file ids.
        Raises NotAllowed.
        """
        person, view = self.person(who), self._open_view(who, view_id)
        invocation = self._invocation(
            InvocationKind.SUBMISSION, person, name=str(view.content.get("callback_id", ""))
        )
        self._keep(view, filled or {})
        shown = view_json(self._ws, view, state=self._state(view, values))
        payload = payloads.interaction(self._ws, invocation, person) | {
            "view": shown,
            "response_urls": [],
        }
        self._send(invocation, INTERACTIVE, payload, view=view)
        return invocation

    def close_view(self, who: Who, view_id: ViewId) -> Invocation | None:
        """Close a modal; the bot hears of it where the view asks for `notify_on_close`."""
        person, view = self.person(who), self._open_view(who, view_id)
        modals.close(self._ws, view)
        if not view.content.get("notify_on_close"):
            return None
        name = str(view.content.get("callback_id", ""))
        invocation = self._invocation(InvocationKind.CLOSING, person, name=name)
        payload = payloads.interaction(self._ws, invocation, person)
        payload |= {"view": view_json(self._ws, view), "is_cleared": False}
        self._send(invocation, INTERACTIVE, payload)
        return invocation

    def _open_view(self, who: Who, view_id: ViewId) -> View:
        view = self._ws.view(view_id)
        if view is None or view.person != person_id(who) or view.content["type"] != "modal":
            raise NotAllowed("that modal is not open")
        return view

    def _invocation(
        self,
        kind: InvocationKind,
        person: Person,
        *,
        name: str,
        text: str = "",
        where: Where | None = None,
        source: Message | None = None,
        view: View | None = None,
    ) -> Invocation:
        ws = self._ws
        with ws.change():
            invocation_id = InvocationId(ws.new_id("I"))
            channel = channel_id(where) if where else None
            url = None
            if channel:
                url = self._urls.issue(
                    invocation_id,
                    person=person.id,
                    channel=channel,
                    source=source.ts if source else None,
                )
            return Invocation(
                id=invocation_id,
                kind=kind,
                person=person.id,
                channel=channel,
                name=name,
                text=text,
                ts=ws.new_ts(),
                trigger_id=ws.new_trigger(person.id, view=view.id if view else None),
                response_url=url,
            )

    def _send(
        self, invocation: Invocation, kind: str, payload: Json, *, view: View | None = None
    ) -> None:
        def done(reply: Reply) -> None:
            with self._ws.change():
                error = reply.error or self._apply(invocation, reply.response, view)
                if error and invocation.kind is InvocationKind.COMMAND and invocation.channel:
                    self._tell_failure(invocation, invocation.person, error)
                self._ws.outcomes[invocation.id] = Outcome(
                    error=error, ack_ms=reply.ack_ms, response=reply.response
                )

        self._delivery.invoke(kind, invocation.name, payload, done=done)

    def _tell_failure(self, invocation: Invocation, person: PersonId, error: str) -> None:
        assert invocation.channel is not None
        message = Message(
            channel=invocation.channel,
            ts=self._ws.new_ts(),
            author=SLACKBOT,
            text=f'{invocation.name} failed with the error "{error}"',
            visible_to=person,
            answers=(invocation.id,),
            error=error,
        )
        changes.post(self._ws, message)

    def _apply(self, invocation: Invocation, response: Json, view: View | None) -> str | None:
        """Do what the acknowledgement says; give Slack's error if that can't be done."""
        try:
            if view is not None:
                modals.apply_response(self._ws, view, response)
            elif invocation.kind is InvocationKind.COMMAND and invocation.channel and response:
                self._urls.answer(
                    invocation.id,
                    person=invocation.person,
                    channel=invocation.channel,
                    payload=response,
                )
        except ApiError as e:
            return e.code
        return None
