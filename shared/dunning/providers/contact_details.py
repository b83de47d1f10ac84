"""Countries and telephone numbers as people type them into accounting systems, in the forms that calendars and SMS need."""

import re

_COUNTRIES = {
    "australia": "AU",
    "austria": "AT",
    "belgium": "BE",
    "canada": "CA",
    "denmark": "DK",
    "england": "GB",
    "finland": "FI",
    "france": "FR",
    "germany": "DE",
    "great britain": "GB",
    "hong kong": "HK",
    "india": "IN",
    "ireland": "IE",
    "italy": "IT",
    "japan": "JP",
    "mexico": "MX",
    "netherlands": "NL",
    "new zealand": "NZ",
    "norway": "NO",
    "portugal": "PT",
    "scotland": "GB",
    "singapore": "SG",
    "south africa": "ZA",
    "spain": "ES",
    "sweden": "SE",
    "switzerland": "CH",
    "the netherlands": "NL",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "uk": "GB",
    "united kingdom": "GB",
    "united states": "US",
    "united states of america": "US",
    "usa": "US",
    "wales": "GB",
}
# Calling code and trunk prefix (ITU-T E.164 and E.129) of countries whose national numbers can be told by their length and prefix.
_DIALLING = {
    "AU": ("61", "0"),
    "CA": ("1", "1"),
    "DE": ("49", "0"),
    "FR": ("33", "0"),
    "GB": ("44", "0"),
    "IE": ("353", "0"),
    "NL": ("31", "0"),
    "NZ": ("64", "0"),
    "US": ("1", "1"),
    "ZA": ("27", "0"),
}
_NORTH_AMERICA = "1"
_CALLING_CODES = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|(?:2[1-689]|3[578]|42|5[09]|6[7-9]|8[058]|9[679])\d", re.ASCII
)
"""No code begins like a longer one, so what is none of these was mistyped (ITU-T E.164, list of assigned country codes)."""


TAG_CHARACTERS = 64
MOST_TAGS = 50
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})


def tags_in(*written: str | None) -> tuple[str, ...]:
    """Tags as people write them: one or several, with commas or semicolons between; small letters, each once, the rest left out."""
    found = (part.strip().lower() for text in written for part in re.split(r"[,;]", text or ""))
    return tuple(dict.fromkeys(tag for tag in found if tag and len(tag) <= TAG_CHARACTERS))[:MOST_TAGS]


def yes_or_no(written: str | None) -> bool | None:
    """A word that means yes or no; None for any other."""
    word = (written or "").strip().lower()
    return True if word in _YES else False if word in _NO else None


def country_code(written: str | None) -> str | None:
    """ISO 3166-1 alpha-2 of a country as people write it; None where that is not certain."""
    if written is None:
        return None
    name = written.strip()
    if re.fullmatch(r"[A-Za-z]{2}", name) and name.lower() != "uk":
        return name.upper()
    return _COUNTRIES.get(name.lower())


def e164(written: str | None, country: str | None, calling_code: str | None = None) -> str | None:
    """A telephone number in the form +442071838750; None where a guess would be needed, for it might be a stranger's.

    `country` is ISO 3166-1 alpha-2, `calling_code` digits as a form of its own gave them.
    """
    if written is None:
        return None
    number = re.sub(r"(?i)\s*(ext|x)\.?\s*\d+$", "", written.strip())
    digits = re.sub(r"\D", "", number.replace("(0)", ""))
    if number.startswith("+"):
        return _valid(digits)
    if number.startswith("00"):
        return _valid(digits[2:])
    code, trunk = _DIALLING.get(country or "", ("", ""))
    given = re.sub(r"\D", "", calling_code or "").lstrip("0")
    if given and not _CALLING_CODES.fullmatch(given):
        return None
    if given:
        return _valid(given + (digits.removeprefix("0") if given != _NORTH_AMERICA else digits.removeprefix("1")))
    if not code:
        return None
    if code == _NORTH_AMERICA:
        national = digits.removeprefix(trunk) if len(digits) == 11 else digits
        return _valid(code + national) if len(national) == 10 else None
    return _valid(code + digits[1:]) if digits.startswith(trunk) else None


def _valid(digits: str) -> str | None:
    return f"+{digits}" if 8 <= len(digits) <= 15 and not digits.startswith("0") else None
