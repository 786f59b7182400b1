"""What Slack says is gone is gone from the index: by its event, and without it."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from structlog.testing import capture_logs

from bot.calls import SHUT_OUT
from bot.sandbox import Channel, ChannelId, Message, Person, PostedPhoto
from bot.sandbox.render import file_json
from bot.standing import Standing
from tests.acceptance.office import (
    Office,
    eventually,
    execute,
    jobs,
    lines,
    one_way,
    rows,
    snapshot,
)
from tests.acceptance.surfaces import everything, kept_of

pytestmark = pytest.mark.slow

SOON_S = 0.5


def _files(office: Office) -> set[str]:
    return {row.file_id for row in rows(office.conninfo)}


def _is_gone(office: Office, *posted: PostedPhoto) -> None:
    gone = {photo.file_id for photo in posted}
    eventually(lambda: not gone & _files(office), what="the end of the photos")


def _shares(office: Office, posted: PostedPhoto) -> set[tuple[str, str]]:
    with psycopg.connect(office.conninfo) as connection:
        found = connection.execute(
            "select s.channel_id, s.ts from shares s join photos p using (team_id, photo_id) "
            "join channels c using (team_id, channel_id) "
            "where c.watched and p.file_id = %(file_id)s",
            {"file_id": posted.file_id},
        ).fetchall()
    return set(found)


def _place(posted: PostedPhoto) -> tuple[str, str]:
    return posted.channel, posted.ts


def _names(office: Office) -> dict[str, str]:
    bot = office.running
    return {one.channel_id: one.name for one in bot.runtime.workspaces.watched(bot.team_id)}


# Files and messages


@one_way
def test_file_deleted_takes_effect_at_once(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    (posted,) = office.show(channel, snapshot("eileen"))
    office.slack.people.delete_file(office.organiser, posted.file_id)
    _is_gone(office, posted)
    assert lines(office.ask(eileen, channel)) == []


@one_way
@pytest.mark.parametrize("only", ["file_unshared", "message"])
def test_message_deleted_and_file_unshared_each_take_the_share_along(
    office: Office, only: str
) -> None:
    people = office.slack.people
    channel, other = office.channel(), office.channel()
    (posted,) = office.show(channel, snapshot("eileen"))
    again = people.share_again(office.organiser, posted.file_id, other)
    eventually(lambda: len(_shares(office, posted)) == 2, what="the second share")
    with _Hearing(office, only):
        people.delete_message(office.organiser, posted)
        eventually(
            lambda: _shares(office, posted) == {_place(again)}, what="the end of the first share"
        )
        people.delete_message(office.organiser, again)
        _is_gone(office, posted)


def test_a_photo_goes_with_a_message_that_slack_did_not_name_yet(new_office: Office) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=3600)
    channel = office.channel()
    posted = _noted_too_early(office, channel)
    assert _shares(office, posted) == {(channel.id, "")}
    with _Hearing(office, "message"):
        office.slack.people.delete_message(office.organiser, posted)
        _is_gone(office, posted)


def _noted_too_early(office: Office, channel: Channel) -> PostedPhoto:
    """A photo that is read when `files.info` doesn't tell yet which message shows it."""
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of the listing")
    ws = office.slack.workspace
    with _Hearing(office, "nothing"):
        posted = office.post(channel, snapshot("eileen"))
    early = file_json(ws, ws.files[posted.file_id]) | {"shares": {}}
    office.slack.faults.fail("files.info", body={"ok": True, "file": early})
    event = {"type": "file_shared", "file_id": posted.file_id, "channel_id": channel.id}
    ws.emit(event, channel=channel.id)
    office.read(posted)
    return posted


def test_slack_is_asked_nothing_of_a_deleted_message_of_which_nothing_is_left(
    new_office: Office,
) -> None:
    office = new_office
    people, calls = office.slack.people, office.slack.faults.calls
    with capture_logs() as log:

        def heard() -> int:
            done = [entry for entry in log if entry["event"] == "request.done"]
            return sum(entry["name"] == "message" for entry in done)

        office.start_bot(findme_pull_every_s=3600)
        channel, unwatched = office.channel(), people.open_direct(office.organiser)
        messages: list[Message | PostedPhoto] = [
            people.say(office.organiser, channel, "No photo here"),
            people.post_photo(office.organiser, channel, "a.pdf", b"%PDF-1.4"),
            office.post(unwatched, snapshot("eileen", 1)),
            *office.show(channel, snapshot("eileen")),
        ]
        eventually(lambda: heard() == 4, what="what is written")
        asked = calls["files.info"]
        with _Hearing(office, "message"):
            for each in messages:
                people.delete_message(office.organiser, each)
            eventually(lambda: heard() == 8, what="what is deleted")
    assert _files(office) == set()
    assert calls["files.info"] == asked


