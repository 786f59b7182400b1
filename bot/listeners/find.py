"""`/findme` and the buttons of its answers."""

from slack_bolt import Ack, Respond
from slack_sdk.models.blocks import Block

from bot import blocks
from bot.payloads import FindRequest, HelpRequest, Json
from pipeline.errors import (
    NoFaceInPictureError,
    NoProfilePictureError,
    UnreadablePhotoError,
)
from pipeline.usecases.find_photos import FindPhotos, Found

OK = 200


class FindListeners:
    """Answers are ephemeral: only who asked sees them."""

    def __init__(self, find_photos: FindPhotos) -> None:
        self._find_photos = find_photos

    def command(self, ack: Ack, command: Json, respond: Respond) -> None:
        """`/findme [@colleague | help]`."""
        ack()
        request = FindRequest.from_command(command)
        if isinstance(request, HelpRequest):
            respond(text=blocks.HELP)
        else:
            self._answer(request, respond)

    def more(self, ack: Ack, body: Json, respond: Respond) -> None:
        """The next page, below the one before; what may be seen is asked anew."""
        ack()
        self._answer(FindRequest.from_more(body), respond)

    def _answer(self, request: FindRequest, respond: Respond) -> None:
        try:
            found = self._find_photos(request.team_id, asker=request.asker, target=request.target)
        except NoProfilePictureError:
            respond(text=_no_picture(request))
            return
        except NoFaceInPictureError:
            respond(text=_no_face(request))
            return
        except UnreadablePhotoError as error:
            respond(text=_unreadable(request, str(error)))
            return
        self._send(found, request, respond)

    def _send(self, found: Found, request: FindRequest, respond: Respond) -> None:
        def send(page: list[Block]) -> int:
            answer = respond(
                text=blocks.summary(found, request),
                blocks=blocks.as_json(page),
                replace_original=False,
            )
            return answer.status_code

        # A file that was deleted a moment ago would make Slack refuse the whole answer.
        if send(blocks.answer(found, request)) != OK:
            send(blocks.answer(found, request, pictures=False))


def _no_picture(request: FindRequest) -> str:
    if request.target == request.asker:
        return (
            "You have no profile picture yet, so I don't know your face. "
            "Add one that shows it clearly in your Slack profile, then type `/findme` again."
        )
    return f"{blocks.mention(request.target)} has no profile picture, so I don't know their face."


def _no_face(request: FindRequest) -> str:
    if request.target == request.asker:
        return (
            "I can't see a face in your profile picture. "
            "Choose one that shows it clearly, from the front, then type `/findme` again."
        )
    return f"I can't see a face in {blocks.mention(request.target)}'s profile picture."


def _unreadable(request: FindRequest, reason: str) -> str:
    if request.target == request.asker:
        return f"I can't read your profile picture: {reason}. Choose another one in Slack."
    return f"I can't read {blocks.mention(request.target)}'s profile picture: {reason}."
