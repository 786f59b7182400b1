"""What was chosen in a modal, and given to it."""

import json
from typing import Any

import pytest

from bot.payloads import (
    Submission,
    UploadedFile,
)

URL = "https://hooks.slack.com/actions/T1/1/x"


def interaction(kind: str, **facts: Any) -> dict[str, Any]:
    """What all interactions have in common."""
    return {
        "type": kind,
        "user": {"id": "U1", "username": "ann", "name": "ann", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "t",
        "trigger_id": "1.2.3",
        "team": {"id": "T1", "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        **facts,
    }


def submission(values: dict[str, Any], *, about: object = None) -> Submission:
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "share",
        "private_metadata": json.dumps(about) if about is not None else "",
        "state": {"values": values},
    }
    return Submission.from_body(interaction("view_submission", view=view, response_urls=[]))


def option(value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": "Share this photo"}, "value": value}


def test_a_submission_knows_what_the_bot_wrote_into_the_modal() -> None:
    given_ = submission({}, about={"channel": "C1", "response_url": URL})

    assert (given_.team_id, given_.user_id, given_.view_id) == ("T1", "U1", "V1")
    assert given_.about == {"channel": "C1", "response_url": URL}
    assert (given_.chosen, given_.files) == ({}, [])


def test_a_modal_may_carry_nothing() -> None:
    assert submission({}).about == {}


def test_what_was_chosen_in_several_blocks_is_together() -> None:
    given_ = submission(
        {
            "choice-1": {"chosen": {"type": "checkboxes", "selected_options": [option("7")]}},
            "choice-2": {"chosen": {"type": "checkboxes", "selected_options": []}},
            "choice-3": {"chosen": {"type": "checkboxes", "selected_options": [option("9")]}},
            "use": {"use": {"type": "radio_buttons", "selected_option": option("keep")}},
            "other": {"other": {"type": "radio_buttons", "selected_option": None}},
        }
    )

    assert given_.chosen == {"chosen": ["7", "9"], "use": ["keep"], "other": []}


@pytest.mark.parametrize(
    ("facts", "file"),
    [
        (
            {"name": "me.jpg", "size": 7, "url_private": "a", "url_private_download": "b"},
            UploadedFile(name="me.jpg", url="b", size_bytes=7),
        ),
        (
            {"name": "me.jpg", "size": 7, "url_private": "a"},
            UploadedFile(name="me.jpg", url="a", size_bytes=7),
        ),
        (
            {"id": "F1", "file_access": "check_file_info"},
            UploadedFile(name="", url=None, size_bytes=0),
        ),
    ],
)
def test_a_file_that_was_put_into_a_modal_has_an_address(
    facts: dict[str, Any], file: UploadedFile
) -> None:
    given_ = submission({"picture": {"picture": {"type": "file_input", "files": [facts]}}})

    assert list(given_.files) == [file]
