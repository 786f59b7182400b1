"""`python -m tests.checks.audit LOCK…`: a locked package with a known vulnerability fails.

pip-audit says "No known vulnerabilities found" even where it could look none of them up. So its
JSON is read here: a vulnerability fails, and so does a lock of which only some packages were looked
up; where the advisory service can't be asked at all, one loud line says how many were not audited.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

# Advisories that are known not to concern Findme, each with its reason.
IGNORED: dict[str, str] = {}

_TIMEOUT_S = 300
_PACKAGE = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)
_NO_CONNECTION = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|Could not connect|Max retries exceeded"
)


class Outcome(Enum):
    """What came of asking; `value` is the exit code."""

    CLEAN = 0
    NOT_ASKED = -1
    VULNERABLE = 1
    PARTLY_ASKED = 2
    BROKEN = 3

    @property
    def exit_code(self) -> int:
        """CI has no other network than its package index: that alone fails nothing."""
        return max(self.value, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome for one lock, and a line or more that tell it."""

    outcome: Outcome
    text: str


def judge(lock: str, *, packages: int, answer: str, errors: str = "") -> Verdict:
    """What pip-audit's JSON says of a lock of so many packages; `errors` is its stderr."""
    try:
        found = json.loads(answer)["dependencies"]
    except (ValueError, LookupError, TypeError):
        if _NO_CONNECTION.search(errors):
            return _not_asked(lock, packages)
        text = f"{lock}: pip-audit failed: {errors.strip()[-400:] or 'it said nothing'}"
        return Verdict(outcome=Outcome.BROKEN, text=text)
    vulnerable = [line for each in found for line in _advisories(each)]
    if vulnerable:
        text = "\n".join([f"{lock}: known vulnerabilities:", *vulnerable])
        return Verdict(outcome=Outcome.VULNERABLE, text=text)
    skipped = [str(each["name"]) for each in found if "skip_reason" in each]
    if len(skipped) == len(found) > 0:
        return _not_asked(lock, packages)
    if skipped or len(found) < packages:
        missing = ", ".join(skipped) or f"{packages - len(found)} packages"
        text = f"{lock}: not all packages could be audited: {missing}"
        return Verdict(outcome=Outcome.PARTLY_ASKED, text=text)
    text = f"{lock}: {len(found)} packages audited, no known vulnerability."
    return Verdict(outcome=Outcome.CLEAN, text=text)


def _not_asked(lock: str, packages: int) -> Verdict:
    text = (
        f"WARNING: {lock}: NOT AUDITED: {packages} packages, "
        "since the service that knows of vulnerabilities can't be asked from here."
    )
    return Verdict(outcome=Outcome.NOT_ASKED, text=text)


def _advisories(package: dict[str, Any]) -> list[str]:
    return [
        f"  {package['name']} {package['version']}: {each['id']}, "
        f"mended in {', '.join(each.get('fix_versions') or ['no version yet'])}"
        for each in package.get("vulns", [])
        if not {each["id"], *each.get("aliases", [])} & set(IGNORED)
    ]


def packages_in(lock: Path) -> set[str]:
    """The names of the packages that a lock pins; one may stand there for several platforms."""
    return set(_PACKAGE.findall(lock.read_text()))


def _audit(lock: Path) -> Verdict:
    # Neither resolves nor installs anything: the lock says it all.
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    options = ["--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            command + options, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return _not_asked(lock.name, len(packages_in(lock)))
    count = len(packages_in(lock))
    return judge(lock.name, packages=count, answer=done.stdout, errors=done.stderr)


def main(locks: Sequence[str]) -> int:
    """Audit each lock and print the verdicts; the worst one's exit code."""
    verdicts = [_audit(Path(lock)) for lock in locks]
    for verdict in verdicts:
        sys.stdout.write(f"{verdict.text}\n")
    return max(verdict.outcome.exit_code for verdict in verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
