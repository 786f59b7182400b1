"""One id from a command, a click, an event or a tick down to its SQL.

It stands in every log line of what was begun by it, in the jobs that it enqueued, and in PostgreSQL
as `application_name`. It is random and says nothing of who asked.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from structlog.contextvars import bound_contextvars, get_contextvars

PROGRAM = "findme"

_FORM = re.compile(r"[0-9a-f]{8}")
_P = ParamSpec("_P")
_R = TypeVar("_R")


def new_request_id() -> str:
    """Eight hexadecimal digits."""
    return secrets.token_hex(4)


def request_id() -> str | None:
    """What this thread works for now; None outside of any request."""
    found = get_contextvars().get("request")
    return found if isinstance(found, str) else None


@contextmanager
def request(known_as: str | None = None) -> Iterator[str]:
    """All that is logged and asked of the database inside is of one request.

    A new one, or the one that enqueued a job; what looks like no id is not taken for one.
    """
    its_id = known_as if known_as and _FORM.fullmatch(known_as) else new_request_id()
    with bound_contextvars(request=its_id):
        yield its_id


def application_name() -> str:
    """What PostgreSQL is told of who asks."""
    its_id = request_id()
    return f"{PROGRAM} {its_id}" if its_id else PROGRAM


def carried(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function as part of this request, wherever it is called; to be called once."""
    return partial(copy_context().run, function)


class RequestThreads(ThreadPoolExecutor):
    """Threads that go on with the request of whoever submits."""

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """As ThreadPoolExecutor does."""
        return super().submit(carried(fn), *args, **kwargs)
