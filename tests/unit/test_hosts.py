"""Slack's hosts are told from those that look like them."""

import pytest

from bot.files.hosts import TOKEN_HOSTS, is_at


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://files.slack.com/upload/v1/CwABAA", True),
        ("https://slack.com/a", True),
        ("http://127.0.0.1:9/upload", True),
        ("http://files.slack.com/upload/v1/CwABAA", False),
        ("https://files.slack.com.example/upload/v1/CwABAA", False),
        ("https://notslack.com/upload/v1/CwABAA", False),
        ("https://files.slack.com@example.com/upload", False),
        ("http://127.0.0.1:10/upload", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_an_address_is_slacks_own_by_its_scheme_and_host(
    url: str,
    expected: bool,  # noqa: FBT001 - by pytest, by name
) -> None:
    assert is_at(url, TOKEN_HOSTS, api_url="http://127.0.0.1:9/api/") is expected
