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


SUBJECTS = {
    "en": ("Late fee to accept: ", "Late fee to charge by hand, or to waive: "),
    "de": ("Verzugskosten zu bestätigen: ", "Verzugskosten von Hand zu berechnen oder zu erlassen: "),
    "fr": ("Frais de retard à accepter : ", "Frais de retard à facturer à la main, ou à abandonner : "),
    "es": ("Recargo por aceptar: ", "Recargo por cobrar a mano o por condonar: "),
}


@pytest.mark.parametrize("language", SUBJECTS)
def test_the_subject_asks_for_what_a_person_can_do(language: str) -> None:
    renderer = TemplateRenderer("Northwind Studio", "a@b.example", team_locale=language)
    for customer, begins in zip(("stripe:cus_1", "manual:anna"), SUBJECTS[language], strict=True):
        assert renderer.team("fee_proposal", replace(about(WAITS), customer=customer))[0].startswith(begins)
