"""A run whose invoices are kept in QuickBooks, which tells by webhook only that something changed."""

import json
from dataclasses import dataclass
from datetime import timedelta

from infra.local.sandbox.quickbooks import COMPANY
from tests.integration.accounting.books import quickbooks_invoice, signature
from tests.integration.end_to_end.driver import Json
from tests.integration.faults.run import Run


@dataclass
class BooksRun(Run):
    """One customer of a QuickBooks company, with one invoice and no telephone."""

    def customer(self, customer: int = 0) -> str:
        return f"quickbooks:{COMPANY}:{self.number}"

    def entered(self, *, due: int = -1) -> None:
        """The invoice stands in the books from now on, and the webhook says that it changed."""
        self._in_the_books(due=due, balance=120.0)
        self._changed("Invoice", self._id)

    def reached_anew(self) -> None:
        """The customer's own record has another address from now on, and the webhook says that it changed."""
        provider = self.running.sandbox.provider("quickbooks")
        assert provider is not None
        provider.put_customer(str(self.number), {"DisplayName": "Pat Doe", "PrimaryEmailAddr": {"Address": self.new_address}})
        self._changed("Customer", str(self.number))

    @property
    def new_address(self) -> str:
        """As the customer's record has it."""
        return f"new{self.number}@example.com"

    def _changed(self, kind: str, bare_id: str) -> None:
        entity = {"name": kind, "id": bare_id, "operation": "Update", "lastUpdated": self.cloud.now.isoformat()}
        body = json.dumps({"eventNotifications": [{"realmId": COMPANY, "dataChangeEvent": {"entities": [entity]}}]}).encode()
        if not self._deliver(body):
            self._untold.append(body)

    def _in_the_books(self, *, due: int, balance: float) -> None:
        invoice = quickbooks_invoice(
            self._id,
            Balance=balance,
            DueDate=(self.begin + timedelta(days=due)).date().isoformat(),
            CustomerRef={"value": str(self.number), "name": "Pat Doe"},
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
