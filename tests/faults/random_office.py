"""An office where people, programs and the database do something at random, by a seed."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from PIL import Image

from bot.demo.portraits import Who, portrait
from bot.sandbox import Channel, FileId, Invocation, Message, NotAllowed, Person, PostedPhoto
from tests.acceptance.office import LOOKING, encoded, eventually, shown, snapshot
from tests.acceptance.test_processes import Machine, Program
from tests.faults.audit import Expected, permalinks
from tests.integration.conftest import OwnServer
from tests.made_pictures import saved

START_S = 120.0
ANSWER_S = 30.0
WARM_PHOTOS = 4
PAUSE_S = (0.05, 0.6)
DATABASE_AWAY_S = (0.5, 4.0)
FACES: tuple[Who, ...] = ("eileen", "grace")
CLICKED = {"more", "me", "not_me"}


class RandomOffice:
    """Acts one at a time; notes what each file is, and every answer that showed what was gone."""

    def __init__(self, machine: Machine, server: OwnServer, *, seed: int) -> None:
        self._machine = machine
        self._server = server
        self._chance = random.Random(seed)
        self._people: list[Person] = []
        self._channels: list[Channel] = []
        self._posted: list[PostedPhoto] = []
        self._answers: list[tuple[Person, Message]] = []
        self._programs: dict[str, Program] = {}
        self.known: dict[FileId, Expected] = {}
        self.ghosts: list[str] = []
        self.done: Counter[str] = Counter()

    @property
    def _slack(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return self._machine.office.slack.people

    def open(self) -> None:
        """People, channels, a bot and a worker."""
        office = self._machine.office
        self._people = [office.person(who) for who in ("eileen", "grace", "eileen", "grace")]
        self._channels = [
            office.channel(*self._people, private=number == 1, with_bot=False)
            for number in range(4)
        ]
        for channel in self._channels[:3]:
            self._slack.invite_bot(channel, by=office.organiser)
        self._start("bot")
        self._start("worker")

    def warm_pids(self) -> dict[str, int]:
        """The programs that run now and have read some photos: their networks are loaded."""
        return {
            name: program.process.pid
            for name, program in list(self._programs.items())
            if program.text().count('"photo.indexed"') >= WARM_PHOTOS
        }

    def figures(self) -> str:
        """How often each thing was done."""
        return ", ".join(f"{times} {what}" for what, times in sorted(self.done.items()))

    def act(self, *, may_restart: bool) -> None:
        """One thing at random, and a pause."""
        deeds: list[tuple[float, Callable[[], None]]] = [
            (30, self._post),
            (6, self._share_again),
            (8, self._delete_file),
            (8, self._delete_message),
            (12, self._search),
            (4, self._click),
            (2, self._change_picture),
            (3, self._come_or_go),
            (1, self._invite_or_kick_bot),
            (0.7, self._restart_database),
        ]
        if may_restart:
            deeds += [(1, lambda: self._restart("bot")), (1, lambda: self._restart("worker"))]
        (deed,) = self._chance.choices([do for _, do in deeds], [weight for weight, _ in deeds])
        try:
            deed()
        except NotAllowed:
            # Nobody may do that just now: the channel was left, the file is gone.
            self.done["refused by Slack"] += 1
        time.sleep(self._chance.uniform(*PAUSE_S))

    def _post(self) -> None:
        number = self._chance.randrange(60)
        face = snapshot(self._chance.choice(FACES), number)
        colour = tuple(self._chance.randrange(256) for _ in range(3))
        name, data, faces = self._chance.choice(
            [
                ("a.jpg", face, 1),
                ("b.jpg", face, 1),
                ("c.png", encoded(face, "PNG"), 1),
                ("d.heic", encoded(face, "HEIF"), 1),
                ("e.jpg", saved(Image.new("RGB", (320, 240), colour), "JPEG"), 0),
                ("f.jpg", face[: len(face) // 3], None),
                ("g.png", b"no picture", None),
            ]
        )
        posted = self._slack.post_photo(
            self._chance.choice(self._people), self._chance.choice(self._channels), name, data
        )
        self.known[posted.file_id] = Expected(faces=faces)
        self._posted.append(posted)
        self.done["posts"] += 1

    def _share_again(self) -> None:
        posted = self._some_photo()
        if posted is not None:
            self._posted.append(
                self._slack.share_again(
                    self._machine.office.organiser,
                    posted.file_id,
                    self._chance.choice(self._channels),
                )
            )
            self.done["reposts"] += 1

    def _delete_file(self) -> None:
        posted = self._some_photo()
        if posted is not None:
            self._slack.delete_file(self._machine.office.organiser, posted.file_id)
            self.done["files deleted"] += 1

    def _delete_message(self) -> None:
        posted = self._some_photo()
        if posted is not None and self._is_there(posted):
            self._slack.delete_message(self._machine.office.organiser, posted)
            self.done["messages deleted"] += 1

    def _some_photo(self) -> PostedPhoto | None:
        self._posted = [posted for posted in self._posted if self._is_there(posted)]
        return self._chance.choice(self._posted) if self._posted else None

    def _is_there(self, posted: PostedPhoto) -> bool:
        return (posted.channel, posted.ts) in self._machine.office.slack.workspace.messages

    def _search(self) -> None:
        person = self._chance.choice(self._people)
        before = permalinks(self._server.conninfo)
        asked = self._slack.run_command(person, self._chance.choice(self._channels), "/findme", "")
        self._see(person, asked, before)
        self.done["searches"] += 1

    def _click(self) -> None:
        if not self._answers:
            return
        person, message = self._answers.pop(self._chance.randrange(len(self._answers)))
        buttons = [
            (block_id, element)
            for block_id, element in self._slack.elements(message)
            if element.get("action_id") in CLICKED and element["type"] == "button"
        ]
        if buttons:
            block_id, button = self._chance.choice(buttons)
            before = permalinks(self._server.conninfo)
            clicked = self._slack.click(
                person,
                message,
                button["action_id"],
                value=button.get("value"),
                block_id=block_id,
            )
            self._see(person, clicked, before)
            self.done["clicks"] += 1

    def _see(self, person: Person, asked: Invocation, before: set[str]) -> None:
        """Look at the answer: nothing may stand in it that was gone before it was asked for."""

        def answers() -> list[Message]:
            found = self._slack.answers_so_far(asked)
            return [message for message in found if message.text != LOOKING]

        try:
            found = eventually(answers, what="an answer", timeout_s=ANSWER_S)
        except AssertionError:
            self.done["unanswered"] += 1
            return
        if found[-1].error is not None:
            self.done["not heard"] += 1
            return
        links = set(shown(found[-1]))
        self.ghosts += sorted(links - before - permalinks(self._server.conninfo))
        self._answers = [*self._answers[-20:], (person, found[-1])]

    def _change_picture(self) -> None:
        who = self._chance.choice(FACES)
        self._slack.set_picture(self._chance.choice(self._people), portrait(who))
        self.done["pictures changed"] += 1

    def _come_or_go(self) -> None:
        person, channel = self._chance.choice(self._people), self._chance.choice(self._channels)
        if person.id in self._slack.channel(channel).members:
            self._slack.leave(person, channel)
        else:
            self._slack.invite(person, channel, by=self._machine.office.organiser)
        self.done["moves"] += 1

    def _invite_or_kick_bot(self) -> None:
        office, channel = self._machine.office, self._chance.choice(self._channels)
        if office.slack.bot_user_id in self._slack.channel(channel).members:
            self._slack.kick_bot(channel, by=office.organiser)
        else:
            self._slack.invite_bot(channel, by=office.organiser)
        self.done["moves of the bot"] += 1

    def _restart_database(self) -> None:
        self._server.stop()
        time.sleep(self._chance.uniform(*DATABASE_AWAY_S))
        self._server.start()
        self.done["database restarts"] += 1

    def _restart(self, name: str) -> None:
        how = self._chance.choice((signal.SIGTERM, signal.SIGKILL))
        self._programs[name].end(how, timeout_s=60)
        self._start(name)
        self.done[f"{how.name} of the {name}"] += 1

    def _start(self, name: str) -> None:
        program = self._machine.run(name, FINDME_PULL_EVERY_S="10")
        self._programs[name] = program
        program.wait_until_it_says("is running", timeout_s=START_S)
