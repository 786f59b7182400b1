"""All that is kept about a person, as a file that they can read and pass on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from pipeline.domain.people import PersonData

FILE_NAME = "findme-my-data.json"

EXPLANATION = {
    "references": (
        "Templates of your face: numbers made from your profile picture or a selfie, by which you "
        "are found; 'turned off' is the one that keeps your face out of the index, 'selfie for an "
        "hour' one that waits for you to keep it or use it once. The numbers "
        "themselves are not in this file, so that they leave no machine of your company: whoever "
        "runs Findme can give them to you."
    ),
    "verdicts": "Faces in photos of which you said that they are you, or not.",
    "told_at": "When you were told, with your first answer, how Findme works.",
    "alerts_on": "Whether you are told of new photos of you.",
    "told_of": "Photos of you that you were told of, so that you never are twice.",
    "colleagues": "Whether you let colleagues find you.",
    "out_at": "Since when Findme is off for you.",
    "requests": "Who asked to look for whom, for 30 days; what a colleague said stays with them.",
    "posted": "Photos that you posted in watched channels.",
    "audit": "What you did, and what was done about you: kept for good, without anything of faces.",
    "not_kept": (
        "No picture is kept. Whose the faces in photos are is not kept either: each search finds "
        "it out anew, and forgets it, but for those of 'told_of'."
    ),
}


def as_file(data: PersonData) -> bytes:
    """UTF-8 JSON, with a sentence on each part."""
    content = {"explanation": EXPLANATION, **_plain(asdict(data))}
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case datetime():
            return value.isoformat(timespec="seconds")
        case Enum():
            return value.value
        case _:
            return value
