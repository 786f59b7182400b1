"""A sandbox workspace with two people and two channels, and clients for it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image
from slack_sdk import WebClient

from bot.sandbox import Channel, Person, Sandbox, SlackApp, Times


def make_photo(
    *, width_px: int = 96, height_px: int = 64, kind: str = "JPEG", seed: int = 0
) -> bytes:
    """A small picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Ann and Ben are in #photos (with the bot); only Ann is in #secret (without the bot)."""

    slack: Sandbox
    client: WebClient
    ann: Person
    ben: Person
    photos: Channel
    secret: Channel


FAST = Times(retry_after_s=(0.0, 0.1, 0.2))
IMPATIENT = Times(ack_timeout_s=1.0, retry_after_s=(0.0, 0.1, 0.2))


def furnish(slack: Sandbox) -> Office:
    """Fill a started sandbox."""
    people = slack.people
    ann = people.add_person("Ann Lee", picture=make_photo(width_px=600, height_px=600), admin=True)
    ben = people.add_person("Ben Ode")
    photos = people.add_channel("photos", members=[ann, ben, slack.bot_user_id])
    secret = people.add_channel("secret", members=[ann], private=True)
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    return Office(slack=slack, client=client, ann=ann, ben=ben, photos=photos, secret=secret)


@pytest.fixture
def slack() -> Iterator[Sandbox]:
    """An empty workspace with short retry times."""
    with Sandbox(times=FAST) as sandbox:
        yield sandbox


@pytest.fixture
def office(slack: Sandbox) -> Office:
    """A furnished workspace."""
    return furnish(slack)


@pytest.fixture
def impatient_office() -> Iterator[Office]:
    """A workspace that waits a second for an acknowledgement."""
    with Sandbox(times=IMPATIENT) as sandbox:
        yield furnish(sandbox)


@pytest.fixture
def read_only_office() -> Iterator[Office]:
    """A workspace whose bot token may read public channels, and little else."""
    app = SlackApp(scopes=frozenset({"channels:read", "channels:history", "users:read"}))
    with Sandbox(app=app, times=FAST) as sandbox:
        yield furnish(sandbox)