@one_way
def test_a_photo_taken_out_of_a_message_that_stays_is_gone(office: Office) -> None:
    people = office.slack.people
    channel = office.channel()
    posted = people.post_photo(
        office.organiser, channel, "a.jpg", snapshot("eileen"), text="Look at us!"
    )
    office.read(posted)
    people.take_out(posted, posted.file_id)
    _is_gone(office, posted)


@one_way
def test_a_photo_that_only_a_channel_without_the_bot_still_shows_is_forgotten(
    office: Office,
) -> None:
    channel, unwatched = office.channel(), office.channel(with_bot=False)
    posted = office.post(channel, snapshot("eileen"))
    office.slack.people.share_again(office.organiser, posted.file_id, unwatched)
    office.read(posted)
    office.slack.people.delete_message(office.organiser, posted)
    _is_gone(office, posted)


@pytest.mark.parametrize("only", ["file_deleted", "file_unshared", "message"])
def test_a_photo_in_a_channel_of_another_workspace_goes_at_once(
    new_office: Office, monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    # What an event doesn't do, nothing does in the time of a test.
    monkeypatch.setattr("bot.wiring.LOST_EVERY_S", 3600.0)
    office = new_office
    office.start_bot(findme_pull_every_s=3600)
    people = office.slack.people
    stranger = people.add_person("Sue", foreign=True)
    channel = people.add_channel("theirs", members=[office.organiser, stranger], foreign=True)
    office.invite_bot(channel)
    posted = people.post_photo(stranger, channel, "guest.jpg", snapshot("eileen"), foreign=True)
    office.read(posted)
    with _Hearing(office, only):
        if only == "file_deleted":
            people.delete_file(stranger, posted.file_id)
        else:
            people.delete_message(stranger, posted)
        _is_gone(office, posted)


# Channels


def _kick(office: Office, channel: Channel) -> None:
    office.slack.people.kick_bot(channel, by=office.organiser)


def _archive(office: Office, channel: Channel) -> None:
    office.slack.people.archive_channel(channel, by=office.organiser)


def _delete(office: Office, channel: Channel) -> None:
    office.slack.people.delete_channel(channel, by=office.organiser)


ENDS = {"left": _kick, "archived": _archive, "deleted": _delete}


@one_way
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_a_channel_archived_deleted_or_left_is_forgotten_at_once(
    office: Office, *, private: bool, end: str
) -> None:
    channel, other = office.channel(private=private), office.channel()
    posted, both = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    again = office.slack.people.share_again(office.organiser, both.file_id, other)
    eventually(lambda: len(_shares(office, both)) == 2, what="the second share")
    ENDS[end](office, channel)
    eventually(lambda: channel.id not in _names(office), what="the end of the channel")
    _is_gone(office, posted)
    assert _shares(office, both) == {_place(again)}


@pytest.mark.parametrize("end", ENDS)
def test_a_channel_archived_deleted_or_left_unheard_is_forgotten_by_the_tick(
    new_office: Office, end: str
) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S)
    channel = office.channel()
    (posted,) = office.show(channel, snapshot("eileen"))
    office.lose_events()
    ENDS[end](office, channel)
    _is_gone(office, posted)


def test_channels_are_looked_at_more_often_than_once_a_minute_however_rare_the_pull(
    new_office: Office,
) -> None:
    office = new_office
    bot = office.start_bot(findme_pull_every_s=3600)
    every_s = {
        job.id: job.trigger.interval.total_seconds() for job in bot._schedule._scheduler.get_jobs()
    }
    assert max(every_s["channels"], every_s["token"]) <= 45
    assert every_s["pull"] == 3600


