"""Messages that show how far a re-index is; kept in the database, so a restart goes on."""

from datetime import timedelta

import structlog
from slack_sdk import WebClient

from bot.blocks.texts import reindex_done, reindex_progress
from bot.calls import call
from pipeline.domain.model import Run, TeamId
from pipeline.errors import SourceUnavailableError
from pipeline.storage.photos import Photos
from pipeline.storage.runs import Runs
from pipeline.wiring import now

NOTICE_PATIENCE = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class ReindexNotices:
    """A tick: update the message of each open run, and end the runs that are through."""

    def __init__(self, client: WebClient, *, runs: Runs, photos: Photos) -> None:
        self._client = client
        self._runs = runs
        self._photos = photos
        self._last: dict[int, str] = {}

    def __call__(self, team_id: TeamId) -> None:
        """Tell how far each open run is; a text that didn't change isn't sent again."""
        for run in self._runs.open(team_id):
            counts = self._photos.counts(team_id, run_id=run.run_id)
            over = run.listed and counts.pending == 0
            if run.notice_ts is None and now() - run.started_at < NOTICE_PATIENCE:
                continue  # its message is being sent
            if over:
                # Ended first: a message that can't be updated must not keep the run open.
                self._runs.finish(team_id, run.run_id)
            text = reindex_done(counts) if over else reindex_progress(counts, listed=run.listed)
            if self._last.get(run.run_id) != text:
                self._last[run.run_id] = text
                is_told = self._update(run, text)
                if over and not is_told:
                    self._post(run, text)
            if over:
                self._last.pop(run.run_id, None)

    def _update(self, run: Run, text: str) -> bool:
        if run.notice_channel is None or run.notice_ts is None:
            return True  # there is nobody to tell
        channel, ts = run.notice_channel, run.notice_ts
        try:
            call(self._client.chat_update, channel=channel, ts=ts, text=text)
        except SourceUnavailableError as error:
            log.warning("notice.failed", run=run.run_id, reason=str(error))
            return False
        return True

    def _post(self, run: Run, text: str) -> None:
        """The ending, beside a message that can't be changed: no later tick would tell it."""
        try:
            call(self._client.chat_postMessage, channel=run.notice_channel, text=text)
        except SourceUnavailableError as error:
            log.warning("notice.failed", run=run.run_id, reason=str(error))
