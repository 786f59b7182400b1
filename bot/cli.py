"""`findme`: every command of the pipeline, and those that need Slack."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import COMMANDS, FindmeGroup, wait_for_signal

if TYPE_CHECKING:
    from bot.wiring import Bot
    from pipeline.domain.model import TeamId
    from pipeline.ports import PhotoSource


def _slack_sources() -> Mapping[TeamId, PhotoSource]:
    from bot.settings import SlackSettings  # noqa: PLC0415
    from bot.wiring import slack_sources  # noqa: PLC0415
    from pipeline.settings import load  # noqa: PLC0415

    return slack_sources(load(SlackSettings))


@click.group(cls=FindmeGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="findme")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Find the photos you are in."""
    ctx.obj = _slack_sources


@main.command()
def bot() -> None:
    """Run the bot: answers, schedule and indexing in one process."""
    from pipeline.loading import uncollected  # noqa: PLC0415

    with uncollected():
        running = _made_bot()
    try:
        running.start()
        wait_for_signal(lambda: click.echo("Findme is running. Ctrl-C ends it.", err=True))
    finally:
        running.stop()


def _made_bot() -> Bot:
    from bot.settings import SlackSettings  # noqa: PLC0415
    from bot.wiring import Bot  # noqa: PLC0415
    from pipeline.logs import log_uncaught, set_up_logs  # noqa: PLC0415
    from pipeline.settings import Settings, load  # noqa: PLC0415

    settings, slack = load(Settings), load(SlackSettings)
    set_up_logs(settings.findme_log)
    log_uncaught()
    return Bot(settings, slack)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON object.")
@click.option(
    "--photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Your own photos instead of the demo's album.",
)
@click.option(
    "--me",
    "selfie",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A picture of you, to be looked for in --photos.",
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("findme-demo.png"),
    show_default=True,
    help="Where to save the contact sheet.",
)
@click.option("--keep", is_flag=True, help="Keep it all running, with a page to click through.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where the page is; without it, on any free port.",
)
def demo(
    *,
    as_json: bool,
    photos: Path | None,
    selfie: Path | None,
    sheet: Path,
    keep: bool,
    port: int,
) -> None:
    """See all of it at work, on this machine alone: a local workspace, people, photos."""
    if (photos is None) != (selfie is None):
        raise click.UsageError("--photos and --me go together: whose photos, and who you are.")
    from bot.demo.run import run_demo  # noqa: PLC0415

    run_demo(
        as_json=as_json,
        photos=photos,
        selfie=selfie,
        sheet=sheet,
        port=port,
        keep_until=wait_for_signal if keep else None,
        again=shlex.join([*sys.argv, "--keep"]),
    )


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
def sandbox(port: int) -> None:
    """Run the local workspace alone, with its page: on this machine only, for trying a bot."""
    from bot.demo.standalone import describe, start_standalone  # noqa: PLC0415

    with start_standalone(port) as running:
        wait_for_signal(lambda: describe(running))


for command in COMMANDS:
    main.add_command(command)
