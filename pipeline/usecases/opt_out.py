"""`/findme off`: somebody is never to be found; and keeping it so when the engine changes."""

import structlog

from pipeline.domain.model import TeamId, UserId
from pipeline.domain.opt_outs import Template, max_distance
from pipeline.domain.people import TurnedOff
from pipeline.domain.references import POOR_QUALITY
from pipeline.errors import FindmeError, NoRoomError, PictureError, SourceUnavailableError
from pipeline.ports import Engines, FaceReader, OptOutStore, ProfilePictures
from pipeline.usecases.known_people import KnownPeople, KnownPerson, read_reference

log = structlog.get_logger(__name__)


class OptOut:
    """Turn Findme off and on for a person."""

    def __init__(self, *, people: KnownPeople, opt_outs: OptOutStore, engines: Engines) -> None:
        self._people = people
        self._opt_outs = opt_outs
        self._engines = engines

    def off(self, team_id: TeamId, user_id: UserId) -> TurnedOff:
        """Forget the person; their faces go out of the index, and new ones are not taken in.

        One template of what was known of their face is kept for that, if anything was. If nothing
        but their profile picture tells, and that can't be had just now, KeepOut makes one later.
        Raises: DatabaseUnavailableError.
        """
        turned_off = None
        while turned_off is None:
            # The index may be switched to another engine meanwhile: their face has to be its.
            reader = self._engines.of(team_id)
            template = self._template(team_id, user_id, reader)
            turned_off = self._opt_outs.turn_off(
                team_id, user_id, template, engine_id=reader.engine_id
            )
        log.info("person.off", faces=turned_off.faces, has_template=turned_off.has_template)
        return turned_off

    def _template(self, team_id: TeamId, user_id: UserId, reader: FaceReader) -> Template | None:
        try:
            known = self._known(team_id, user_id)
        except PictureError:
            return None
        if known.is_poor or reader.engine_id != known.person.engine_id:
            # A face that hardly shows the person would keep others out.
            return None
        return Template(
            user_id=user_id,
            embedding=known.person.query,
            max_distance=max_distance(reader.curve),
        )

    def _known(self, team_id: TeamId, user_id: UserId) -> KnownPerson:
        try:
            return self._people(team_id, user_id)
        except (SourceUnavailableError, NoRoomError) as error:
            log.warning("person.off_without_picture", error=type(error).__name__)
            return self._people(team_id, user_id, with_picture=False)

    def on(self, team_id: TeamId, user_id: UserId) -> bool:
        """The template goes; False if the person wasn't out. Faces come back on a re-index."""
        is_back = self._opt_outs.turn_on(team_id, user_id)
        log.info("person.on", was_off=is_back)
        return is_back


class KeepOut:
    """Whoever is out stays out when the index is made by another engine."""

    def __init__(self, *, opt_outs: OptOutStore) -> None:
        self._opt_outs = opt_outs

    def __call__(self, team_id: TeamId, reader: FaceReader, pictures: ProfilePictures) -> int:
        """Make templates by this engine for whoever is out and has none, from profile pictures.

        Returns: how many people still have none. They are not found by name either way.
        Raises: DatabaseUnavailableError.
        """
        left = 0
        for user_id in self._opt_outs.missing(team_id, engine_id=reader.engine_id):
            try:
                reference = read_reference(reader, pictures.fetch(pictures.picture_of(user_id)))
            except FindmeError as error:
                log.info("template.not_made", error=type(error).__name__)
                left += 1
                continue
            if reference.quality < POOR_QUALITY:
                left += 1
                continue
            template = Template(
                user_id=user_id,
                embedding=reference.embedding,
                max_distance=max_distance(reader.curve),
            )
            dropped = self._opt_outs.put(team_id, template, engine_id=reader.engine_id)
            log.info("template.made", engine=reader.engine_id, faces=dropped)
        return left
