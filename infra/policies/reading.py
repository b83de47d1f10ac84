"""Reading policies from files that a person names. Every refusal is a Rejected with the file and the remedy."""

import stat
from pathlib import Path

from dunning.content.policy_book import STANDARD, PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.content.strict_yaml import MAX_CHARACTERS
from dunning.domain.errors import Rejected
from dunning.domain.policy import Policy

COLLECTIONS = "collections"
"""The team that every stack has."""

_MOST_BYTES = 4 * MAX_CHARACTERS
_SUFFIX = ".yaml"


def read_bytes(path: Path, most_bytes: int, what: str) -> bytes:
    """A regular file's content. Raises Rejected for what is no file, cannot be read, or is too long."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Rejected(f"{path}: not a file: give the path of {what}")
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except FileNotFoundError as error:
        gone = "a link to a file that is not there" if path.is_symlink() else "no such file"
        raise Rejected(f"{path}: {gone}: give the path of {what}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Rejected(f"{path}: cannot be read ({reason}): give the path of {what} that you may read") from error
    if len(raw) > most_bytes:
        raise Rejected(f"{path}: more than {most_bytes:,} bytes: {what} is never so long")
    return raw


def read_text(path: Path, most_bytes: int, what: str) -> str:
    """The same as text. Raises Rejected, also for what is not UTF-8."""
    raw = read_bytes(path, most_bytes, what)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Rejected(f"{path}: line {line}: not UTF-8 text: save it as UTF-8") from error


def read_policy(path: Path, teams: frozenset[str], *, in_folder: bool = False) -> Policy:
    """One policy, with all that is checked before a deployment. Raises Rejected with a line for each problem.

    A file by itself may have any name, a draft's say; `in_folder`, where it is deployed from, it must have the policy's.
    """
    text = read_text(path, _MOST_BYTES, "a policy (*.yaml)")
    if path.suffix != _SUFFIX:
        raise Rejected(f"{path}: only *{_SUFFIX} is deployed: rename it to {path.stem or STANDARD}{_SUFFIX}")
    return load_policy(text, str(path), teams, validate=True, named_like_file=in_folder)


def read_directory(directory: Path, teams: frozenset[str]) -> PolicyBook:
    """All policies of a folder, as they would be deployed together. Raises Rejected with every problem of every file."""
    found: dict[str, Policy] = {}
    problems: list[str] = []
    for path in files_of(directory):
        try:
            policy = read_policy(path, teams, in_folder=True)
            found[policy.name] = policy
        except Rejected as error:
            problems.append(str(error))
    if problems:
        raise Rejected("\n".join(problems))
    try:
        return PolicyBook.of(found)
    except Rejected as error:
        raise Rejected(f"{directory}: {error}") from error


def files_of(directory: Path) -> list[Path]:
    """The policies of a folder, by name. Raises Rejected when there are none."""
    try:
        found = sorted(path for path in directory.iterdir() if path.suffix == _SUFFIX)
    except OSError as error:
        raise Rejected(f"{directory}: cannot be read ({error.strerror}): give a folder that you may read") from error
    if not found:
        raise Rejected(f"{directory}: no policy (*{_SUFFIX}) here: put {STANDARD}{_SUFFIX} into it")
    return found


def read_book(path: Path, teams: frozenset[str]) -> PolicyBook:
    """A policy, or a folder of them, as a book. Raises Rejected."""
    if path.is_dir():
        return read_directory(path, teams)
    policy = read_policy(path, teams)
    return PolicyBook.of({policy.name: policy})
