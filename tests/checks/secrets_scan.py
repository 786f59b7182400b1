"""`python -m tests.checks.secrets_scan`: a secret in a file that git keeps fails."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.vision.weights import RETAIL_BIN, RETAIL_XML, SFACE, YUNET

# What looks like a secret and is none, by its value: another one in the same place is found.
ALLOWED = {
    "password": "stands for one where it is told how a database's address is written",
    "another": "a signing secret that is wrong on purpose",
    "hunter2": "a password of no database, which must not be told",
    "hunter2-correct-horse": "a token of no workspace, which must not be told",
    "hunter2-of-the-database": "a password that the test's database doesn't ask for",
    "s3cr3t-part": "what a redacted text must not hold",
    **{file.sha256: "of a published network" for file in (YUNET, RETAIL_XML, RETAIL_BIN, SFACE)},
}

# Locks are full of hashes of packages; pictures hold bytes of all kinds.
_LEFT_OUT = re.compile(r"^constraints.*\.txt$|\.(png|jpe?g|ico|woff2?)$")
_KINDS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SlackDetector",
)
_SETTINGS = {
    "plugins_used": [
        *({"name": kind} for kind in _KINDS),
        {"name": "HexHighEntropyString", "limit": 3.0},
        {"name": "Base64HighEntropyString", "limit": 4.5},
    ]
}
# It knows no app-level tokens, nor those that are refreshed.
_SLACK = re.compile(r"\b(?:xapp-\d-[A-Z0-9]+-\d+-[0-9a-f]{8,}|xoxe(?:\.xox[bp])?-[\w-]{16,})")


def secrets_in(paths: Iterable[Path]) -> Iterator[str]:
    """Each secret's file, line and kind, but not the secret."""
    # The tests of the extra `clip` are collected where there are no tools for developers.
    from detect_secrets.core.scan import scan_file  # noqa: PLC0415
    from detect_secrets.settings import transient_settings  # noqa: PLC0415

    with transient_settings(_SETTINGS):
        for path in paths:
            if _LEFT_OUT.search(path.name):
                continue
            found = {
                (each.line_number, each.type)
                for each in scan_file(str(path))
                if each.secret_value not in ALLOWED
            }
            lines = path.read_bytes().decode(errors="replace").splitlines()
            found |= {
                (number, "Slack Token")
                for number, line in enumerate(lines, start=1)
                if _SLACK.search(line)
            }
            for line_number, kind in sorted(found):
                yield f"{path}:{line_number}: {kind}"


def tracked() -> list[Path]:
    """The files that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)
    return [Path(name) for name in listed.stdout.split("\0") if name and Path(name).is_file()]


def main() -> int:
    """Scan them all; 1 if there is something."""
    paths = tracked()
    found = list(secrets_in(paths))
    for line in found:
        sys.stdout.write(f"{line}\n")
    if not found:
        sys.stdout.write(f"{len(paths)} files, no secret.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
