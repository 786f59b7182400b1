"""An index is changed to another engine while it is searched and while photos come in."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from PIL import Image as PilImage
from psycopg.conninfo import conninfo_to_dict

from pipeline.domain.model import EngineId, IndexCounts, Match, PhotoId, TeamId, UserId
from pipeline.domain.verdicts import Candidate, Verdict
from pipeline.errors import DatabaseUnavailableError, SourceUnavailableError
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader
from pipeline.shell import search_everywhere
from pipeline.storage.verdicts import Verdicts
from pipeline.usecases.change_engine import (
    ATTEMPTS,
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    Failed,
    OtherChangeError,
)
from pipeline.usecases.find_photos import FindPhotos, Query
from pipeline.usecases.index_photos import Outcome, ReadFaces
from pipeline.vision.engines import load_engine
from pipeline.vision.weights import WeightStore
from pipeline.wiring import Runtime
from tests.conftest import TEMPLATE, _new_database
from tests.fakes import Colleagues, FlakySource
from tests.integration.parties import (
    FACES,
    PEOPLE,
    PHOTOS,
    Answers,
    Observed,
    Party,
    all_same,
    answer,
    answers,
    changer,
    family,
    finder,
    is_same,
    settings_for,
)

pytestmark = pytest.mark.slow

DAD, DAUGHTER, MAN, LADY = (UserId(name) for name in ("dad", "daughter", "man", "lady"))
WAIT_S = 60


@pytest.fixture(scope="module")
def old(engine: FaceReader) -> FaceReader:
    """The engine that the index is of at first."""
    return engine


@pytest.fixture(scope="module")
def new(models: Path) -> FaceReader:
    """MobileFaceNet, as a network of one's own."""
    return load_engine(settings_for(findme_engine="onnx"), WeightStore(models))


@pytest.fixture(scope="module")
def third(models: Path) -> FaceReader:
    """Both joined."""
    return load_engine(settings_for(findme_engine="retail+onnx"), WeightStore(models))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(scope="module")
def indexed(
    server: str, old: FaceReader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Party]:
    """Six photos with ten faces, in the index of the old engine: to be cloned."""
    with contextmanager(_new_database)(server, TEMPLATE) as conninfo:
        with ExitStack() as stack:
            made = Party(tmp_path_factory.mktemp("party"), conninfo, stack)
            made.put(*PHOTOS)
            made.index(made.open(old))
            shutil.copytree(made.folder, made.folder.with_name("originals"))
        yield made


@pytest.fixture
def party(server: str, indexed: Party, stack: ExitStack) -> Iterator[Party]:
    """Those photos, to do with as one likes."""
    shutil.rmtree(indexed.folder)
    shutil.copytree(indexed.folder.with_name("originals"), indexed.folder)
    template = conninfo_to_dict(indexed.conninfo)["dbname"]
    with contextmanager(_new_database)(server, str(template)) as conninfo, stack:
        yield Party(indexed.folder, conninfo, stack)


@pytest.fixture
def empty_party(conninfo: str, tmp_path: Path, stack: ExitStack) -> Party:
    """An empty folder and an empty index."""
    made = Party(tmp_path / "party", conninfo, stack)
    made.folder.mkdir()
    return made


@pytest.fixture
def colleagues(party: Party) -> Colleagues:
    """Those who are on the photos."""
    portraits = {who: min((family() / "people" / who).iterdir()) for who in PEOPLE}
    return Colleagues(
        pictures={who: path.read_bytes() for who, path in portraits.items()},
        channels={who: [party.channel_id] for who in PEOPLE},
    )


def in_vain(times: int = ATTEMPTS, *, retry_after_s: float | None = None) -> list[Exception]:
    """What a source answers that is away for a while."""
    away = SourceUnavailableError("It is away.", retry_after_s=retry_after_s)
    return [away for _ in range(times)]


class Killed(BaseException):
    """The process ends here."""


def at(wanted: int, step: Callable[[], object]) -> Callable[[int], None]:
    """Take the step when so many pictures were read."""

    def before(number: int) -> None:
        if number == wanted:
            step()

    return before


def from_(first: int, step: Callable[[], object]) -> Callable[[int], None]:
    """Take the step for each picture once so many were read: others are on their way by then."""

    def before(number: int) -> None:
        if number >= first:
            step()

    return before


