"""What a person says of their matches holds for good: over real photos, networks and PostgreSQL."""

import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image, ImageDraw

from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import (
    Box,
    Certainty,
    ChannelId,
    FileId,
    Match,
    PhotoFaces,
    PhotoId,
    UserId,
)
from pipeline.domain.verdicts import Verdict
from pipeline.errors import (
    FaceGoneError,
    NoFaceInPictureError,
    NoProfilePictureError,
    PoorFaceError,
    UnreadablePhotoError,
)
from pipeline.folder import LOCAL, channel_of
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from pipeline.usecases.find_photos import FindPhotos, Query
from pipeline.vision.engines import load_engine
from pipeline.vision.weights import WeightStore
from pipeline.wiring import Runtime
from tests.fakes import Colleagues
from tests.integration.conftest import index_now
from tests.shared import shared_folder

ME, NOT_ME = Verdict.ME, Verdict.NOT_ME
DAD, MOM, LADY, JOEY = UserId("DAD"), UserId("MOM"), UserId("LADY"), UserId("JOEY")
ALONE, GROUP = "findsimilar.jpg", "identification1.jpg"
# Of Joey's pictures, one to be masked, and some that look like friends2.jpg.
ODD_PROFILE = "Joey00031.jpg"
LIKE_THE_GROUP = ("Joey00024.png", "Joey00036.jpg", "Joey00043.png")
# A grey 1x1 GIF.
NO_FACE = b"GIF89a\1\0\1\0\x80\0\0\x80\x80\x80\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


@dataclass(frozen=True, kw_only=True)
class Party:
    """A watched folder of photos, and people who look for themselves in it."""

    runtime: Runtime
    folder: Path
    colleagues: Colleagues

    def post(self, source: Path, *, name: str | None = None) -> None:
        """Put the file into the folder and index it."""
        shutil.copyfile(source, self.folder / (name or source.name))
        index_now(self.runtime, self.folder)

    def find(self, who: UserId, *, asker: UserId | None = None) -> dict[str, Match]:
        """What they are shown, by the photo's name."""
        find = FindPhotos(
            people=self.runtime.known_people(self.colleagues),
            visibility=self.colleagues,
            channels=self.runtime.workspaces,
            photos=self.runtime.photos,
            engines=self.runtime.engines,
            match_faces=self.runtime.match_faces,
            permit=self.runtime.permit(ColleagueSearch.OPEN),
            protected=self.runtime.opt_outs,
        )
        found = find(LOCAL, Query(asker=asker or who, people=[who]))
        return {match.face.photo_name: match for match in found.matches}

    def say(self, who: UserId, verdict: Verdict, match: Match) -> None:
        """Their word on a match that they were shown."""
        self.runtime.give_verdict(LOCAL, who, match.face.photo_id, match.face.box, verdict)

    def photo_id(self, name: str) -> PhotoId:
        """By the file's name."""
        ((photo_id,),) = self.rows("select photo_id from photos where name = %(name)s", name=name)
        return PhotoId(photo_id)

    def face_boxes(self, name: str) -> list[Box]:
        """Of the photo's faces, from left to right."""
        rows = self.rows(
            "select box from faces where photo_id = %(photo_id)s", photo_id=self.photo_id(name)
        )
        return [
            Box(x_px=x, y_px=y, width_px=width, height_px=height)
            for ((x, y, width, height),) in sorted(rows)
        ]

    def detect_anew(self, name: str, *, aside_px: float) -> None:
        """As another version of the detector would: other ids, boxes a little aside."""
        photo = self.runtime.photos.get(LOCAL, self.photo_id(name))
        assert photo is not None
        ((content_hash,),) = self.rows(
            "select content_hash from photos where photo_id = %(photo_id)s", photo_id=photo.photo_id
        )
        reader = self.runtime.engines.of(LOCAL)
        stored = self.runtime.photos.put_faces(
            LOCAL,
            photo.photo_id,
            engine_id=reader.engine_id,
            version=photo.version,
            content_hash=content_hash,
            faces=aside(reader.read((self.folder / name).read_bytes()), aside_px),
        )
        assert stored

    def rows(self, query: str, **values: object) -> Sequence[tuple[Any, ...]]:
        """Straight from the database."""
        with psycopg.connect(self.runtime.conninfo) as connection:
            return connection.execute(query.encode(), values).fetchall()


