"""The program as people start it: a process, its exit code, what it prints."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from PIL import Image as PilImage

from pipeline.errors import DatabaseUnavailableError
from pipeline.storage.connect import Database
from pipeline.wiring import Runtime
from tests.conftest import as_url
from tests.integration.conftest import index_now
from tests.integration.parties import own_network
from tests.shared import shared_folder
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

MOBILEFACENET = "onnx-9c0dab71"

FINDME = Path(sys.executable).with_name("findme")

# A killed worker's photos are handed on after 20 s, what can't be fetched is tried again after 1 s
# and 4 s; a test has less patience.
HURRIED = """
from pipeline.jobs import worker
from pipeline.usecases import change_engine
worker.HEARTBEAT_EVERY_S, worker.DEAD_AFTER_S = 0.2, 1.0
change_engine.FIRST_WAIT_S = 0.0
from bot.cli import main
main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findme:
    """Starts the program over one database."""

    conninfo: str
    environment: Mapping[str, str]

    def start(self, *arguments: str | Path, **more: str) -> subprocess.Popen[str]:
        """In a hurry, in the background."""
        return subprocess.Popen(
            [sys.executable, "-c", HURRIED, *map(str, arguments)],
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        """As a person would."""
        return subprocess.run(
            [FINDME, *map(str, arguments)],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def json(self, *arguments: str | Path, **more: str) -> Any:
        """What it prints with --json."""
        done = self.run(*arguments, "--json", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        """Straight from its database."""
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def findme(conninfo: str, models: Path) -> Findme:
    return Findme(
        conninfo=conninfo,
        environment={
            **os.environ,
            "DATABASE_URL": as_url(conninfo),
            "FINDME_MODELS_DIR": str(models),
            "COLUMNS": "200",
        },
    )


@pytest.fixture
def program(models: Path) -> Findme:
    """The program over no database, for what needs none."""
    nowhere = "postgresql://u:hunter2@127.0.0.1:1/d"
    environment = {**os.environ, "DATABASE_URL": nowhere, "FINDME_MODELS_DIR": str(models)}
    return Findme(conninfo="", environment={**environment, "COLUMNS": "200"})


@pytest.fixture
def family() -> Path:
    return shared_folder() / "data/events/family"


@pytest.fixture
def folder(tmp_path: Path, family: Path) -> Path:
    """Three photos with faces, one without, one that is none."""
    made = tmp_path / "party"
    made.mkdir()
    for name in ("identification1.jpg", "findsimilar.jpg", "detection1.jpg"):
        shutil.copyfile(family / "photos" / name, made / name)
    PilImage.new("RGB", (64, 64), "grey").save(made / "wall.png")
    (made / "broken.jpg").write_text("hello")
    return made


@pytest.fixture
def indexed(runtime: Runtime, folder: Path) -> Path:
    """The folder, in the index already."""
    index_now(runtime, folder)
    return folder


def portrait(family: Path, name: str) -> Path:
    return min((family / "people" / name).iterdir())


def indexed_at(findme: Findme) -> dict[str, datetime]:
    return dict(findme.rows("select name, indexed_at from photos where state <> 'pending'"))


def test_index_ends_with_a_line_of_counts_and_the_problems(findme: Findme, folder: Path) -> None:
    done = findme.run("index", folder)

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        (
            "5 photos: 4 indexed with 6 faces, 1 of them without a face; "
            "1 unreadable, 0 given up, 0 waiting."
        ),
        "  broken.jpg: unreadable, the file is text, not a picture",
    ]
    assert done.stderr.strip() == ""  # no bar where there is no terminal


def test_index_prints_its_counts_as_json(findme: Findme, folder: Path) -> None:
    assert findme.json("index", folder) == {
        "photos": 5,
        "pending": 0,
        "indexed": 4,
        "unreadable": 1,
        "given_up": 0,
        "without_face": 1,
        "faces": 6,
        "problems": [
            {
                "name": "broken.jpg",
                "state": "unreadable",
                "reason": "the file is text, not a picture",
            }
        ],
    }


def test_indexing_again_reads_nothing_again(findme: Findme, folder: Path) -> None:
    first = findme.json("index", folder)
    before = indexed_at(findme)

    assert findme.json("index", folder) == first
    assert indexed_at(findme) == before


def test_indexing_again_takes_up_what_was_added_changed_and_removed(
    findme: Findme, indexed: Path, family: Path
) -> None:
    before = indexed_at(findme)
    shutil.copyfile(family / "photos/detection2.jpg", indexed / "added.jpg")
    shutil.copyfile(family / "photos/detection3.jpg", indexed / "broken.jpg")
    (indexed / "wall.png").unlink()

    counts = findme.json("index", indexed)

    after = indexed_at(findme)
    assert (counts["photos"], counts["indexed"], counts["problems"]) == (5, 5, [])
    assert before.keys() - after.keys() == {"wall.png"}
    assert {name for name in after if after[name] != before.get(name)} == {
        "added.jpg",
        "broken.jpg",
    }


def test_an_index_that_was_killed_is_completed_by_the_next(
    findme: Findme, tmp_path: Path, family: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    random = np.random.default_rng(1)
    with PilImage.open(family / "photos/detection1.jpg") as face:
        for number in range(60):
            noise = random.integers(90, 130, (72, 128, 3), dtype=np.uint8)
            photo = PilImage.fromarray(noise).resize((1280, 720))
            photo.paste(face.resize((300, 300)), (number * 12, 200))
            photo.save(folder / f"{number:02}.jpg")
    killed = findme.start("index", folder, FINDME_WORKERS="2")
    wait_until(lambda: len(indexed_at(findme)) >= 10)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = indexed_at(findme)
    assert 10 <= len(before) < 60

    again = findme.start("index", folder, "--json")
    counts = json.loads(again.communicate(timeout=180)[0])

    after = indexed_at(findme)
    assert (counts["photos"], counts["indexed"], counts["faces"]) == (60, 60, 60)
    assert {name: when for name, when in after.items() if name in before} == before
    assert findme.rows(
        "select max(n) from (select count(*) as n from faces group by photo_id) f"
    ) == [(1,)]
    assert findme.rows("select count(*) from procrastinate_jobs") == [(0,)]


def test_search_shows_the_photos_of_a_person(findme: Findme, indexed: Path, family: Path) -> None:
    answer = findme.json("search", portrait(family, "dad"))

    assert answer["faces_in_picture"] == 1
    assert sorted((match["photo"], match["certainty"]) for match in answer["matches"]) == [
        ("findsimilar.jpg", "sure"),
        ("identification1.jpg", "sure"),
    ]
    assert answer["matches"][0]["link"].startswith(indexed.as_uri())


@pytest.mark.usefixtures("indexed")
def test_search_prints_a_table_and_at_most_as_many_as_asked_for(
    findme: Findme, family: Path
) -> None:
    done = findme.run("search", portrait(family, "dad"), "--top", "1")

    assert done.returncode == 0
    assert done.stdout.count(".jpg") == 2  # its name and its link
    assert "sure" in done.stdout


@pytest.mark.usefixtures("indexed")
def test_search_for_somebody_who_is_on_no_photo_says_so(findme: Findme, family: Path) -> None:
    done = findme.run("search", portrait(family, "man"))

    assert (done.returncode, done.stdout) == (0, "No photo shows this person.\n")


@pytest.mark.usefixtures("indexed")
def test_search_in_one_folder_searches_no_other(
    findme: Findme, family: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copyfile(family / "photos/child1-person-group.jpg", other / "daughter.jpg")
    findme.run("index", other)

    answer = findme.json("search", portrait(family, "daughter"), "--in", other)

    assert [match["photo"] for match in answer["matches"]] == ["daughter.jpg"]


def test_search_in_a_folder_that_is_not_indexed_says_what_to_do(
    findme: Findme, folder: Path, family: Path
) -> None:
    done = findme.run("search", portrait(family, "dad"), "--in", folder)

    assert done.returncode == 2
    assert done.stderr == f"{folder} is not indexed yet; run `findme index {folder}` first.\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wall.png", "There is no face to be seen in that picture."),
        ("broken.jpg", "the file is text, not a picture"),
    ],
)
def test_a_selfie_that_shows_nobody_is_one_sentence(
    findme: Findme, folder: Path, name: str, sentence: str
) -> None:
    done = findme.run("search", folder / name)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{sentence}\n")


def test_an_index_made_by_another_engine_is_refused_until_it_is_changed(
    findme: Findme, indexed: Path, family: Path
) -> None:
    dad = portrait(family, "dad")

    refused = [
        findme.run("search", dad, FINDME_ENGINE="dlib"),
        findme.run("index", indexed, FINDME_ENGINE="dlib"),
    ]
    changed = findme.run("reindex", FINDME_ENGINE="dlib")
    answer = findme.json("search", dad, FINDME_ENGINE="dlib")

    assert [done.returncode for done in refused] == [1, 1]
    for done in refused:
        assert done.stderr == (
            "The index was made by engine 'retail', but FINDME_ENGINE is 'dlib'. Run `findme "
            "reindex` to make it anew with 'dlib', or set FINDME_ENGINE=retail.\n"
        )
    assert (changed.returncode, changed.stdout, changed.stderr) == (
        0,
        "",
        "Workspace local: 4 photos with 6 faces, engine dlib.\n",
    )
    assert sorted(match["photo"] for match in answer["matches"]) == [
        "findsimilar.jpg",
        "identification1.jpg",
    ]
    assert findme.rows("select distinct engine_id from faces") == [("dlib",)]


@pytest.mark.usefixtures("indexed")
def test_reindex_changes_to_the_engine_that_it_is_given_and_says_what_to_set(
    findme: Findme, family: Path
) -> None:
    changed = findme.run("reindex", "--engine", "onnx", **own_network())
    refused = findme.run("search", portrait(family, "dad"))
    changed_back = findme.run("reindex")

    assert (changed.returncode, changed.stdout) == (0, "")
    assert changed.stderr.splitlines() == [
        f"Workspace local: 4 photos with 6 faces, engine {MOBILEFACENET}.",
        "Set FINDME_ENGINE=onnx before Findme is started again.",
    ]
    assert refused.returncode == 1
    assert refused.stderr == (
        f"The index was made by engine {MOBILEFACENET!r}, but FINDME_ENGINE is 'retail'. Run "
        "`findme reindex` to make it anew with 'retail', or bring back the settings and the model "
        f"of {MOBILEFACENET!r}.\n"
    )
    assert changed_back.stderr == "Workspace local: 4 photos with 6 faces, engine retail.\n"


def test_a_change_of_engine_that_was_killed_goes_on_where_it_stopped(
    findme: Findme, indexed: Path, family: Path
) -> None:
    # The third photo can't be read to its end until somebody writes to the pipe.
    photo = indexed / "identification1.jpg"
    photo.rename(indexed / "aside")
    os.mkfifo(photo)
    environment = {**own_network(), "FINDME_WORKERS": "1"}
    killed = findme.start("reindex", "--engine", "onnx", **environment)
    wait_until(lambda: findme.rows("select count(*) from fills") == [(2,)])
    meanwhile = findme.json("search", portrait(family, "dad"))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    filled = "select face_id from faces where engine_id <> 'retail'"
    faces = findme.rows(filled)
    (indexed / "aside").replace(photo)

    done = findme.run("reindex", "--engine", "onnx", **environment)

    assert (killed.returncode, done.returncode) == (-signal.SIGKILL, 0)
    assert sorted(match["photo"] for match in meanwhile["matches"]) == [
        "findsimilar.jpg",
        "identification1.jpg",
    ]
    assert len(faces) == 2
    # What was read anew would have other ids.
    assert set(faces) < set(findme.rows(filled))
    assert findme.rows("select distinct engine_id from faces") == [(MOBILEFACENET,)]
    assert findme.rows("select count(*) from fills") == [(0,)]


def test_photos_that_can_not_be_fetched_are_told_and_left_only_where_that_is_asked_for(
    findme: Findme, indexed: Path
) -> None:
    photo = indexed / "findsimilar.jpg"
    photo.unlink()
    photo.mkdir()

    def change(*arguments: str) -> tuple[int, list[str]]:
        running = findme.start("reindex", "--engine", "onnx", *arguments, **own_network())
        _, text = running.communicate(timeout=180)
        return running.returncode, text.splitlines()

    told = change()
    present = findme.rows("select engine_id from workspaces")
    left = change("--leave-failed")

    problem = "  findsimilar.jpg: findsimilar.jpg can't be read: Is a directory."
    assert told[0] == 1
    assert told[1] == [
        problem,
        (
            "Workspace local: 1 photos can't be fetched, so searches stay with retail. Run this "
            "again, or with --leave-failed to go on without them."
        ),
    ]
    assert present == [("retail",)]
    assert left[0] == 0
    assert left[1] == [
        problem,
        f"Workspace local: 3 photos with 5 faces, engine {MOBILEFACENET}.",
        "Set FINDME_ENGINE=onnx before Findme is started again.",
    ]
    assert findme.rows("select name from photos where state = 'given up'") == [("findsimilar.jpg",)]


@pytest.mark.usefixtures("indexed")
def test_photos_that_are_out_of_reach_keep_their_engine_and_are_told_of(findme: Findme) -> None:
    findme.rows("insert into workspaces (team_id, engine_id) values ('T1', 'retail') returning 1")

    done = findme.run("reindex", "--engine", "onnx", **own_network())

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        (
            "Workspace T1: its photos are out of reach here. Set SLACK_BOT_TOKEN and "
            "SLACK_APP_TOKEN, then run this again."
        ),
        f"Workspace local: 4 photos with 6 faces, engine {MOBILEFACENET}.",
    ]
    assert findme.rows("select team_id, engine_id from workspaces order by 1") == [
        ("T1", "retail"),
        ("local", MOBILEFACENET),
    ]


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("wanted", "exit_code", "sentence"),
    [
        ("nonsense", 1, "There is no engine 'nonsense'; set FINDME_ENGINE to one of: clip, dlib, "),
        ("onnx", 2, "FINDME_ONNX_MODEL is missing: write the path of the network's ONNX file.\n"),
    ],
)
def test_reindex_with_an_engine_that_can_not_be_had_is_one_line(
    findme: Findme, wanted: str, exit_code: int, sentence: str
) -> None:
    done = findme.run("reindex", "--engine", wanted)

    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert findme.rows("select engine_id, next_engine_id from workspaces") == [("retail", None)]


