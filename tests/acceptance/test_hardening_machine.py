"""Nothing phones home; the container runs read-only and non-root: tried on the real programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("unshare", "strace", "setpriv", "mount")
TIMEOUT_S = 110
# As strace writes an address of either family.
ADDRESS = re.compile(
    r"sa_family=AF_INET6?, sin6?_port=htons\((?P<port>\d+)\).*?"
    r'inet_(?:addr\("|pton\(AF_INET6, ")(?P<host>[^"]+)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confined:
    """How a bot and a workspace got on in a machine that was shut, and whom they called."""

    photos: int
    code: int
    user: int
    port: int
    refused: list[bool]
    at_home: list[str]
    called: set[tuple[str, int]]
    log: str


@pytest.fixture(scope="module")
def confined(models: Path) -> Iterator[Confined]:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and {', '.join(NEEDED)}")
    unshare = ["unshare", "--net", "--mount", "--propagation", "private"]
    allowed = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    if allowed.returncode != 0:
        pytest.skip(f"no namespaces of its own here: {allowed.stderr.decode().strip()}")
    # Not below pytest's own folder, which is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="findme-confined-"))
    folder.chmod(0o755)
    command = [sys.executable, "-m", "tests.acceptance.confined", str(folder), str(models)]
    done = subprocess.run(
        unshare + command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    log = folder / "work" / "bot.log"
    assert done.returncode == 0, done.stderr + (log.read_text() if log.exists() else "")
    calls = (folder / "calls").read_text()
    yield Confined(
        **json.loads(done.stdout),
        called={(found["host"], int(found["port"])) for found in ADDRESS.finditer(calls)},
        log=log.read_text(),
    )
    shutil.rmtree(folder)


@pytest.mark.slow
def test_it_indexes_and_answers_with_every_connection_refused_but_slacks_and_tries_no_other(
    confined: Confined,
) -> None:
    assert confined.photos == 1
    # No name is looked up either: that would be a call to port 53.
    assert confined.called == {("127.0.0.1", confined.port)}


@pytest.mark.slow
def test_the_container_runs_read_only_and_non_root(confined: Confined) -> None:
    assert confined.user != 0
    assert confined.refused == [True, True, True]
    assert (confined.photos, confined.code) == (1, 0)
    # What would like to keep something there could not in a container.
    assert confined.at_home == []
    assert "Traceback" not in confined.log


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        'connect(5, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.1")}, 16)',
        'sendto(5, "x", 1, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.1"',
        'connect(5, {sa_family=AF_INET6, sin6_port=htons(53), inet_pton(AF_INET6, "10.0.0.1", &s)',
    ],
)
def test_a_call_to_somebody_else_would_be_seen(line: str) -> None:
    found = ADDRESS.search(line)
    assert found is not None
    assert (found["host"], found["port"]) == ("10.0.0.1", "53")


def _bot_in_compose() -> str:
    text = (ROOT / "compose.yaml").read_text()
    found = re.search(r"^  bot: &findme\n(.*?)^  \w", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        "    read_only: true\n",
        '    user: "10001:10001"\n',
        "    cap_drop: [ALL]\n",
        '    security_opt: ["no-new-privileges:true"]\n',
        "    tmpfs:\n      - /tmp:",
        "    volumes:\n      - data:/data\n    c",
    ],
)
def test_compose_runs_the_bot_read_only_and_without_any_right(setting: str) -> None:
    assert setting in _bot_in_compose()


@pytest.mark.slow
def test_the_worker_runs_as_the_bot_does() -> None:
    text = (ROOT / "compose.yaml").read_text()
    worker = text.partition("\n  worker:\n")[2].partition("\n\n")[0]
    assert worker.startswith("    <<: *findme\n")
    assert not re.search(r"read_only|user:|cap_|security_opt|privileged|volumes:", worker)


@pytest.mark.slow
def test_nothing_in_compose_is_let_out_of_its_container() -> None:
    text = (ROOT / "compose.yaml").read_text()
    assert not re.search(r"privileged|cap_add|docker\.sock|network_mode|pid: host", text)
    # Reached from this machine alone.
    assert set(re.findall(r'- "([\d.]+):\d+:\d+"', text)) == {"127.0.0.1"}


@pytest.mark.slow
def test_the_image_ends_as_a_user_whose_data_is_closed_to_others() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["findme"]
    assert any("useradd" in line and "--uid 10001" in line for line in lines)
    assert any("mkdir -m 700 /data" in line for line in lines)


def _pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.slow
def test_the_image_has_the_locked_packages_without_those_of_developers() -> None:
    image, everybody = _pins("constraints-image.txt"), _pins("constraints.txt")
    assert image.items() <= everybody.items()
    assert {"slack-bolt", "openvino", "psycopg"} <= set(image)
    developers = {"pytest", "hypothesis", "mypy", "ruff", "pyright", "playwright", "pip-audit"}
    assert developers | {"detect-secrets", "import-linter", "requests"} <= set(everybody)
    assert not image.keys() & (developers | {"detect-secrets", "import-linter", "requests", "pip"})


@pytest.mark.slow
def test_the_image_is_built_from_its_own_lock_whose_hashes_are_checked() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "pip install --no-cache-dir --require-hashes -r constraints-image.txt" in text
    assert "constraints-image.txt" in (ROOT / ".dockerignore").read_text()
