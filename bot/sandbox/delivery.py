"""Envelopes for the bot: who hears what, retries, and a log of every delivery."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.sandbox.model import ELSEWHERE, ChannelId, ChannelKind, Json
from bot.sandbox.state import Workspace
from bot.sandbox.transports import (
    EVENTS,
    Envelope,
    Reply,
    Retry,
    SignedPost,
    SocketMode,
    Transport,
)

CLOSE_TIMEOUT_S = 5.0

Result = TypeVar("Result")

_MESSAGE_SUBSCRIPTIONS = {
    ChannelKind.PUBLIC: "message.channels",
    ChannelKind.PRIVATE: "message.groups",
    ChannelKind.DIRECT: "message.im",
}


@dataclass(slots=True, kw_only=True)
class Repetition:
    """How often each envelope comes, each copy up to `spread_s` late: none keeps its place."""

    copies: int = 1
    spread_s: float = 0.0
    chance: random.Random

    def waits_s(self) -> list[float]:
        """Before each copy."""
        return [self.chance.uniform(0, self.spread_s) for _ in range(self.copies)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One try of one envelope; `ack_ms` is None and `error` set where it was not acknowledged."""

    envelope_id: str
    kind: str
    name: str
    attempt: int
    ack_ms: float | None
    error: str | None


class Delivery:
    """Carries envelopes to the bot, over HTTP once a request URL is set, else by Socket Mode."""

    def __init__(self, ws: Workspace) -> None:
        """Listen to one workspace's events."""
        self._ws = ws
        self.sockets = SocketMode(ws)
        self.log: list[Delivered] = []
        self._post: SignedPost | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # One entry for each that the loop has not begun yet; a deque may be used by all threads.
        self._starting: deque[str] = deque()
        self._repetition = Repetition(chance=random.Random(0))  # noqa: S311 - no secret
        ws.listeners.append(self.hear)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start to deliver, on the server's loop."""
        self._starting.clear()
        self._loop = loop

    async def close(self) -> None:
        """Stop: what is still on its way is lost; a request URL stays set."""
        self._loop = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.sockets.close()
        if self._post:
            await self._post.close()
            self._post = SignedPost(self._ws, self._post.url)

    def set_request_url(self, url: str | None, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Deliver by HTTP from now on (None: by Socket Mode again).

        Raises ConnectionError if the URL fails Slack's challenge.
        """
        self._on_loop(self._set_request_url(url)).result(timeout_s)

    async def _set_request_url(self, url: str | None) -> None:
        post = SignedPost(self._ws, url) if url else None
        if post:
            try:
                await post.verify()
            except ConnectionError:
                await post.close()
                raise
        if self._post:
            await self._post.close()
        self._post = post

    def repeat(self, copies: int, *, spread_s: float, seed: int = 0) -> None:
        """Deliver everything so often from now on, in any order: as after lost answers."""
        chance = random.Random(seed)  # noqa: S311 - no secret
        self._repetition = Repetition(copies=copies, spread_s=spread_s, chance=chance)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._starting and not self._tasks

    def refresh_connections(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Ask the bot to connect anew."""
        self._on_loop(self.sockets.refresh()).result(timeout_s)

    def drop_connections(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """End all Socket Mode connections."""
        self._on_loop(self.sockets.close()).result(timeout_s)

    def cut_connections(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """End all Socket Mode connections without a word."""
        self._on_loop(self.sockets.cut()).result(timeout_s)

    def hear(self, event: Json, channel: ChannelId | None) -> None:
        """Pass an event on if the app subscribed to it and the bot is where it happened."""
        if not self._is_subscribed(event, channel):
            return
        event_id = f"Ev{self._ws.new_id('')}"
        place = self._ws.channels.get(channel) if channel is not None else None
        authorization = {
            "enterprise_id": None,
            "team_id": self._ws.team_id,
            "user_id": self._ws.bot_user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        payload = {
            "token": "sandbox",
            # Of the workspace that made the channel; to whom it is sent, the authorization tells.
            "team_id": ELSEWHERE if place and place.is_foreign else self._ws.team_id,
            "api_app_id": self._ws.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self._ws.clock()),
            "authorizations": [authorization],
            "is_ext_shared_channel": place is not None and place.is_shared,
            "event_context": f"4-{event_id}",
        }
        envelope = _envelope(EVENTS, str(event["type"]), payload)
        self._start(lambda: self._deliver_event(envelope), envelope)

    def _is_subscribed(self, event: Json, channel: ChannelId | None) -> bool:
        if channel is not None and not self._ws.bot_is_in(channel):
            return False
        name = str(event["type"])
        if name == "message" and channel is not None:
            name = _MESSAGE_SUBSCRIPTIONS[self._ws.channels[channel].kind]
        return name in self._ws.app.events

    async def _deliver_event(self, envelope: Envelope) -> None:
        reply = await self._try_copies(envelope)
        for number, wait_s in enumerate(self._ws.times.retry_after_s, start=1):
            if reply.error is None or not reply.may_retry:
                return
            await asyncio.sleep(wait_s)
            reply = await self._try(envelope, Retry(number=number, reason=reply.retry_reason))

    def invoke(self, kind: str, name: str, payload: Json, *, done: Callable[[Reply], None]) -> None:
        """Deliver a command or an interaction once; `done` gets the end of it, on the loop."""
        envelope = _envelope(kind, name, payload)

        async def deliver() -> None:
            done(await self._try_copies(envelope))

        if not self._start(deliver, envelope):
            done(Reply(error="dispatch_failed"))

    async def _try_copies(self, envelope: Envelope) -> Reply:
        """The first good reply of all copies."""
        waits_s = self._repetition.waits_s()

        async def copy(number: int, wait_s: float) -> Reply:
            await asyncio.sleep(wait_s)
            return await self._try(envelope, Retry(number=number, reason="timeout"))

        if len(waits_s) == 1:
            return await self._try(envelope, Retry(number=0))
        replies = await asyncio.gather(*(copy(*each) for each in enumerate(waits_s)))
        return next((reply for reply in replies if reply.error is None), replies[0])

    async def _try(self, envelope: Envelope, retry: Retry) -> Reply:
        transport: Transport = self._post or self.sockets
        reply = await transport.send(envelope, retry)
        self._note(envelope, retry, reply)
        return reply

    def _note(self, envelope: Envelope, retry: Retry, reply: Reply) -> None:
        entry = Delivered(
            envelope_id=envelope.id,
            kind=envelope.kind,
            name=envelope.name,
            attempt=retry.number,
            ack_ms=reply.ack_ms,
            error=reply.error,
        )
        with self._ws.change():
            self.log.append(entry)

    def _start(self, deliver: Callable[[], Coroutine[Any, Any, None]], envelope: Envelope) -> bool:
        loop = self._loop
        if loop is None:
            reply = Reply(error="dispatch_failed")
            self._note(envelope, Retry(number=0), reply)
            return False

        def begin() -> None:
            task = loop.create_task(deliver())
            self._tasks.add(task)
            self._starting.popleft()
            task.add_done_callback(self._tasks.discard)

        self._starting.append(envelope.id)
        loop.call_soon_threadsafe(begin)
        return True

    def _on_loop(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        if self._loop is None:
            work.close()
            msg = "the sandbox is not running"
            raise ConnectionError(msg)
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def _envelope(kind: str, name: str, payload: Json) -> Envelope:
    return Envelope(id=secrets.token_hex(16), kind=kind, name=name, payload=payload)
