"""moto asks nobody for permission; so here the calls that functions really made are held against their roles."""

import json
from urllib.parse import urlsplit

from tests.architecture.template_rules import functions, listed, read_template, role_of, statements
from tests.integration.accounting.books import signature, xero_body, xero_invoice
from tests.integration.end_to_end.driver import ANY_HOUR, Json, LocalCloudOutside, invoice

FUNCTIONS = {
    "stripe_webhook": "StripeWebhookFunction",
    "accounting_webhook": "AccountingWebhookFunction",
    "sync_invoice": "SyncInvoiceFunction",
    "dispatch_due": "DispatchDueFunction",
    "run_step": "RunStepFunction",
    "delivery_feedback": "DeliveryFeedbackFunction",
    "daily_sweep": "DailySweepFunction",
    "customer_portal": "CustomerPortalFunction",
}
NEEDS = {
    "dynamodb.TransactWriteItems": {"dynamodb:PutItem", "dynamodb:UpdateItem"},  # each part is asked for by itself
    "sqs.SendMessageBatch": {"sqs:SendMessage"},
    "sesv2.SendEmail": {"ses:SendEmail"},
    "sesv2.GetAccount": {"ses:GetAccount"},
}
ASKED_BY_LAMBDA_ITSELF = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
}
ONLY_AT_TIMES = {
    "sqs:SendMessage",  # to wake a customer soon, to ask for a fetch, to a dead-letter queue
    "sns:Publish",  # daily_sweep, when a connection ended
    "dynamodb:DeleteItem",  # daily_sweep, when it is made again
    "secretsmanager:PutSecretValue",  # whoever finds a token near its end renews it
}
ONLY_WHILE_SES_IS_SPENT = {"dispatch_due": {"dynamodb:PutItem"}}
"""To note that some wait for its quota."""


def allowed(function: str) -> set[str]:
    template = read_template()
    role = role_of(template, functions(template)[FUNCTIONS[function]])
    return {str(action) for statement in statements(role) for action in listed(statement["Action"])}


def made(cloud: LocalCloudOutside, function: str) -> set[str]:
    return {action for call in cloud.calls(function) for action in NEEDS.get(call, {call.replace(".", ":")})}


def thin_event(invoice_id: str) -> Json:
    return {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.invoice.overdue",
        "created": "2026-03-03T00:00:00Z",
        "livemode": False,
        "related_object": {"id": invoice_id, "type": "invoice", "url": f"/v1/invoices/{invoice_id}"},
    }


def test_every_function_may_do_what_it_does_and_nothing_that_it_never_does(cloud: LocalCloudOutside) -> None:
    assert (
        cloud.put_policy(
            ("digest_to: finance@example.com\n" + ANY_HOUR.lstrip()).replace("48h", "5m").replace("72h", "16m").replace("7d", "1d")
        )[0]
        < 300
    )
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.tell("invoice.finalized", invoice("7", due="2026-03-02"))  # a second mail at one second asks for SES's rate
    cloud.stripe_says(invoice("2", due="2026-03-20"))
    cloud.advance("2d")
    cloud.stripe_says(invoice("1", due="2026-03-02", amount_paid=2000, amount_remaining=10000))
    assert cloud.deliver(json.dumps(thin_event("in_1"))) == 200
    assert cloud.deliver(json.dumps(thin_event("in_gone"))) == 200
    assert cloud.ask("PUT", "/_local/provider/xero/invoices/x1", xero_invoice("x1", DueDateString="2026-03-02"))[0] == 200
    raw = json.dumps(xero_body(["x1"]))
    assert cloud.ask("POST", "/webhooks/xero", raw, {"x-xero-signature": signature(raw.encode(), "local-xero")})[0] == 200
    assert cloud.ask("POST", "/_local/delivery", {"to": "pat1@example.com", "event": "bounce", "bounce": "permanent"})[0] < 300
    reminder = next(mail for mail in cloud.outbox(channel="email") if mail["kind"] == "reminder")
    unsubscribe = reminder["headers"]["List-Unsubscribe"].strip("<>")
    assert cloud.ask("POST", urlsplit(unsubscribe).path, "List-Unsubscribe=One-Click")[0] == 200
    cloud.advance("1h")
    assert cloud.ask("PUT", "/_local/provider/xero/invoices/x1", xero_invoice("x1", Status="PAID", AmountDue=0.0))[0] == 200
    cloud.advance("1d")
    asked_in_vain = {function: made(cloud, function) - allowed(function) for function in FUNCTIONS}
    assert asked_in_vain == {function: set() for function in FUNCTIONS}
    at_times = {function: ASKED_BY_LAMBDA_ITSELF | ONLY_AT_TIMES | ONLY_WHILE_SES_IS_SPENT.get(function, set()) for function in FUNCTIONS}
    never_done = {function: allowed(function) - made(cloud, function) - at_times[function] for function in FUNCTIONS}
    assert never_done == {function: set() for function in FUNCTIONS}
