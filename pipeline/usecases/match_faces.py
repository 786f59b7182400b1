"""From a person's face to the photos that show it: search, judge, extend, judge again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.domain.arrays import Embedding
from pipeline.domain.calibration import Limits, alike_distances, limits_for, lookalikes_of
from pipeline.domain.expansion import extended, merged, within_reach
from pipeline.domain.matching import judge, without_reposts
from pipeline.domain.model import ChannelId, EngineId, FaceId, Match, NearFace, TeamId
from pipeline.domain.verdicts import NOTHING_JUDGED, JudgedFaces
from pipeline.ports import Engines, FaceReader, FaceSearch
from pipeline.telemetry import stage
from pipeline.usecases.self_calibration import Curves


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom to look for: one vector of all references, and the person's own word on faces."""

    engine_id: EngineId
    query: Embedding
    judged: JudgedFaces = field(default=NOTHING_JUDGED)


class MatchFaces:
    """From a person to matches, within given channels."""

    def __init__(
        self, *, faces: FaceSearch, engines: Engines, curves: Curves, expand: bool = True
    ) -> None:
        """Without `expand` the references alone are searched with: to compare with."""
        self._faces = faces
        self._engines = engines
        self._curves = curves
        self._expand = expand

    def __call__(
        self, team_id: TeamId, person: Person, channel_ids: Sequence[ChannelId]
    ) -> list[Match]:
        """Matches in these channels, best first; reposts are collapsed.

        Nothing, if the workspace's index is not (or no longer) of the person's engine.
        """
        return without_reposts(self.every(team_id, person, channel_ids))

    def every(
        self, team_id: TeamId, person: Person, channel_ids: Sequence[ChannelId]
    ) -> list[Match]:
        """The same with each repost as a match of its own: where it was posted may matter."""
        reader = self._engines.of(team_id)
        if reader.engine_id != person.engine_id:
            return []
        with stage("search"):
            index = _Index(
                self._faces,
                reader,
                curves=self._curves,
                team_id=team_id,
                channel_ids=channel_ids,
            )
            judged = person.judged
            near, limits = index.near(person.query, always=list(judged.confirmed_ids))
            found = judge(near, limits, judged)
            extension = extended(person.query, found, limits) if self._expand else None
            if extension is not None:
                near, further_limits = index.near(extension.embedding, known=near)
                near = within_reach(near, person.query, limits)
                found = merged(
                    found,
                    judge(near, further_limits, judged),
                    query=person.query,
                    extension=extension,
                    limits=limits,
                )
        return found


class _Index:
    """The part of one workspace's index that one search may look at."""

    def __init__(
        self,
        faces: FaceSearch,
        reader: FaceReader,
        *,
        curves: Curves,
        team_id: TeamId,
        channel_ids: Sequence[ChannelId],
    ) -> None:
        self._faces = faces
        self._reader = reader
        self._team_id = team_id
        self._channel_ids = channel_ids
        self._curve = curves(team_id, reader)

    def near(
        self,
        query: Embedding,
        *,
        always: Sequence[FaceId] = (),
        known: Sequence[NearFace] = (),
    ) -> tuple[Sequence[NearFace], Limits]:
        """What is near the query, and how near is near enough for it."""
        own = self._reader.curve
        engine_id = self._reader.engine_id
        crowd = self._faces.crowd(
            self._team_id, query, engine_id=engine_id, alike=alike_distances(own)
        )
        lookalikes = lookalikes_of(own, alike=crowd.alike, searched=crowd.sampled)
        limits = limits_for(self._curve, own=own, faces=crowd.faces, lookalikes=lookalikes)
        near = self._faces.nearest(
            self._team_id,
            query,
            engine_id=engine_id,
            channel_ids=self._channel_ids,
            max_distance=limits.maybe_distance,
            always=always,
            known=known,
        )
        return near, limits
