"""Slack's mark-up: text that people wrote, put where it can't break out of its place."""

_TWINS = (("*", "∗"), ("_", "ˍ"), ("~", "∼"), ("`", "ˋ"), ("|", "¦"))


def escape(text: str) -> str:
    """Text that Slack shows as it is, on one line, and takes for no mark-up."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A character that is no control character in Slack's eyes, but looks the same.
    for mark, twin in _TWINS:
        text = text.replace(mark, twin)
    return " ".join(text.split())


def shortened(text: str, limit: int) -> str:
    """The first `limit` characters, on one line, not escaped yet."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