def test_reindex_without_an_index_says_what_to_do(findme: Findme) -> None:
    done = findme.run("reindex")

    assert (done.returncode, done.stderr) == (
        2,
        "There is nothing to re-index: run `findme index DIR` first.\n",
    )


@pytest.mark.usefixtures("indexed")
def test_a_reindex_that_was_killed_can_be_run_again(findme: Findme) -> None:
    running = "select count(*) from runs where finished_at is null"
    with psycopg.connect(findme.conninfo) as holding:
        # Until this transaction ends no channel is listed, and so the run does not end.
        holding.execute("lock table shares in share row exclusive mode")
        killed = findme.start("reindex")
        wait_until(lambda: findme.rows(running) == [(1,)])
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert findme.rows(running) == [(1,)]

    again = findme.start("reindex")
    again.communicate(timeout=180)

    assert again.returncode == 0


def test_a_file_name_that_is_no_utf_8_does_not_stop_the_others(
    findme: Findme, folder: Path
) -> None:
    shutil.copyfile(folder / "detection1.jpg", os.fsencode(folder) + b"/caf\xe9.jpg")

    done = findme.run("index", folder)

    assert done.returncode == 0
    assert "4 indexed" in done.stdout or "5 indexed" in done.stdout


@pytest.mark.usefixtures("indexed")
def test_status_tells_of_every_folder(findme: Findme) -> None:
    (row,) = findme.json("status")["channels"]

    assert (row["workspace"], row["channel"], row["photos"], row["faces"]) == (
        "local",
        "party",
        5,
        6,
    )


