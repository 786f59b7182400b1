"""`findme sandbox`: a workspace with a few people in it, for a bot in another terminal."""

import click

from bot.demo.event import CHANNEL, ORGANISER
from bot.demo.portraits import PEOPLE, portrait
from bot.sandbox.server import Sandbox
from pipeline.errors import FindmeError


def start_standalone(port: int) -> Sandbox:
    """Start a workspace on loopback: three people, one of them an admin, in one channel.

    Raises: FindmeError if the port is taken.
    """
    sandbox = Sandbox(port=port)
    people = sandbox.people
    organiser = people.add_person(ORGANISER, admin=True)
    guests = [people.add_person(name, picture=portrait(who)) for who, name in PEOPLE.items()]
    channel = people.add_channel(CHANNEL, members=[organiser, *guests])
    people.invite_bot(channel, by=organiser)
    try:
        return sandbox.start()
    except OSError as error:
        raise FindmeError(
            f"Port {port} is taken; choose another with `findme sandbox --port`."
        ) from error


def describe(sandbox: Sandbox) -> None:
    """Say where it is, how a bot joins it, and how to act in it."""
    channel = next(iter(sandbox.workspace.channels.values()))
    person = sandbox.people.person(channel.creator)
    origin = sandbox.origin
    click.echo(
        f"""A local Slack workspace runs at {origin}. It keeps everything in memory, listens on
loopback only, and is no server for the open network. Ctrl-C ends it.

Let the bot join it, in another terminal:

  SLACK_API_URL={sandbox.api_url} \\
  SLACK_BOT_TOKEN={sandbox.bot_token} \\
  SLACK_APP_TOKEN={sandbox.app_token} \\
  findme bot

Act in it:

  curl -s {origin}/sandbox/state
  curl -s {origin}/sandbox/photos -F person={person.id} -F channel={channel.id} -F file=@photo.jpg
  curl -s {origin}/sandbox/commands \\
    -d '{{"person": "{person.id}", "channel": "{channel.id}", "command": "/findme"}}'
"""
    )
