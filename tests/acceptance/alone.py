"""`python -m tests.acceptance.alone FOLDER MODELS`: a workspace, a bot, a photo, an answer.

Only FOLDER is written to. Prints what came of it, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bot.demo.portraits import portrait
from bot.sandbox import Sandbox
from tests.acceptance.office import eventually, lines, snapshot

FINDME = Path(sys.executable).parent / "findme"
TIMEOUT_S = 60.0
ALSO_PASSED_ON = ("PYTHONPATH", "TMPDIR")


def main(folder: Path, models: Path) -> None:
    """Let somebody post a photo and ask for it."""
    home = folder / "home"
    home.mkdir()
    with Sandbox() as slack, (folder / "bot.log").open("wb") as log:
        env = {
            "PATH": os.environ["PATH"],
            # Telemetry is silent where it can't leave a mark at home: it must not be for that.
            "HOME": str(home),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "FINDME_MODELS_DIR": str(models),
            "FINDME_DATA_DIR": str(folder / "data"),
            # /healthz, as in a container
            "FINDME_PORT": "0",
        }
        env |= {name: os.environ[name] for name in ALSO_PASSED_ON if name in os.environ}
        bot = subprocess.Popen([FINDME, "bot"], env=env, cwd=folder, stdout=log, stderr=log)
        try:
            slack.wait_for_bot(timeout_s=TIMEOUT_S)
            found = _ask(slack)
        finally:
            bot.terminate()
            code = bot.wait(TIMEOUT_S)
    out = {
        "photos": found,
        "code": code,
        "user": os.geteuid(),
        "port": slack.port,
        "at_home": [str(path) for path in home.rglob("*")],
        "refused": _refused_to_write(Path(__file__).parent, Path("/var/tmp"), Path("/")),  # noqa: S108
    }
    sys.stdout.write(json.dumps(out))


def _ask(slack: Sandbox) -> int:
    """How many photos of her Eileen is shown, in the end."""
    people = slack.people
    eileen = people.add_person("Eileen", picture=portrait("eileen"))
    channel = people.add_channel("offsite", members=[eileen])
    people.invite_bot(channel, by=eileen)
    people.post_photo(eileen, channel, "me.jpg", snapshot("eileen"))

    def shown() -> int:
        asked = people.run_command(eileen, channel, "/findme")
        (answer, *_) = people.answer_to(asked, timeout_s=TIMEOUT_S)
        time.sleep(0.5)
        return len(lines(answer))

    return eventually(shown, what="the photo in an answer", timeout_s=TIMEOUT_S)


def _refused_to_write(*folders: Path) -> list[bool]:
    """Whether each refuses a new file."""
    return [_refuses(folder / "written-by-findme") for folder in folders]


def _refuses(path: Path) -> bool:
    try:
        path.write_bytes(b"")
    except OSError:
        return True
    path.unlink()
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
