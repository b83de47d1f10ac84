"""What Xero allows in a day is never used up: the last request closes the tenant."""

from datetime import timedelta

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.invoice import Status
from tests.contract.providers.played_accounting import PlayedXero
from tests.contract.providers.source_contract import Owed


@pytest.mark.parametrize(("left", "asks"), [(1, False), (2, True)])
def test_the_last_request_of_a_day_at_xero_closes_the_tenant_even_to_what_is_urgent(xero: PlayedXero, left: int, asks: bool) -> None:
    xero.has_invoice(Owed("one", amount_due=0, status=Status.PAID))
    xero.books.left_today(left)
    urgent = xero.asking_urgently()
    assert urgent.fetch("one", xero.account) is not None
    if asks:
        assert urgent.fetch("one", xero.account) is not None
    asked = xero.requests()
    with pytest.raises(Retryable) as closed:
        urgent.fetch("one", xero.account)
    assert xero.requests() == asked == left
    assert closed.value.retry_at == xero.clock.now + timedelta(hours=1)