@one_way
def test_a_private_channel_that_is_opened_again_is_watched_and_looked_through(
    office: Office,
) -> None:
    people = office.slack.people
    channel = office.channel(private=True)
    (posted,) = office.show(channel, snapshot("eileen"))
    people.archive_channel(channel, by=office.organiser)
    _is_gone(office, posted)
    people.unarchive_channel(channel, by=office.organiser)
    office.read(posted)


@one_way
def test_a_public_channel_that_is_opened_again_has_to_invite_the_bot(office: Office) -> None:
    people = office.slack.people
    channel = office.channel()
    people.archive_channel(channel, by=office.organiser)
    eventually(lambda: channel.id not in _names(office), what="the end of the channel")
    people.unarchive_channel(channel, by=office.organiser)
    eventually(lambda: office.slack.delivery.is_idle, what="the event")
    office.running.pull()
    assert channel.id not in _names(office)


@one_way
@pytest.mark.parametrize("private", [False, True])
def test_a_renamed_channel_goes_by_its_new_name(office: Office, *, private: bool) -> None:
    channel = office.channel(private=private)
    office.slack.people.rename_channel(channel, f"better-{channel.name}")
    eventually(lambda: _names(office)[channel.id] == f"better-{channel.name}", what="the new name")


# People


def _known(office: Office, *, selfie: bool = False) -> tuple[Person, Channel]:
    """Somebody who searched, said that a photo is theirs and turned alerts on."""
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, channel)
    assert lines(answer)
    bot = office.running
    bot.runtime.alerts.turn_on(bot.team_id, eileen.id)  # type: ignore[arg-type]
    if selfie:
        bot.edge.selfies.hold(bot.team_id, eileen.id, snapshot("eileen", 3))  # type: ignore[arg-type]
    assert set(kept_of(office.conninfo, eileen)) >= {"alerts", "person_references"}
    return eileen, channel


def _is_forgotten(office: Office, who: Person) -> None:
    eventually(
        lambda: not kept_of(office.conninfo, who).keys() & {"alerts", "person_references"},
        what="the end of what is known of a person",
    )


@one_way
def test_a_deactivated_user_is_forgotten_at_once(office: Office) -> None:
    eileen, _ = _known(office, selfie=True)
    office.slack.people.deactivate(eileen)
    _is_forgotten(office, eileen)
    assert "held_selfies" not in kept_of(office.conninfo, eileen)


@one_way
def test_a_deactivated_user_is_not_looked_for_and_one_sentence_says_so(office: Office) -> None:
    eileen, channel = _known(office)
    office.slack.people.deactivate(eileen)
    _is_forgotten(office, eileen)
    answer = office.ask(office.organiser, channel, f"@{eileen.name}")
    assert answer.text == f"<@{eileen.id}>'s account is closed, so I don't look for them."
    assert "person_references" not in kept_of(office.conninfo, eileen)


