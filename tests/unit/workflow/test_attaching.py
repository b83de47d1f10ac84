"""The PDF of an invoice with its reminder."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import ActivityType
from dunning.domain.errors import Permanent, Retryable
from dunning.workflow.attaching import MOST_BYTES, MOST_DELAYS, Attacher
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST

PAPER = b"%PDF-1.4 paper"


@dataclass
class Shelf:
    """A source's documents by (invoice, customer)."""

    papers: dict[tuple[str, str], bytes]
    failure: Exception | None = None
    asked: int = 0

    def fetch_pdf(self, invoice_id: str, customer: str) -> bytes | None:
        self.asked += 1
        if self.failure:
            raise self.failure
        return self.papers.get((invoice_id, customer))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf({("in_1", ACME): PAPER})


@pytest.fixture
def attaching(shelf: Shelf) -> FakeDeployment:
    """The shipped plan, its first mail with the invoice's PDF."""
    standard = standard_policies().default
    first, *others = standard.steps
    world = FakeDeployment(PolicyBook.of({"standard": replace(standard, steps=(replace(first, attach_invoice_pdf=True), *others))}))
    world.run_step = replace(world.run_step, sender=replace(world.sender, attach=Attacher({"stripe": shelf})))
    world.invoiced(snapshot())
    return world


def reasons(world: FakeDeployment) -> list[str]:
    return [activity.reason or "" for activity in world.log(ACME) if activity.type is ActivityType.SENT]


def test_the_document_goes_with_the_mail_under_the_invoices_number(attaching: FakeDeployment) -> None:
    attaching.run_until(FIRST)
    assert [mail.attachments for mail in attaching.email.sent] == [("NO-in_1.pdf",)]
    assert reasons(attaching) == ["7 days after the due date"]


def test_a_source_that_does_not_answer_puts_the_mail_off_a_few_times_and_then_it_goes_without(
    attaching: FakeDeployment, shelf: Shelf
) -> None:
    shelf.failure = Retryable("down")
    attaching.run_until(FIRST + timedelta(minutes=2))
    assert attaching.email.sent == []
    attaching.run_until(FIRST + timedelta(hours=1))
    assert [mail.attachments for mail in attaching.email.sent] == [()]
    assert shelf.asked == MOST_DELAYS + 1
    assert reasons(attaching) == ["7 days after the due date; without the PDF of NO-in_1: it could not be had, or is too large"]


def test_a_source_that_comes_back_in_time_gives_the_document_after_all(attaching: FakeDeployment, shelf: Shelf) -> None:
    shelf.failure = Retryable("down")
    attaching.run_until(FIRST)
    shelf.failure = None
    attaching.run_until(FIRST + timedelta(hours=1))
    assert [mail.attachments for mail in attaching.email.sent] == [("NO-in_1.pdf",)]


@pytest.mark.parametrize("content", [b"<html>sign in</html>", b"", b"%PDF-" + b"x" * MOST_BYTES])
def test_what_is_no_pdf_or_too_large_is_left_away(attaching: FakeDeployment, shelf: Shelf, content: bytes) -> None:
    shelf.papers = {("in_1", ACME): content}
    attaching.run_until(FIRST)
    assert [mail.attachments for mail in attaching.email.sent] == [()]
    assert "without the PDF" in reasons(attaching)[0]


def test_another_customers_document_is_never_attached(attaching: FakeDeployment, shelf: Shelf) -> None:
    shelf.papers = {("in_1", "stripe:cus_else"): PAPER}
    attaching.run_until(FIRST)
    assert [mail.attachments for mail in attaching.email.sent] == [()]


def test_a_document_that_will_never_come_does_not_keep_the_reminder_back(attaching: FakeDeployment, shelf: Shelf) -> None:
    shelf.failure = Permanent("a place that is not trusted")
    attaching.run_until(FIRST)
    assert len(attaching.email.sent) == 1
