"""The sandbox's Web API through an unmodified slack_sdk."""

from __future__ import annotations

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.sandbox import Sandbox, SlackApp
from tests.contract.conftest import Office, make_photo


def error_of(call: object, *args: object, **kwargs: object) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)  # type: ignore[operator]
    return str(caught.value.response["error"])


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_auth_test_says_who_the_bot_is(office: Office) -> None:
    answer = office.client.auth_test()
    assert answer["user_id"] == office.slack.bot_user_id
    assert answer["team_id"] == office.slack.team_id
    assert answer["bot_id"].startswith("B")


def test_a_call_without_a_token_or_with_a_wrong_one_is_refused(office: Office) -> None:
    url = office.slack.api_url + "auth.test"
    assert httpx.post(url).json()["error"] == "not_authed"
    assert httpx.post(url, data={"token": "xoxb-wrong"}).json()["error"] == "invalid_auth"
    assert httpx.get(url, params={"token": office.slack.bot_token}).json()["ok"]


def test_only_the_app_token_opens_connections(office: Office) -> None:
    assert error_of(office.client.apps_connections_open, app_token=office.slack.bot_token) == (
        "not_allowed_token_type"
    )
    answer = office.client.apps_connections_open(app_token=office.slack.app_token)
    assert answer["url"].startswith("ws://127.0.0.1:")


def test_an_unknown_method_is_named_so(office: Office) -> None:
    assert error_of(office.client.api_call, "nothing.here") == "unknown_method"


def test_a_profile_tells_an_uploaded_picture_from_the_default(office: Office) -> None:
    ann = office.client.users_info(user=office.ann.id)["user"]
    ben = office.client.users_info(user=office.ben.id)["user"]
    assert ann["profile"]["is_custom_image"]
    assert "image_1024" not in ann["profile"]
    assert "is_custom_image" not in ben["profile"]
    assert "image_original" not in ben["profile"]
    original = httpx.get(ann["profile"]["image_original"])
    assert original.content == make_photo(width_px=600, height_px=600)
    assert httpx.get(ann["profile"]["image_192"]).headers["content-type"] == "image/jpeg"
    assert httpx.get(ben["profile"]["image_512"]).status_code == 200


def test_a_removed_picture_leaves_the_default(office: Office) -> None:
    office.slack.people.set_picture(office.ann, None)
    profile = office.client.users_info(user=office.ann.id)["user"]["profile"]
    assert "image_original" not in profile


def test_users_are_listed_page_by_page(office: Office) -> None:
    pages = [[user["id"] for user in page["members"]] for page in office.client.users_list(limit=2)]
    assert [len(page) for page in pages] == [2, 2]
    ids = [user_id for page in pages for user_id in page]
    assert ids == ["USLACKBOT", office.slack.bot_user_id, office.ann.id, office.ben.id]


def test_an_unknown_user_is_not_found(office: Office) -> None:
    assert error_of(office.client.users_info, user="U999") == "user_not_found"


def test_a_deactivated_person_is_marked_and_out_of_the_channels(office: Office) -> None:
    office.slack.people.deactivate(office.ben)
    assert office.client.users_info(user=office.ben.id)["user"]["deleted"]
    members = office.client.conversations_members(channel=office.photos.id)["members"]
    assert office.ben.id not in members


def test_a_private_channel_is_hidden_from_a_bot_outside(office: Office) -> None:
    for call in (office.client.conversations_info, office.client.conversations_history):
        assert error_of(call, channel=office.secret.id) == "channel_not_found"
    listed = office.client.conversations_list(types="public_channel,private_channel")["channels"]
    assert [channel["id"] for channel in listed] == [office.photos.id]


def test_the_bot_sees_a_users_private_channel_only_once_it_is_in(office: Office) -> None:
    def ids() -> list[str]:
        kinds = "public_channel,private_channel"
        answer = office.client.users_conversations(user=office.ann.id, types=kinds)
        return [channel["id"] for channel in answer["channels"]]

    assert ids() == [office.photos.id]
    office.slack.people.invite_bot(office.secret, by=office.ann)
    assert ids() == [office.photos.id, office.secret.id]


def test_a_users_public_channels_show_without_the_bot(office: Office) -> None:
    hall = office.slack.people.add_channel("hall", members=[office.ben])
    mine = office.client.users_conversations()["channels"]
    bens = office.client.users_conversations(user=office.ben.id, limit=1)
    assert [channel["id"] for channel in mine] == [office.photos.id]
    assert bens["response_metadata"]["next_cursor"]
    assert [c["id"] for page in bens for c in page["channels"]] == [office.photos.id, hall.id]


def test_archived_channels_can_be_left_out(office: Office) -> None:
    office.slack.people.archive_channel(office.photos, by=office.ann)
    assert office.client.users_conversations()["channels"][0]["is_archived"]
    assert office.client.users_conversations(exclude_archived=True)["channels"] == []
    assert error_of(office.client.chat_postMessage, channel=office.photos.id, text="x") == (
        "is_archived"
    )


