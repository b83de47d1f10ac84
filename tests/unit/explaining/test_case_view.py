"""The case as the control interface shows it (DESIGN §8)."""

from dataclasses import replace
from typing import cast

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.fees import Amounts
from dunning.domain.invoice import Approval, ApprovalState
from infra.local.http.case_view import as_it_stands, case_row
from tests.unit.domain.builders import FIRST, FIRST_AT, INVOICE, case_of, policy

POLICIES = PolicyBook.of({"standard": policy(replace(FIRST, approve_above=Amounts({"EUR": 100_00})))})
ASKED = replace(INVOICE, next_step="first", next_at=FIRST_AT, approval=Approval("first", ApprovalState.ASKED, 120_00))


@pytest.mark.parametrize(("amount", "holds"), [(120_00, ["approval"]), (90_00, [])])
def test_what_need_not_be_approved_any_more_is_not_shown_to_wait_for_it(amount: int, holds: list[str]) -> None:
    case = case_of(replace(ASKED, amount_due=amount))
    (row,) = cast("list[dict[str, object]]", case_row(as_it_stands(case, lambda: POLICIES, FIRST_AT), [])["invoices"])
    assert row["holds"] == holds