def test_a_user_deactivated_unheard_is_forgotten_within_a_day(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen, _ = _known(office, selfie=True)
    check = office.running.edge.check_people
    # As if the round of today were over.
    check._left.clear()
    check._began_at = datetime.now(UTC) - timedelta(hours=25)
    office.lose_events()
    office.slack.people.deactivate(eileen)
    _is_forgotten(office, eileen)
    assert "held_selfies" not in kept_of(office.conninfo, eileen)


@one_way
def test_a_new_name_is_used_at_once(office: Office) -> None:
    eileen = office.person("eileen")
    names = office.running.edge.names
    assert names.people([eileen.id])[eileen.id] != "Eileen O."  # type: ignore[list-item,index]
    from bot.sandbox import changes  # noqa: PLC0415

    changes.update_person(office.slack.workspace, eileen.id, real_name="Eileen O.")
    calls = office.slack.faults.calls["users.info"]
    eventually(
        lambda: names.people([eileen.id])[eileen.id] == "Eileen O.",  # type: ignore[list-item,index]
        what="the new name",
    )
    assert office.slack.faults.calls["users.info"] - calls <= 1


# Lost events


def test_the_daily_comparison_repairs_lost_deletions_and_tries_what_was_given_up(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S)
    people = office.slack.people
    channel, other = office.channel(), office.channel()
    deleted, unshared, twice, given_up, poison = office.show(
        channel, *(snapshot("eileen", number) for number in range(5))
    )
    again = people.share_again(office.organiser, twice.file_id, channel)
    elsewhere = people.share_again(office.organiser, unshared.file_id, other)
    eventually(lambda: len(_shares(office, twice)) == 2, what="a second share")
    eventually(lambda: len(_shares(office, unshared)) == 2, what="another one")
    office.lose_events()
    people.delete_file(office.organiser, deleted.file_id)
    people.delete_message(office.organiser, unshared)
    people.delete_message(office.organiser, twice)
    for file_id, reason in (
        (given_up.file_id, "Slack was away"),
        (poison.file_id, "reading it stopped the program several times"),
    ):
        execute(
            office.conninfo,
            "update photos set state = 'given up', reason = %s where file_id = %s",
            reason,
            file_id,
        )
    execute(office.conninfo, "update channels set compared_at = now() - interval '25 hours'")
    _is_gone(office, deleted)
    eventually(lambda: _shares(office, unshared) == {_place(elsewhere)}, what="the other's share")
    eventually(lambda: _shares(office, twice) == {_place(again)}, what="the share that is left")

    def states() -> dict[str, str]:
        return {row.file_id: row.state for row in rows(office.conninfo)}

    eventually(lambda: states()[given_up.file_id] == "indexed", what="the photo given up")
    assert states()[poison.file_id] == "given up"


def test_an_event_that_came_while_the_database_was_away_takes_effect_soon_after(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.errors import DatabaseUnavailableError  # noqa: PLC0415

    office = new_office
    bot = office.start_bot(findme_pull_every_s=1.5)
    channel = office.channel()
    (posted,) = office.show(channel, snapshot("eileen"))

    def away(*_: object) -> bool:
        raise DatabaseUnavailableError

    monkeypatch.setattr(bot.runtime.photos, "retract", away)
    office.slack.people.delete_file(office.organiser, posted.file_id)
    _is_gone(office, posted)


# The app itself


def _rests(office: Office, standing: Standing) -> None:
    service = office.running.edge.service
    eventually(lambda: service.standing is standing, what=f"the bot being {standing.value}")
    eventually(lambda: service._work is None, what="the end of work")


def _health(office: Office) -> int:
    return httpx.get(f"http://127.0.0.1:{office.running.port}/healthz").status_code


@pytest.mark.parametrize("heard", [True, False])
def test_tokens_revoked_stops_everything_and_loses_nothing(
    new_office: Office, *, heard: bool
) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S if not heard else 2, findme_port=0)
    people = office.slack.people
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    (posted,) = office.show(channel, snapshot("eileen"))
    if not heard:
        office.lose_events()
    with capture_logs() as log:
        people.revoke_tokens()
        _rests(office, Standing.SHUT_OUT)
    (told,) = [entry for entry in log if entry["event"] == "workspace.shut_out"]
    assert "SLACK_BOT_TOKEN" in told["advice"]
    assert _health(office) == 503
    assert office.ask(eileen, channel).text == SHUT_OUT
    later = office.post(channel, snapshot("eileen", 1))
    assert _files(office) == {posted.file_id}
    assert kept_of(office.conninfo, eileen) == {}
    people.renew_tokens()
    office.read(later)
    assert _health(office) == 200
    assert len(lines(office.ask(eileen, channel))) == 2


def test_no_photo_is_given_up_because_the_token_was_revoked(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.jobs.worker.FIRST_WAIT_S", 0.01)
    office = new_office
    bot = office.start_bot(findme_pull_every_s=3600)
    channel = office.channel()
    office.slack.faults.slow("files.download", delay_s=0.3, times=3)
    posted = office.post_all(channel, [snapshot("eileen", number) for number in range(3)])
    eventually(lambda: len(rows(office.conninfo)) == 3, what="the photos")
    # No event, and no tick yet: only the jobs see it, again and again.
    office.lose_events()
    office.slack.people.revoke_tokens()
    eventually(lambda: office.slack.faults.calls["files.download"] > 20, what="many tries")
    assert {row.state for row in rows(office.conninfo)} <= {"pending", "indexed"}
    office.slack.people.renew_tokens()
    bot.runtime.queue.hurry(bot.team_id)
    assert {row.state for row in office.read(*posted)} == {"indexed"}


def test_an_old_tokens_revoked_changes_nothing_while_the_token_works(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    ws = office.slack.workspace
    ws.emit({"type": "tokens_revoked", "tokens": {"bot": [ws.bot_user_id]}})
    ws.emit({"type": "app_uninstalled"})
    eventually(lambda: office.slack.delivery.is_idle, what="the events")
    (posted,) = office.show(office.channel(), snapshot("eileen"))
    assert office.running.edge.service.is_open
    assert _files(office) == {posted.file_id}


def _of_workspace(office: Office) -> dict[str, int]:
    own = {
        table: rows for table, rows in everything(office.conninfo).items() if "yoyo" not in table
    }
    team = office.slack.team_id
    return {
        table: count for table, found in own.items() if (count := sum(team in row for row in found))
    }


def test_app_uninstalled_deletes_all_that_the_workspace_holds(new_office: Office) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S, findme_port=0)
    _, channel = _known(office)
    bot = office.running
    bot.runtime.workspaces.claim("T-another", bot.runtime.reader.engine_id)  # type: ignore[arg-type]
    office.slack.faults.slow("files.download", delay_s=0.2, times=20)
    office.post_all(channel, [snapshot("eileen", number) for number in range(1, 9)])
    eventually(lambda: jobs(office.conninfo) > 0, what="jobs")
    assert set(_of_workspace(office)) >= {"workspaces", "channels", "photos", "shares", "faces"}
    with capture_logs() as log:
        office.slack.people.uninstall_app()
        eventually(lambda: set(_of_workspace(office)) == {"audit"}, what="the end of every row")
        _logged(log, "workspace.forgotten")
    (told,) = [entry for entry in log if entry["event"] == "workspace.forgotten"]
    assert told["photos"] >= 1
    assert told["channels"] == 1
    _rests(office, Standing.REMOVED)
    assert _health(office) == 503
    assert bot.runtime.workspaces.all() == ["T-another"]


def _says_nothing(office: Office) -> None:
    """Slack doesn't say whether it takes the token."""
    office.slack.faults.fail("auth.test", status=503, times=1000)


def test_an_old_app_uninstalled_forgets_nothing_while_slack_gives_no_answer(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S)
    (posted,) = office.show(office.channel(), snapshot("eileen"))
    with capture_logs() as log:
        _says_nothing(office)
        office.slack.workspace.emit({"type": "app_uninstalled"})
        _logged(log, "workspace.perhaps_removed")
        assert _files(office) == {posted.file_id}
        assert office.running.edge.service.is_open
        office.slack.faults.clear()
        _logged(log, "workspace.not_removed")
    assert _files(office) == {posted.file_id}
    office.stop_bot()
    office.start_bot()
    (again,) = office.show(office.channel(), snapshot("eileen", 1))
    assert _files(office) == {posted.file_id, again.file_id}


def test_an_uninstalled_app_forgets_all_as_soon_as_slack_says_so(new_office: Office) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S)
    (posted,) = office.show(office.channel(), snapshot("eileen"))
    with capture_logs() as log:
        _says_nothing(office)
        office.slack.people.uninstall_app()
        _logged(log, "workspace.perhaps_removed")
        assert _files(office) == {posted.file_id}
        office.slack.faults.clear()
        eventually(lambda: set(_of_workspace(office)) == {"audit"}, what="the end of every row")
    _rests(office, Standing.REMOVED)


def _logged(log: list[MutableMapping[str, Any]], event: str) -> None:
    eventually(lambda: any(entry["event"] == event for entry in log), what=event)


def test_an_app_that_is_installed_again_begins_anew(new_office: Office) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=SOON_S)
    channel = office.channel()
    (posted,) = office.show(channel, snapshot("eileen"))
    office.slack.people.uninstall_app()
    eventually(lambda: set(_of_workspace(office)) == {"audit"}, what="the end of every row")
    office.slack.people.renew_tokens()
    office.slack.people.invite_bot(channel, by=office.organiser)
    office.read(posted)


class _Hearing:
    """Every event but one kind is lost."""

    def __init__(self, office: Office, kind: str) -> None:
        self._ws = office.slack.workspace
        self._before = list(self._ws.listeners)
        self._kind = kind

    def __enter__(self) -> None:
        """Begin."""
        deliver = self._before

        def hear(event: dict[str, Any], channel: ChannelId | None) -> None:
            if event["type"] == self._kind:
                for each in deliver:
                    each(event, channel)

        self._ws.listeners[:] = [hear]

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ws.listeners[:] = self._before
