"""The sandbox's page over HTTP: who gets what, and what is refused."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.page.routes import STATIC
from tests.contract.conftest import Office, make_photo

Feed = dict[str, Any]


class _Parts(HTMLParser):
    """Every address in a page, and every script or style that stands in it."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(given[name]) for name in ("src", "href") if name in given]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


def _feed(office: Office, person: str, **query: Any) -> Feed:
    answer = httpx.get(
        f"{office.slack.origin}/sandbox/feed", params={"person": person, **query}, timeout=10
    ).json()
    assert answer["ok"], answer
    found: Feed = answer
    return found


def _post(office: Office, name: str, **body: Any) -> Any:
    answer = httpx.post(f"{office.slack.origin}/sandbox/{name}", json=body, timeout=10)
    return answer.json()


def _file(office: Office, person: str, file_id: str, **query: Any) -> httpx.Response:
    address = f"{office.slack.origin}/sandbox/files/{file_id}"
    return httpx.get(address, params={"person": person, **query})


def test_the_page_needs_nothing_from_elsewhere_and_allows_nothing_else(office: Office) -> None:
    page = httpx.get(f"{office.slack.origin}/")
    parts = _Parts()
    parts.feed(page.text)
    assert parts.inline == []
    assert all(address.startswith("/page/") for address in parts.addresses), parts.addresses
    for address in parts.addresses:
        assert httpx.get(office.slack.origin + address).status_code == 200, address
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_no_part_of_the_page_names_another_host_or_writes_markup(path: Path) -> None:
    text = path.read_text()
    without_links = re.sub(r"https://docs\.slack\.dev\S*|http://www\.w3\.org\S*", "", text)
    assert not re.search(r"[\"'(]https?://\w", without_links)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_every_module_that_a_script_imports_is_served(office: Office) -> None:
    names = {
        name
        for path in STATIC.glob("*.js")
        for name in re.findall(r'from "\./([\w.]+)"', path.read_text())
    }
    for name in names:
        answer = httpx.get(f"{office.slack.origin}/page/{name}")
        assert answer.headers["content-type"].startswith("text/javascript"), name


@pytest.mark.parametrize("name", ["..%2froutes.py", "nothing.js", "routes.py"])
def test_nothing_but_its_parts_is_served(office: Office, name: str) -> None:
    assert httpx.get(f"{office.slack.origin}/page/{name}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/sandbox/feed", "/sandbox/files/F1", "/page/app.js"])
def test_other_sites_get_nothing(office: Office, path: str, headers: dict[str, str]) -> None:
    answer = httpx.get(
        office.slack.origin + path, params={"person": office.ann.id}, headers=headers
    )
    assert answer.status_code == 403


def test_another_site_may_link_to_the_page_but_a_foreign_host_is_refused(office: Office) -> None:
    origin = office.slack.origin
    assert httpx.get(origin, headers={"sec-fetch-site": "cross-site"}).status_code == 200
    assert httpx.get(origin, headers={"host": "evil.example"}).status_code == 403


def test_a_person_is_told_of_what_they_see_and_of_nothing_else(office: Office) -> None:
    people = office.slack.people
    people.say(office.ann, office.secret, "between us")
    people.say(office.ben, office.photos, "for all")
    office.client.chat_postEphemeral(
        channel=office.photos.id, user=office.ann.id, text="for Ann alone"
    )
    seen = {
        who.id: [message["text"] for message in _feed(office, who.id)["feed"]["messages"]]
        for who in (office.ann, office.ben)
    }
    assert seen[office.ann.id] == ["between us", "for all", "for Ann alone"]
    assert seen[office.ben.id] == ["for all"]
    assert "secret" not in str(_feed(office, office.ben.id)["feed"]["channels"])


def test_a_feed_waits_until_there_is_something_new_for_that_person(office: Office) -> None:
    version = _feed(office, office.ben.id)["version"]
    office.slack.people.say(office.ann, office.secret, "not for Ben")
    unchanged = _feed(office, office.ben.id, after=version, wait_s=0.3)
    assert (unchanged["version"], "feed" in unchanged) == (version, False)
    office.slack.people.say(office.ann, office.photos, "for Ben too")
    changed = _feed(office, office.ben.id, after=version, wait_s=5)
    assert changed["feed"]["messages"][-1]["text"] == "for Ben too"


def test_a_file_is_given_to_members_and_its_owner_alone(office: Office) -> None:
    photo = make_photo()
    posted = office.slack.people.post_photo(office.ann, office.secret, "a.jpg", photo)
    own = office.slack.people.upload(office.ben, "b.jpg", photo)
    assert _file(office, office.ann.id, posted.file_id).content == photo
    assert _file(office, office.ben.id, posted.file_id).status_code == 404
    assert _file(office, office.ben.id, own.id).status_code == 200
    assert _file(office, office.ann.id, own.id).status_code == 404
    office.slack.people.delete_file(office.ann, posted.file_id)
    assert _file(office, office.ann.id, posted.file_id).status_code == 404


def test_a_file_of_the_bot_is_given_to_whom_an_answer_shows_it(office: Office) -> None:
    made = office.client.files_upload_v2(filename="t.png", content=make_photo(kind="PNG"))
    file_id = made["file"]["id"]
    assert _file(office, office.ann.id, file_id).status_code == 404
    image = {"type": "image", "slack_file": {"id": file_id}, "alt_text": "a photo"}
    office.client.chat_postEphemeral(
        channel=office.photos.id, user=office.ann.id, text="look", blocks=[image]
    )
    assert _file(office, office.ann.id, file_id, side_px=160).status_code == 200
    assert _file(office, office.ben.id, file_id).status_code == 404


def test_whatever_is_no_picture_is_downloaded_and_never_opened(office: Office) -> None:
    posted = office.slack.people.post_photo(
        office.ann, office.photos, "päge.html", b"<script>alert(1)</script>"
    )
    answer = _file(office, office.ann.id, posted.file_id)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''p%C3%A4ge.html"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_message_carries_text_as_typed_and_files_that_were_uploaded(office: Office) -> None:
    stored = httpx.post(
        f"{office.slack.origin}/sandbox/uploads",
        params={"person": office.ann.id, "filename": "a.jpg"},
        content=make_photo(),
    ).json()["file"]
    place = {"person": office.ann.id, "channel": office.photos.id}
    said = _post(office, "messages", **place, text="<b> & @ben.ode", files=[stored["id"]])
    assert said["message"]["text"] == f"&lt;b&gt; &amp; <@{office.ben.id}|ben.ode>"
    assert [file["id"] for file in said["message"]["files"]] == [stored["id"]]
    stolen = _post(
        office, "messages", person=office.ben.id, channel=office.photos.id, files=[stored["id"]]
    )
    assert stolen["ok"] is False


def test_a_picture_can_be_changed_and_the_bot_invited(office: Office) -> None:
    _post(office, "invitations", person=office.ann.id, channel=office.secret.id)
    assert office.slack.bot_user_id in office.slack.people.channel(office.secret).members
    _post(office, "pictures", person=office.ann.id, picture=None)
    assert office.slack.people.person(office.ann).picture is None
    refused = _post(office, "invitations", person=office.ben.id, channel=office.secret.id)
    assert refused["ok"] is False


def test_a_browser_that_follows_a_permalink_is_led_to_the_page(office: Office) -> None:
    said = office.slack.people.say(office.ann, office.photos, "here")
    link = office.slack.people.permalink(said)
    led = httpx.get(link, headers={"accept": "text/html"})
    assert led.headers["location"] == f"/#/-/{office.photos.id}/{said.ts}"
    assert httpx.get(link).json()["text"] == "here"