def killed() -> None:
    raise Killed


def assert_changed(party: Party, engine: FaceReader) -> None:
    """All of the index is of that engine, and nothing is left of a change."""
    engine_id = engine.engine_id
    assert party.change_under_way() == (engine_id, None, 0)
    assert party.rows("select distinct engine_id from faces") == [(engine_id,)]
    references = "select distinct engine_id from person_references"
    assert party.rows(references) in ([], [(engine_id,)])
    assert {state for state, of in party.states().values() if of != engine_id} <= {
        "pending",
        "unreadable",
        "given up",
    }


# Searching meanwhile


def test_while_another_engine_is_filled_in_the_answers_and_counts_are_the_old_ones(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old)
    find = finder(bot, colleagues)
    expected, counts = answers(find), bot.photos.counts(LOCAL)
    faces = bot.faces.count(LOCAL, engine_id=old.engine_id)
    stored = []

    def look(_: int) -> None:
        # Another process has learned nothing yet of the index's crowd.
        started_now = finder(party.open(old), colleagues)
        assert all_same(answers(find), expected)
        assert all_same(answers(started_now), expected)
        assert bot.photos.counts(LOCAL) == counts
        assert bot.faces.count(LOCAL, engine_id=old.engine_id) == faces
        stored.append(party.faces_of(new))

    assert party.open(Observed(new, look)).change_engine(LOCAL) == []

    assert counts == IndexCounts(photos=6, indexed=6, faces=10)
    assert [len(photos) for photos in stored] == [0, 1, 2, 3, 4, 5]
    assert_changed(party, new)


