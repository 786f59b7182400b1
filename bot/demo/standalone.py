"""`findme sandbox`: a workspace with a few people in it, for a bot in another terminal."""

import click

from bot.demo.event import CHANNEL, ORGANISER
from bot.demo.hints import command_hints
from bot.demo.portraits import PEOPLE, portrait
from bot.sandbox.config import SlackApp
from bot.sandbox.server import Sandbox
from pipeline.errors import FindmeError


def new_sandbox(port: int) -> Sandbox:
    """A workspace that knows findme's commands, not started yet; port 0 takes any free one."""
    return Sandbox(port=port, app=SlackApp(hints=command_hints()))


def started(sandbox: Sandbox, *, command: str) -> Sandbox:
    """Start it. Raises FindmeError, which tells of `command --port`, if the port is taken."""
    try:
        return sandbox.start()
    except OSError as error:
        raise FindmeError(
            f"Port {sandbox.port} is taken; choose another with `{command} --port`."
        ) from error


def start_standalone(port: int) -> Sandbox:
    """Start a workspace on loopback: three people, one of them an admin, in one channel.

    Raises: FindmeError if the port is taken.
    """
    sandbox = new_sandbox(port)
    people = sandbox.people
    organiser = people.add_person(ORGANISER, admin=True)
    guests = [people.add_person(name, picture=portrait(who)) for who, name in PEOPLE.items()]
    channel = people.add_channel(CHANNEL, members=[organiser, *guests])
    people.invite_bot(channel, by=organiser)
    return started(sandbox, command="findme sandbox")


def describe(sandbox: Sandbox) -> None:
    """Say where its page is, how a bot joins it, and how to act in it by other means."""
    channel = next(iter(sandbox.workspace.channels.values()))
    person = sandbox.people.person(channel.creator)
    origin = sandbox.origin
    click.echo(
        f"""A local Slack workspace runs. Its page: {origin}

It is for this machine only: it keeps everything in memory, listens on loopback only, and is no
server for the open network. Ctrl-C ends it.

Let the bot join it, in another terminal:

  SLACK_API_URL={sandbox.api_url} \\
  SLACK_BOT_TOKEN={sandbox.bot_token} \\
  SLACK_APP_TOKEN={sandbox.app_token} \\
  findme bot

Act in it, on its page or so:

  curl -s {origin}/sandbox/state
  curl -s {origin}/sandbox/photos -F person={person.id} -F channel={channel.id} -F file=@photo.jpg
  curl -s {origin}/sandbox/commands \\
    -d '{{"person": "{person.id}", "channel": "{channel.id}", "command": "/findme"}}'
"""
    )
