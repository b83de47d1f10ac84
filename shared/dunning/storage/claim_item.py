"""The claim on a profile's item. It lies flat there, so that one update can take it over."""

from dunning.domain.case import Claim, EffectState, Mark
from dunning.storage import keys
from dunning.storage.attribute_values import Item, mapping, number, optional_instant, put_instant, text


def claim_attributes(claim: Claim | None) -> dict[str, object]:
    """A claim's attributes; None means absent."""
    return {
        "claim_id": claim.id if claim else None,
        "claim_until": keys.instant(claim.until) if claim else None,
        "claim_origin": claim.origin if claim else None,
        "claim_attempt": claim.attempt if claim else None,
        "claim_effects": {key: mark_text(mark) for key, mark in claim.effects.items()} if claim else None,
        "claim_mail_at": put_instant(claim.mail_at) if claim else None,
    }


def read_claim(item: Item) -> Claim | None:
    """The claim that lies on a profile's item, if any."""
    if "claim_id" not in item:
        return None
    return Claim(
        id=text(item, "claim_id"),
        until=keys.parse_instant(text(item, "claim_until")),
        origin=text(item, "claim_origin"),
        attempt=number(item, "claim_attempt"),
        effects={key: _read_mark(str(mark)) for key, mark in mapping(item, "claim_effects").items()},
        mail_at=optional_instant(item, "claim_mail_at"),
    )


_BESIDE = "beside"


def mark_text(mark: Mark) -> str:
    """A mark as it is stored: its state, since when, and whether another row stands for its message; text without the last two is older."""
    parts = [mark.state.value, keys.instant(mark.at) if mark.at else "", "" if mark.leads else _BESIDE]
    return " ".join(part for part in parts if part)


def _read_mark(stored: str) -> Mark:
    state, *parts = stored.split(" ")
    leads = _BESIDE not in parts
    at = next((keys.parse_instant(part) for part in parts if part != _BESIDE), None)
    return Mark(EffectState(state), at, leads)