def test_history_goes_back_from_the_newest_by_cursor(office: Office) -> None:
    said = [office.slack.people.say(office.ann, office.photos, f"n{n}") for n in range(5)]
    history = office.client.conversations_history(channel=office.photos.id, limit=2)
    assert history["has_more"]
    texts = [m["text"] for page in history for m in page["messages"]]
    assert texts == ["n4", "n3", "n2", "n1", "n0"]
    window = office.client.conversations_history(
        channel=office.photos.id, oldest=said[1].ts, latest=said[3].ts
    )
    assert [m["text"] for m in window["messages"]] == ["n2"]
    closed = office.client.conversations_history(
        channel=office.photos.id, oldest=said[1].ts, latest=said[3].ts, inclusive=True
    )
    assert [m["text"] for m in closed["messages"]] == ["n3", "n2", "n1"]


def test_history_of_a_public_channel_needs_membership(office: Office) -> None:
    hall = office.slack.people.add_channel("hall", members=[office.ben])
    assert error_of(office.client.conversations_history, channel=hall.id) == "not_in_channel"
    assert error_of(office.client.chat_postMessage, channel=hall.id, text="x") == "not_in_channel"
    office.client.conversations_join(channel=hall.id)
    assert office.client.conversations_history(channel=hall.id)["messages"] == []


def test_a_message_to_a_user_id_opens_the_direct_conversation(office: Office) -> None:
    answer = office.client.chat_postMessage(channel=office.ann.id, text="hello")
    assert answer["channel"].startswith("D")
    assert (
        office.client.conversations_open(users=office.ann.id)["channel"]["id"]
        == (answer["channel"])
    )
    assert [m.text for m in office.slack.people.direct_messages(office.ann)] == ["hello"]


def test_a_message_can_be_updated_linked_and_deleted(office: Office) -> None:
    sent = office.client.chat_postMessage(channel=office.photos.id, text="a")
    office.client.chat_update(channel=office.photos.id, ts=sent["ts"], text="b")
    link = office.client.chat_getPermalink(channel=office.photos.id, message_ts=sent["ts"])
    assert link["permalink"].endswith(
        f"/archives/{office.photos.id}/p{sent['ts'].replace('.', '')}"
    )
    assert httpx.get(link["permalink"]).json()["text"] == "b"
    office.client.chat_delete(channel=office.photos.id, ts=sent["ts"])
    assert office.slack.people.messages(office.photos) == []
    assert httpx.get(link["permalink"]).status_code == 404


def test_new_text_alone_drops_the_blocks_of_a_message(office: Office) -> None:
    sent = office.client.chat_postMessage(
        channel=office.photos.id, text="a", blocks=[section("old")]
    )
    office.client.chat_update(channel=office.photos.id, ts=sent["ts"], text="new")
    (message,) = office.slack.people.messages(office.photos)
    assert (message.text, message.blocks) == ("new", ())


def test_the_bot_cannot_change_what_others_wrote(office: Office) -> None:
    said = office.slack.people.say(office.ann, office.photos, "mine")
    where = {"channel": office.photos.id, "ts": said.ts}
    assert error_of(office.client.chat_update, text="x", **where) == "cant_update_message"
    assert error_of(office.client.chat_delete, **where) == "cant_delete_message"


def test_an_ephemeral_message_is_for_one_member_and_stays_out_of_history(office: Office) -> None:
    office.client.chat_postEphemeral(channel=office.photos.id, user=office.ben.id, text="psst")
    assert [m.text for m in office.slack.people.ephemerals(office.ben)] == ["psst"]
    assert office.slack.people.ephemerals(office.ann) == []
    assert office.client.conversations_history(channel=office.photos.id)["messages"] == []
    outsider = office.slack.people.add_person("Eve")
    assert error_of(
        office.client.chat_postEphemeral, channel=office.photos.id, user=outsider.id, text="x"
    ) == ("user_not_in_channel")


def test_a_missing_scope_names_what_is_needed(read_only_office: Office) -> None:
    office = read_only_office
    with pytest.raises(SlackApiError) as caught:
        office.client.users_conversations(types="public_channel,private_channel")
    response = caught.value.response
    assert response["error"] == "missing_scope"
    assert response["needed"] == "groups:read"
    assert response["provided"] == "channels:history,channels:read,users:read"
    assert error_of(office.client.files_list) == "missing_scope"
    assert office.client.users_conversations()["channels"]


BAD_BLOCKS = {
    "too many": [section("x")] * 51,
    "long section": [section("x" * 3001)],
    "empty text": [section("")],
    "no alt text": [{"type": "image", "image_url": "https://example.org/a.png"}],
    "unknown file": [{"type": "image", "alt_text": "a", "slack_file": {"id": "F9"}}],
    "twice the same id": [{**section("x"), "block_id": "b"}, {**section("y"), "block_id": "b"}],
    "unknown type": [{"type": "poem"}],
    "long value": [
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "a",
                    "value": "v" * 2001,
                    "text": {"type": "plain_text", "text": "Go"},
                }
            ],
        }
    ],
    "too many elements": [
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": f"a{n}",
                    "text": {"type": "plain_text", "text": "Go"},
                }
                for n in range(26)
            ],
        }
    ],
    "long header": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
}


