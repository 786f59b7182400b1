"""What a person reads and uses on the bot's surfaces, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from bot.sandbox import FileId, Message, Person, View
from tests.acceptance.office import WAIT_S, Office

BUSY = "⏳"

TABLES = """
select table_name from information_schema.tables
where table_schema = 'public' and table_type = 'BASE TABLE'
"""


def words(place: Message | View) -> str:
    """All text of a message or a view, one line for each piece of it."""
    return "\n".join(_texts(list(place.blocks)))


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _texts(each)
    elif isinstance(part, dict):
        if part.get("type") in {"mrkdwn", "plain_text"}:
            yield part["text"]
        for key, value in part.items():
            # What a button asks before it does something stands nowhere until then.
            if key != "confirm":
                yield from _texts(value)


def pictures(place: Message | View) -> list[FileId]:
    """The files that are shown, in order."""
    images = [
        image
        for block in place.blocks
        for image in (block, block.get("accessory") or {})
        if image.get("type") == "image"
    ]
    assert all(image["alt_text"] for image in images)
    return [FileId(image["slack_file"]["id"]) for image in images]


def element(office: Office, place: Message | View, action_id: str) -> dict[str, Any] | None:
    """The first button or other element of that name, if there is one."""
    return next(
        (
            found
            for _, found in office.slack.people.elements(place)
            if found.get("action_id") == action_id
        ),
        None,
    )


def modal(office: Office, who: Person, *, other_than: View | None = None) -> View:
    """The modal that somebody has before them, once it is filled (and another one)."""

    def filled() -> View | None:
        view = office.slack.people.modal(who)
        if view is None or BUSY in words(view):
            return None
        if other_than is None or view.hash != other_than.hash:
            return view
        # Errors are put into the modal that is there.
        return view if view.errors and view.errors is not other_than.errors else None

    return office.slack.people.wait_for(filled, timeout_s=WAIT_S)


def home(office: Office, who: Person) -> View:
    """Open the Home tab; as it is then published."""
    before = office.slack.people.home(who)
    office.slack.people.open_home(who)
    return _next_home(office, who, before)


def press(office: Office, who: Person, view: View, action_id: str, value: str = "") -> View:
    """Use an element of the Home tab; as it is published then."""
    office.slack.people.click(who, view, action_id, value=value or None)
    return _next_home(office, who, view)


def _next_home(office: Office, who: Person, before: View | None) -> View:
    def published() -> View | None:
        view = office.slack.people.home(who)
        is_same = before is not None and view is not None and view.hash == before.hash
        return None if is_same else view

    return office.slack.people.wait_for(published, timeout_s=WAIT_S)


def told(office: Office, who: Person, count: int = 1) -> list[Message]:
    """The direct messages of the bot, once there are so many."""

    def enough() -> list[Message] | None:
        found = [
            message
            for message in office.slack.people.direct_messages(who)
            if message.author == office.slack.bot_user_id
        ]
        return found if len(found) >= count else None

    return office.slack.people.wait_for(enough, timeout_s=WAIT_S)


def everything(conninfo: str) -> dict[str, list[str]]:
    """Every row of the database as text, by table; bytes are in hexadecimal digits."""
    with psycopg.connect(conninfo) as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        return {
            name: [
                row
                for (row,) in connection.execute(
                    sql.SQL("select t::text from {} t").format(sql.Identifier(name))
                ).fetchall()
            ]
            for name in names
        }


def kept_of(conninfo: str, who: Person) -> dict[str, int]:
    """How many rows name a person, by table; tables without one are left out.

    So are the audit, which is for good, and that they were told how Findme works.
    """
    counts = {
        table: sum(who.id in row for row in rows)
        for table, rows in everything(conninfo).items()
        if table not in {"audit", "people"}
    }
    return {table: count for table, count in counts.items() if count}
