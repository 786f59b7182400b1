"""The last line of defence of the logs: whatever gets there, these never come out."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import structlog

from pipeline.logs import set_up_logs
from pipeline.redact import redacted

SECRET = "s3cr3t-part"  # noqa: S105 - no real one
# Put together, so that no scan for secrets takes these for real ones.
BOT, APP, REFRESH = f"xoxb-1-{SECRET}", f"xapp-1-A1-{SECRET}", f"xoxe.xoxp-1-{SECRET}"


@pytest.mark.parametrize(
    "text",
    [
        f"the token {BOT} is revoked",
        f'{{"token":"{APP}"}}',
        f"({REFRESH})",
        f"Authorization: Bearer {SECRET}",
        f"https://hooks.slack.com/commands/T1/2/{SECRET}",
        f"https://hooks.slack.com/actions/T1/2/{SECRET}, then",
        f"<https://files.slack.com/files-pri/T1-F1/{SECRET}.jpg?t={BOT}>",
        f"wss://wss-primary.slack.com/link/?ticket={SECRET}&app_id=1",
        f"postgresql://findme:{SECRET}@db:5432/findme",
        f"host=db password={SECRET} user=findme",
        f"connection failed: password='{SECRET}'",
        f"HTTPS://HOOKS.SLACK.COM/{SECRET}",
        f"v0={'0123456789abcdef' * 4} {APP}",
    ],
)
def test_tokens_and_addresses_with_secrets_do_not_come_out(text: str) -> None:
    assert SECRET not in redacted(text)


def test_a_host_stays_so_that_one_can_see_who_did_not_answer() -> None:
    url = f"postgresql://findme:{SECRET}@db.example:5432/findme"
    assert redacted(f"no answer from {url}.") == "no answer from postgresql://db.example:5432/…"


@pytest.mark.parametrize("write", [str, repr, lambda vector: str(vector.tolist())])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_embeddings_do_not_come_out(write: object, kind: type) -> None:
    assert callable(write)
    vector = np.random.default_rng(1).normal(size=256).astype(kind) / 16
    told = redacted(f"row (1, {write(vector)}) fails")
    assert not set(told) & set("56789"), told


@pytest.mark.parametrize(
    "text",
    [
        "Slack refused `users.info`: missing_scope (add the scope users:read).",
        "2026-11-27T13:28:18.123456Z",
        "photo 17 of 200 in 0.25 s, box 0.1, 0.2, 0.3, 0.4",
        "channel C0123456789",
    ],
)
def test_what_is_no_secret_comes_out_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_what_lies_deep_inside_is_found_too() -> None:
    found = redacted({"a": [(BOT, {"b": {APP}}), SecretHolder()], "n": 1, "data": SECRET.encode()})
    assert SECRET not in str(found)
    assert found["n"] == 1


class SecretHolder:
    def __str__(self) -> str:
        return BOT


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a program would write, with the logs set up as it sets them up."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config()
    levels = {name: logging.getLogger(name).level for name in ("bot", "pipeline")}
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    set_up_logs("debug")
    yield out
    root.handlers[:], root.level = before[0], before[1]
    structlog.configure(**before[2])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _entry(log: io.StringIO, event: str) -> dict[str, object]:
    """The one line of that event; a bot that other tests left running may write, too."""
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    (entry,) = [entry for entry in entries if entry["event"] == event]
    return dict(entry)


def test_an_error_is_logged_by_its_kinds_and_places_without_a_word_of_it(log: io.StringIO) -> None:
    people = {"grace": BOT}
    typed, row = f"Zebulon {SECRET}", f"Key (name)=(Zebulon {SECRET})"
    try:
        try:
            people[typed]
        except KeyError as error:
            raise psycopg.errors.UniqueViolation(row) from error
    except psycopg.Error:
        structlog.get_logger("bot.test").exception("listener.failed", incident="1a2b")
    entry = _entry(log, "listener.failed")
    assert entry["incident"] == "1a2b"
    told = str(entry["exception"])
    assert "psycopg.errors.UniqueViolation (SQLSTATE 23505)" in told
    assert "KeyError" in told
    assert "test_redact.py" in told
    assert "Zebulon" not in log.getvalue()
    assert SECRET not in log.getvalue()


@pytest.mark.parametrize("name", ["slack_sdk.web.base_client", "slack_bolt.App", "asyncio", "x.y"])
def test_a_library_that_quotes_what_it_got_is_named_but_not_quoted(
    log: io.StringIO, name: str
) -> None:
    logging.getLogger(name).error("Failed to decode: %s", "Zebulon")
    entry = _entry(log, "library.says")
    assert name in str(entry["at"])
    assert "Zebulon" not in log.getvalue()


def test_the_queues_own_words_are_kept(log: io.StringIO) -> None:
    logging.getLogger("procrastinate.worker").error("Job index_photo[3] ended with status: Error")
    assert _entry(log, "Job index_photo[3] ended with status: Error")


@pytest.mark.parametrize("name", ["slack_sdk", "httpx", "PIL.TiffImagePlugin", "urllib3"])
def test_libraries_tell_nothing_below_a_warning_even_at_debug(log: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("GET https://files.slack.com/x")
    logging.getLogger(name).debug("payload")
    structlog.get_logger("pipeline.x").debug("ours")
    assert _entry(log, "ours")
    assert not {"GET https://files.slack.com/x", "payload"} & set(log.getvalue().split('"'))
