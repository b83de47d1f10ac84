"""YAML as a careful reader takes it: no surprises, no code, no bombs.

Built from parser events, so that nothing is constructed before it is checked. A plain scalar is null, true, false, a whole number or a
decimal fraction, and otherwise text: `10:30` is not a number in base sixty, `NO` is not false, `2026-03-02` is not a date.
"""

import re
from collections.abc import Iterator

import yaml

from dunning.domain.errors import Rejected

MAX_CHARACTERS = 100_000
MAX_DEPTH = 20

_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_FRACTION = re.compile(r"[-+]?[0-9]{0,18}\.[0-9]{1,18}")


def read_mapping(text: str, file_name: str) -> dict[str, object]:
    """The document as a mapping with text keys.

    Raises Rejected naming the line for broken YAML, a repeated or non-text key, an anchor, alias or tag, a second document, and
    what is too long or too deep.
    """
    if len(text) > MAX_CHARACTERS:
        raise Rejected(f"{file_name}: {len(text)} characters: a policy may have {MAX_CHARACTERS}")
    try:
        document = _Reader(text, file_name).document()
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise Rejected(f"{file_name}: {line}not YAML: {error.problem or 'unreadable'}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise Rejected(f"{file_name}: not YAML: it holds characters that a text file may not: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise Rejected(f'{file_name}: a policy is a mapping: begin with "name: …"')
    return document


class _Reader:
    def __init__(self, text: str, file_name: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._file_name = file_name

    def document(self) -> object:
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), 0)
        next(self._events)
        end = next(self._events)
        if not isinstance(end, yaml.StreamEndEvent):
            raise self._refused(end, "a second document: keep one policy to a file")
        return value

    def _value(self, event: yaml.Event, depth: int) -> object:
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, f'an alias "*{event.anchor}": write the value out')
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise self._refused(event, f'an anchor "&{event.anchor}": remove it')
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag is not None:
            raise self._refused(event, f'a tag "{event.tag}": remove it')
        if depth > MAX_DEPTH:
            raise self._refused(event, f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return _scalar(event) if isinstance(event, yaml.ScalarEvent) else None

    def _mapping(self, depth: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str):
                raise self._refused(event, "a key that is not text: put it in quotes")
            if key in mapping:
                raise self._refused(event, f'"{key}" twice in one place: remove one')
            mapping[key] = self._value(next(self._events), depth + 1)
        return mapping

    def _sequence(self, depth: int) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _refused(self, event: yaml.Event, message: str) -> Rejected:
        line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
        return Rejected(f"{self._file_name}: {line}{message}")


def _scalar(event: yaml.ScalarEvent) -> object:
    text = str(event.value)
    if event.style is not None and event.style != "":
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text
