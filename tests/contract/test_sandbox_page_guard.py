"""What guards the workspace's addresses, and how it answers requests that don't do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bot.sandbox import SlackApp
from tests.contract.conftest import Office, make_photo

HARDENED = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


def _avatar(office: Office, size: str = "image_192") -> str:
    answer = office.client.users_info(user=office.ann.id)
    return str(answer["user"]["profile"][size])


def _addresses(office: Office) -> dict[str, str]:
    """What a browser may read without a token, by what it is."""
    said = office.slack.people.say(office.ann, office.photos, "here")
    origin, query = office.slack.origin, f"?person={office.ann.id}"
    return {
        "page": origin,
        "part": f"{origin}/page/app.js",
        "avatar": _avatar(office),
        "original": _avatar(office, "image_original"),
        "message": office.slack.people.permalink(said),
        "feed": f"{origin}/sandbox/feed{query}",
        "state": f"{origin}/sandbox/state{query}",
    }


def _status(url: str, headers: Mapping[str, str]) -> int:
    return httpx.get(url, headers=headers).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9"},
        {"origin": "http://localhost"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_nothing_is_read_under_a_foreign_name_or_by_another_ports_page(
    office: Office, headers: dict[str, str]
) -> None:
    found = {name: _status(url, headers) for name, url in _addresses(office).items()}
    assert set(found.values()) == {403}, found


def test_what_no_other_site_links_to_is_no_part_of_its_pages(office: Office) -> None:
    addresses = _addresses(office)
    for site, linked in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        headers = {"sec-fetch-site": site}
        found = {name: _status(url, headers) for name, url in addresses.items()}
        assert (found.pop("page"), found.pop("message")) == (200, 200)
        assert set(found.values()) == {linked}, (site, found)


def test_every_answer_tells_browsers_to_keep_to_themselves(office: Office) -> None:
    for name, url in _addresses(office).items():
        headers = httpx.get(url).headers
        assert HARDENED.items() <= dict(headers).items(), name
        assert headers["content-security-policy"].startswith("default-src 'self';"), name


def test_nobody_acts_from_another_ports_page(office: Office) -> None:
    url = f"{office.slack.origin}/sandbox/messages"
    body = {"person": office.ann.id, "channel": office.photos.id, "text": "hello"}
    port = urlsplit(office.slack.origin).port
    for origin, status in {
        "http://127.0.0.1:9": 403,
        f"http://localhost:{port}": 403,
        f"https://127.0.0.1:{port}": 403,
        office.slack.origin: 200,
    }.items():
        answer = httpx.post(url, json=body, headers={"origin": origin})
        assert answer.status_code == status, origin
    assert len(office.slack.people.messages(office.photos)) == 1
    # As curl and a bot's tests ask.
    assert httpx.post(url, json=body).status_code == 200
    own = {"host": f"localhost:{port}", "origin": f"http://localhost:{port}"}
    assert httpx.post(url, json=body, headers=own).status_code == 200


def test_a_picture_is_given_by_its_hash_alone(office: Office) -> None:
    url, original = _avatar(office), _avatar(office, "image_original")
    assert httpx.get(url).headers["content-type"] == "image/jpeg"
    found = office.client.users_info(user=office.ann.id)["user"]["profile"]["avatar_hash"]
    for guessed in ("", "x", found[:-1]):
        for address in (url, original):
            assert httpx.get(address.replace(found, guessed)).status_code == 404
    assert httpx.get(url.replace(f"-{found}", "")).status_code == 404
    office.slack.people.set_picture(office.ann, make_photo(seed=1))
    assert httpx.get(url).status_code == 404
    assert httpx.get(_avatar(office)).status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("messages", {}, "The field `person` is missing."),
        ("messages", {"person": "U000000002"}, "The field `channel` is missing."),
        ("clicks", {"channel": "C1"}, "The field `ts` is missing."),
        ("people", {}, "The field `name` is missing."),
        ("people", {"name": "Cy", "picture": "abc"}, "The field `picture` must be base64."),
        (
            "people",
            {"name": "Cy", "tz": "Mars"},
            "There is no time zone 'Mars'; one is `Europe/Berlin`.",
        ),
        (
            "channels",
            {"name": "new", "invite_bot": True},
            "Somebody must be in the channel to invite the bot: give `members`.",
        ),
        ("homes", {"person": ["U1"]}, "A field has a value of the wrong kind."),
    ],
)
def test_a_request_that_does_not_do_is_told_what_is_the_matter(
    office: Office, name: str, body: dict[str, Any], sentence: str
) -> None:
    answer = httpx.post(f"{office.slack.origin}/sandbox/{name}", json=body)
    assert (answer.status_code, answer.json()) == (400, {"ok": False, "error": sentence})


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("state?after=x", "The field `after` must be a number."),
        ("feed?wait_s=soon", "The field `wait_s` must be a number."),
        ("files/F1", "The field `person` is missing."),
    ],
)
def test_a_query_that_does_not_do_is_told_what_is_the_matter(
    office: Office, address: str, sentence: str
) -> None:
    answer = httpx.get(f"{office.slack.origin}/sandbox/{address}")
    assert (answer.status_code, answer.json()["error"]) == (400, sentence)


def test_a_form_without_its_file_is_told_so(office: Office) -> None:
    url = f"{office.slack.origin}/sandbox/photos"
    answer = httpx.post(url, files={"other": ("a.jpg", make_photo())})
    assert (answer.status_code, answer.json()["error"]) == (400, "The part `file` is missing.")


def test_a_feed_tells_which_files_in_blocks_are_no_more(office: Office) -> None:
    posts = [
        office.slack.people.post_photo(office.ann, office.photos, name, make_photo())
        for name in ("a.jpg", "b.jpg")
    ]
    image = {"type": "image", "slack_file": {"id": posts[0].file_id}, "alt_text": "one"}
    info = office.client.files_info(file=posts[1].file_id)["file"]
    accessory = {"type": "image", "slack_file": {"url": info["url_private"]}, "alt_text": "two"}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": accessory}
    sent = office.client.chat_postMessage(
        channel=office.photos.id, text="x", blocks=[image, section]
    )
    url = f"{office.slack.origin}/sandbox/feed?person={office.ann.id}"

    def gone() -> list[str]:
        messages = httpx.get(url).json()["feed"]["messages"]
        (found,) = (each["gone"] for each in messages if each["ts"] == sent["ts"])
        assert isinstance(found, list)
        return found

    assert gone() == []
    for posted in posts:
        office.slack.people.delete_file(office.ann, posted.file_id)
    assert gone() == sorted(posted.file_id for posted in posts)


@pytest.mark.parametrize("app_home", [None, {}, {"messages_tab_read_only_enabled": True}], ids=str)
def test_a_manifest_tells_whether_people_may_write_to_the_bot(
    app_home: dict[str, bool] | None,
) -> None:
    features: dict[str, Any] = {"bot_user": {"display_name": "findme"}}
    if app_home is not None:
        features["app_home"] = app_home
    manifest = {
        "features": features,
        "oauth_config": {"scopes": {"bot": []}},
        "settings": {"event_subscriptions": {"bot_events": []}},
    }
    assert SlackApp.from_manifest(manifest).messages_tab_read_only is bool(app_home)
