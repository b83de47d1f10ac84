"""Maps as DynamoDB hands them out: in no order that anybody could rely on.

moto, and any dictionary of ours, keeps the order in which something was put in; Amazon's table does not, and code that leans on it
works in every test but not there. So what stands for the table deals its maps out anew, by a number that a world may choose.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from zlib import crc32

from dunning.domain.case import Case, Profile
from dunning.domain.invoice import Invoice

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")
_OF_A_PROFILE = ("opted_out", "holds", "disputes", "notices")


def dealt(values: Mapping[Key, Value], by: int = 0) -> Mapping[Key, Value]:
    """The same map in another order, always the same for a number."""
    if len(values) <= 1:
        return values
    return dict(sorted(values.items(), key=lambda one: crc32(one[0].encode(), by)))


def case_as_read(case: Case, by: int = 0) -> Case:
    """A case as one query answers it: its rows by their keys, the maps within them in no order."""
    invoices = {invoice_id: _invoice(case.invoices[invoice_id], by) for invoice_id in sorted(case.invoices)}
    return Case(profile_as_read(case.profile, by), invoices)


def profile_as_read(profile: Profile, by: int = 0) -> Profile:
    """A profile, with its maps and its claim's marks in no order."""
    found: dict[str, Any] = {name: getattr(profile, name) for name in _OF_A_PROFILE if len(getattr(profile, name)) > 1}
    changes: dict[str, Any] = {name: dealt(values, by) for name, values in found.items()}
    if profile.claim and len(profile.claim.effects) > 1:
        changes["claim"] = replace(profile.claim, effects=dealt(profile.claim.effects, by))
    return replace(profile, **changes) if changes else profile


def _invoice(invoice: Invoice, by: int) -> Invoice:
    return replace(invoice, holds=dealt(invoice.holds, by)) if len(invoice.holds) > 1 else invoice
