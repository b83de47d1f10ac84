"""What is wanted is locked, by version and hash, and no lock says where to fetch it."""

import re

import pytest

from tests.architecture.modules import ROOT

LOCKS = {
    "runtime": ("shared/requirements.txt",),
    "dev": ("shared/requirements.txt", "requirements/local.in", "requirements/dev.in"),
    "tools": ("requirements/tools.in",),
}


def wanted(path: str) -> dict[str, str]:
    """Versions by normalised name of a list of what is wanted."""
    found = re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / path).read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_what_is_wanted(lock: str) -> None:
    locked = wanted(f"requirements/{lock}.txt")
    asked = {name: version for path in LOCKS[lock] for name, version in wanted(path).items()}
    assert asked != {}
    assert {name: locked.get(name) for name in asked} == asked, "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.splitlines()[0] for entry in entries if not re.search(r"==\S+.*\\\n\s+--hash=sha256:[0-9a-f]{64}", entry)] == []
    assert re.findall(r"index-url|find-links|https?://|file:", text) == []
