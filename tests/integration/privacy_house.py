"""Two workspaces of made-up faces over a real database: what people allow, what is kept of them."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from pipeline.domain.arrays import Embedding
from pipeline.domain.audit import Entry
from pipeline.domain.calibration import Curve
from pipeline.domain.consent import Allowance, ColleagueSearch, RequestId
from pipeline.domain.model import (
    ChannelId,
    FileId,
    FoundPhoto,
    Photo,
    PhotoId,
    Reference,
    ReferenceKind,
    TeamId,
    UserId,
)
from pipeline.domain.opt_outs import Template, max_distance
from pipeline.domain.references import Selfie
from pipeline.domain.verdicts import Verdict
from pipeline.ports import PhotoSource
from pipeline.storage.alerts import Alerts
from pipeline.storage.audit import Audit
from pipeline.storage.connect import Database
from pipeline.storage.consents import Consents
from pipeline.storage.faces import Faces
from pipeline.storage.held_selfies import HeldSelfies
from pipeline.storage.opt_outs import OptOuts
from pipeline.storage.people import People
from pipeline.storage.person_data import PeoplesData
from pipeline.storage.photos import Photos
from pipeline.storage.verdicts import Verdicts
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.consent import SENDING_TAKES
from pipeline.usecases.find_photos import FindPhotos
from pipeline.usecases.forget_person import ForgetPerson
from pipeline.usecases.known_people import KnownPeople
from pipeline.usecases.match_faces import MatchFaces
from pipeline.usecases.opt_out import OptOut
from pipeline.usecases.permit import Permit
from pipeline.usecases.self_calibration import own_curve
from pipeline.wiring import now
from tests.fakes import Colleagues, KnownFaces, OneEngine
from tests.strategies import found_photo, photo_faces, share, towards

TEAM, OTHER = TeamId("T1"), TeamId("T2")
CHANNEL = ChannelId("C1")
ANN, BEN, CLEO, DORA = UserId("U-ANN"), UserId("U-BEN"), UserId("U-CLEO"), UserId("U-DORA")
EVERYBODY = (ANN, BEN, CLEO, DORA)
DIMENSION = 64
CURVE = Curve(sure=0.45, maybe=0.29)
OUT_DISTANCE = max_distance(CURVE)


AXES = np.eye(DIMENSION, dtype=np.float32)
FACE_OF = dict(zip(EVERYBODY, AXES, strict=False))
"""What everybody looks like on their profile picture: unlike each other."""


def face(user_id: UserId, *, distance: float = 0.2, aside: int = 0) -> Embedding:
    """The person at that distance from their profile picture, `aside` (0 to 50) in its own way."""
    return towards(FACE_OF[user_id], AXES[10 + aside], distance=distance)


def portrait(user_id: UserId) -> bytes:
    """The bytes of their profile picture."""
    return f"portrait of {user_id}".encode()


def read_by(engine_id: str) -> KnownFaces:
    """An engine that knows everybody's portrait."""
    pictures = {portrait(one): photo_faces(FACE_OF[one]) for one in EVERYBODY}
    return KnownFaces(CURVE, pictures, engine_id=engine_id)


WAITING = """
select pid from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


class Shelf(PhotoSource):
    """Photos in one channel; what is in a photo's file is its id."""

    def __init__(self, *photos: FoundPhoto) -> None:
        self.photos = list(photos)

    newest_first = False

    def list_new(
        self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
    ) -> Iterable[FoundPhoto]:
        """All of them, always."""
        del channel_id, since, until
        return list(self.photos)

    def describe(self, file_id: FileId, *, channel_id: ChannelId | None = None) -> FoundPhoto:
        """As it is listed."""
        del channel_id
        return next(one for one in self.photos if one.file_id == file_id)

    def download(self, photo: Photo) -> bytes:
        """Its id."""
        return photo.file_id.encode()


