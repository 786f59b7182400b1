"""The composition root: picks the concrete classes. Whatever is heavy is made when first used."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import TeamId
from pipeline.errors import EngineMismatchError
from pipeline.folder import LOCAL, FolderSource
from pipeline.jobs.worker import DEAD_AFTER_S, JobHandlers, Worker
from pipeline.metrics import IndexCollector, MetricsServer
from pipeline.ports import FaceReader, PhotoSource, ProfilePictures
from pipeline.settings import Settings
from pipeline.storage.alerts import Alerts
from pipeline.storage.audit import Audit
from pipeline.storage.backlog import Backlog
from pipeline.storage.connect import Database
from pipeline.storage.consents import Consents
from pipeline.storage.counts import Counts
from pipeline.storage.deliveries import Deliveries
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.engine_changes import EngineChangeStore
from pipeline.storage.face_index import FaceIndexes
from pipeline.storage.faces import Faces
from pipeline.storage.held_selfies import HeldSelfies
from pipeline.storage.jobs import JobQueue
from pipeline.storage.leader import Leader
from pipeline.storage.migrate import migrate
from pipeline.storage.opt_outs import OptOuts
from pipeline.storage.people import People
from pipeline.storage.person_data import PeoplesData
from pipeline.storage.photos import Photos
from pipeline.storage.purge import Purge
from pipeline.storage.retention import Retention
from pipeline.storage.runs import Runs
from pipeline.storage.thumbnails import Thumbnails
from pipeline.storage.verdicts import Verdicts
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.change_engine import ChangeEngine
from pipeline.usecases.expire import Expire
from pipeline.usecases.forget_person import ForgetPerson
from pipeline.usecases.forget_workspace import ForgetWorkspace
from pipeline.usecases.give_verdict import GiveVerdict
from pipeline.usecases.index_photos import AddPhoto, IndexPhoto, ListChannel, ReadPhoto
from pipeline.usecases.known_people import AddSelfie, KnownPeople
from pipeline.usecases.match_faces import MatchFaces
from pipeline.usecases.opt_out import KeepOut
from pipeline.usecases.permit import Permit
from pipeline.usecases.reindex import Reindex
from pipeline.usecases.self_calibration import Curves, SelfCalibration
from pipeline.usecases.unshare_photo import UnsharePhoto
from pipeline.vision.engines import RECIPES, load_engine
from pipeline.vision.team_engines import TeamEngines
from pipeline.vision.weights import WeightStore


def now() -> datetime:
    """Implements ports.Clock."""
    return datetime.now(UTC)


class Runtime:
    """Everything one process needs, over one database and one engine."""

    def __init__(
        self,
        settings: Settings,
        *,
        sources: Mapping[TeamId, PhotoSource] | None = None,
        reader: FaceReader | None = None,
    ) -> None:
        """`reader` is given where several processes' worth of parts share one engine (the demo)."""
        self.settings = settings
        self.sources: dict[TeamId, PhotoSource] = {LOCAL: FolderSource(), **(sources or {})}
        self._reader = reader
        self._embedded: EmbeddedServer | None = None

    @cached_property
    def conninfo(self) -> str:
        """The database to use; starts the embedded server if the settings name no other.

        Raises: DatabaseUnavailableError.
        """
        if self.settings.database_url is not None:
            return self.settings.database_url.get_secret_value()
        self._embedded = EmbeddedServer(self.settings.findme_data_dir / "postgresql")
        self._embedded.keep()
        return self._embedded.conninfo

    def migrate(self) -> list[str]:
        """Bring the database up to date; returns what was applied.

        Raises: DatabaseUnavailableError, DatabaseTooOldError.
        """
        return migrate(self.conninfo)

    @cached_property
    def database(self) -> Database:
        """The migrated database. Raises DatabaseUnavailableError, DatabaseTooOldError."""
        self.migrate()
        return Database(self.conninfo, max_connections=self.settings.findme_workers + 12)

    @cached_property
    def weights(self) -> WeightStore:
        """The downloaded weights."""
        return WeightStore(self.settings.findme_models_dir)

    @cached_property
    def reader(self) -> FaceReader:
        """The engine of the settings. Raises EngineUnavailableError."""
        if self._reader is not None:
            return self._reader
        return load_engine(self.settings, self.weights)

    @cached_property
    def workspaces(self) -> Workspaces:
        """Workspaces and channels."""
        return Workspaces(self.database)

    @cached_property
    def photos(self) -> Photos:
        """Photos with shares and faces."""
        return Photos(self.database)

    @cached_property
    def counts(self) -> Counts:
        """How much of each channel is in the index."""
        return Counts(self.database)

    @cached_property
    def backlog(self) -> Backlog:
        """What waits, and how fast it goes."""
        return Backlog(self.database)

    @cached_property
    def faces(self) -> Faces:
        """Face search."""
        return Faces(self.database)

    @cached_property
    def face_indexes(self) -> FaceIndexes:
        """What large workspaces are searched by."""
        memory_bytes = self.settings.findme_index_memory_mb * 2**20
        return FaceIndexes(self.database.conninfo, memory_bytes=memory_bytes)

    def tend_index(self, team_id: TeamId) -> bool:
        """See to it that a large workspace has an index, and a small one none; may take minutes.

        True if there is one. Raises: DatabaseUnavailableError, DatabaseFullError.
        """
        engine_id = self.workspaces.engine(team_id)
        return engine_id is not None and self.face_indexes.tend(team_id, engine_id=engine_id)

    @cached_property
    def people(self) -> People:
        """References, and people as a whole."""
        return People(self.database)

    @cached_property
    def consents(self) -> Consents:
        """What people decided."""
        return Consents(self.database)

    def permit(self, policy: ColleagueSearch) -> Permit:
        """Who asks, and for whom -> whether they may."""
        return Permit(consents=self.consents, audit=self.audit, policy=policy, clock=now)

    @cached_property
    def opt_outs(self) -> OptOuts:
        """Who turned Findme off."""
        return OptOuts(self.database)

    @cached_property
    def audit(self) -> Audit:
        """What was done."""
        return Audit(self.database)

    @cached_property
    def peoples_data(self) -> PeoplesData:
        """All that is kept about somebody."""
        return PeoplesData(self.database)

    @cached_property
    def expire(self) -> Expire:
        """What is too old -> gone."""
        return Expire(
            retention=Retention(self.database),
            kept_after=self._kept_after,
            clock=now,
        )

    @cached_property
    def keep_out(self) -> KeepOut:
        """Whoever is out -> templates by another engine."""
        return KeepOut(opt_outs=self.opt_outs)

    @cached_property
    def alerts(self) -> Alerts:
        """Who wants to hear of new photos."""
        return Alerts(self.database)

    @cached_property
    def thumbnails(self) -> Thumbnails:
        """The bot's own files that show photos."""
        return Thumbnails(self.database)

    @cached_property
    def held_selfies(self) -> HeldSelfies:
        """Selfies that wait to be used."""
        return HeldSelfies(self.database)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What one of several bots took."""
        return Deliveries(self.database)

    def leader(self, team_id: TeamId) -> Leader:
        """Whether this process does what is done once for a workspace."""
        return Leader(self.database.conninfo, team_id)

    @cached_property
    def runs(self) -> Runs:
        """Re-indexes."""
        return Runs(self.database)

    @cached_property
    def queue(self) -> JobQueue:
        """The way into the queue."""
        return JobQueue(self.database)

    @cached_property
    def verdicts(self) -> Verdicts:
        """People's own words."""
        return Verdicts(self.database)

    @cached_property
    def engine_changes(self) -> EngineChangeStore:
        """Another engine's faces beside the present ones."""
        return EngineChangeStore(self.database)

    @cached_property
    def engines(self) -> TeamEngines:
        """The engine that each workspace's index is of."""
        return TeamEngines(
            engine_of=self.workspaces.engine,
            own=lambda: self.reader,
            load=lambda name: load_engine(
                self.settings.model_copy(update={"findme_engine": name}), self.weights
            ),
        )

    @cached_property
    def curves(self) -> Curves:
        """How alike strangers are, as the index shows."""
        return SelfCalibration(pairs=self.faces, clock=now)

    @cached_property
    def match_faces(self) -> MatchFaces:
        """A person -> matches."""
        return MatchFaces(faces=self.faces, engines=self.engines, curves=self.curves)

    @cached_property
    def add_selfie(self) -> AddSelfie:
        """A selfie -> a reference."""
        return AddSelfie(references=self.people, engines=self.engines)

    @cached_property
    def give_verdict(self) -> GiveVerdict:
        """A person's word on a match."""
        return GiveVerdict(verdicts=self.verdicts)

    @cached_property
    def forget_person(self) -> ForgetPerson:
        """A person -> nothing known of them."""
        return ForgetPerson(people=self.people)

    @cached_property
    def forget_workspace(self) -> ForgetWorkspace:
        """A workspace -> nothing of it."""
        return ForgetWorkspace(workspaces=Purge(self.database))

    @cached_property
    def read_photo(self) -> ReadPhoto:
        """A photo -> its faces."""
        return ReadPhoto(sources=self.sources, photos=self.photos)

    @cached_property
    def index_photo(self) -> IndexPhoto:
        """A pending photo -> its faces in the index."""
        return IndexPhoto(read=self.read_photo, photos=self.photos, engines=self.engines)

    @cached_property
    def change_engine(self) -> ChangeEngine:
        """An index of another engine -> one of this runtime's."""
        return ChangeEngine(
            read=self.read_photo,
            photos=self.photos,
            changes=self.engine_changes,
            reader=self.reader,
            concurrency=self._at_once,
            keep_out=self._keep_out,
        )

    def _keep_out(self, team_id: TeamId, reader: FaceReader) -> None:
        source = self.sources.get(team_id)
        if isinstance(source, ProfilePictures):
            self.keep_out(team_id, reader, source)

    def _kept_after(self, team_id: TeamId) -> datetime | None:
        """One's own photos on disk don't expire."""
        if team_id == LOCAL:
            return None
        return now() - timedelta(days=self.settings.retention_days)

    def known_people(self, pictures: ProfilePictures) -> KnownPeople:
        """What is known of people whose profile pictures are there."""
        return KnownPeople(
            pictures=pictures,
            references=self.people,
            verdicts=self.verdicts,
            engines=self.engines,
        )

    @cached_property
    def list_channel(self) -> ListChannel:
        """Channel -> pending photos."""
        return ListChannel(
            sources=self.sources,
            channels=self.workspaces,
            photos=self.photos,
            runs=self.runs,
            queue=self.queue,
            clock=now,
            kept_after=self._kept_after,
        )

    @cached_property
    def add_photo(self) -> AddPhoto:
        """One new photo -> pending."""
        return AddPhoto(
            sources=self.sources,
            channels=self.workspaces,
            photos=self.photos,
            queue=self.queue,
            kept_after=self._kept_after,
        )

    @cached_property
    def unshare_photo(self) -> UnsharePhoto:
        """A photo that was taken out somewhere -> what is left of it."""
        return UnsharePhoto(sources=self.sources, photos=self.photos, add_photo=self.add_photo)

    @cached_property
    def reindex(self) -> Reindex:
        """All photos -> pending."""
        return Reindex(channels=self.workspaces, runs=self.runs, queue=self.queue)

    def claim_engine(self, team_id: TeamId) -> None:
        """Make sure that the workspace's index is of this engine.

        Raises: EngineMismatchError, naming the command that mends it.
        """
        wanted = self.reader.engine_id
        present = self.workspaces.claim(team_id, wanted)
        if present != wanted:
            # Ids that hold a model's fingerprint are no names that could be set.
            way_back = (
                f"set FINDME_ENGINE={present}"
                if present in RECIPES
                else f"bring back the settings and the model of {present!r}"
            )
            raise EngineMismatchError(
                f"The index was made by engine {present!r}, but FINDME_ENGINE is {wanted!r}. "
                f"Run `findme reindex` to make it anew with {wanted!r}, or {way_back}."
            )

    def worker(self, team_ids: list[TeamId]) -> Worker:
        """A worker for these workspaces; not started yet."""
        return Worker(
            self.database.conninfo,
            team_ids=team_ids,
            handlers=JobHandlers(
                index_photo=self.index_photo,
                give_up=self.photos.mark_given_up,
                list_channel=self.list_channel,
                set_aside=self.queue.set_aside,
                put_off=self.photos.put_off,
            ),
            concurrency=self._at_once,
        )

    def metrics(self) -> MetricsServer | None:
        """What Prometheus asks; not started yet. None unless the settings name a port."""
        port = self.settings.findme_metrics_port
        if port is None:
            return None
        collector = IndexCollector(
            self.database,
            team_ids=list(self.sources),
            engine_of=self.workspaces.engine,
            dead_after_s=DEAD_AFTER_S,
        )
        return MetricsServer(collector, host=self.settings.findme_metrics_host, port=port)

    @property
    def _at_once(self) -> int:
        """Of photos. A bot that indexes none makes no worker; whoever makes one wants some."""
        return max(1, self.settings.findme_workers)

    def close(self) -> None:
        """Close the database's connections, and the embedded server, if any were opened."""
        if "face_indexes" in self.__dict__:
            self.face_indexes.stop()
        if "database" in self.__dict__:
            self.database.close()
        if self._embedded is not None:
            self._embedded.close()
