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
from pipeline.storage.purge import Purge
from pipeline.storage.retention import Retention
from pipeline.stores import Stores
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


class Runtime(Stores):
    """Everything one process needs, over one database and one engine."""

    def __init__(
        self,
        settings: Settings,
        *,
        sources: Mapping[TeamId, PhotoSource] | None = None,
        reader: FaceReader | None = None,
    ) -> None:
        """`reader` is given where several processes' worth of parts share one engine (the demo)."""
        super().__init__(settings)
        self.sources: dict[TeamId, PhotoSource] = {LOCAL: FolderSource(), **(sources or {})}
        self._reader = reader

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

    def permit(self, policy: ColleagueSearch) -> Permit:
        """Who asks, and for whom -> whether they may."""
        return Permit(consents=self.consents, audit=self.audit, policy=policy, clock=now)

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