def test_while_another_engine_is_filled_in_the_shell_answers_as_before(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    selfie = min((family() / "people/lady").iterdir())

    def found() -> list[str]:
        matches = search_everywhere(party.open(old), selfie).matches
        return [match.face.photo_name for match in matches]

    before, during = found(), []
    party.open(Observed(new, lambda _: during.append(found()))).change_engine(LOCAL)

    assert before == ["woman2-person-group.jpg", "test-image-person-group.jpg"]
    assert during == [before] * 6


def test_the_answers_afterwards_are_those_of_an_index_that_the_new_engine_made(
    party: Party, empty_party: Party, colleagues: Colleagues, new: FaceReader
) -> None:
    party.open(new).change_engine(LOCAL)

    afresh = empty_party
    afresh.put(*PHOTOS)
    afresh.index(afresh.open(new))
    colleagues.channels = {
        who: [*channels, afresh.channel_id] for who, channels in colleagues.channels.items()
    }
    expected = answers(finder(afresh.open(new), colleagues))
    assert all(expected.values())
    assert all_same(answers(finder(party.open(new), colleagues)), expected)
    assert party.open(new).photos.counts(LOCAL) == afresh.open(new).photos.counts(LOCAL)


class Searchers:
    """Threads that ask for everybody, again and again, each in a process of its own."""

    def __init__(self, finders: Sequence[FindPhotos]) -> None:
        self._is_over = threading.Event()
        self._finders = finders
        self.rounds: list[list[Answers]] = [[] for _ in finders]

    def search(self, number: int) -> None:
        """Until it is over."""
        while not self._is_over.is_set():
            self.rounds[number].append(answers(self._finders[number]))

    @contextmanager
    def searching(self) -> Iterator[None]:
        """They search meanwhile."""
        with ThreadPoolExecutor(len(self._finders)) as threads:
            running = [threads.submit(self.search, number) for number in range(len(self._finders))]
            try:
                self.wait_for_more()
                yield
            finally:
                self._is_over.set()
            for one in running:
                one.result(WAIT_S)

    def wait_for_more(self) -> None:
        """Until each has asked for everybody from now on, and been answered."""
        enough = [len(rounds) + 2 for rounds in self.rounds]
        end = time.monotonic() + WAIT_S
        while any(len(rounds) < n for rounds, n in zip(self.rounds, enough, strict=True)):
            assert time.monotonic() < end, "the searches have stopped"
            time.sleep(0.01)


def test_at_no_moment_of_a_change_is_an_answer_empty_or_a_mixture(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader, third: FaceReader
) -> None:
    party.put(*(path.name for path in (family() / "photos").glob("*-person-group.jpg")))
    party.index(party.open(old))
    # One process has the old engine in its settings, one the new.
    searchers = Searchers(
        [finder(party.open(engine, loaded=[old, new, third]), colleagues) for engine in (old, new)]
    )
    known: list[Answers] = []

    with searchers.searching():
        known.append(answers(finder(party.open(old), colleagues)))
        for engine in (new, third, old):
            party.open(engine, workers=2).change_engine(LOCAL)
            known.append(answers(finder(party.open(engine), colleagues)))
            searchers.wait_for_more()

    assert all_same(known[0], known[-1])
    for who in PEOPLE:
        assert not any(is_same(known[i][who], known[j][who]) for i, j in ((0, 1), (1, 2), (0, 2)))
        for rounds in searchers.rounds:
            # Each answer is one engine's, and what was switched to is not left again.
            stage = 0
            for given in rounds:
                stage = next(
                    i for i in range(stage, len(known)) if is_same(given[who], known[i][who])
                )
            assert stage == len(known) - 1


def test_a_bot_that_has_the_old_engine_follows_without_a_restart(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old)
    find = finder(bot, colleagues)
    before = answers(find)

    party.open(new).change_engine(LOCAL)
    party.put("woman1-person-group.jpg")
    party.look(bot)
    outcome = bot.index_photo(LOCAL, party.photo_id("woman1-person-group.jpg"))

    assert outcome is Outcome.INDEXED
    assert_changed(party, new)
    after = answers(find)
    assert all_same(after, answers(finder(party.open(new), colleagues)))
    assert not all_same(after, before)
    assert "woman1-person-group.jpg" in {name for name, *_ in after[LADY]}


def test_a_search_that_the_switch_overtakes_is_answered_by_the_new_engine(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    change = party.open(new).change_engine
    # The profile picture is read by the old engine; then the index is the new one's.
    bot = party.open(Observed(old, at(0, lambda: change(LOCAL))), loaded=[new])

    found = answer(finder(bot, colleagues), DAD)

    assert is_same(found, answer(finder(party.open(new), colleagues), DAD))
    assert found


def test_a_profile_picture_is_read_once_more_by_the_new_engine(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    find = finder(party.open(old, loaded=[new]), colleagues)
    for _ in range(2):
        answer(find, DAD)
    answer(find, MAN)
    assert colleagues.fetched == 2

    party.open(new).change_engine(LOCAL)
    assert party.rows("select * from person_references") == []
    for _ in range(2):
        answer(find, DAD)

    assert colleagues.fetched == 3
    assert party.rows("select user_id, engine_id from person_references") == [(DAD, new.engine_id)]


def test_verdicts_hold_before_and_after_a_change(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old, loaded=[new])
    find = finder(bot, colleagues)

    def shown(who: UserId) -> dict[str, Match]:
        return {
            match.face.photo_name: match
            for match in find(LOCAL, Query(asker=who, people=[who])).matches
        }

    def give(who: UserId, match: Match, verdict: Verdict) -> None:
        bot.give_verdict(LOCAL, who, match.face.photo_id, match.face.box, verdict)

    of_dad = shown(DAD)
    # She is not on that photo of a child, but says so.
    give(LADY, shown(DAUGHTER)["child1-person-group.jpg"], Verdict.ME)
    give(DAD, of_dad["identification1.jpg"], Verdict.NOT_ME)

    def holds() -> bool:
        confirmed = shown(LADY)["child1-person-group.jpg"].confirmed
        return confirmed and shown(DAD).keys() == {"findsimilar.jpg"}

    during: list[bool] = []
    before = holds()
    party.open(Observed(new, lambda _: during.append(holds()))).change_engine(LOCAL)
    after = holds()
    # On what had been shown before the change.
    give(DAD, of_dad["findsimilar.jpg"], Verdict.NOT_ME)

    assert (before, during, after) == (True, [True] * len(PHOTOS), True)
    assert shown(DAD) == {}


# Interrupted


def test_an_interrupted_change_goes_on_where_it_stopped(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    expected = answers(finder(party.open(old), colleagues))
    source = FlakySource()

    with pytest.raises(Killed):
        party.open(Observed(new, at(3, killed)), source=source).change_engine(LOCAL)

    present, wanted, fills = party.change_under_way()
    assert (present, wanted) == (old.engine_id, new.engine_id)
    assert 3 <= fills < len(PHOTOS)
    assert all_same(answers(finder(party.open(old), colleagues)), expected)
    assert party.open(new, source=source).change_engine(LOCAL) == []
    assert source.downloads == dict.fromkeys(PHOTOS, 1) | {PHOTOS[3]: 2}
    assert_changed(party, new)


def test_a_change_that_was_not_ended_can_be_ended_with_more_workers(
    party: Party, new: FaceReader
) -> None:
    with pytest.raises(Killed):
        party.open(Observed(new, at(4, killed)), workers=4).change_engine(LOCAL)

    again = Observed(new)
    party.open(again, workers=4).change_engine(LOCAL)

    assert again.reads <= 5
    assert party.faces_of(new) == FACES
    assert_changed(party, new)


def test_a_change_to_a_third_engine_drops_what_the_second_had_filled(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader, third: FaceReader
) -> None:
    expected = answers(finder(party.open(old), colleagues))
    with pytest.raises(Killed):
        party.open(Observed(new, at(3, killed))).change_engine(LOCAL)

    with pytest.raises(Killed):
        party.open(Observed(third, from_(1, killed))).change_engine(LOCAL)

    assert party.change_under_way()[:2] == (old.engine_id, third.engine_id)
    assert party.faces_of(third).keys() <= set(PHOTOS[:3])
    assert party.faces_of(new) == {}
    assert all_same(answers(finder(party.open(old), colleagues)), expected)
    party.open(third).change_engine(LOCAL)
    assert_changed(party, third)


def test_an_engine_can_be_changed_back(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    before = answers(finder(party.open(old), colleagues))

    party.open(new).change_engine(LOCAL)
    party.open(old).change_engine(LOCAL)

    assert_changed(party, old)
    assert all_same(answers(finder(party.open(old), colleagues)), before)


def test_a_change_given_up_half_way_leaves_nothing_behind(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    expected = answers(finder(party.open(old), colleagues))
    with pytest.raises(Killed):
        party.open(Observed(new, at(3, killed))).change_engine(LOCAL)

    party.open(old).change_engine(LOCAL)

    assert_changed(party, old)
    assert all_same(answers(finder(party.open(old), colleagues)), expected)


# Photos that come and change meanwhile


def test_a_photo_posted_while_the_engine_changes_is_read_by_the_new_one_too(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old)

    def post() -> None:
        party.put("woman1-person-group.jpg")
        party.index(bot)
        assert party.states()["woman1-person-group.jpg"] == ("indexed", old.engine_id)

    party.open(Observed(new, at(len(PHOTOS) - 1, post))).change_engine(LOCAL)

    assert party.states()["woman1-person-group.jpg"] == ("indexed", new.engine_id)
    assert party.faces_of(new)["woman1-person-group.jpg"] == 1
    assert_changed(party, new)


def test_a_photo_that_comes_in_after_all_were_filled_is_no_other_change(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot, changing = party.open(old), party.open(new)
    with pytest.raises(Killed):
        changer(changing, before_switch=killed)(LOCAL)
    party.put("woman1-person-group.jpg")

    assert changer(changing, before_switch=lambda: party.index(bot))(LOCAL) == []

    assert party.faces_of(new)["woman1-person-group.jpg"] == 1
    assert_changed(party, new)


@pytest.mark.parametrize("number", [0, 1, 5], ids=["while it is read", "once filled", "at the end"])
def test_a_photo_that_is_changed_meanwhile_is_read_anew_by_the_new_engine(
    party: Party, old: FaceReader, new: FaceReader, number: int
) -> None:
    bot, source = party.open(old), FlakySource()
    name = "child1-person-group.jpg"

    def edit() -> None:
        party.change(name, like="identification1.jpg")
        party.index(bot)
        assert party.faces_of(old)[name] == 4

    party.open(Observed(new, at(number, edit)), source=source).change_engine(LOCAL)

    assert source.downloads == dict.fromkeys(PHOTOS, 1) | {name: 2}
    assert party.states()[name] == ("indexed", new.engine_id)
    assert party.faces_of(new)[name] == 4
    assert_changed(party, new)


def test_a_photo_that_is_only_listed_anew_meanwhile_is_found_until_it_is_read(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old, loaded=[new])

    def edit() -> None:
        party.change("findsimilar.jpg", like="man3-person-group.jpg")
        party.look(bot)

    party.open(Observed(new, at(3, edit))).change_engine(LOCAL)

    assert party.states()["findsimilar.jpg"][0] == "pending"
    assert party.faces_of(new)["findsimilar.jpg"] == 1
    assert bot.index_photo(LOCAL, party.photo_id("findsimilar.jpg")) is Outcome.INDEXED
    assert "findsimilar.jpg" in {name for name, *_ in answer(finder(bot, colleagues), MAN)}
    assert_changed(party, new)


def test_pending_photos_stay_pending_and_are_read_by_the_new_engine(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot, source = party.open(old, loaded=[new]), FlakySource()
    find = finder(bot, colleagues)
    bot.runs.start(LOCAL, [party.channel_id], requested_by=None)
    party.put("woman1-person-group.jpg")
    party.look(bot)

    party.open(new, source=source).change_engine(LOCAL)

    # What was found stays to be found; what never was can wait.
    assert {state for state, _ in party.states().values()} == {"pending"}
    assert source.downloads == dict.fromkeys(PHOTOS, 1)
    assert party.faces_of(new).keys() == set(PHOTOS)
    assert answer(find, DAD)
    for photo_id in party.photo_ids():
        assert bot.index_photo(LOCAL, photo_id) is Outcome.INDEXED
    assert set(party.states().values()) == {("indexed", new.engine_id)}
    assert_changed(party, new)


def test_a_photo_that_the_old_engine_reads_while_the_switch_happens_is_read_by_the_new_one(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    change = party.open(new).change_engine
    party.put("woman1-person-group.jpg")
    bot = party.open(Observed(old, at(0, lambda: change(LOCAL))), loaded=[new])
    party.look(bot)

    outcome = bot.index_photo(LOCAL, party.photo_id("woman1-person-group.jpg"))

    assert outcome is Outcome.INDEXED
    assert party.states()["woman1-person-group.jpg"] == ("indexed", new.engine_id)
    assert_changed(party, new)


def test_the_switch_waits_for_whoever_stores_faces_of_the_old_engine(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    name = "woman1-person-group.jpg"
    party.put(name)
    bot, changing = party.open(old), party.open(new)
    party.look(bot)
    photo = bot.photos.get(LOCAL, party.photo_id(name))
    assert photo is not None
    read = bot.read_photo(photo, old)
    with (
        ThreadPoolExecutor(2) as threads,
        psycopg.connect(party.conninfo) as connection,
    ):
        # Storing is held up at the photo's row, the workspace's row is locked by then.
        connection.execute("select from photos where name = %s for update", [name])
        storing = threads.submit(store, bot, read, old)
        waiting(party, 1)
        changed = threads.submit(changing.change_engine, LOCAL)
        waiting(party, 2)
        connection.rollback()
        assert storing.result(WAIT_S)
        assert changed.result(WAIT_S) == []

    assert party.states()[name] == ("indexed", new.engine_id)
    assert party.faces_of(new)[name] == 1
    assert_changed(party, new)


def store(bot: Runtime, read: ReadFaces, engine: FaceReader) -> bool:
    """As IndexPhoto does with what the engine read."""
    return bot.photos.put_faces(
        LOCAL,
        read.photo.photo_id,
        engine_id=engine.engine_id,
        version=read.photo.version,
        content_hash=read.content_hash,
        faces=read.faces,
    )


def test_faces_of_the_old_engine_that_come_at_the_moment_of_the_switch_are_refused(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot, changing = party.open(old), party.open(new)
    answer(finder(bot, colleagues), DAD)
    photo = bot.photos.get(LOCAL, party.photo_id("identification1.jpg"))
    assert photo is not None
    read = bot.read_photo(photo, old)
    with (
        ThreadPoolExecutor(2) as threads,
        psycopg.connect(party.conninfo) as connection,
    ):
        # The switch is held up half way: at the references, when it has locked the workspace.
        connection.execute("select from person_references for update")
        changed = threads.submit(changing.change_engine, LOCAL)
        waiting(party, 1)
        storing = threads.submit(store, bot, read, old)
        waiting(party, 2)
        connection.rollback()
        assert changed.result(WAIT_S) == []
        assert not storing.result(WAIT_S)

    assert party.faces_of(new) == FACES
    assert_changed(party, new)


def waiting(party: Party, count: int) -> None:
    """Wait until so many transactions wait for a lock."""
    end = time.monotonic() + WAIT_S
    while party.rows(
        "select count(*) from pg_stat_activity "
        "where datname = current_database() and wait_event_type = 'Lock'"
    ) != [(count,)]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_workers_that_index_all_the_while_leave_nothing_of_the_old_engine(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old, workers=2, loaded=[new])
    party.put(*(path.name for path in (family() / "photos").glob("*-person-group.jpg")))
    bot.runs.start(LOCAL, [party.channel_id], requested_by=None)
    party.look(bot)
    start = threading.Barrier(3)

    def index(photo_ids: Sequence[PhotoId]) -> set[Outcome]:
        start.wait(WAIT_S)
        return {bot.index_photo(LOCAL, photo_id) for photo_id in photo_ids}

    photo_ids = party.photo_ids()
    with ThreadPoolExecutor(2) as threads:
        indexing = [threads.submit(index, photo_ids[n::2]) for n in range(2)]
        start.wait(WAIT_S)
        changed = party.open(new, workers=2).change_engine(LOCAL)
        outcomes = [one.result(WAIT_S) for one in indexing]

    assert (changed, outcomes) == ([], [{Outcome.INDEXED}] * 2)
    assert set(party.states().values()) == {("indexed", new.engine_id)}
    assert len(party.faces_of(new)) == len(photo_ids) == 12
    assert_changed(party, new)


# Photos that can't be had


def test_photos_that_can_not_be_fetched_are_named_and_nothing_is_switched(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    expected = answers(finder(party.open(old), colleagues))
    source = FlakySource({PHOTOS[0]: in_vain(), PHOTOS[4]: in_vain()})
    waits: list[float] = []

    failed = changer(party.open(new, source=source), sleep=waits.append)(LOCAL)

    assert [(one.name, one.reason) for one in failed] == [
        (PHOTOS[0], "It is away."),
        (PHOTOS[4], "It is away."),
    ]
    assert waits == [FIRST_WAIT_S, 4 * FIRST_WAIT_S] * 2
    assert party.change_under_way() == (old.engine_id, new.engine_id, 4)
    assert set(party.states().values()) == {("indexed", old.engine_id)}
    assert all_same(answers(finder(party.open(old), colleagues)), expected)


def test_photos_that_could_not_be_fetched_are_tried_again_and_no_others(
    party: Party, new: FaceReader
) -> None:
    source = FlakySource({PHOTOS[0]: in_vain(), PHOTOS[4]: in_vain()})
    changing = party.open(new, source=source)
    changer(changing, sleep=lambda _: None)(LOCAL)
    source.downloads.clear()

    assert changing.change_engine(LOCAL) == []

    assert source.downloads == {PHOTOS[0]: 1, PHOTOS[4]: 1}
    assert_changed(party, new)


def test_a_source_that_is_busy_is_waited_for_as_long_as_it_asks_within_reason(
    party: Party, new: FaceReader
) -> None:
    source = FlakySource(
        {
            PHOTOS[0]: in_vain(1, retry_after_s=17),
            PHOTOS[1]: in_vain(ATTEMPTS - 1, retry_after_s=3600),
        }
    )
    waits: list[float] = []

    assert changer(party.open(new, source=source), sleep=waits.append)(LOCAL) == []

    assert waits == [17, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert_changed(party, new)


def test_photos_that_can_not_be_fetched_are_given_up_where_that_is_asked_for(
    party: Party, colleagues: Colleagues, new: FaceReader
) -> None:
    source = FlakySource({"woman2-person-group.jpg": in_vain()})
    changing = party.open(new, source=source)

    failed = changer(changing, sleep=lambda _: None)(LOCAL, leave_failed=True)

    assert [one.name for one in failed] == ["woman2-person-group.jpg"]
    assert party.states().pop("woman2-person-group.jpg")[0] == "given up"
    assert changing.photos.counts(LOCAL) == IndexCounts(photos=6, indexed=5, given_up=1, faces=9)
    assert changing.photos.problems(LOCAL, limit=9)[0][2] == "It is away."
    found = answer(finder(changing, colleagues), LADY)
    assert [name for name, *_ in found] == ["test-image-person-group.jpg"]
    assert_changed(party, new)


def test_a_photo_that_is_gone_at_its_source_is_deleted(party: Party, new: FaceReader) -> None:
    (party.folder / PHOTOS[0]).unlink()

    assert party.open(new).change_engine(LOCAL) == []

    assert party.states().keys() == set(PHOTOS[1:])
    assert_changed(party, new)


def test_a_photo_that_is_deleted_while_it_is_read_stays_deleted(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old)
    ((file_id,),) = party.rows("select file_id from photos where name = %s", PHOTOS[2])

    party.open(Observed(new, at(2, lambda: bot.photos.delete(LOCAL, file_id)))).change_engine(LOCAL)

    assert party.states().keys() == set(PHOTOS) - {PHOTOS[2]}
    assert_changed(party, new)


def test_what_is_no_picture_stays_unreadable_and_is_not_read_again(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    (party.folder / "broken.jpg").write_text("hello")
    party.index(party.open(old))
    (party.folder / PHOTOS[0]).write_text("no picture any more")
    source = FlakySource()

    assert party.open(new, source=source).change_engine(LOCAL) == []

    assert [party.states()[name][0] for name in ("broken.jpg", PHOTOS[0])] == ["unreadable"] * 2
    assert "broken.jpg" not in source.downloads
    assert_changed(party, new)


def test_a_photo_that_was_given_up_and_can_be_read_now_is_indexed(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old)
    bot.photos.mark_given_up(LOCAL, party.photo_id(PHOTOS[1]), "It is away.")
    # Never seen by any engine, and nobody's loss.
    party.put("woman1-person-group.jpg")
    party.look(bot)
    bot.photos.mark_given_up(LOCAL, party.photo_id("woman1-person-group.jpg"), "It is away.")

    party.open(new).change_engine(LOCAL)

    assert party.states()[PHOTOS[1]] == ("indexed", new.engine_id)
    assert party.states()["woman1-person-group.jpg"] == ("given up", None)
    problems = bot.photos.problems(LOCAL, limit=9)
    assert [name for name, *_ in problems] == ["woman1-person-group.jpg"]
    assert_changed(party, new)


def test_an_empty_index_is_switched_at_once(
    empty_party: Party, old: FaceReader, new: FaceReader
) -> None:
    party = empty_party
    party.index(party.open(old))

    assert party.open(new).change_engine(LOCAL) == []

    assert party.change_under_way() == (new.engine_id, None, 0)


def test_photos_without_a_face_are_read_once_each(
    empty_party: Party, old: FaceReader, new: FaceReader
) -> None:
    party = empty_party
    for name in ("wall.png", "floor.png", "sky.png"):
        PilImage.new("RGB", (64, 64), "grey").save(party.folder / name)
    party.index(party.open(old))
    source = FlakySource()

    with pytest.raises(Killed):
        party.open(Observed(new, at(2, killed)), source=source).change_engine(LOCAL)
    party.open(new, source=source).change_engine(LOCAL)

    assert sorted(source.downloads.values()) == [1, 1, 2]
    assert set(party.states().values()) == {("indexed", new.engine_id)}


def test_progress_ends_with_all_that_there_was_to_do(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old)
    (party.folder / "broken.jpg").write_text("hello")
    party.index(bot)
    party.put("woman1-person-group.jpg")
    party.look(bot)
    told: list[tuple[int, int]] = []

    party.open(new).change_engine(LOCAL, progress=lambda *so_far: told.append(so_far))

    assert told == [(6, 6)]


# Others who change it too


def test_of_two_who_change_to_different_engines_the_first_is_told_and_stops(
    party: Party, new: FaceReader, third: FaceReader
) -> None:
    # The second begins when the first has filled two photos; both go on at the same time.
    second = Observed(third)
    changing = party.open(second)
    with ThreadPoolExecutor(1) as threads:
        ended = []

        def begin() -> None:
            ended.append(threads.submit(changing.change_engine, LOCAL))
            until_wanted(party, third)

        first = Observed(new, at(2, begin))
        with pytest.raises(OtherChangeError, match="ended this change"):
            party.open(first).change_engine(LOCAL)
        assert ended[0].result(WAIT_S) == []

    # It did not read the whole index in vain, let alone twice.
    assert first.reads <= len(PHOTOS)
    assert second.reads == len(PHOTOS)
    assert_changed(party, third)


def until_wanted(party: Party, engine: FaceReader) -> None:
    """Wait until somebody wants to change to that engine, or has."""
    end = time.monotonic() + WAIT_S
    while engine.engine_id not in party.change_under_way():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_two_who_change_to_the_same_engine_both_come_to_an_end(
    party: Party, new: FaceReader
) -> None:
    together = threading.Barrier(2)

    def change(_: int) -> tuple[Sequence[Failed], int]:
        meeting = Observed(new, at(0, lambda: together.wait(WAIT_S)))
        return party.open(meeting).change_engine(LOCAL), meeting.reads

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(change, range(2)))

    assert [failed for failed, _ in ended] == [[], []]
    assert max(reads for _, reads in ended) <= len(PHOTOS)
    assert party.faces_of(new) == FACES
    assert_changed(party, new)


def test_a_database_that_goes_away_is_no_reason_to_give_photos_up(
    party: Party, new: FaceReader
) -> None:
    away = DatabaseUnavailableError()
    source = FlakySource({PHOTOS[2]: [away]})

    with pytest.raises(DatabaseUnavailableError):
        party.open(new, source=source).change_engine(LOCAL, leave_failed=True)

    assert "given up" not in {state for state, _ in party.states().values()}
    party.open(new, source=source).change_engine(LOCAL)
    assert_changed(party, new)


def test_a_search_in_the_shell_that_the_switch_overtakes_is_not_empty(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    change = party.open(new).change_engine
    # The selfie is read by the old engine; then the index is the new one's.
    shell = party.open(Observed(old, at(0, lambda: change(LOCAL))), loaded=[new])

    assert search_everywhere(shell, min((family() / "people/lady").iterdir())).matches


def test_who_is_known_by_a_verdict_alone_is_known_at_the_moment_of_the_switch(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    bot = party.open(old, loaded=[new])
    face = finder(bot, colleagues)(LOCAL, Query(asker=LADY, people=[LADY])).matches[0].face
    bot.give_verdict(LOCAL, LADY, face.photo_id, face.box, Verdict.ME)
    del colleagues.pictures[LADY]
    assert answer(finder(bot, colleagues), LADY)

    class Overtaken(Verdicts):
        def candidates(
            self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId
        ) -> list[Candidate]:
            if engine_id == old.engine_id:
                party.open(new).change_engine(LOCAL)
            return super().candidates(team_id, user_id, engine_id=engine_id)

    bot.verdicts = Overtaken(bot.database)
    assert answer(finder(bot, colleagues), LADY)


def test_photos_are_left_at_the_moment_of_the_switch_and_not_before(
    party: Party, colleagues: Colleagues, old: FaceReader, new: FaceReader
) -> None:
    find = finder(party.open(old), colleagues)
    before = answer(find, LADY)
    source = FlakySource({"woman2-person-group.jpg": in_vain()})
    changing = party.open(new, source=source)

    with pytest.raises(Killed):
        changer(changing, sleep=lambda _: None, before_switch=killed)(LOCAL, leave_failed=True)

    assert party.change_under_way()[0] == old.engine_id
    assert is_same(answer(find, LADY), before)


def test_a_changed_photo_that_had_been_given_up_is_known_by_its_new_content(
    party: Party, old: FaceReader, new: FaceReader
) -> None:
    bot, name = party.open(old), "woman2-person-group.jpg"
    party.change(name, like="man3-person-group.jpg")
    party.look(bot)
    bot.photos.mark_given_up(LOCAL, party.photo_id(name), "It is away.")

    party.open(new).change_engine(LOCAL)

    assert party.states()[name] == ("indexed", new.engine_id)
    known = party.rows("select content_hash from photos where name = %s", name)
    assert known == [(hashlib.sha256((party.folder / name).read_bytes()).digest(),)]


def test_a_folder_that_is_not_mounted_loses_no_photo(party: Party, new: FaceReader) -> None:
    away = party.folder.with_name("not mounted")
    party.folder.rename(away)
    try:
        changer(party.open(new), sleep=lambda _: None)(LOCAL)
    finally:
        away.rename(party.folder)

    assert party.states().keys() == set(PHOTOS)