class House:
    """Everything of the core that is about people."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reader = read_by("by heart")
        self.engines = OneEngine(self.reader)
        self.workspaces = Workspaces(database)
        self.photos = Photos(database)
        self.people = People(database)
        self.verdicts = Verdicts(database)
        self.alerts = Alerts(database)
        self.consents = Consents(database)
        self.opt_outs = OptOuts(database)
        self.audit = Audit(database)
        self.data = PeoplesData(database)
        self.forget = ForgetPerson(people=self.people)
        self.colleagues = Colleagues(
            pictures={one: portrait(one) for one in EVERYBODY},
            channels={one: [CHANNEL] for one in EVERYBODY},
        )
        self.known_people = KnownPeople(
            pictures=self.colleagues,
            references=self.people,
            verdicts=self.verdicts,
            engines=self.engines,
        )
        self.opt_out = OptOut(
            people=self.known_people, opt_outs=self.opt_outs, engines=self.engines
        )
        for team_id in (TEAM, OTHER):
            self.workspaces.claim(team_id, self.reader.engine_id)
            self.workspaces.watch(team_id, CHANNEL, "party")

    def finder(self, policy: ColleagueSearch = ColleagueSearch.OPEN) -> FindPhotos:
        """`/findme` in that workspace."""
        return FindPhotos(
            people=self.known_people,
            visibility=self.colleagues,
            channels=self.workspaces,
            photos=self.photos,
            engines=self.engines,
            match_faces=MatchFaces(
                faces=Faces(self.database), engines=self.engines, curves=own_curve
            ),
            permit=self.permit(policy),
            protected=self.opt_outs,
        )

    def permit(self, policy: ColleagueSearch = ColleagueSearch.ASK) -> Permit:
        """By what people said."""
        return Permit(consents=self.consents, audit=self.audit, policy=policy, clock=now)

    def add(self, photo: FoundPhoto, team_id: TeamId = TEAM) -> PhotoId:
        """A photo was posted."""
        self.photos.add(team_id, [photo])
        query = "select photo_id from photos where team_id = %s and file_id = %s"
        ((photo_id,),) = self.rows(query, team_id, photo.file_id)
        return PhotoId(photo_id)

    def index(
        self,
        photo_id: PhotoId,
        *faces: Embedding,
        team_id: TeamId = TEAM,
        content: bytes | None = None,
    ) -> bool:
        """These faces were found in it."""
        return self.photos.put_faces(
            team_id,
            photo_id,
            engine_id=self.engines.of(team_id).engine_id,
            version="1",
            content_hash=content or str(photo_id).encode(),
            faces=photo_faces(*faces),
        )

    def post(
        self, file_id: str, *faces: Embedding, team_id: TeamId = TEAM, day: int = 0
    ) -> PhotoId:
        """A photo was posted and indexed."""
        photo_id = self.add(found_photo(file_id, shares=[share(day=day)], day=day), team_id)
        assert self.index(photo_id, *faces, team_id=team_id)
        return photo_id

    def all_of(self, user_id: UserId, team_id: TeamId = TEAM) -> None:
        """Something in every table that can know a person; they posted a photo of themselves."""
        for kind, put in (
            (ReferenceKind.PROFILE, self.people.put_profile),
            (ReferenceKind.SELFIE, self.people.put_selfie),
        ):
            put(
                team_id,
                user_id,
                engine_id=self.reader.engine_id,
                picture_hash=f"{kind.value} of somebody",
                reference=Reference(
                    embedding=FACE_OF[user_id], quality=0.5, faces_in_picture=1, kind=kind
                ),
            )
        HeldSelfies(self.database).put(
            team_id,
            user_id,
            f"token of {user_id}",
            Selfie(
                reference=Reference(
                    embedding=FACE_OF[user_id],
                    quality=0.5,
                    faces_in_picture=1,
                    kind=ReferenceKind.SELFIE,
                ),
                picture_hash="selfie of somebody",
                engine_id=self.reader.engine_id,
            ),
        )
        photo = found_photo(f"F of {FACE_OF[user_id].argmax()}")
        by_them = [replace(one, shared_by=user_id) for one in photo.shares]
        photo_id = self.add(replace(photo, posted_by=user_id, shares=by_them), team_id)
        # Not so close that they would be kept out: the verdict needs the face.
        unlike = face(user_id, distance=0.7)
        self.alerts.turn_on(team_id, user_id)
        assert self.index(photo_id, unlike, team_id=team_id)
        (look,) = (
            look
            for look in self.alerts.due(team_id, now=now(), gather=timedelta())
            if look.user_id == user_id
        )
        assert self.alerts.claim(team_id, look, [photo_id]) == {photo_id}
        box = photo_faces(unlike).faces[0].detection.box
        assert self.verdicts.give(team_id, user_id, photo_id, box, Verdict.ME)
        self.consents.told(team_id, user_id)
        self.consents.decide(team_id, user_id, Allowance.ALLOWED, now=now())
        other = next(one for one in EVERYBODY if one != user_id)
        for asker, person in ((user_id, other), (other, user_id)):
            self.wish(asker, person, team_id=team_id)

    def wish(
        self,
        asker: UserId,
        *people: UserId,
        question: str = "party",
        at: datetime | None = None,
        team_id: TeamId = TEAM,
    ) -> Mapping[UserId, RequestId]:
        """Somebody wants to find these people; whom that is told, by which request."""
        wishes = self.consents.wish(
            team_id, asker, people=people, of=people, question=question, now=at or now()
        )
        return {one.person_id: one.request_id for one in wishes}

    def granted(self, team_id: TeamId = TEAM) -> list[tuple[UserId, str]]:
        """Which answers wait to be sent, and to whom."""
        waiting = self.consents.granted(team_id, sent_before=now() - SENDING_TAKES)
        return [(one.asker_id, one.question) for one in waiting]

    def template(self, user_id: UserId) -> Template:
        """As it is made of their profile picture."""
        return Template(user_id=user_id, embedding=FACE_OF[user_id], max_distance=OUT_DISTANCE)

    def faces_of(self, team_id: TeamId = TEAM) -> dict[str, int]:
        """How many faces each photo has in the index, if any."""
        query = """
            select file_id, count(*) from faces join photos using (team_id, photo_id)
            where team_id = %s group by file_id
        """
        return dict(self.rows(query, team_id))

    def noted(self, team_id: TeamId = TEAM) -> list[Entry]:
        """What the audit holds, oldest first."""
        return [one.entry for one in reversed(self.audit.latest(team_id, limit=1000))]

    def naming(self, user_id: UserId, team_id: TeamId = TEAM) -> dict[str, int]:
        """How many rows of which table hold that id anywhere, be it within a text."""
        counts = {}
        with psycopg.connect(self.database.conninfo) as connection:
            for table in self.tables():
                query = sql.SQL(
                    "select count(*) from {table} t where t::text like %s and t::text like %s"
                ).format(table=sql.Identifier(table))
                row = connection.execute(query, [f"%{user_id}%", f"%{team_id}%"]).fetchone()
                assert row is not None
                if row[0]:
                    counts[table] = row[0]
        return counts

    def tables(self) -> list[str]:
        """Every table of Findme's own."""
        query = """
            select table_name from information_schema.tables where table_schema = 'public'
            and table_type = 'BASE TABLE' and table_name not like '%%yoyo%%' order by table_name
        """
        return [name for (name,) in self.rows(query)]

    def wait_for_a_lock(self) -> None:
        """Until somebody waits for what somebody else holds."""
        deadline = time.monotonic() + 30
        while not self.rows(WAITING):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Straight from the database."""
        with psycopg.connect(self.database.conninfo, autocommit=True) as connection:
            return connection.execute(query, values or None).fetchall()

    def run(self, statement: LiteralString, *values: object) -> None:
        """Straight into the database."""
        with psycopg.connect(self.database.conninfo, autocommit=True) as connection:
            connection.execute(statement, values or None)


def at_once(*acts: Callable[[], object]) -> list[Any]:
    """What each returns, all begun at the same moment; raises what any raises."""
    start = Barrier(len(acts))

    def act(one: Callable[[], object]) -> object:
        start.wait(timeout=30)
        return one()

    with ThreadPoolExecutor(len(acts)) as threads:
        running = [threads.submit(act, one) for one in acts]
        return [one.result(timeout=60) for one in running]
