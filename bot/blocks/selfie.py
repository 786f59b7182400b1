"""The modal that takes a selfie, says what it is worth, and asks what to do with it."""

from collections.abc import Mapping

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextObject,
    RadioButtonsElement,
)
from slack_sdk.models.blocks.block_elements import FileInputElement
from slack_sdk.models.views import View

from bot.blocks import parts
from bot.blocks.modal import form
from pipeline.domain.model import Reference
from pipeline.domain.references import POOR_QUALITY

TITLE = "Use a selfie"
PICTURE_VIEW, USE_VIEW = "selfie_picture", "selfie_use"
PICTURE, USE = "picture", "use"
KEEP, ONCE = "keep", "once"
PICTURE_BLOCK = "picture"

FILE_TYPES = ["jpg", "jpeg", "png", "heic", "heif", "webp"]
MAX_BYTES = 10_000_000

KEPT = "I know you by that selfie now; what I found is in *Messages*."
USED = "What I found by that selfie is in *Messages*."

CLEAR_QUALITY, GOOD_QUALITY = 0.5, 0.25
ADVICE = (
    "From the front, in good light, without sunglasses; 10 MB at most. I keep no picture, only the "
    "numbers that describe your face, and those only if you say so. The file stays among your own "
    "in Slack, seen by nobody, until you delete it there."
)


def ask(about: Mapping[str, str], *, problem: str = "") -> View:
    """Asks for the picture; `about` says where its answer goes."""
    blocks: list[Block] = []
    if problem:
        blocks.append(parts.text(f"⚠️ {problem}"))
    blocks += [
        InputBlock(
            block_id=PICTURE_BLOCK,
            label=PlainTextObject(text="A picture of you, and of nobody else"),
            element=FileInputElement(action_id=PICTURE, filetypes=FILE_TYPES, max_files=1),
        ),
        parts.small_print([ADVICE]),
    ]
    return form(PICTURE_VIEW, TITLE, blocks, submit="Look at it", about=about)


def judged(reference: Reference, about: Mapping[str, str], *, token: str) -> View:
    """Says how good the picture is, and asks whether to keep what it tells."""
    keep = Option(
        text=PlainTextObject(text="Keep it: know me by it from now on"),
        value=KEEP,
    )
    once = Option(text=PlainTextObject(text="Use it this once"), value=ONCE)
    blocks: list[Block] = [
        parts.text(quality_sentence(reference)),
        InputBlock(
            block_id="use",
            label=PlainTextObject(text="What shall I do with it?"),
            element=RadioButtonsElement(action_id=USE, options=[keep, once], initial_option=keep),
        ),
        parts.small_print(["What I keep you can delete any time, in the Home tab of this app."]),
    ]
    return form(USE_VIEW, TITLE, blocks, submit="Show my photos", about={**about, "token": token})


def quality_sentence(reference: Reference) -> str:
    """What a selfie is worth, in words."""
    return f"I see one face in your picture: *{quality_words(reference.quality)}*."


def unusable(reference: Reference) -> str:
    """Why a selfie can't be used."""
    if reference.faces_in_picture > 1:
        return (
            f"I see {reference.faces_in_picture} faces in that picture, and don't know which one "
            "is yours. Choose one that shows only you."
        )
    return f"The face in that picture is {quality_words(reference.quality)}. Choose another one."


def quality_words(quality: float) -> str:
    """How well a face of that quality, 0 to 1, stands for a person."""
    if quality >= CLEAR_QUALITY:
        return "clear, I will know you well by it"
    if quality >= GOOD_QUALITY:
        return "good enough"
    if quality >= POOR_QUALITY:
        return "usable, but small, blurred or turned away; a clearer one finds more"
    return "too small, blurred or turned away to know you by"
