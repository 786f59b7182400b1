"""What one of several bots took, so that no other answers it once more."""

from pipeline.domain.model import TeamId
from pipeline.storage.connect import Database

LIFE_S = 900.0
"""Longer than Slack goes on sending copies."""
PATIENCE_S = 0.5
"""Somebody waits for an answer."""

TAKE = """
insert into deliveries (team_id, delivery_key) values (%(team_id)s, %(key)s)
on conflict (team_id, delivery_key) do nothing
"""
DROP_OLD = """
delete from deliveries
where team_id = %(team_id)s and taken_at < now() - make_interval(secs => %(life_s)s)
"""


class Deliveries:
    """Of all processes over this database, one takes each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, team_id: TeamId, key: str) -> bool:
        """True for whoever comes first. Raises DatabaseUnavailableError, soon."""
        with self._database.transaction(patience_s=PATIENCE_S) as connection:
            return connection.execute(TAKE, {"team_id": team_id, "key": key}).rowcount > 0

    def drop_old(self, team_id: TeamId) -> int:
        """Forget those of which no copy comes any more; returns how many."""
        values = {"team_id": team_id, "life_s": LIFE_S}
        with self._database.transaction() as connection:
            return connection.execute(DROP_OLD, values).rowcount
