"""What the manifest says of each command, for whoever types one in the local workspace."""

import re
from collections.abc import Mapping
from importlib.resources import files

from bot.sandbox.config import CommandHint

_COMMAND = re.compile(
    r"^ *- command: (?P<command>/\S+)\n"
    r" +description: (?P<description>.+)\n"
    r"(?: +usage_hint: (?P<usage>.+)\n)?",
    re.MULTILINE,
)


def command_hints() -> Mapping[str, CommandHint]:
    """By command. Read line by line: nothing else of Findme needs a reader of YAML."""
    manifest = (files("bot") / "manifest.yaml").read_text(encoding="utf-8")
    return {
        found["command"]: CommandHint(
            description=_text(found["description"]), usage=_text(found["usage"] or "")
        )
        for found in _COMMAND.finditer(manifest)
    }


def _text(scalar: str) -> str:
    return scalar.strip().strip("\"'")