def test_migrate_says_what_it_did(findme: Findme, empty_conninfo: str) -> None:
    url = as_url(empty_conninfo)

    done = [findme.run("migrate", DATABASE_URL=url).stdout for _ in range(2)]

    assert done[0].startswith("Applied: 0001")
    assert done[1] == "The database is up to date.\n"


@pytest.mark.parametrize("command", [["status"], ["reindex"], ["models", "list"], ["migrate"]])
def test_a_wrong_setting_is_one_line_and_exit_code_2(program: Findme, command: list[str]) -> None:
    done = program.run(*command, FINDME_WORKERS="many")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("FINDME_WORKERS is wrong: ")
    assert done.stderr.count("\n") == 1


def test_the_bot_without_its_token_is_one_line_and_exit_code_2(program: Findme) -> None:
    done = program.run("bot", SLACK_API_URL="http://127.0.0.1:1/")

    assert done.returncode == 2
    assert done.stderr.startswith("SLACK_BOT_TOKEN is missing: ")
    assert done.stderr.count("\n") == 1


def test_an_engine_that_does_not_exist_is_one_line(findme: Findme, folder: Path) -> None:
    done = findme.run("index", folder, FINDME_ENGINE="magic")

    assert done.returncode == 1
    assert done.stderr.startswith("There is no engine 'magic'; set FINDME_ENGINE to one of: ")
    assert "retail" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_that_does_not_answer_is_one_line(program: Findme) -> None:
    done = program.run("status")

    assert done.returncode == 1
    assert "Check DATABASE_URL" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_database_url_the_program_brings_its_own(findme: Findme, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as mine:
        environment = {"DATABASE_URL": "", "FINDME_DATA_DIR": f"{mine}/a/data"}

        counts = findme.json("index", folder, **environment)
        (row,) = findme.json("status", **environment)["channels"]

    assert (counts["indexed"], row["photos"]) == (4, 5)
    assert findme.rows("select count(*) from photos") == [(0,)]


def test_models_list_tells_of_every_file(program: Findme) -> None:
    done = program.run("models", "list")

    assert done.returncode == 0
    assert done.stdout.count("verified") == 3


def test_models_list_tells_of_missing_and_wrong_files(
    program: Findme, models: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "models"
    mine.mkdir()
    shutil.copyfile(
        models / "face_detection_yunet_2023mar.onnx", mine / "face_detection_yunet_2023mar.onnx"
    )
    (mine / "face-reidentification-retail-0095.xml").write_text("<html>")

    done = program.run("models", "list", FINDME_MODELS_DIR=str(mine))

    assert [done.stdout.count(word) for word in ("verified", "wrong", "missing")] == [1, 1, 1]


def test_models_pull_has_nothing_to_do_where_all_is_there(program: Findme, models: Path) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in models.iterdir())

    done = program.run("models", "pull")

    assert (done.returncode, done.stdout) == (0, f"3 files are in {models}, verified.\n")
    assert sorted((path.name, path.stat().st_mtime_ns) for path in models.iterdir()) == before


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    """A folder that nobody may write to; root may do so anywhere but in /proc."""
    made = tmp_path / "read-only"
    made.mkdir(mode=0o555)
    return made if os.geteuid() != 0 else Path("/proc/findme-models")


def test_models_can_not_be_pulled_into_a_folder_that_is_read_only(
    program: Findme, read_only: Path
) -> None:
    done = program.run("models", "pull", FINDME_MODELS_DIR=str(read_only))

    assert done.returncode == 1
    assert done.stderr.startswith("face_detection_yunet_2023mar.onnx was not kept: ")
    assert "FINDME_MODELS_DIR" in done.stderr
    assert done.stderr.count("\n") == 1


def test_models_list_works_on_a_folder_that_is_read_only(program: Findme, read_only: Path) -> None:
    done = program.run("models", "list", FINDME_MODELS_DIR=str(read_only))

    assert (done.returncode, done.stdout.count("missing")) == (0, 3)


def test_help_answers_at_once(program: Findme) -> None:
    took_s, began_s = [], time.monotonic()
    for _ in range(3):
        before_s = _of_children_s()
        assert program.run("--help").returncode == 0
        took_s.append(_of_children_s() - before_s)

    assert min(took_s) < 0.5
    assert time.monotonic() - began_s < 20, "it waited for something"


def _of_children_s() -> float:
    """What ended children had of a CPU: they share it with other tests."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("command", [["--help"], ["index", "--help"], ["models", "--help"]])
def test_help_imports_nothing_heavy(program: Findme, command: list[str]) -> None:
    script = (
        "import sys\n"
        "from bot.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "heavy = {'cv2', 'numpy', 'openvino', 'PIL', 'psycopg', 'pydantic', 'procrastinate',"
        " 'slack_bolt', 'slack_sdk', 'rich'}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        env=program.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr == "[]\n"
    assert "Usage:" in done.stdout


def test_an_unknown_command_is_exit_code_2(program: Findme) -> None:
    assert program.run("find").returncode == 2


def test_a_pool_over_no_database_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.storage.connect.POOL_TIMEOUT_S", 0.2)
    database = Database("host=127.0.0.1 port=1")
    try:
        with pytest.raises(DatabaseUnavailableError), database.transaction():
            pass
    finally:
        database.close()
