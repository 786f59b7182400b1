"""The folder of test data and weights that lies beside the repository, where there is one."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


def shared_folder() -> Path:
    """`FINDME_SHARED`, or `../shared` next to the repository; without one, the test is skipped."""
    folder = Path(os.environ.get("FINDME_SHARED", _BESIDE))
    if not (folder / "models").is_dir():
        pytest.skip(f"needs the test data that is kept apart from the repository ({folder})")
    return folder
