"""What people do to single cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts

if TYPE_CHECKING:
    from dunning.workflow.dispute_invoice import DisputeInvoice
    from dunning.workflow.hold_case import HoldCase
    from dunning.workflow.promise_to_pay import PromiseToPay
    from dunning.workflow.release_case import ReleaseCase


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """What a person does to one case."""

    hold: HoldCase
    release: ReleaseCase
    dispute: DisputeInvoice
    promise: PromiseToPay


def case_desk(platform: Platform) -> CaseDesk:
    """Builds the use cases behind `dunning case`, on any function's environment."""
    from dunning.workflow.dispute_invoice import DisputeInvoice
    from dunning.workflow.hold_case import HoldCase
    from dunning.workflow.promise_to_pay import PromiseToPay
    from dunning.workflow.release_case import ReleaseCase

    record = _Parts(platform, "person").record()
    return CaseDesk(HoldCase(record), ReleaseCase(record), DisputeInvoice(record), PromiseToPay(record))
