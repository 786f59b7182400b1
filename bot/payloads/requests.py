"""What people type, click and submit -> frozen requests."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.payloads.objects import Json
from bot.question import Question
from pipeline.domain.model import Box, ChannelId, PhotoId, TeamId, UserId
from pipeline.errors import FindmeError


class StaleButtonError(FindmeError):
    """That button is of an earlier version of mine; type `/findme` again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command, by whom and where."""

    team_id: TeamId
    user_id: UserId
    channel_id: ChannelId
    text: str
    trigger_id: str
    response_url: str

    @classmethod
    def from_body(cls, body: Json) -> "Command":
        """From the payload of a command."""
        return cls(
            team_id=TeamId(body["team_id"]),
            user_id=UserId(body["user_id"]),
            channel_id=ChannelId(body.get("channel_id") or ""),
            text=(body.get("text") or "").strip(),
            trigger_id=body.get("trigger_id") or "",
            response_url=body.get("response_url") or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A button or a menu that was used: in a message, whose channel is its `place`, or a view."""

    team_id: TeamId
    user_id: UserId
    place: ChannelId | None
    action_id: str
    value: str
    block_id: str
    trigger_id: str
    response_url: str
    view_id: str | None
    is_modal: bool

    @classmethod
    def from_body(cls, body: Json) -> "Click":
        """From the payload of a block action; the first of its actions."""
        action, view = body["actions"][0], body.get("view") or {}
        place = body.get("channel") or {}
        return cls(
            team_id=TeamId(body["team"]["id"]),
            user_id=UserId(body["user"]["id"]),
            place=ChannelId(place["id"]) if place.get("id") else None,
            action_id=action["action_id"],
            value=_chosen(action),
            block_id=action.get("block_id") or "",
            trigger_id=body.get("trigger_id") or "",
            response_url=body.get("response_url") or "",
            view_id=view.get("id"),
            is_modal=view.get("type") == "modal",
        )

    @property
    def question(self) -> Question:
        """The question that the block belongs to. Raises StaleButtonError."""
        _, _, code = self.block_id.partition(":")
        try:
            return Question.from_code(code)
        except ValueError as error:
            raise StaleButtonError from error


def block_id(slot: object, question: Question) -> str:
    """The id of a block whose buttons are about a question; `slot` is unique in the message."""
    return f"{slot}:{question.code()}"


def _chosen(action: Json) -> str:
    option = action.get("selected_option") or {}
    chosen = (
        action.get("value")
        or option.get("value")
        or action.get("selected_conversation")
        or action.get("selected_channel")
    )
    return str(chosen or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceInPhoto:
    """Which face a verdict is about: a photo, and a box in whole px of the upright photo."""

    photo_id: PhotoId
    box: Box

    def value(self) -> str:
        """As an option carries it: far fewer than its 150 characters."""
        box = self.box
        numbers = (box.x_px, box.y_px, box.width_px, box.height_px)
        return ":".join([str(self.photo_id), *(str(round(number)) for number in numbers)])

    @classmethod
    def from_value(cls, value: str) -> "FaceInPhoto":
        """What `value` gave. Raises StaleButtonError."""
        try:
            photo_id, x, y, width, height = (int(part) for part in value.split(":"))
        except ValueError as error:
            raise StaleButtonError from error
        face = cls(
            photo_id=PhotoId(photo_id), box=Box(x_px=x, y_px=y, width_px=width, height_px=height)
        )
        if face.value() != value:
            raise StaleButtonError
        return face


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file that was put into a modal."""

    name: str
    url: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A modal that was submitted: what the bot wrote into it (`about`), and what was chosen."""

    team_id: TeamId
    user_id: UserId
    view_id: str
    about: Mapping[str, Any]
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Sequence[UploadedFile] = ()

    @classmethod
    def from_body(cls, body: Json) -> "Submission":
        """From the payload of a submission; `chosen` is by action_id."""
        view = body["view"]
        chosen: dict[str, list[str]] = {}
        files: list[UploadedFile] = []
        for action_id, state in _states(view):
            chosen.setdefault(action_id, []).extend(_options(state))
            files += [
                UploadedFile(
                    name=file.get("name") or "",
                    url=file.get("url_private_download") or file.get("url_private"),
                    size_bytes=int(file.get("size") or 0),
                )
                for file in state.get("files") or ()
            ]
        return cls(
            team_id=TeamId(body["team"]["id"]),
            user_id=UserId(body["user"]["id"]),
            view_id=view["id"],
            about=json.loads(view.get("private_metadata") or "{}"),
            chosen=chosen,
            files=files,
        )


def _states(view: Json) -> Iterator[tuple[str, Json]]:
    for block in view["state"]["values"].values():
        yield from block.items()


def _options(state: Json) -> list[str]:
    options = [*(state.get("selected_options") or ()), state.get("selected_option")]
    return [str(option["value"]) for option in options if option]
