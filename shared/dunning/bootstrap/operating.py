"""What an operator's commands run, on any function's environment; and where late fees are written to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts

if TYPE_CHECKING:
    from dunning.workflow.answer_fee import AnswerFee
    from dunning.workflow.fee_port import FeeBook
    from dunning.workflow.redrive_case import RedriveCase


def fee_books(parts: _Parts) -> Mapping[str, FeeBook]:
    """Every source that takes fees as invoices."""
    from dunning.providers.quickbooks import ALLOWANCE as QUICKBOOKS_ALLOWANCE
    from dunning.providers.quickbooks_fees import QuickBooksFees
    from dunning.providers.stripe_fees import StripeFees
    from dunning.providers.xero import ALLOWANCE as XERO_ALLOWANCE
    from dunning.providers.xero_fees import XeroFees

    quickbooks = parts.oauth_api("quickbooks", parts.config.quickbooks, QUICKBOOKS_ALLOWANCE, urgent=False)
    # A fee that waits is looked at again and again, by last checks that each cost a day's requests more than it does.
    xero = parts.oauth_api("xero", parts.config.xero, XERO_ALLOWANCE, urgent=True)
    return {
        "stripe": StripeFees(parts.stripe_api(), parts.clock),
        "quickbooks": QuickBooksFees(quickbooks, parts.clock),
        "xero": XeroFees(xero, parts.clock),
    }


def answer_fee(platform: Platform) -> AnswerFee:
    """Builds the use case behind `dunning fee`. Raises Rejected for a bad environment, here and below."""
    from dunning.workflow.answer_fee import AnswerFee

    return AnswerFee(_Parts(platform, "fee").record())


def redrive_case(platform: Platform) -> RedriveCase:
    """Builds the use case behind `dunning redrive`."""
    from dunning.workflow.redrive_case import RedriveCase

    return RedriveCase(_Parts(platform, "redrive").record())
