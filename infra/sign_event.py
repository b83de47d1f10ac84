"""Signs a sample event again, as of now: Stripe's signatures are good for five minutes, the links in mails for ninety days.

.venv/bin/python -m infra.sign_event events/stripe_webhook/invoice_finalized.json | sam local invoke StripeWebhookFunction -e -
.venv/bin/python -m infra.sign_event events/customer_portal/one_click.json --secret KEY | sam local invoke CustomerPortalFunction -e -
"""

import argparse
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from dunning.channels.unsubscribe_links import SignedUnsubscribeLinks
from infra.samples.stripe_objects import LOCAL_SECRET, Json, sign


def signed(event: Json, at: datetime, secret: bytes = LOCAL_SECRET) -> Json:
    """The HTTP API event with its body, or its link, signed at this instant."""
    path = event.get("pathParameters")
    if isinstance(path, dict):
        return _with_link(event, str(path["token"]), at, secret)
    text = str(event["body"])
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    headers = event["headers"]
    if not isinstance(headers, dict):
        raise SystemExit("this is no HTTP API event: it has no headers")
    return {**event, "headers": {**headers, "stripe-signature": sign(body, at, secret)["Stripe-Signature"]}}


def _with_link(event: Json, token: str, at: datetime, secret: bytes) -> Json:
    """The same customer's link; it stands in the path, too."""
    payload = token.partition(".")[0]
    customer, _ = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    link = SignedUnsubscribeLinks(lambda: secret, "https://portal").url(customer, at) or ""
    written: Json = json.loads(json.dumps(event).replace(token, link.rpartition("/")[2]))
    return written


def main() -> None:
    """Print the event, signed now."""
    parser = argparse.ArgumentParser(description="Sign a sample event of Stripe or of the customers' page again, as of now.")
    parser.add_argument("event", type=Path, help="a file of events/stripe_webhook or events/customer_portal")
    parser.add_argument(
        "--secret", default=LOCAL_SECRET.decode(), help="the endpoint's signing secret, or the key of the links (default: %(default)s)"
    )
    arguments = parser.parse_args()
    print(json.dumps(signed(json.loads(arguments.event.read_text()), datetime.now(UTC), arguments.secret.encode()), indent=2))


if __name__ == "__main__":
    main()
