"""Copies, senders, documents, opt-outs and dead addresses, seen from outside."""

import json
from urllib.parse import urlsplit

from tests.integration.accounting.books import signature, xero_body, xero_invoice
from tests.integration.end_to_end.driver import ANY_HOUR, Json, LocalCloudOutside, invoice

CUSTOMER = "stripe:cus_1"
FORMAL = ANY_HOUR.replace(
    "    email: second_notice\n    sms: second_notice\n",
    "    email: {template: second_notice, to: billing, cc: [owner, boss@larkfield.example], sender: owner}\n    attach: invoice_pdf\n",
)
SETTINGS = {"dunning_owner": "Jane Doe <jane@larkfield.example>", "dunning_contact_billing": "Björn <billing@example.com>"}


def customer(**metadata: str) -> Json:
    return {
        "id": "cus_1",
        "object": "customer",
        "email": "pat1@example.com",
        "name": "Pat Doe",
        "phone": "+15550100",
        "metadata": metadata,
    }


def unsubscribe_path(mail: Json) -> str:
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link: str = mail["headers"]["List-Unsubscribe"]
    return urlsplit(link.strip("<>")).path


def test_the_second_notice_goes_to_billing_with_copies_a_persons_name_and_the_invoice(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(FORMAL)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.tell("customer.updated", customer(**SETTINGS))
    cloud.move_to("2026-03-12T00:00:00Z")
    first, second = cloud.outbox(channel="email")
    assert (first["to"], first["cc"], "attachments" in first) == (["pat1@example.com"], [], False)
    assert (second["to"], second["cc"]) == (["billing@example.com"], ["jane@larkfield.example", "boss@larkfield.example"])
    assert second["headers"]["From"].startswith('"Jane Doe, ')
    assert second["attachments"] == ["N-1.pdf"]


def test_an_accounting_systems_pdf_goes_with_the_mail_too(cloud: LocalCloudOutside) -> None:
    attaching = ANY_HOUR.replace("7d", "1d").replace("    email: friendly\n", "    email: friendly\n    attach: invoice_pdf\n")
    assert cloud.put_policy(attaching)[0] < 300
    assert cloud.ask("PUT", "/_local/provider/xero/invoices/x1", xero_invoice("x1", DueDateString="2026-03-02"))[0] == 200
    raw = json.dumps(xero_body(["x1"]))
    assert cloud.ask("POST", "/webhooks/xero", raw, {"x-xero-signature": signature(raw.encode(), "local-xero")})[0] == 200
    cloud.move_to("2026-03-04T00:00:00Z")
    (mail,) = cloud.outbox(channel="email")
    assert [name.endswith(".pdf") for name in mail["attachments"]] == [True]


def test_one_click_ends_mail_and_the_plan_goes_on_by_sms(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.move_to("2026-03-09T12:00:00Z")
    (mail,) = cloud.outbox(channel="email")
    path = unsubscribe_path(mail)
    status, page = cloud.ask("GET", path, headers={"accept-language": "de-AT,de;q=0.9"})
    assert (status, 'lang="de"' in page) == (200, True)
    assert cloud.case(CUSTOMER)["profile"]["opted_out"] == {}
    assert cloud.ask("POST", path, "List-Unsubscribe=One-Click", {"content-type": "application/x-www-form-urlencoded"})[0] == 200
    assert cloud.ask("POST", path, "List-Unsubscribe=One-Click")[0] == 200
    cloud.move_to("2026-03-12T00:00:00Z")
    assert len(cloud.outbox(channel="email")) == 1
    assert [text["step"] for text in cloud.outbox(channel="sms")] == ["second"]
    assert [row["type"] for row in cloud.case(CUSTOMER)["activities"]].count("opted_out") == 1


def test_a_wish_can_be_taken_back_and_a_forged_link_does_nothing(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.move_to("2026-03-09T12:00:00Z")
    path = unsubscribe_path(cloud.outbox(channel="email")[0])
    assert cloud.ask("POST", path[:-2] + "AA")[0] == 404
    assert cloud.case(CUSTOMER)["profile"]["opted_out"] == {}
    cloud.ask("POST", path)
    cloud.ask("POST", path, "again=1", {"content-type": "application/x-www-form-urlencoded"})
    cloud.move_to("2026-03-12T00:00:00Z")
    assert [mail["step"] for mail in cloud.outbox(channel="email")] == ["first", "second"]


def test_whoever_wants_no_mail_and_has_no_number_becomes_a_task_for_the_team(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02", customer_phone=None))
    cloud.move_to("2026-03-09T12:00:00Z")
    cloud.ask("POST", unsubscribe_path(cloud.outbox(channel="email")[0]))
    assert cloud.outbox(channel="team") == []
    cloud.move_to("2026-03-11T12:00:00Z")
    (task,) = cloud.outbox(channel="team")
    assert "N-1" in task["text"]


def test_a_bounced_mail_goes_once_more_to_another_contact(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.tell("customer.updated", customer(dunning_contact_billing="billing@example.com"))
    cloud.move_to("2026-03-09T12:00:00Z")
    report = {"to": "pat1@example.com", "event": "bounce", "bounce": "permanent"}
    assert cloud.ask("POST", "/_local/delivery", report)[0] < 300
    assert cloud.ask("POST", "/_local/delivery", report)[0] < 300
    assert [(mail["to"], mail["step"]) for mail in cloud.outbox(channel="email")] == [
        (["pat1@example.com"], "first"),
        (["billing@example.com"], "first"),
    ]
    profile = cloud.case(CUSTOMER)["profile"]
    assert (profile["holds"], profile["undeliverable_addresses"]) == ([], ["pat1@example.com"])


def test_a_bounced_mail_goes_once_more_by_sms_and_without_a_number_the_case_is_held(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.tell("invoice.finalized", invoice("2", due="2026-03-02", customer_phone=None))
    cloud.move_to("2026-03-09T12:00:00Z")
    for number in (1, 2):
        assert cloud.ask("POST", "/_local/delivery", {"to": f"pat{number}@example.com", "event": "bounce", "bounce": "permanent"})[0] < 300
    cloud.move_to("2026-03-12T00:00:00Z")
    assert [(text["customer"], text["step"]) for text in cloud.outbox(channel="sms")] == [(CUSTOMER, "first"), (CUSTOMER, "second")]
    assert cloud.case("stripe:cus_2")["profile"]["holds"] == ["undeliverable"]
    assert len(cloud.outbox(channel="email")) == 2


def test_whoever_answers_stop_gets_no_text_message_any_more(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    assert cloud.ask("POST", "/_local/inbound/sms", {"from": "+15550100", "body": "STOP"})[0] < 300
    cloud.move_to("2026-03-12T00:00:00Z")
    assert cloud.outbox(channel="sms") == []
    assert [mail["step"] for mail in cloud.outbox(channel="email")] == ["first", "second"]
    assert list(cloud.case(CUSTOMER)["profile"]["opted_out"]) == ["sms"]


def test_the_first_reminder_is_in_the_language_that_only_the_customers_own_record_tells(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    belgian = {**customer(), "preferred_locales": ["fr-BE"]}
    assert cloud.ask("PUT", "/_local/provider/stripe/customers/cus_1", belgian)[0] < 300
    cloud.tell("customer.created", belgian)
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.move_to("2026-03-09T12:00:00Z")
    (mail,) = cloud.outbox(channel="email")
    assert "Bonjour" in mail["text"]
    assert "2 mars 2026" in mail["text"]