def aside(faces: PhotoFaces, px: float) -> PhotoFaces:
    """The same faces, their boxes moved."""

    def moved(box: Box) -> Box:
        return replace(box, x_px=box.x_px + px, y_px=box.y_px - px, width_px=box.width_px + px)

    return replace(
        faces,
        faces=[
            replace(face, detection=replace(face.detection, box=moved(face.detection.box)))
            for face in faces.faces
        ],
    )


def family() -> Path:
    return shared_folder() / "data/events/family"


def friends() -> Path:
    return shared_folder() / "data/events/friends"


@pytest.fixture
def party(tmp_path: Path, runtime: Runtime) -> Party:
    """Dad alone, and dad with the family."""
    folder = tmp_path / "party"
    folder.mkdir()
    people = family() / "people"
    made = Party(
        runtime=runtime,
        folder=folder,
        colleagues=Colleagues(
            pictures={
                DAD: (people / "dad/Family1-Dad1.jpg").read_bytes(),
                MOM: (people / "mom/Family1-Mom1.jpg").read_bytes(),
                LADY: (people / "lady/Family2-Lady1.jpg").read_bytes(),
                JOEY: masked(friends() / "people/joey" / ODD_PROFILE),
            },
            channels={who: [channel_of(folder)] for who in (DAD, MOM, LADY, JOEY)},
        ),
    )
    for name in (ALONE, GROUP):
        shutil.copyfile(family() / "photos" / name, folder / name)
    index_now(runtime, folder)
    return made


@pytest.fixture
def friends_party(party: Party) -> Party:
    """Six friends in one photo, three portraits of Joey, and one of each other friend."""
    shutil.copyfile(friends() / "photos/friends2.jpg", party.folder / "friends2.jpg")
    for name in LIKE_THE_GROUP:
        shutil.copyfile(friends() / "people/joey" / name, party.folder / name)
    for folder in sorted((friends() / "people").iterdir()):
        if folder.name != "joey":
            portrait = min(folder.iterdir())
            shutil.copyfile(portrait, party.folder / portrait.name)
    index_now(party.runtime, party.folder)
    return party


def joey_in(party: Party, name: str) -> Box:
    """Where his face is: the one most like his other pictures."""
    reader = party.runtime.reader
    (known,) = reader.read((party.folder / LIKE_THE_GROUP[0]).read_bytes()).faces
    faces = reader.read((party.folder / name).read_bytes()).faces
    return max(faces, key=lambda face: float(face.embedding @ known.embedding)).detection.box


# --- "not me" ------------------------------------------------------------------------------------


def test_a_rejected_face_is_not_shown_again_and_the_others_are(party: Party) -> None:
    before = party.find(DAD)
    assert set(before) == {ALONE, GROUP}

    party.say(DAD, NOT_ME, before[GROUP])

    assert set(party.find(DAD)) == {ALONE}


def test_a_rejected_face_stays_away_when_it_is_detected_anew(party: Party) -> None:
    match = party.find(DAD)[GROUP]
    party.say(DAD, NOT_ME, match)

    party.detect_anew(GROUP, aside_px=4.0)

    assert party.rows("select 1 from faces where face_id = %(id)s", id=match.face.face_id) == []
    assert set(party.find(DAD)) == {ALONE}


def test_a_rejected_face_stays_away_after_a_reindex(party: Party) -> None:
    party.say(DAD, NOT_ME, party.find(DAD)[GROUP])
    party.runtime.runs.start(LOCAL, [channel_of(party.folder)], requested_by=None)

    index_now(party.runtime, party.folder)

    assert set(party.find(DAD)) == {ALONE}


