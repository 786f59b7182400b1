"""Structured logs: events with ids and numbers; no payloads, tokens, names or faces."""

import logging
import sys
import threading
from types import TracebackType

import structlog

from pipeline.redact import places, redact, without_words

log = structlog.get_logger(__name__)


def set_up_logs(level: str) -> None:
    """Log to stderr: coloured lines in a terminal, one JSON object a line elsewhere."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        # Its own way to draw a traceback shows the values of variables.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, without_words],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(places),
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries tell of every request and job at "info", and of every payload at "debug".
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for ours in ("bot", "pipeline"):
        logging.getLogger(ours).setLevel(level.upper())


def log_uncaught() -> None:
    """Have what nobody caught logged like all else, in place of Python's own words for it."""
    sys.excepthook = _uncaught
    threading.excepthook = lambda thread: _uncaught(
        thread.exc_type, thread.exc_value, thread.exc_traceback
    )


def _uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt):
        return
    log.critical("program.failed", exc_info=(kind, error, trace))
