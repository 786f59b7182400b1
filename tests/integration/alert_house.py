"""A watched folder, people who hear of its new photos, and a clock that can be put forward."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import ChannelId, Reference, TeamId, UserId
from pipeline.domain.visibility import Sight
from pipeline.errors import FindmeError
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader, TimeZones
from pipeline.usecases.alert_people import AlertPeople
from pipeline.usecases.find_photos import FindPhotos, Found, Query
from pipeline.wiring import Runtime, now
from tests.fakes import Colleagues
from tests.integration.parties import Party, family

DAD, DAUGHTER, MAN, NOBODY = (UserId(name) for name in ("dad", "daughter", "man", "nobody"))
ALONE, GROUP = "findsimilar.jpg", "identification1.jpg"  # dad; dad and his family
DAUGHTER_ALONE, MAN_ALONE = "child1-person-group.jpg", "man1-person-group.jpg"
A_LITTLE_LIKE_HIM = "woman2-person-group.jpg"
GATHER = timedelta(minutes=30)


class People(Colleagues, TimeZones):
    """Colleagues, each with a clock of their own; it is noon for who has none."""

    def __init__(self, channel_id: ChannelId) -> None:
        portraits = {
            who: min((family() / "people" / who).iterdir()) for who in (DAD, DAUGHTER, MAN)
        }
        super().__init__(
            pictures={who: portrait.read_bytes() for who, portrait in portraits.items()},
            channels={who: [channel_id] for who in (*portraits, NOBODY)},
        )
        self.hours = dict.fromkeys((*portraits, NOBODY), 12)
        self.failures: dict[UserId, FindmeError] = {}
        self.asked = 0

    def time_zone_of(self, user_id: UserId) -> tzinfo:
        """Where it is that hour when the test runs."""
        self.asked += 1
        if user_id in self.failures:
            raise self.failures[user_id]
        return timezone(timedelta(hours=(self.hours[user_id] - now().hour + 12) % 24 - 12))


class Watched(FindPhotos):
    """`/findme` whose searches are counted; a test can step in after each."""

    searches = 0
    after: Callable[[], object] | None = None

    def __call__(
        self,
        team_id: TeamId,
        query: Query,
        *,
        selfie: Reference | None = None,
        sight: Sight | None = None,
    ) -> Found:
        self.searches += 1
        found = super().__call__(team_id, query, selfie=selfie, sight=sight)
        if self.after is not None:
            self.after()
        return found


class House:
    """A watched folder, and the messages that people got."""

    def __init__(self, party: Party, engine: FaceReader) -> None:
        self.party = party
        self.engine = engine
        self.runtime = party.open(engine)
        party.index(self.runtime)
        self.people = People(party.channel_id)
        self.ahead = timedelta()
        self.most = 30
        self.told: list[tuple[UserId, Found]] = []
        self.composed = 0
        self.composing: Callable[[], object] | None = None
        self.failures: dict[UserId, list[Exception]] = {}
        self.find = self.finder(self.runtime)
        self.tick = self.ticker(self.runtime, self.find)

    def finder(self, runtime: Runtime) -> Watched:
        """`/findme` in that process."""
        return Watched(
            people=runtime.known_people(self.people),
            visibility=self.people,
            channels=runtime.workspaces,
            photos=runtime.photos,
            engines=runtime.engines,
            match_faces=runtime.match_faces,
            permit=runtime.permit(ColleagueSearch.OPEN),
            protected=runtime.opt_outs,
        )

    def ticker(self, runtime: Runtime, find: FindPhotos) -> AlertPeople:
        """The tick in that process."""
        return AlertPeople(
            find_photos=find,
            alerts=runtime.alerts,
            people=self.people,
            compose=self.compose,
            clock=self.clock,
            gather=GATHER,
            most=self.most,
        )

    def clock(self) -> datetime:
        """The real one, put forward."""
        return now() + self.ahead

    def compose(self, team_id: TeamId, user_id: UserId, found: Found) -> Callable[[], None]:
        """A direct message; a test can step in while it is written, or let the sending fail."""
        assert team_id == LOCAL
        self.composed += 1
        if self.composing is not None:
            self.composing()

        def send() -> None:
            if self.failures.get(user_id):
                raise self.failures[user_id].pop(0)
            self.told.append((user_id, found))

        return send

    def is_on(self, user_id: UserId = DAD) -> bool:
        """Whether they want to hear of new photos."""
        engine_id = self.engine.engine_id
        return self.runtime.people.about(LOCAL, user_id, engine_id=engine_id).alerts_on

    def delete(self, name: str) -> None:
        """Somebody deletes that photo."""
        photo = self.runtime.photos.get(LOCAL, self.party.photo_id(name))
        assert photo is not None
        self.runtime.photos.delete(LOCAL, photo.file_id)

    def reindex(self) -> None:
        """Read everything again."""
        runs = self.runtime.runs
        run_id = runs.start(LOCAL, [self.party.channel_id], requested_by=None)
        self.party.index(self.runtime)
        runs.finish(LOCAL, run_id)

    def turn_on(self, *people: UserId) -> None:
        """They want to hear of new photos."""
        for user_id in people or (DAD,):
            self.runtime.alerts.turn_on(LOCAL, user_id)

    def post(self, *names: str) -> None:
        """Put photos into the folder and index them."""
        self.party.put(*names)
        self.party.index(self.runtime)

    def again(self, name: str, new_name: str) -> None:
        """Post the same file once more."""
        shutil.copyfile(family() / "photos" / name, self.party.folder / new_name)
        self.party.index(self.runtime)

    def later(self, minutes: int = 31) -> int:
        """Time goes by, then it ticks; how many people were told."""
        self.ahead += timedelta(minutes=minutes)
        return self.tick(LOCAL)

    @property
    def messages(self) -> list[tuple[UserId, list[str]]]:
        """Who was told of which photos."""
        return [
            (user_id, sorted(match.face.photo_name for match in found.matches))
            for user_id, found in self.told
        ]


@contextmanager
def opened(folder: Path, conninfo: str, engine: FaceReader) -> Generator[House]:
    """An empty folder that is watched."""
    folder.mkdir()
    with ExitStack() as stack:
        yield House(Party(folder, conninfo, stack), engine)