def test_a_rejected_face_takes_its_reposts_along(party: Party) -> None:
    party.post(family() / "photos" / ALONE, name="repost.jpg")

    party.say(DAD, NOT_ME, party.find(DAD)[ALONE])

    assert set(party.find(DAD)) == {GROUP}


def test_a_repost_that_comes_after_the_verdict_is_not_shown_either(party: Party) -> None:
    party.say(DAD, NOT_ME, party.find(DAD)[ALONE])

    party.post(family() / "photos" / ALONE, name="repost.jpg")

    assert set(party.find(DAD)) == {GROUP}


def test_a_repost_stays_away_after_the_original_is_deleted(party: Party) -> None:
    party.post(family() / "photos" / ALONE, name="repost.jpg")
    match = party.find(DAD)[ALONE]
    party.say(DAD, NOT_ME, match)

    party.runtime.photos.delete(LOCAL, match.face.file_id)

    assert set(party.find(DAD)) == {GROUP}


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (DAD, ALONE),
        (DAD, GROUP),
        (MOM, GROUP),
        (LADY, "test-image-person-group.jpg"),
        (LADY, "woman1-person-group.jpg"),
        (LADY, "woman2-person-group.jpg"),
    ],
)
def test_a_smaller_copy_of_worse_quality_is_rejected_with_the_original(
    party: Party, who: UserId, name: str
) -> None:
    original = family() / "photos" / name
    party.post(original)
    party.say(who, NOT_ME, party.find(who)[name])
    with Image.open(original) as picture:
        size = (round(picture.width * 0.7), round(picture.height * 0.7))
        picture.convert("RGB").resize(size).save(party.folder / "copy.jpg", quality=60)

    index_now(party.runtime, party.folder)

    assert party.face_boxes("copy.jpg")
    assert {name, "copy.jpg"}.isdisjoint(party.find(who))


def test_another_face_of_the_photo_is_not_rejected_with_it(party: Party) -> None:
    party.say(DAD, NOT_ME, party.find(DAD)[GROUP])

    assert set(party.find(MOM)) == {GROUP}


# --- "that's me" ---------------------------------------------------------------------------------


def test_a_face_beyond_the_limits_is_shown_and_sure_once_it_is_confirmed(
    friends_party: Party,
) -> None:
    assert party_photos(friends_party) == set()

    confirm_joey(friends_party)

    match = friends_party.find(JOEY)["friends2.jpg"]
    assert (match.certainty, match.confirmed) == (Certainty.SURE, True)


def test_a_confirmed_face_leads_to_photos_that_the_profile_picture_did_not(
    friends_party: Party,
) -> None:
    assert party_photos(friends_party) == set()

    confirm_joey(friends_party)

    assert party_photos(friends_party) == {"friends2.jpg", *LIKE_THE_GROUP}


def test_a_confirmed_face_is_shown_after_a_reindex(friends_party: Party) -> None:
    confirm_joey(friends_party)

    friends_party.detect_anew("friends2.jpg", aside_px=-6.0)

    assert party_photos(friends_party) == {"friends2.jpg", *LIKE_THE_GROUP}
    assert friends_party.find(JOEY)["friends2.jpg"].confirmed


def confirm_joey(party: Party) -> None:
    photo_id = party.photo_id("friends2.jpg")
    party.runtime.give_verdict(LOCAL, JOEY, photo_id, joey_in(party, "friends2.jpg"), ME)


def masked(path: Path) -> bytes:
    """The picture with a mask over mouth and nose: what is left is like nobody."""
    with Image.open(path) as picture:
        face = picture.convert("RGB")
    ImageDraw.Draw(face).rectangle((29, 134, 251, 229), fill=(70, 110, 160))
    file = io.BytesIO()
    face.save(file, "PNG")
    return file.getvalue()


def party_photos(party: Party) -> set[str]:
    return set(party.find(JOEY))


