"""Where templates lie, and which there are, by name."""

import re
from dataclasses import dataclass
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
DEFAULT_LOCALE = "en"
EMAIL_PARTS = (".subject.txt.j2", ".txt.j2", ".html.j2")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class TemplateNames:
    """The templates a policy may name. A mail counts only with subject, text and HTML in the default locale."""

    email: frozenset[str]
    sms: frozenset[str]


def is_template_name(text: str) -> bool:
    """Whether this may name a template (and cannot lead out of the folder)."""
    return _NAME.fullmatch(text) is not None


def template_names(root: Path = TEMPLATES) -> TemplateNames:
    """List the folders; nothing is read or compiled."""
    emails, texts = root / DEFAULT_LOCALE / "email", root / DEFAULT_LOCALE / "sms"
    by_part = [_names(emails, part) for part in EMAIL_PARTS]
    return TemplateNames(email=by_part[0] & by_part[1] & by_part[2], sms=_names(texts, ".txt.j2"))


def _names(folder: Path, ending: str) -> frozenset[str]:
    stems = (path.name.removesuffix(ending) for path in folder.glob(f"*{ending}"))
    return frozenset(stem for stem in stems if is_template_name(stem))


def language_of(locale: str | None, root: Path = TEMPLATES, otherwise: str = DEFAULT_LOCALE) -> str:
    """The folder for a customer's locale (`de-AT`, `de_AT`, `de`): the nearest there is, else `otherwise`."""
    wanted = (locale or "").replace("_", "-").lower()
    there = {path.name.lower(): path.name for path in root.iterdir() if path.is_dir()}
    return there.get(wanted) or there.get(wanted.partition("-")[0]) or otherwise
