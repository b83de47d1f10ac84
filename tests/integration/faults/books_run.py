"""Runs whose invoices are kept in QuickBooks or Xero, which tell by webhook only that something changed."""

import json
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from infra.local.sandbox.quickbooks import COMPANY
from tests.integration.accounting.books import quickbooks_invoice, signature
from tests.integration.end_to_end.driver import Json
from tests.integration.faults.promises import amiss
from tests.integration.faults.run import Run


class AccountRun(Run):
    """One customer who can be reached anew."""

    @abstractmethod
    def reached_anew(self) -> None:
        """The customer's own record has another address from now on, and the webhook says that it changed."""

    @property
    def new_address(self) -> str:
        """As that record has it."""
        return f"new{self.number}@example.com"


def changed_in_the_books(run: Run) -> None:
    """The customer's record there."""
    assert isinstance(run, AccountRun)
    run.reached_anew()
    run.minute(4)


def not_reached_as_the_books_say(run: Run) -> Iterator[str]:
    """The new address is known, the log tells of one change, and nothing is sent."""
    assert isinstance(run, AccountRun)
    yield from amiss(run, (), ("enrolled", "updated"), waits=True)
    if run.new_address not in (run.case().profile.own_email, run.case().profile.contact.email):
        yield f"known is {run.case().profile}"


@dataclass
class BooksRun(AccountRun):
    """One customer of a QuickBooks company, with one invoice and no telephone."""

    def customer(self, customer: int = 0) -> str:
        return f"quickbooks:{COMPANY}:{self.number}"

    def entered(self, *, due: int = -1) -> None:
        """The invoice stands in the books from now on, and the webhook says that it changed."""
        self._in_the_books(due=due, balance=120.0)
        self._changed("Invoice", self._id)

    def reached_anew(self) -> None:
        provider = self.running.sandbox.provider("quickbooks")
        assert provider is not None
        provider.put_customer(str(self.number), {"DisplayName": "Pat Doe", "PrimaryEmailAddr": {"Address": self.new_address}})
        self._changed("Customer", str(self.number))

    @property
    def other_customer(self) -> str:
        """The full id of whoever has the invoice after a merger."""
        return f"quickbooks:{COMPANY}:m{self.number}"

    def merged(self) -> None:
        """The invoice is another customer's from now on, and this one is inactive; the webhook says that this one changed."""
        self._in_the_books(due=20, balance=120.0, customer=f"m{self.number}")
        provider = self.running.sandbox.provider("quickbooks")
        assert provider is not None
        provider.put_customer(str(self.number), {"DisplayName": "Pat Doe (deleted)", "Active": False})
        self._changed("Customer", str(self.number))

    def _changed(self, kind: str, bare_id: str) -> None:
        entity = {"name": kind, "id": bare_id, "operation": "Update", "lastUpdated": self.cloud.now.isoformat()}
        body = json.dumps({"eventNotifications": [{"realmId": COMPANY, "dataChangeEvent": {"entities": [entity]}}]}).encode()
        if not self._deliver(body):
            self._untold.append(body)

    def _in_the_books(self, *, due: int, balance: float, customer: str = "") -> None:
        invoice = quickbooks_invoice(
            self._id,
            Balance=balance,
            DueDate=(self.begin + timedelta(days=due)).date().isoformat(),
            CustomerRef={"value": customer or str(self.number), "name": "Pat Doe"},
            BillEmail={"Address": f"pat{self.number}@example.com"},
        )
        provider = self.running.sandbox.provider("quickbooks")
        assert provider is not None
        provider.put_invoice(self._id, json.dumps(invoice).encode())

    @property
    def _id(self) -> str:
        return f"9{self.number}"

    def owed(self, customer: int = 0, *, due: int = -1, nth: int = 0, **other: object) -> Json:
        """What names the invoice; QuickBooks keeps the rest."""
        return {"id": self._id}

    def _deliver(self, body: bytes) -> bool:
        headers = {"intuit-signature": signature(body, "local-quickbooks"), "content-type": "application/json"}
        return self.running.deliver(body, headers, "/webhooks/quickbooks") == 200

    def settle_with_provider(self) -> None:
        """Nobody owes anything any more."""
        self._in_the_books(due=-1, balance=0.0)
