"""`pip-audit` and a secrets scan in `make check`: what they find fails; nothing is pretended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks import audit
from tests.checks.audit import Outcome, judge, packages_in
from tests.checks.secrets_scan import secrets_in

ROOT = Path(__file__).resolve().parents[2]

# As pip-audit 2.10.1 writes them.
GOOD = {"name": "click", "version": "8.5.1", "vulns": []}
BAD = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [
        {
            "id": "PYSEC-2014-8",
            "fix_versions": ["2.7.2"],
            "aliases": ["CVE-2014-1402", "GHSA-8r7q-cvjq-x353"],
            "description": "Insecure temporary files.",
        }
    ],
}
SKIPPED = {
    "name": "anyio",
    "skip_reason": "Dependency not found on PyPI and could not be audited: anyio (4.16.0)",
}
NO_CONNECTION = (
    "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n"
    "Tip: your network may be blocking this service. Try another service with `-s SERVICE`"
)


def _answer(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


def test_a_known_vulnerability_fails() -> None:
    verdict = judge("lock", packages=2, answer=_answer(GOOD, BAD))
    assert verdict.outcome is Outcome.VULNERABLE
    assert verdict.outcome.exit_code != 0
    assert "jinja2 2.4.1: PYSEC-2014-8, mended in 2.7.2" in verdict.text


def test_a_known_vulnerability_fails_even_where_others_could_not_be_asked_for() -> None:
    verdict = judge("lock", packages=2, answer=_answer(SKIPPED, BAD))
    assert verdict.outcome is Outcome.VULNERABLE


def test_no_known_vulnerability_passes() -> None:
    verdict = judge("lock", packages=1, answer=_answer(GOOD))
    assert (verdict.outcome, verdict.outcome.exit_code) == (Outcome.CLEAN, 0)
    assert verdict.text == "lock: 1 packages audited, no known vulnerability."


@pytest.mark.parametrize(
    ("answer", "errors"), [(_answer(SKIPPED, SKIPPED), ""), ("", NO_CONNECTION)]
)
def test_where_nobody_can_be_asked_one_line_says_how_many_were_not_audited(
    answer: str, errors: str
) -> None:
    verdict = judge("lock", packages=2, answer=answer, errors=errors)
    assert (verdict.outcome, verdict.outcome.exit_code) == (Outcome.NOT_ASKED, 0)
    assert verdict.text.startswith("WARNING: lock: NOT AUDITED: 2 packages")
    assert "\n" not in verdict.text
    assert "no known" not in verdict.text


@pytest.mark.parametrize("answer", [_answer(GOOD, SKIPPED), _answer(GOOD)])
def test_a_lock_that_was_audited_in_part_fails(answer: str) -> None:
    verdict = judge("lock", packages=2, answer=answer)
    assert verdict.outcome is Outcome.PARTLY_ASKED
    assert verdict.outcome.exit_code != 0


@pytest.mark.parametrize("answer", ["", "{}", "[]", "No module named pip_audit"])
def test_an_audit_that_does_not_run_fails(answer: str) -> None:
    verdict = judge("lock", packages=2, answer=answer, errors="Traceback: something else")
    assert verdict.outcome is Outcome.BROKEN
    assert verdict.outcome.exit_code != 0


def test_only_an_advisory_that_is_named_with_its_reason_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "IGNORED", {"CVE-2014-1402": "no temporary files here"})
    assert judge("lock", packages=1, answer=_answer(BAD)).outcome is Outcome.CLEAN


@pytest.mark.parametrize("lock", ["constraints.txt", "constraints-clip.txt"])
def test_every_package_of_the_locks_is_counted(lock: str) -> None:
    assert {"slack-sdk", "numpy", "psycopg"} <= packages_in(ROOT / lock)


# Put together, so that these are found where they are planted alone.
PLANTED = [
    "xoxb-" + "1234567890-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx",
    "xapp-" + "1-A0123456789-1234567890123-" + "0123456789abcdef" * 4,
    "xoxe.xoxp-" + "1-Mi0yLTEyMzQ1Njc4OTAxMjMtMTIz",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
    "ghp_" + "aB3" * 12,
    'slack_signing_secret = "' + "8f742231b10e8888abcd99yyyzzz85a5" + '"',
    "postgresql://findme:" + "kX9s-really-real" + "@db:5432/findme",
]


@pytest.mark.parametrize("secret", PLANTED, ids=lambda secret: secret[:9])
def test_a_secret_that_is_planted_in_a_file_is_found_and_not_repeated(
    tmp_path: Path, secret: str
) -> None:
    path = tmp_path / "planted.py"
    path.write_text(f"# a comment\nx = 1  # {secret}\ntoken = '{secret}'\n")
    found = list(secrets_in([path]))
    assert found
    assert not [line for line in found if secret[12:] in line]


def test_what_is_known_to_be_none_is_let_through(tmp_path: Path) -> None:
    path = tmp_path / "example.env"
    path.write_text("DATABASE_URL=postgresql://findme:password@localhost:5432/findme\n")
    assert list(secrets_in([path])) == []


def test_make_check_asks_both() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "python -m tests.checks.audit constraints.txt constraints-clip.txt" in makefile
    assert "python -m tests.checks.secrets_scan" in makefile
