"""Which addresses are Slack's own: nothing is fetched from anywhere else, or sent there."""

from urllib.parse import urlsplit

# Slack serves files, avatars and default avatars from these; Gravatar serves some avatars.
TOKEN_HOSTS = ("slack.com", "slack-files.com")
AVATAR_HOSTS = ("slack-edge.com", "gravatar.com")


def is_at(url: str, hosts: tuple[str, ...], *, api_url: str) -> bool:
    """Whether `url` is at one of these hosts over TLS, or where the Web API is.

    The second is for a local workspace.
    """
    parts, api = urlsplit(url), urlsplit(api_url)
    if (parts.scheme, parts.netloc) == (api.scheme, api.netloc):
        return True
    host = parts.hostname or ""
    return parts.scheme == "https" and any(
        host == known or host.endswith("." + known) for known in hosts
    )