def change_engine(party: Party, reader: FaceReader) -> None:
    """By hand: another engine's faces in place of the present ones."""
    rows = party.rows("select photo_id, version, content_hash, name from photos")
    with psycopg.connect(party.runtime.conninfo) as connection:
        connection.execute("delete from faces")
        connection.execute(
            "update workspaces set engine_id = %(engine_id)s", {"engine_id": reader.engine_id}
        )
    for photo_id, version, content_hash, name in rows:
        assert party.runtime.photos.put_faces(
            LOCAL,
            PhotoId(photo_id),
            engine_id=reader.engine_id,
            version=version,
            content_hash=content_hash,
            faces=reader.read((party.folder / name).read_bytes()),
        )


def test_both_verdicts_outlive_a_change_of_engine(friends_party: Party, dlib: FaceReader) -> None:
    party = friends_party
    confirm_joey(party)
    party.say(DAD, NOT_ME, party.find(DAD)[GROUP])

    change_engine(party, dlib)

    match = party.find(JOEY)["friends2.jpg"]
    assert party.runtime.engines.of(LOCAL).engine_id == "dlib"
    assert (match.certainty, match.confirmed) == (Certainty.SURE, True)
    assert match.face.box.overlap(joey_in(party, "friends2.jpg")) >= 0.5
    assert GROUP not in party.find(DAD)
    assert ALONE in party.find(DAD)


@pytest.fixture(scope="session")
def dlib() -> FaceReader:
    """An engine of another detector and another embedder."""
    pytest.importorskip("dlib", reason="the engine dlib: pip install -e '.[dlib]'")
    return load_engine(load(Settings, findme_engine="dlib"), WeightStore(Path("nowhere")))


def test_of_two_faces_of_a_photo_that_were_confirmed_the_last_one_counts(party: Party) -> None:
    left, *_, right = party.face_boxes(GROUP)
    photo_id = party.photo_id(GROUP)

    for box in (left, right):
        party.runtime.give_verdict(LOCAL, LADY, photo_id, box, ME)

    assert party.find(LADY)[GROUP].face.box == right
    assert party.rows("select count(*) from verdicts") == [(1,)]


def test_a_confirmed_face_is_not_shown_to_who_can_not_open_the_photo(party: Party) -> None:
    party.say(DAD, ME, party.find(DAD)[GROUP])
    party.colleagues.channels[MOM] = [ChannelId("elsewhere")]

    assert party.find(DAD, asker=MOM) == {}


# --- changing one's mind -------------------------------------------------------------------------


@pytest.mark.parametrize("verdicts", [(NOT_ME, ME), (ME, NOT_ME, ME), (NOT_ME, NOT_ME, ME, ME)])
def test_the_last_verdict_counts(party: Party, verdicts: Sequence[Verdict]) -> None:
    match = party.find(DAD)[GROUP]

    for verdict in verdicts:
        party.say(DAD, verdict, match)

    assert party.find(DAD)[GROUP].confirmed
    assert party.rows("select verdict from verdicts") == [("me",)]


def test_who_confirmed_may_reject(party: Party) -> None:
    match = party.find(DAD)[GROUP]
    party.say(DAD, ME, match)

    party.say(DAD, NOT_ME, match)

    assert set(party.find(DAD)) == {ALONE}


def test_a_mind_changed_on_a_repost_is_changed_on_the_original(party: Party) -> None:
    party.post(family() / "photos" / ALONE, name="repost.jpg")
    match = party.find(DAD)[ALONE]
    party.say(DAD, NOT_ME, match)

    repost = party.photo_id("repost.jpg")
    party.runtime.give_verdict(LOCAL, DAD, repost, match.face.box, ME)

    assert set(party.find(DAD)) == {ALONE, GROUP}
    assert party.rows("select distinct verdict from verdicts") == [("me",)]


