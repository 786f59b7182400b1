"""Modals: the frame that all of them share."""

import json
from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import Block, PlainTextObject
from slack_sdk.models.views import View

from bot.blocks import parts


def modal(title: str, blocks: Sequence[Block]) -> View:
    """A modal to look at."""
    return View(
        type="modal",
        title=PlainTextObject(text=title),
        close=PlainTextObject(text="Close"),
        blocks=list(blocks),
    )


def form(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str,
    about: Mapping[str, str],
) -> View:
    """A modal to fill in; `about` comes back with what was filled in, as `Submission.about`."""
    return View(
        type="modal",
        callback_id=callback_id,
        title=PlainTextObject(text=title),
        submit=PlainTextObject(text=submit),
        close=PlainTextObject(text="Cancel"),
        private_metadata=json.dumps(about),
        blocks=list(blocks),
    )


def waiting(title: str, sentence: str = "Looking…") -> View:
    """A modal that shows at once, since Slack waits 3 s at most for one."""
    return modal(title, [parts.text(f"⏳ {sentence}")])


def told(title: str, sentence: str) -> View:
    """A modal that says something."""
    return modal(title, [parts.text(sentence)])
