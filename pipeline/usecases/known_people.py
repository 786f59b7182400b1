"""All that is known of a person's face: profile picture, selfies, faces they confirmed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from pipeline.domain.model import EngineId, Reference, ReferenceKind, TeamId, UserId
from pipeline.domain.references import POOR_QUALITY, Selfie, combined, reference_from, usable
from pipeline.domain.verdicts import JudgedFaces, tied
from pipeline.errors import (
    NoFaceInPictureError,
    NoProfilePictureError,
    PoorFaceError,
    UnreadablePhotoError,
)
from pipeline.ports import Engines, FaceReader, ProfilePictures, ReferenceStore, VerdictStore
from pipeline.usecases.match_faces import Person

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """A person to search for, and what a reader should know of how they are known.

    `faces_in_picture` and `is_poor` are of the profile picture, if that was used.
    """

    person: Person
    references: int
    faces_in_picture: int
    is_poor: bool


class KnownPeople:
    """Gathers what is known of somebody."""

    def __init__(
        self,
        *,
        pictures: ProfilePictures,
        references: ReferenceStore,
        verdicts: VerdictStore,
        engines: Engines,
    ) -> None:
        self._pictures = pictures
        self._references = references
        self._verdicts = verdicts
        self._engines = engines

    def __call__(
        self,
        team_id: TeamId,
        user_id: UserId,
        *,
        only: Reference | None = None,
        with_picture: bool = True,
    ) -> KnownPerson:
        """The person, by the workspace's present engine; by `only` one reference, if it is given.

        The profile picture is not asked for unless `with_picture`.
        Raises: NoProfilePictureError, NoFaceInPictureError, UnreadablePhotoError if nothing else
        is known of them either; SourceUnavailableError, DatabaseUnavailableError.
        """
        while True:
            reader = self._engines.of(team_id)
            try:
                return self._known(team_id, user_id, reader, only, with_picture=with_picture)
            except (NoProfilePictureError, NoFaceInPictureError, UnreadablePhotoError):
                # Verdicts' faces go with their engine: if that was changed meanwhile, look again.
                if self._engines.of(team_id).engine_id == reader.engine_id:
                    raise

    def _known(
        self,
        team_id: TeamId,
        user_id: UserId,
        reader: FaceReader,
        only: Reference | None,
        *,
        with_picture: bool,
    ) -> KnownPerson:
        engine_id = reader.engine_id
        judged = tied(self._verdicts.candidates(team_id, user_id, engine_id=engine_id))
        if only is not None:
            return _known_by([only], judged, engine_id)
        own = [
            *self._references.selfies(team_id, user_id, engine_id=engine_id),
            *_confirmed(judged),
        ]
        try:
            profile = [self._profile(team_id, user_id, reader)] if with_picture else []
        except (NoProfilePictureError, NoFaceInPictureError, UnreadablePhotoError):
            if not own:
                raise
            profile = []
        if not own and not profile:
            raise NoProfilePictureError
        chosen = usable([*own, *profile], maybe_similarity=reader.curve.maybe)
        return _known_by(chosen, judged, engine_id)

    def _profile(self, team_id: TeamId, user_id: UserId, reader: FaceReader) -> Reference:
        """From the profile picture; computed once for each picture."""
        picture = self._pictures.picture_of(user_id)
        known = self._references.profile(
            team_id, user_id, engine_id=reader.engine_id, picture_hash=picture.picture_hash
        )
        if known is not None:
            return known
        reference = read_reference(reader, self._pictures.fetch(picture))
        self._references.put_profile(
            team_id,
            user_id,
            engine_id=reader.engine_id,
            picture_hash=picture.picture_hash,
            reference=reference,
        )
        return reference


class AddSelfie:
    """A picture that somebody took of themselves, to be known better by."""

    def __init__(self, *, references: ReferenceStore, engines: Engines) -> None:
        self._references = references
        self._engines = engines

    def read(self, team_id: TeamId, data: bytes) -> Selfie:
        """Look at it; nothing is kept. Raises UnreadablePhotoError, NoFaceInPictureError."""
        reader = self._engines.of(team_id)
        return Selfie(
            reference=read_reference(reader, data, kind=ReferenceKind.SELFIE),
            picture_hash=hashlib.sha256(data).hexdigest(),
            engine_id=reader.engine_id,
        )

    def is_current(self, team_id: TeamId, selfie: Selfie) -> bool:
        """Whether the index is still of the engine that looked at it."""
        return self._engines.of(team_id).engine_id == selfie.engine_id

    def keep(self, team_id: TeamId, user_id: UserId, selfie: Selfie) -> None:
        """From now on the person is known by it too. Raises PoorFaceError."""
        if selfie.reference.quality < POOR_QUALITY:
            raise PoorFaceError
        self._references.put_selfie(
            team_id,
            user_id,
            engine_id=selfie.engine_id,
            picture_hash=selfie.picture_hash,
            reference=selfie.reference,
        )
        log.info("selfie.added", quality=round(selfie.reference.quality, 2))

    def __call__(self, team_id: TeamId, user_id: UserId, data: bytes) -> Reference:
        """Keep the embedding of its largest face.

        Raises: UnreadablePhotoError, NoFaceInPictureError, PoorFaceError.
        """
        while True:
            selfie = self.read(team_id, data)
            self.keep(team_id, user_id, selfie)
            # The index may have been switched to another engine meanwhile: that one has to know.
            if self.is_current(team_id, selfie):
                return selfie.reference


def read_reference(
    reader: FaceReader, data: bytes, *, kind: ReferenceKind = ReferenceKind.PROFILE
) -> Reference:
    """The largest face of a picture that shows the person asked for.

    Raises: UnreadablePhotoError, NoFaceInPictureError.
    """
    faces = reader.read(data)
    if not faces.faces:
        raise NoFaceInPictureError
    return reference_from(faces, kind=kind)


def _known_by(
    references: Sequence[Reference], judged: JudgedFaces, engine_id: EngineId
) -> KnownPerson:
    shown = [one for one in references if one.kind is ReferenceKind.PROFILE]
    return KnownPerson(
        person=Person(engine_id=engine_id, query=combined(references), judged=judged),
        references=len(references),
        faces_in_picture=max((one.faces_in_picture for one in shown), default=1),
        is_poor=any(one.quality < POOR_QUALITY for one in shown),
    )


def _confirmed(judged: JudgedFaces) -> Sequence[Reference]:
    """Confirmed faces as references; the copies of one photo speak once."""
    different = {face.embedding.tobytes(): face for face in judged.confirmed}
    return [
        Reference(
            embedding=face.embedding,
            quality=face.quality,
            faces_in_picture=1,
            kind=ReferenceKind.CONFIRMED,
        )
        for face in different.values()
    ]
