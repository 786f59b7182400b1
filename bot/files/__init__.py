"""Slack's files: photos that come, zips and thumbnails that go."""