@pytest.mark.parametrize("blocks", BAD_BLOCKS.values(), ids=BAD_BLOCKS.keys())
def test_blocks_that_slack_would_refuse_are_refused(
    office: Office, blocks: list[dict[str, object]]
) -> None:
    call = office.client.chat_postMessage
    assert error_of(call, channel=office.photos.id, blocks=blocks, text="x") == "invalid_blocks"


@pytest.mark.parametrize(
    ("kind", "name", "is_shown"),
    [("JPEG", "a.jpg", True), ("PNG", "a.png", True), ("WEBP", "a.webp", False)],
)
def test_an_image_block_shows_only_some_kinds_of_file(
    office: Office, kind: str, name: str, *, is_shown: bool
) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, name, make_photo(kind=kind))
    blocks = [{"type": "image", "alt_text": "a", "slack_file": {"id": posted.file_id}}]
    if is_shown:
        office.client.chat_postMessage(channel=office.photos.id, blocks=blocks, text="x")
    else:
        call = office.client.chat_postMessage
        assert error_of(call, channel=office.photos.id, blocks=blocks, text="x") == "invalid_blocks"


def test_an_image_block_cannot_show_what_the_bot_cannot_see(office: Office) -> None:
    people = office.slack.people
    hidden = people.post_photo(office.ann, office.secret, "a.jpg", make_photo())
    blocks = [{"type": "image", "alt_text": "a", "slack_file": {"id": hidden.file_id}}]
    call = office.client.chat_postMessage
    assert error_of(call, channel=office.photos.id, blocks=blocks, text="x") == "invalid_blocks"


def test_blocks_come_back_with_ids(office: Office) -> None:
    sent = office.client.chat_postMessage(channel=office.photos.id, blocks=[section("x")], text="x")
    assert sent["message"]["blocks"][0]["block_id"]


def test_a_rate_limit_is_obeyed_by_the_sdks_handler(office: Office) -> None:
    office.slack.faults.fail("users.info", status=429, headers={"Retry-After": "0"}, times=2)
    office.client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
    assert office.client.users_info(user=office.ann.id)["ok"]
    assert office.slack.faults.calls["users.info"] == 3


def test_an_ordered_error_and_a_slow_answer_come_as_ordered(office: Office) -> None:
    office.slack.faults.fail("users.info", error="fatal_error")
    assert error_of(office.client.users_info, user=office.ann.id) == "fatal_error"
    office.slack.faults.slow("users.info", delay_s=1.5)
    hasty = WebClient(token=office.slack.bot_token, base_url=office.slack.api_url, timeout=1)
    hasty.retry_handlers.clear()
    with pytest.raises(TimeoutError):
        hasty.users_info(user=office.ann.id)


def test_a_home_tab_can_be_published(office: Office) -> None:
    view = {"type": "home", "blocks": [section("welcome")]}
    office.client.views_publish(user_id=office.ann.id, view=view)
    home = office.slack.people.home(office.ann)
    assert home is not None
    assert home.blocks[0]["text"]["text"] == "welcome"
    assert error_of(office.client.views_open, trigger_id="1.2.3", view=view) == "invalid_arguments"


def test_a_made_up_trigger_opens_nothing(office: Office) -> None:
    title = {"type": "plain_text", "text": "Title"}
    view = {"type": "modal", "title": title, "blocks": [section("x")]}
    assert error_of(office.client.views_open, trigger_id="1.2.3", view=view) == "invalid_trigger_id"


def test_an_app_can_be_read_from_its_manifest() -> None:
    manifest = {
        "features": {
            "bot_user": {"display_name": "findme"},
            "slash_commands": [{"command": "/findme", "should_escape": True}],
        },
        "oauth_config": {"scopes": {"bot": ["users:read", "commands"]}},
        "settings": {"event_subscriptions": {"bot_events": ["file_shared"]}},
    }
    app = SlackApp.from_manifest(manifest, bot_token="xoxb-1")  # noqa: S106 - a test
    assert app.scopes == {"users:read", "commands"}
    assert (app.commands, app.should_escape) == (("/findme",), True)
    assert (app.events, app.bot_token) == (frozenset({"file_shared"}), "xoxb-1")


def test_it_refuses_to_listen_beyond_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host="0.0.0.0")  # noqa: S104 - the point of the test


def test_it_starts_again_on_its_port_with_its_state(slack: Sandbox) -> None:
    ann = slack.people.add_person("Ann Lee")
    port = slack.port
    slack.stop()
    slack.start()
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    assert slack.port == port
    assert client.users_info(user=ann.id)["user"]["real_name"] == "Ann Lee"
