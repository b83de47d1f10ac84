"""What the team is told of a late fee that waits: commands that do what they say, for every source and in every language."""

from dataclasses import replace

import pytest

from dunning.content.rendering import TemplateRenderer
from dunning.workflow.fee_port import MessageProposal
from tests.unit.content.test_rendering import INVOICE, about

WAITS = replace(INVOICE, currency="EUR", proposals=(MessageProposal("second", 1850, ("fixed fee: EUR 18.50", "late fee: EUR 18.50")),))


def told(customer: str, language: str) -> str:
    renderer = TemplateRenderer("Northwind Studio", "a@b.example", team_locale=language)
    return renderer.team("fee_proposal", replace(about(WAITS), customer=customer))[1]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_fee_on_an_imported_invoice_is_not_to_be_accepted_for_nobody_would_write_it(language: str) -> None:
    ours, by_hand = told("stripe:cus_1", language), told("manual:anna", language)
    assert "dunning fee accept stripe:cus_1 in_1 second" in ours
    assert "fee accept" not in by_hand
    assert "dunning fee decline manual:anna in_1 second" in by_hand
    amounts = [" ".join(text.split()).count("EUR 18.50" if language == "en" else "EUR 18,50") for text in (ours, by_hand)]
    assert amounts == ([3, 4] if language == "en" else [1, 2])
    assert ours.splitlines()[-1] not in by_hand


def test_what_to_do_with_one_on_an_imported_invoice_is_said() -> None:
    text = " ".join(told("manual:anna", "en").split())
    assert "add EUR 18.50 to your books as an invoice of its own, and to the file that you import; then close the question here" in text
    assert text.endswith("If the invoice is paid first, the proposal lapses.")
