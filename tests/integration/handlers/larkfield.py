"""The one invoice that events/ is about: LS-2051, issued on 2 March 2026, due on the 16th."""

import json
from datetime import UTC, datetime, timedelta
from typing import cast

from tests.integration.handlers.cloud import Json, sample

CUSTOMER = "stripe:cus_wZv81BRahnFCm6"
INVOICE = "in_Ng1tCripew47jMwobKhob2zJ"
ISSUED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FIRST = datetime(2026, 3, 23, 9, 0, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=48)
ESCALATION = SECOND + timedelta(hours=72)


def invoice_object(**changes: object) -> Json:
    """The invoice as Stripe's API shows it."""
    body = json.loads(str(sample("stripe_webhook/invoice_finalized")["body"]))
    return cast("Json", body["data"]["object"]) | changes
