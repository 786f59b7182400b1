"""Why somebody can't be looked for, and what helps."""

from slack_sdk.models.blocks import Block

from bot.blocks.answer import with_selfie_button
from bot.blocks.parts import NAME_LIMIT, mention, text
from bot.mrkdwn import escape, shortened
from bot.question import Question
from pipeline.domain.model import UserId
from pipeline.errors import (
    AccountClosedError,
    NoFaceInPictureError,
    NoProfilePictureError,
    PictureError,
)


def refusal(error: PictureError, question: Question, asker: UserId) -> tuple[str, list[Block]]:
    """A sentence, and it as blocks; with the way to a selfie, if one of the asker's would help."""
    user_id = UserId(error.user_id or asker)
    if user_id == asker:
        sentence = _about_yours(error)
        return sentence, with_selfie_button(sentence, question)
    sentence = _about_theirs(error, mention(user_id))
    return sentence, [text(sentence)]


def _about_yours(error: PictureError) -> str:
    match error:
        case NoProfilePictureError():
            return (
                "You have no profile picture yet, so I don't know your face. Add one that shows it "
                "clearly in your Slack profile and type `/findme` again, or use a selfie."
            )
        case NoFaceInPictureError():
            return (
                "I can't see a face in your profile picture. Choose one that shows it clearly, "
                "from the front, and type `/findme` again, or use a selfie."
            )
        case _:
            return (
                f"I can't read your profile picture: {_reason(error)}. "
                "Choose another one in Slack, or use a selfie."
            )


def _about_theirs(error: PictureError, who: str) -> str:
    match error:
        case AccountClosedError():
            return f"{who}'s account is closed, so I don't look for them."
        case NoProfilePictureError():
            return f"{who} has no profile picture, so I don't know their face."
        case NoFaceInPictureError():
            return f"I can't see a face in {who}'s profile picture."
        case _:
            return f"I can't read {who}'s profile picture: {_reason(error)}."


def _reason(error: PictureError) -> str:
    return escape(shortened(str(error), NAME_LIMIT)).removesuffix(".")
