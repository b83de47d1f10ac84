"""Signs a sample webhook of events/stripe_webhook again, as of now: Stripe's signatures are good for five minutes.

.venv/bin/python -m infra.sign_event events/stripe_webhook/invoice_finalized.json | sam local invoke StripeWebhookFunction -e -
"""

import argparse
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from infra.samples.stripe_objects import LOCAL_SECRET, Json, sign


def signed(event: Json, at: datetime, secret: bytes = LOCAL_SECRET) -> Json:
    """The HTTP API event with its body signed at this instant."""
    text = str(event["body"])
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    headers = event["headers"]
    if not isinstance(headers, dict):
        raise SystemExit("this is no HTTP API event: it has no headers")
    return {**event, "headers": {**headers, "stripe-signature": sign(body, at, secret)["Stripe-Signature"]}}


def main() -> None:
    """Print the event, signed now."""
    parser = argparse.ArgumentParser(description="Sign a sample Stripe webhook again, as of now.")
    parser.add_argument("event", type=Path, help="a file of events/stripe_webhook")
    parser.add_argument("--secret", default=LOCAL_SECRET.decode(), help="the endpoint's signing secret (default: %(default)s)")
    arguments = parser.parse_args()
    print(json.dumps(signed(json.loads(arguments.event.read_text()), datetime.now(UTC), arguments.secret.encode()), indent=2))


if __name__ == "__main__":
    main()
