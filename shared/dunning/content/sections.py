"""Reading a policy's mappings so that every problem of a file is found at once, each at its place."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Rejected

T = TypeVar("T")

NOT_YET = "is not yet understood by this version: remove it"


@dataclass(slots=True)
class Problems:
    """What is wrong with one file, in the order found. `not_yet` are the features that may not be used."""

    file_name: str
    found: list[str] = field(default_factory=list)
    not_yet: frozenset[str] = frozenset()

    def add(self, place: str, message: str) -> None:
        """Note one problem at a place such as `step "second": field "email"`."""
        self.found.append(f"{self.file_name}: {place}: {message}")

    def raise_if_any(self) -> None:
        """Raises Rejected with one line for each problem."""
        if self.found:
            raise Rejected("\n".join(self.found))


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping of the file. `place` leads to it (`step "second"`), `path` to its fields (`at.`)."""

    values: dict[str, object]
    problems: Problems
    place: str = ""
    path: str = ""

    def refuse(self, key: str | None, message: str) -> None:
        """Note a problem with a field, or with the whole section."""
        name = self.path + (key or "")
        where = [part for part in (self.place, f'field "{name.rstrip(".")}"' if name else "") if part]
        self.problems.add(": ".join(where) or "policy", message)

    def only(self, known: Collection[str]) -> None:
        """Refuse every key but the known ones."""
        for key in self.values:
            if key not in known:
                self.refuse(key, f"unknown key{did_you_mean(key, known)}")

    def uses(self, feature: str, key: str) -> bool:
        """Whether a key is there and its feature is acted on; one that is there too early is refused."""
        if key not in self.values:
            return False
        if feature in self.problems.not_yet:
            self.refuse(key, NOT_YET)
            return False
        return True

    def section(self, key: str, example: str) -> "Section | None":
        """A mapping below this one; None when absent or refused."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, dict):
            self.refuse(key, f"must be a mapping, as in {example}")
            return None
        return Section(value, self.problems, self.place, f"{self.path}{key}.")

    def text(self, key: str, example: str) -> str | None:
        """A text that is not empty; None when absent or refused."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"must be text in quotes, as in {example}")
            return None
        return value

    def read(self, key: str, example: str, parse: Callable[[str], T]) -> T | None:
        """A text put through `parse`, whose Rejected becomes this field's problem."""
        text = self.text(key, example)
        if text is None:
            return None
        try:
            return parse(text)
        except Rejected as error:
            self.refuse(key, str(error))
            return None

    def choice(self, key: str, choices: Mapping[str, T], default: T) -> T:
        """One of a few words; the default when absent or refused."""
        if key not in self.values:
            return default
        value = self.values[key]
        if not isinstance(value, str) or value not in choices:
            self.refuse(key, f"must be {' or '.join(choices)}")
            return default
        return choices[value]

    def number(self, key: str, example: str, most: int, least: int = 1) -> int | None:
        """A whole number; None when absent or refused."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"must be a whole number from {least} to {most}, as in {example}")
            return None
        return value

    def texts(self, key: str, example: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """One text or a list of them, each put through `parse`; empty when absent or refused."""
        if key not in self.values:
            return ()
        value = self.values[key]
        entries = value if isinstance(value, list) else [value]
        if not entries or not all(isinstance(entry, str) and entry.strip() for entry in entries):
            self.refuse(key, f"must be text or a list of texts, as in {example}")
            return ()
        found = [Section({key: entry}, self.problems, self.place, self.path).read(key, example, parse) for entry in entries]
        return tuple(entry for entry in found if entry is not None)
