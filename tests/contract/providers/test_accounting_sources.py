from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.errors import Disconnected, NotPermitted, Permanent, Retryable
from dunning.domain.invoice import Contact, Status
from dunning.providers.oauth_grants import Index
from dunning.providers.quickbooks import QuickBooksSource
from dunning.workflow.ports import Traced
from dunning.workflow.source_events import FetchKind
from dunning.workflow.sweep_ports import ChangedInvoices
from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero
from tests.contract.providers.source_contract import ANNA, BEN, Owed, PlayedRemoteProvider, RemoteSourceContract


class TestQuickBooksSource(RemoteSourceContract):
    @pytest.fixture
    def provider(self, quickbooks: PlayedQuickBooks) -> PlayedRemoteProvider:
        return quickbooks


class TestXeroSource(RemoteSourceContract):
    @pytest.fixture
    def provider(self, xero: PlayedXero) -> PlayedRemoteProvider:
        return xero


def test_the_address_on_a_quickbooks_invoice_is_told_beside_the_customers_own(quickbooks: PlayedQuickBooks) -> None:
    customer = {"DisplayName": "Anna", "PrimaryEmailAddr": {"Address": "anna@example.com"}, "BillAddr": {"Country": "USA"}}
    quickbooks.books.put_customer(ANNA, {**customer, "Mobile": {"FreeFormNumber": "(831) 330-1234"}})
    quickbooks.has("1", {"Balance": 1, "TotalAmt": 1, "CustomerRef": {"value": ANNA}, "BillEmail": {"Address": "a@x.example, b@x.example"}})
    found = quickbooks.source.fetch("1", quickbooks.account)
    assert found is not None
    assert found.billed_to == "a@x.example"
    known = Contact(name="Anna", email="anna@example.com", phone="+18313301234", country="US", tags=(), is_business=False)
    assert found.contact == replace(known, settings=CustomerSettings())


