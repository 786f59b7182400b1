"""Files in the sandbox: shape, guards, listing, uploads."""

from __future__ import annotations

import io

import httpx
import pytest
from PIL import Image
from slack_sdk.errors import SlackApiError

from bot.sandbox import Sandbox
from tests.contract.conftest import FAST, Office, furnish, make_photo


def bearer(office: Office) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.slack.bot_token}"}


def error_of(office: Office, file_id: str) -> str:
    with pytest.raises(SlackApiError) as caught:
        office.client.files_info(file=file_id)
    return str(caught.value.response["error"])


def test_a_file_has_slacks_shape(office: Office) -> None:
    data = make_photo(width_px=800, height_px=400)
    posted = office.slack.people.post_photo(office.ann, office.photos, "party.jpeg", data)
    file = office.client.files_info(file=posted.file_id)["file"]
    assert (file["mimetype"], file["filetype"]) == ("image/jpeg", "jpg")
    assert (file["original_w"], file["original_h"]) == (800, 400)
    assert (file["thumb_360_w"], file["thumb_360_h"]) == (360, 180)
    assert file["channels"] == [office.photos.id]
    share = file["shares"]["public"][office.photos.id][0]
    assert share["ts"] == posted.ts
    assert share["share_user_id"] == office.ann.id
    thumb = httpx.get(file["thumb_360"], headers=bearer(office))
    assert Image.open(io.BytesIO(thumb.content)).size == (360, 180)


def test_the_type_of_a_file_comes_from_its_name_alone(office: Office) -> None:
    posted = office.slack.people.post_photo(office.ann, office.photos, "notes.jpg", b"just text")
    file = office.client.files_info(file=posted.file_id)["file"]
    assert file["mimetype"] == "image/jpeg"
    assert "original_w" not in file


def test_a_download_with_the_token_gives_the_bytes_and_is_counted(office: Office) -> None:
    data = make_photo()
    posted = office.slack.people.post_photo(office.ann, office.photos, "a b.jpg", data)
    url = office.client.files_info(file=posted.file_id)["file"]["url_private"]
    answer = httpx.get(url, headers=bearer(office))
    assert answer.content == data
    assert answer.headers["content-type"] == "image/jpeg"
    assert office.slack.faults.downloads[posted.file_id] == 1


def test_a_download_without_a_token_gets_the_login_page(office: Office) -> None:
    posted = office.slack.people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    url = office.client.files_info(file=posted.file_id)["file"]["url_private"]
    for headers in ({}, {"Authorization": "Bearer xoxb-wrong"}):
        answer = httpx.get(url, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
    assert office.slack.faults.downloads[posted.file_id] == 0


def test_a_token_without_files_read_gets_the_login_page(read_only_office: Office) -> None:
    office = read_only_office
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    url = f"{office.slack.origin}/files-pri/{office.slack.team_id}-{posted.file_id}/a.jpg"
    assert "Sign in" in httpx.get(url, headers=bearer(office)).text


def test_a_file_where_the_bot_is_not_is_not_found_and_not_served(office: Office) -> None:
    posted = office.slack.people.post_photo(office.ann, office.secret, "a.jpg", make_photo())
    url = f"{office.slack.origin}/files-pri/{office.slack.team_id}-{posted.file_id}/a.jpg"
    assert error_of(office, posted.file_id) == "file_not_found"
    assert "Sign in" in httpx.get(url, headers=bearer(office)).text


def test_a_file_shared_again_is_seen_through_either_channel(office: Office) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.secret, "a.jpg", make_photo())
    people.share_again(office.ann, posted.file_id, office.photos)
    file = office.client.files_info(file=posted.file_id)["file"]
    assert (file["channels"], file["groups"]) == ([office.photos.id], [office.secret.id])


def test_a_slack_connect_file_is_a_stub_until_it_is_asked_for(office: Office) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, "a.jpg", make_photo(), foreign=True)
    (listed,) = office.client.files_list(channel=office.photos.id)["files"]
    assert listed["file_access"] == "check_file_info"
    assert "url_private" not in listed
    file = office.client.files_info(file=posted.file_id)["file"]
    assert httpx.get(file["url_private"], headers=bearer(office)).content == make_photo()


def test_a_deleted_file_is_gone_and_told_from_an_unknown_one(office: Office) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    url = office.client.files_info(file=posted.file_id)["file"]["url_private"]
    people.delete_file(office.ann, posted.file_id)
    assert error_of(office, posted.file_id) == "file_deleted"
    assert error_of(office, "F000") == "file_not_found"
    assert httpx.get(url, headers=bearer(office)).status_code == 404
    assert people.messages(office.photos) == []
    assert office.client.files_list()["files"] == []


def test_deleting_the_message_leaves_the_file_unshared(office: Office) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ben, office.photos, "a.jpg", make_photo())
    people.delete_message(office.ben, posted)
    assert people.file(posted.file_id).shares == ()
    assert error_of(office, posted.file_id) == "file_not_found"


def test_files_are_listed_newest_first_and_by_page() -> None:
    now_s = [1_700_000_000.0]
    with Sandbox(times=FAST, clock=lambda: now_s[0]) as slack:
        office = furnish(slack)
        posted = []
        for n in range(5):
            now_s[0] += 10
            posted.append(
                slack.people.post_photo(office.ann, office.photos, f"{n}.jpg", make_photo(seed=n))
            )
        slack.people.post_photo(office.ann, office.photos, "notes.txt", b"x")
        first = office.client.files_list(channel=office.photos.id, types="images", count=2)
        last = office.client.files_list(types="images", count=2, page=3)
        since = office.client.files_list(types="images", ts_from="1700000030")
    assert [file["name"] for file in first["files"]] == ["4.jpg", "3.jpg"]
    assert first["paging"] == {"count": 2, "total": 5, "page": 1, "pages": 3}
    assert [file["id"] for file in last["files"]] == [posted[0].file_id]
    assert [file["name"] for file in since["files"]] == ["4.jpg", "3.jpg", "2.jpg"]
    assert posted[0].ts == "1700000010.000000"


def test_the_sdk_uploads_a_file_in_three_steps(office: Office) -> None:
    data = make_photo()
    answer = office.client.files_upload_v2(
        channel=office.photos.id, filename="up.jpg", content=data, initial_comment="look"
    )
    file = answer["file"]
    assert (file["name"], file["size"], file["user"]) == (
        "up.jpg",
        len(data),
        office.slack.bot_user_id,
    )
    assert httpx.get(file["url_private"], headers=bearer(office)).content == data
    assert [m.text for m in office.slack.people.messages(office.photos)] == ["look"]
    office.client.files_delete(file=file["id"])
    assert office.slack.people.file(file["id"]).is_deleted


def test_a_form_upload_keeps_every_byte(office: Office) -> None:
    data = bytes(range(256)) * 8 + b"\r\n\r\n\n\r"
    step = office.client.files_getUploadURLExternal(filename="a.bin", length=len(data))
    sent = httpx.post(step["upload_url"], files={"file": ("a.bin", data)})
    assert sent.status_code == 200
    office.client.files_completeUploadExternal(files=[{"id": step["file_id"], "title": "a"}])
    assert office.slack.people.file(step["file_id"]).data == data


def test_the_bot_deletes_only_its_own_files(office: Office) -> None:
    posted = office.slack.people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    with pytest.raises(SlackApiError, match="cant_delete_file"):
        office.client.files_delete(file=posted.file_id)
