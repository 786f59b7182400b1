"""Where everything is kept: one database and what each part of it is for, made when first used."""

from functools import cached_property

from pipeline.domain.model import TeamId
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
from pipeline.storage.runs import Runs
from pipeline.storage.thumbnails import Thumbnails
from pipeline.storage.verdicts import Verdicts
from pipeline.storage.workspaces import Workspaces


class Stores:
    """The stores of one process, over one database."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
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

    def close(self) -> None:
        """Close the database's connections, and the embedded server, if any were opened."""
        if "face_indexes" in self.__dict__:
            self.face_indexes.stop()
        if "database" in self.__dict__:
            self.database.close()
        if self._embedded is not None:
            self._embedded.close()