def test_a_mind_changed_after_a_reindex_replaces_the_verdict(party: Party) -> None:
    party.say(DAD, ME, party.find(DAD)[GROUP])
    party.detect_anew(GROUP, aside_px=4.0)

    party.say(DAD, NOT_ME, party.find(DAD)[GROUP])

    assert set(party.find(DAD)) == {ALONE}
    assert party.rows("select verdict from verdicts") == [("not me",)]


@pytest.mark.parametrize("verdict", [ME, NOT_ME])
def test_what_was_taken_back_was_never_said(party: Party, verdict: Verdict) -> None:
    before = party.find(DAD)
    party.say(DAD, verdict, before[GROUP])
    face = before[GROUP].face

    assert party.runtime.give_verdict.take_back(LOCAL, DAD, face.photo_id, face.box)

    after = party.find(DAD)
    assert {name: match.certainty for name, match in after.items()} == {
        name: match.certainty for name, match in before.items()
    }
    assert not any(match.confirmed for match in after.values())
    assert party.rows("select count(*) from verdicts") == [(0,)]


def test_what_is_taken_back_on_a_repost_is_taken_back_on_the_original(party: Party) -> None:
    party.post(family() / "photos" / ALONE, name="repost.jpg")
    match = party.find(DAD)[ALONE]
    party.say(DAD, NOT_ME, match)

    repost = party.photo_id("repost.jpg")
    assert party.runtime.give_verdict.take_back(LOCAL, DAD, repost, match.face.box)

    assert set(party.find(DAD)) == {ALONE, GROUP}


def test_what_was_not_said_can_not_be_taken_back(party: Party) -> None:
    face = party.find(DAD)[GROUP].face

    assert not party.runtime.give_verdict.take_back(LOCAL, DAD, face.photo_id, face.box)


# --- whose word it is ----------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [ME, NOT_ME])
def test_one_persons_verdict_changes_nobody_elses_answer(party: Party, verdict: Verdict) -> None:
    before = party.find(DAD)

    for match in before.values():
        party.say(MOM, verdict, match)

    after = party.find(DAD)
    assert {name: match.face.face_id for name, match in after.items()} == {
        name: match.face.face_id for name, match in before.items()
    }
    assert not any(match.confirmed for match in after.values())


def test_a_verdict_holds_whoever_asks(party: Party) -> None:
    party.say(DAD, NOT_ME, party.find(DAD)[GROUP])

    assert set(party.find(DAD, asker=MOM)) == {ALONE}


def test_who_changes_their_mind_leaves_other_peoples_alone(party: Party) -> None:
    match = party.find(DAD)[GROUP]
    party.say(DAD, NOT_ME, match)
    party.say(MOM, NOT_ME, match)

    party.say(MOM, ME, match)
    party.runtime.give_verdict.take_back(LOCAL, MOM, match.face.photo_id, match.face.box)

    assert set(party.find(DAD)) == {ALONE}


# --- faces and photos that go --------------------------------------------------------------------


def test_there_is_no_verdict_on_a_place_without_a_face(party: Party) -> None:
    face = party.find(DAD)[ALONE].face
    elsewhere = replace(face.box, x_px=face.box.x_px + face.box.width_px)

    with pytest.raises(FaceGoneError):
        party.runtime.give_verdict(LOCAL, DAD, face.photo_id, elsewhere, ME)

    assert party.rows("select count(*) from verdicts") == [(0,)]


def test_there_is_no_verdict_on_a_photo_that_is_gone(party: Party) -> None:
    match = party.find(DAD)[ALONE]
    party.runtime.photos.delete(LOCAL, match.face.file_id)

    with pytest.raises(FaceGoneError):
        party.say(DAD, NOT_ME, match)


def test_deleting_a_photo_deletes_what_was_said_of_it(party: Party) -> None:
    for match in party.find(DAD).values():
        party.say(DAD, ME, match)

    party.runtime.photos.delete(LOCAL, FileId(str(party.folder / GROUP)))

    assert party.rows("select count(*) from verdicts") == [(1,)]
    assert set(party.find(DAD)) == {ALONE}


