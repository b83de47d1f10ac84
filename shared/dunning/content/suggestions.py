"""The remedy for a misspelt name."""

from collections.abc import Collection
from difflib import get_close_matches


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The nearest known name, when one is near, and all of them; to be put behind what was wrong."""
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    listed = ", ".join(sorted(known)) or "none"
    return f'; did you mean "{near[0]}"? (known: {listed})' if near else f" (known: {listed})"
