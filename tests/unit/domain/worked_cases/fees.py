"""Reckoning a worked late fee."""

from dunning.content.policy_loader import load_policy
from dunning.domain.fees import Debt, FeeProposal, LateFee, late_fee
from dunning.domain.money import Money, minor_digits, smallest_at
from tests.unit.domain.worked_cases.reading import TEAMS, FeeCase


def reckoned(worked: FeeCase) -> str:
    """The fee, or "none: " and the reason, as the table has it."""
    until = worked.facts.get("charged_until")
    debt = Debt(
        amount_due=worked.owed.minor,
        currency=worked.owed.currency,
        due_date=worked.due,
        is_business=worked.facts.get("business") is True,
        is_disputed=worked.facts.get("disputed") is True,
        is_fee=worked.facts.get("is_fee") is True,
        charged_until=type(worked.due).fromisoformat(str(until)) if until else None,
        compensated=worked.facts.get("compensated") is True,
        smallest=smallest_at(str(worked.facts.get("source")), worked.owed.currency),
    )
    fee = late_fee(terms(worked), debt, worked.today)
    if not isinstance(fee, FeeProposal):
        return f"none: {fee.reason}"
    charged = Money(fee.amount, fee.currency)
    return f"{fee.currency} {charged.as_decimal():.{minor_digits(fee.currency)}f}"


def terms(worked: FeeCase) -> LateFee:
    """The terms, read as a policy reads them."""
    step = f'  - {{id: fee, at: {{after_due: 7d, time: "09:00"}}, late_fee: {worked.terms}}}'
    found = load_policy(f"name: case\nsteps:\n{step}\n", "case.yaml", TEAMS, not_yet=frozenset()).steps[0].late_fee
    assert found is not None
    return found