def test_a_changed_file_is_another_picture_of_which_nothing_was_said(party: Party) -> None:
    party.say(DAD, NOT_ME, party.find(DAD)[ALONE])

    party.post(family() / "people/dad/Family1-Dad3.jpg", name=ALONE)

    assert set(party.find(DAD)) == {ALONE, GROUP}


# --- who is known without a profile picture ------------------------------------------------------


def test_a_confirmed_face_finds_who_has_no_profile_picture(party: Party) -> None:
    match = party.find(DAD)[GROUP]
    del party.colleagues.pictures[DAD]
    with pytest.raises(NoProfilePictureError):
        party.find(DAD)

    party.say(DAD, ME, match)

    assert set(party.find(DAD)) == {ALONE, GROUP}


@pytest.mark.parametrize("picture", [None, NO_FACE, b"<!doctype html>"])
def test_a_selfie_finds_who_has_no_profile_picture_that_helps(
    party: Party, picture: bytes | None
) -> None:
    del party.colleagues.pictures[DAD]
    if picture is not None:
        party.colleagues.pictures[DAD] = picture

    selfie = family() / "people/dad/Family1-Dad3.jpg"
    party.runtime.add_selfie(LOCAL, DAD, selfie.read_bytes())

    assert set(party.find(DAD)) == {ALONE, GROUP}


def test_a_selfie_outweighs_a_profile_picture_of_somebody_else(party: Party) -> None:
    party.colleagues.pictures[DAD] = party.colleagues.pictures[LADY]
    party.post(family() / "photos/woman1-person-group.jpg")
    assert set(party.find(DAD)) == {"woman1-person-group.jpg"}

    selfie = family() / "people/dad/Family1-Dad3.jpg"
    party.runtime.add_selfie(LOCAL, DAD, selfie.read_bytes())

    assert set(party.find(DAD)) == {ALONE, GROUP}


def test_a_selfie_is_kept_once_for_each_picture(party: Party) -> None:
    selfies = [(family() / f"people/dad/Family1-Dad{n}.jpg").read_bytes() for n in (1, 3, 1, 3)]

    for selfie in selfies:
        party.runtime.add_selfie(LOCAL, DAD, selfie)

    assert party.rows("select kind, count(*) from person_references group by kind") == [
        ("selfie", 2)
    ]


def test_a_selfie_with_a_poor_face_is_refused(party: Party) -> None:
    with Image.open(family() / "people/dad/Family1-Dad1.jpg") as picture:
        small = io.BytesIO()
        picture.resize((picture.width // 6, picture.height // 6)).save(small, "PNG")

    with pytest.raises(PoorFaceError):
        party.runtime.add_selfie(LOCAL, DAD, small.getvalue())

    assert party.rows("select count(*) from person_references") == [(0,)]


@pytest.mark.parametrize(
    ("data", "error"), [(NO_FACE, NoFaceInPictureError), (b"hello", UnreadablePhotoError)]
)
def test_a_selfie_without_a_face_is_refused(
    party: Party, data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        party.runtime.add_selfie(LOCAL, DAD, data)

    assert party.rows("select count(*) from person_references") == [(0,)]


def test_a_repost_that_came_after_the_verdict_stays_away_when_the_original_is_deleted(
    party: Party,
) -> None:
    match = party.find(DAD)[ALONE]
    party.say(DAD, NOT_ME, match)
    party.post(family() / "photos" / ALONE, name="repost.jpg")
    assert set(party.find(DAD)) == {GROUP}

    party.runtime.photos.delete(LOCAL, match.face.file_id)

    assert set(party.find(DAD)) == {GROUP}


def test_a_confirmed_face_that_was_posted_three_times_speaks_once(party: Party) -> None:
    for name in ("again.jpg", "and again.jpg"):
        party.post(family() / "photos" / ALONE, name=name)
    party.say(DAD, ME, party.find(DAD)[ALONE])

    known = party.runtime.known_people(party.colleagues)(LOCAL, DAD)

    assert known.references == 2  # the profile picture and one confirmed face