def test_a_quickbooks_invoice_that_names_no_currency_is_in_the_companys_own_which_is_asked_for_once(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.books.home = "CAD"
    anna = {"CustomerRef": {"value": ANNA}}
    quickbooks.has("1", {"Balance": 120.5, "TotalAmt": 120.5, "CurrencyRef": None, **anna})
    quickbooks.has("2", {"Balance": 7, "TotalAmt": 7, "CurrencyRef": {"value": "EUR"}, **anna})
    quickbooks.books.put_transaction("Payment", "7", {**anna, "UnappliedAmt": 3})
    source, account, customer = quickbooks.source, quickbooks.account, quickbooks.customer_id(ANNA)
    assert source.fetch("2", account) is not None
    assert not any("preferences" in path for path in quickbooks.asked)
    found = source.fetch("1", account)
    assert found is not None
    assert (found.currency, found.amount_due) == ("CAD", 120_50)
    assert {one.invoice_id: one.currency for one in source.open_page(None, account).snapshots} == {"1": "CAD", "2": "EUR"}
    assert {one.invoice_id: one.currency for one in source.open_invoices_of(customer)} == {"1": "CAD", "2": "EUR"}
    assert isinstance(source, QuickBooksSource)
    assert {one.currency for one in source.changed_invoices(str(account), quickbooks.clock.now - timedelta(hours=1)).snapshots} == {
        "CAD",
        "EUR",
    }
    assert source.standing_of(customer).credit == {"CAD": 3_00}
    assert sum("preferences" in path for path in quickbooks.asked) == 1


def test_where_a_quickbooks_company_names_no_home_currency_either_the_remedy_is_told(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.books.home = ""
    quickbooks.has("1", {"Balance": 1, "TotalAmt": 1, "CurrencyRef": None, "CustomerRef": {"value": ANNA}})
    with pytest.raises(Permanent, match="invoice 1 names no currency, nor do the company's preferences: set its home currency there"):
        quickbooks.source.fetch("1", quickbooks.account)
    assert quickbooks.source.open_page(None, quickbooks.account).unreadable == ("1",)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_preferences_that_cannot_be_read_keep_no_invoice_with_a_currency_of_its_own_from_its_reminder(
    quickbooks: PlayedQuickBooks, status: int
) -> None:
    anna = {"CustomerRef": {"value": ANNA}}
    quickbooks.has("1", {"Balance": 7, "TotalAmt": 7, "CurrencyRef": {"value": "EUR"}, **anna})
    quickbooks.books.put_transaction("Payment", "7", {**anna, "UnappliedAmt": 3})
    quickbooks.lacks(status=status, where=lambda path: "preferences" in path)
    assert quickbooks.source.standing_of(quickbooks.customer_id(ANNA)).credit == {}
    quickbooks.has("2", {"Balance": 1, "TotalAmt": 1, "CurrencyRef": None, **anna})
    assert [one.invoice_id for one in quickbooks.source.open_page(None, quickbooks.account).snapshots] == ["1"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_home_currency_that_may_not_be_read_is_a_matter_of_the_connection_and_of_no_invoice_that_names_its_own(
    quickbooks: PlayedQuickBooks, status: int
) -> None:
    anna, ben = {"CustomerRef": {"value": ANNA}}, {"CustomerRef": {"value": BEN}}
    quickbooks.has("1", {"Balance": 7, "TotalAmt": 7, "CurrencyRef": {"value": "EUR"}, **anna})
    quickbooks.has("2", {"Balance": 1, "TotalAmt": 1, "CurrencyRef": None, **ben})
    quickbooks.lacks(status=status, where=lambda path: "preferences" in path)
    source, account = quickbooks.source, quickbooks.account
    for ask in (lambda: source.fetch("2", account), lambda: source.open_invoices_of(quickbooks.customer_id(BEN))):
        with pytest.raises(NotPermitted, match=r"preferences.*dunning connect quickbooks") as refused:
            ask()
        assert (refused.value.source, refused.value.account) == ("quickbooks", account)
    page = source.open_page(None, account)
    assert ([one.invoice_id for one in page.snapshots], page.unreadable) == (["1"], ("2",))
    assert source.fetch("1", account) is not None
    assert [one.invoice_id for one in source.open_invoices_of(quickbooks.customer_id(ANNA))] == ["1"]


def test_a_quickbooks_payment_leads_to_the_invoices_it_is_applied_to(quickbooks: PlayedQuickBooks) -> None:
    lines = [{"LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}]}, {"LinkedTxn": [{"TxnId": "9", "TxnType": "JournalEntry"}]}]
    anna = {"CustomerRef": {"value": ANNA}}
    quickbooks.books.put_transaction("Payment", "7", {**anna, "Line": lines})
    quickbooks.books.put_transaction("CreditMemo", "8", {**anna, "LinkedTxn": [{"TxnId": "7", "TxnType": "Payment"}]})
    traced = Traced(quickbooks.customer_id(ANNA), ("1",))
    assert quickbooks.source.trace(FetchKind.PAYMENT, "7", quickbooks.account) == traced
    assert quickbooks.source.trace(FetchKind.CREDIT_NOTE, "8", quickbooks.account) == traced
    assert quickbooks.source.trace(FetchKind.PAYMENT, "none", quickbooks.account) is None


def test_a_quickbooks_id_cannot_leave_its_place(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.has_invoice(Owed("one"))
    assert quickbooks.source.fetch("../customer/anna", quickbooks.account) is None
    assert quickbooks.source.open_invoices_of(quickbooks.customer_id("x' OR Id > '0")) == ()


def test_an_inactive_quickbooks_customer_has_no_contact(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.books.put_customer(ANNA, {"DisplayName": "Anna", "Active": False})
    assert quickbooks.source.fetch_contact(quickbooks.customer_id(ANNA)) is None


def test_a_xero_bill_is_no_invoice(xero: PlayedXero) -> None:
    xero.has("bill", {"Type": "ACCPAY", "Status": "AUTHORISED", "AmountDue": 1, "CurrencyCode": "EUR", "Contact": {"ContactID": ANNA}})
    assert xero.source.fetch("bill", xero.account) is None
    assert xero.source.open_page(None, xero.account).snapshots == ()


def test_a_deleted_xero_invoice_says_so(xero: PlayedXero) -> None:
    xero.has("gone", {"Type": "ACCREC", "Status": "DELETED", "AmountDue": 0, "CurrencyCode": "EUR", "Contact": {"ContactID": ANNA}})
    found = xero.source.fetch("gone", xero.account)
    assert found is not None
    assert found.status is Status.DELETED


def test_a_page_of_xero_invoices_comes_with_the_addresses_that_lists_lack(xero: PlayedXero) -> None:
    xero.has_invoice(Owed("one"))
    xero.has_customer(ANNA, name="Anna", email="anna@example.com")
    assert [found.contact.email for found in xero.source.open_page(None, xero.account).snapshots] == ["anna@example.com"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_open_invoices_of_a_customer_come_with_the_contact_that_is_read_once(
    quickbooks: PlayedQuickBooks, xero: PlayedXero, number: int
) -> None:
    for provider in (quickbooks, xero):
        provider.has_customer(ANNA, name="Anna", email="anna@example.com")
        for each in range(number):
            provider.has_invoice(Owed(f"i{each}"))
        before = provider.requests()
        found = provider.source.open_invoices_of(provider.customer_id(ANNA))
        assert [each.contact.email for each in found] == ["anna@example.com"] * number
        assert provider.requests() - before == 2


def test_after_a_429_xero_is_left_alone_for_as_long_as_it_asks(xero: PlayedXero) -> None:
    xero.has_invoice(Owed("i0", amount_due=0, status=Status.PAID))
    for _ in range(60):
        xero.source.fetch("i0", xero.account)
    with pytest.raises(Retryable) as refused:
        xero.source.fetch("i0", xero.account)
    asked = xero.requests()
    with pytest.raises(Retryable):
        xero.source.fetch("i0", xero.account)
    assert xero.requests() == asked
    assert refused.value.retry_at is not None
    xero.clock.now = refused.value.retry_at
    assert xero.source.fetch("i0", xero.account) is not None


def test_a_company_that_is_not_connected_is_told_apart(quickbooks: PlayedQuickBooks) -> None:
    assert quickbooks.source.accounts() == (quickbooks.account,)
    quickbooks.vault.listed = Index(())
    with pytest.raises(Disconnected):
        quickbooks.source.fetch("one", "2222222222")
    assert quickbooks.source.accounts() == ()


def test_a_thousand_quickbooks_invoices_of_few_customers_cost_two_requests(quickbooks: PlayedQuickBooks) -> None:
    for number in range(5):
        quickbooks.has_customer(str(number), name=f"C{number}", email=f"c{number}@example.com")
    for number in range(900):
        quickbooks.has_invoice(Owed(f"i{number}", customer=str(number % 5)))
    before = quickbooks.requests()
    page = quickbooks.source.open_page(None, quickbooks.account)
    assert {found.contact.email for found in page.snapshots} == {f"c{number}@example.com" for number in range(5)}
    assert quickbooks.requests() - before == 2
    for found in page.snapshots[:5]:
        quickbooks.source.fetch(found.invoice_id, quickbooks.account)
    assert quickbooks.requests() - before == 7


def test_an_inactive_quickbooks_customer_who_owes_is_listed_without_an_address_of_their_own(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.books.put_customer(ANNA, {"DisplayName": "Anna", "Active": False, "PrimaryEmailAddr": {"Address": "anna@example.com"}})
    quickbooks.has_invoice(Owed("one"))
    (found,) = quickbooks.source.open_page(None, quickbooks.account).snapshots
    assert found.contact == Contact()


@pytest.mark.parametrize("name", ["quickbooks", "xero"])
def test_what_was_paid_and_who_moved_since_an_instant_is_told_and_nothing_older(request: pytest.FixtureRequest, name: str) -> None:
    played: PlayedQuickBooks | PlayedXero = request.getfixturevalue(name)
    played.has_invoice(Owed("old", amount_due=0, status=Status.PAID))
    played.has_customer("idle", name="Idle", email="idle@example.com")
    played.clock.now += timedelta(days=1)
    since = played.clock()
    played.clock.now += timedelta(hours=1)
    played.has_invoice(Owed("paid", amount_due=0, status=Status.PAID))
    played.has_invoice(Owed("open", customer=BEN))
    played.has_customer(ANNA, name="Anna", email="new@example.com")
    closed, contacts, cursor = list[str](), dict[str, Contact | None](), ""
    following: str | None = cursor
    while following is not None:
        page = played.source.changed_page(str(played.account), since, following or None)
        closed += [snapshot.invoice_id for snapshot in page.closed]
        contacts |= page.contacts
        following = page.cursor
    assert closed == ["paid"]
    anna = contacts[played.customer_id(ANNA)]
    assert anna
    assert (anna.name, anna.email) == ("Anna", "new@example.com")
    assert played.customer_id("idle") not in contacts


def test_more_changes_than_quickbooks_tells_are_left_to_the_lists(quickbooks: PlayedQuickBooks) -> None:
    for number in range(1000):
        quickbooks.has_invoice(Owed(f"i{number}", amount_due=0, status=Status.PAID))
    page = quickbooks.source.changed_page(str(quickbooks.account), quickbooks.clock() - timedelta(hours=1), None)
    assert (page.closed, page.contacts, page.cursor) == ((), {}, None)


def test_quickbooks_tells_the_invoices_that_changed_whatever_they_are_now(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.has_invoice(Owed("old"))
    quickbooks.clock.now += timedelta(days=1)
    since = quickbooks.clock() - timedelta(minutes=10)
    for owed in (Owed("open"), Owed("paid", amount_due=0, status=Status.PAID), Owed("gone")):
        quickbooks.has_invoice(owed)
    quickbooks.has_customer(ANNA, name="Anna", email="anna@example.com")
    quickbooks.books.delete_invoice("gone")
    source = quickbooks.source
    assert isinstance(source, QuickBooksSource)
    told = source.changed_invoices(str(quickbooks.account), since)
    assert [(each.invoice_id, each.status) for each in told.snapshots] == [("open", Status.OPEN), ("paid", Status.PAID)]
    assert told.snapshots[0].contact.email == "anna@example.com"
    assert (told.deleted, told.is_all) == (("gone",), True)
    quickbooks.lacks(status=404, where=lambda path: "/cdc" in path)
    assert source.changed_invoices(str(quickbooks.account), since) == ChangedInvoices(is_all=False)


def test_a_deleted_quickbooks_invoice_is_no_change_that_could_be_mistaken_for_a_payment(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.has_invoice(Owed("one"))
    since = quickbooks.clock() - timedelta(hours=1)
    quickbooks.books.delete_invoice("one")
    assert quickbooks.source.changed_page(str(quickbooks.account), since, None).closed == ()
    assert quickbooks.source.fetch("one", quickbooks.account) is None


def test_a_xero_credit_note_leads_to_the_invoices_it_is_allocated_to_and_a_supplier_s_to_none(xero: PlayedXero) -> None:
    allocated = {"Allocations": [{"Amount": 10, "Invoice": {"InvoiceID": "i1"}}], "Contact": {"ContactID": ANNA}}
    xero.books.put_credit_note("n1", {"Type": "ACCRECCREDIT", **allocated})
    xero.books.put_credit_note("n2", {"Type": "ACCPAYCREDIT", **allocated})
    assert xero.source.trace(FetchKind.CREDIT_NOTE, "n1", xero.account) == Traced(xero.customer_id(ANNA), ("i1",))
    assert xero.source.trace(FetchKind.CREDIT_NOTE, "n2", xero.account) is None


def test_who_does_not_answer_is_left_alone_for_half_a_minute_by_everybody(xero: PlayedXero) -> None:
    xero.has_invoice(Owed("one"))
    xero.hangs_up()
    with pytest.raises(Retryable):
        xero.source.fetch("one", xero.account)
    asked = xero.requests()
    for source in (xero.source, xero.asking_urgently()):
        with pytest.raises(Retryable) as left_alone:
            source.fetch("one", xero.account)
        assert left_alone.value.retry_at == xero.clock() + timedelta(seconds=30)
    assert xero.requests() == asked


@pytest.mark.parametrize("status", [401, 403])
def test_a_tenant_that_was_taken_from_us_is_disconnected(xero: PlayedXero, status: int) -> None:
    xero.answers(status, {"Detail": "AuthenticationUnsuccessful"})
    with pytest.raises(Disconnected) as ended:
        xero.source.fetch("one", xero.account)
    assert (ended.value.source, ended.value.account) == ("xero", xero.account)


def test_a_429_that_does_not_say_how_long_is_waited_out_for_a_minute(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.answers(429, {"Fault": {"type": "THROTTLE"}})
    with pytest.raises(Retryable) as refused:
        quickbooks.source.fetch("one", quickbooks.account)
    assert refused.value.retry_at == quickbooks.clock() + timedelta(minutes=1)
    asked = quickbooks.requests()
    with pytest.raises(Retryable):
        quickbooks.source.open_page(None, quickbooks.account)
    assert quickbooks.requests() == asked


@pytest.mark.parametrize("status", [400, 404])
def test_a_xero_contact_is_read_by_its_own_address_where_there_is_no_list(xero: PlayedXero, status: int) -> None:
    xero.lacks(status=status, where=lambda path: "/Contacts?" in path)
    for number, customer in enumerate((ANNA, BEN)):
        xero.has_invoice(Owed(f"i{number}", customer=customer))
        xero.has_customer(customer, name=customer, email=f"{customer}@example.com")
    found = xero.source.fetch("i0", xero.account)
    assert found is not None
    assert found.contact.email == f"{ANNA}@example.com"
    assert not any("/Contacts?" in path for path in xero.asked)
    xero.clock.now += timedelta(hours=1)
    listed = xero.source.open_page(None, xero.account).snapshots
    assert sorted(each.contact.email or "" for each in listed) == sorted(f"{customer}@example.com" for customer in (ANNA, BEN))


def test_a_xero_contact_that_only_the_list_tells_of_is_found_there(xero: PlayedXero) -> None:
    xero.lacks(status=404, where=lambda path: "/Contacts/" in path)
    xero.has_invoice(Owed("one"))
    xero.has_customer(ANNA, name="Anna", email="anna@example.com")
    found = xero.source.fetch("one", xero.account)
    assert found is not None
    assert found.contact.email == "anna@example.com"


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
@pytest.mark.parametrize(("name", "place"), [("quickbooks", "/cdc?"), ("xero", "/Invoices?"), ("xero", "/Contacts?")])
def test_changes_that_cannot_be_asked_for_are_left_to_the_lists(request: pytest.FixtureRequest, name: str, place: str, status: int) -> None:
    played: PlayedQuickBooks | PlayedXero = request.getfixturevalue(name)
    played.lacks(status=status, where=lambda path: place in path)
    asked, cursor, pages = played.requests(), None, 0
    while pages == 0 or cursor:
        cursor = played.source.changed_page(played.account or "", played.clock(), cursor).cursor
        pages += 1
    assert played.requests() - asked == pages <= 2


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("place", ["/CreditNotes", "/Overpayments", "/Prepayments", "/OnlineInvoice"])
def test_what_a_reminder_can_do_without_may_be_refused(xero: PlayedXero, place: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    xero.has_invoice(Owed("one"))
    xero.has_customer(ANNA, name="Anna", email="anna@example.com")
    xero.lacks(status=status, where=lambda path: place in path)
    for _ in range(3):
        found = xero.source.fetch("one", xero.account)
        assert found
        assert (found.status, found.contact.email) == (Status.OPEN, "anna@example.com")
        assert xero.source.standing_of(xero.customer_id(ANNA)).credit == {}
        xero.clock.now += timedelta(minutes=1)
    assert place in caplog.text
    assert "dunning connect xero" in caplog.text
    assert sum(place in path for path in xero.asked) == (4 if status == 401 else 3)  # a token is renewed in vain once only


def test_many_kinds_of_call_that_are_refused_renew_a_company_s_token_once_and_one_that_was_ended_is_renewed_still(xero: PlayedXero) -> None:
    xero.has_invoice(Owed("one"))
    xero.lacks(status=401, where=lambda path: any(place in path for place in ("/CreditNotes", "/Overpayments", "/OnlineInvoice")))
    renewals = xero.vault.writes.total()
    for _ in range(3):
        xero.source.standing_of(xero.customer_id(ANNA))
        xero.source.fetch("one", xero.account)
    assert xero.vault.writes.total() == renewals + 1
    xero.answers_once(401)
    assert xero.source.fetch("one", xero.account) is not None
    assert xero.vault.writes.total() == renewals + 2  # the token that was ended; the next one is not to blame either


def test_lists_of_quickbooks_that_are_refused_among_others_renew_its_token_once(quickbooks: PlayedQuickBooks) -> None:
    quickbooks.lacks(status=401, where=lambda path: "CreditMemo" in path or "+Payment" in path)
    renewals = quickbooks.vault.writes.total()
    for _ in range(3):
        assert quickbooks.source.open_page(None, quickbooks.account).snapshots == ()
        assert quickbooks.source.standing_of(quickbooks.customer_id(ANNA)).credit == {}
    assert quickbooks.vault.writes.total() == renewals + 1


@pytest.mark.parametrize("status", [401, 403])
def test_credit_that_quickbooks_does_not_show_is_done_without(quickbooks: PlayedQuickBooks, status: int) -> None:
    quickbooks.lacks(status=status, where=lambda path: "Payment" in path)
    assert quickbooks.source.standing_of(quickbooks.customer_id(ANNA)).credit == {}
