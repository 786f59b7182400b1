"""The last line of defence before a log: no token, no address with a secret, no face, no message.

Nothing of that should get as far as here; what logs an event gives ids and numbers.
"""

import logging
import re
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TypeAlias

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

# What these say quotes neither Slack nor people. All other libraries' words are left out: slack_sdk
# puts the beginning of an answer into its own, Bolt a request, asyncio an exception.
_MAY_SPEAK = ("apscheduler", "procrastinate", "psycopg", "uvicorn", "yoyo")
_OURS = ("bot", "pipeline")

_NUMBER = r"[-+]?\d*\.\d+(?:e[-+]?\d+)?"
_URL = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,20})://(?:[^\s/@'\"<>]*@)?([\w.:\[\]-]*)[^\s'\"<>]*", re.IGNORECASE
)
_SECRETS = (
    # bot, app, user, refresh and legacy tokens
    re.compile(r"\b(?:xox[a-z]|xoxe\.xox[a-z]|xapp)-[\w.%-]+", re.IGNORECASE),
    re.compile(r"\bv0=[0-9a-f]{16,}", re.IGNORECASE),
    re.compile(r"\bBearer\s+\S+", re.IGNORECASE),
    re.compile(
        r"\b(?:password|secret|token|ticket)['\"]?\s*[=:]\s*['\"]?[^\s'\",}]+", re.IGNORECASE
    ),
    # an embedding, as Python, numpy or PostgreSQL writes it
    re.compile(rf"(?:{_NUMBER}[\s,\])]+){{7,}}{_NUMBER}", re.IGNORECASE),
)
_GONE = "[removed]"


def redacted(value: Any) -> Any:
    """The value without what must not be kept, however deep it lies in lists and mappings."""
    match value:
        case str():
            value = _URL.sub(r"\1://\2/…", value)
            for secret in _SECRETS:
                value = secret.sub(_GONE, value)
            return value
        case Mapping():
            return {key: redacted(one) for key, one in value.items()}
        case bytes() | bytearray() | memoryview():
            return _GONE
        case None | bool() | int() | float():
            return value
        case list() | tuple() | set() | frozenset():
            return [redacted(one) for one in value]
        case _:
            return redacted(str(value))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: all that an event says, redacted."""
    return {key: redacted(value) for key, value in event.items()}


def without_words(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor for records of libraries: who speaks and where, if not what."""
    record: logging.LogRecord = event["_record"]
    family = record.name.partition(".")[0]
    # Of the embedded database what initdb and pg_ctl say, but not what stands in the server's log.
    if family not in (*_MAY_SPEAK, *_OURS) and record.funcName != "pgexec":
        event["event"] = "library.says"
        event["at"] = f"{record.name}, {record.funcName}, line {record.lineno}"
    return event


def places(exc_info: ExcInfo) -> str:
    """Kinds of errors and the places they went through; none of their words.

    A database's words quote rows, an HTTP library's an address, a KeyError what somebody typed.
    """
    return "".join(_chain(exc_info[1], exc_info[2], set()))


def _chain(error: BaseException, trace: TracebackType | None, seen: set[int]) -> list[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = []
    if before is not None and id(before) not in seen:
        lines += [*_chain(before, before.__traceback__, seen), "then\n"]
    lines += traceback.format_tb(trace)
    lines.append(f"{_kind(error)}\n")
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            lines += ["of which\n", *_chain(one, one.__traceback__, seen)]
    return lines


def _kind(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate:
        return f"{name} (SQLSTATE {sqlstate})"
    if isinstance(error, OSError) and error.errno:
        return f"{name} (errno {error.errno})"
    return name
