import base64
import hmac
import json
from datetime import UTC, datetime

import pytest

from dunning.domain.errors import Rejected
from dunning.providers import quickbooks_webhook, xero_webhook
from dunning.providers.accounting_webhook import Reader
from dunning.providers.webhook_signature import BadSignature, raw_body, verify

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BEFORE_NOW = "2026-03-02T07:50:00+00:00"
Wanted = list[tuple[str | None, str, str]]


def quickbooks(body: object) -> Wanted:
    return [(found.account, found.kind, found.id) for found in quickbooks_webhook.read_events(json.dumps(body).encode(), NOW)]


def xero(body: object) -> Wanted:
    return [(found.account, found.kind, found.id) for found in xero_webhook.read_events(json.dumps(body).encode(), NOW)]


def signed(raw: bytes, key: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), raw, "sha256")).decode()


def notification(company: str, *entities: dict[str, str]) -> dict[str, object]:
    return {"realmId": company, "dataChangeEvent": {"entities": list(entities)}}


def cloud_event(kind: str, bare: str = "145", company: str = "310687") -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": "d1a3aedd",
        "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
        "type": kind,
        "time": "2026-10-07T19:59:07.034359333Z",
        "intuitentityid": bare,
        "intuitaccountid": company,
        "data": {},
    }


def test_a_body_is_believed_with_the_signature_of_either_key() -> None:
    raw = b'{"events":[]}'
    verify(raw, signed(raw, "new"), ["old", "new"])
    verify(raw, signed(raw, "old"), ["old", "new"])


@pytest.mark.parametrize("signature", [None, "", "not base64!", "c2hvcnQ=", signed(b"{}", "other"), signed(b"{ }", "key")])
def test_a_body_is_not_believed_otherwise(signature: str | None) -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", signature, ["key"])


def test_an_empty_key_opens_nothing() -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", signed(b"{}", ""), [""])


def test_what_api_gateway_encodes_is_decoded_before_it_is_verified() -> None:
    assert raw_body(base64.b64encode("ü".encode()).decode(), is_base64=True) == "ü".encode()
    assert raw_body("ü", is_base64=False) == "ü".encode()
    with pytest.raises(BadSignature):
        raw_body("%%%", is_base64=True)


def test_what_intuit_published_is_signed_as_it_says() -> None:
    """The vector in the tests of Intuit's own .NET SDK (github.com/intuit/QuickBooks-V3-DotNET-SDK, WebhooksServiceTest.cs)."""
    verifier, signature = "00faeec4-08d0-4996-bb37-698ae19f0149", "6q+xGyMirJupwKTh2/WBl2NcdxzxqdIbk3sneKTxLWM="
    vendor = '{"name":"Vendor","id":"40","operation":"Update","lastUpdated":"2016-10-05T03:09:04.000Z"}'
    customer = '{"name":"Customer","id":"43","operation":"Create","lastUpdated":"2016-10-05T03:07:04.000Z"}'
    entities = f'{{"entities":[{vendor},{customer}]}}'
    raw = f'{{"eventNotifications":[{{"realmId":"1269959970","dataChangeEvent":{entities}}}]}}'.encode()
    verify(raw, signature, [verifier])
    assert quickbooks(json.loads(raw)) == [("1269959970", "customer", "43")]
    with pytest.raises(BadSignature):
        verify(raw + b" ", signature, [verifier])


def test_quickbooks_names_what_changed_in_several_companies_each_once() -> None:
    body = {
        "eventNotifications": [
            notification("1", {"name": "Invoice", "id": "145", "operation": "Update"}, {"name": "Customer", "id": "5"}),
            notification("1", {"name": "Invoice", "id": "145", "operation": "Emailed"}, {"name": "Vendor", "id": "9"}),
            notification("2", {"name": "Invoice", "id": "145"}, {"name": "Payment", "id": "7"}, {"name": "CreditMemo", "id": "8"}),
        ]
    }
    assert quickbooks(body) == [
        ("1", "invoice", "145"),
        ("1", "customer", "5"),
        ("2", "invoice", "145"),
        ("2", "payment", "7"),
        ("2", "credit_note", "8"),
    ]


def test_of_two_merged_customers_both_are_looked_at() -> None:
    merged = {"name": "Customer", "id": "5", "operation": "Merge", "deletedId": "6"}
    assert quickbooks({"eventNotifications": [notification("1", merged)]}) == [("1", "customer", "5"), ("1", "customer", "6")]


def test_of_two_customers_that_a_cloud_event_tells_merged_both_are_looked_at_and_of_vendors_neither() -> None:
    merged = cloud_event("qbo.customer.merged.v1", "123") | {"data": {"deletedid": "27"}}
    vendors = cloud_event("qbo.vendor.merged.v1", "9") | {"data": {"deletedid": "8"}}
    unlike: tuple[object, ...] = (None, [], "6", {"deletedid": True}, {"deletedid": 6.5}, {"deletedid": ""})
    odd = [cloud_event("qbo.customer.merged.v1", "5") | {"data": data} for data in unlike]
    both = [("310687", "customer", "123"), ("310687", "customer", "27")]
    assert quickbooks([merged, vendors, merged]) == both
    assert quickbooks(vendors) == []
    assert quickbooks(odd) == [("310687", "customer", "5")]


def test_cloud_events_mean_the_same() -> None:
    events = [cloud_event("qbo.invoice.updated.v1"), cloud_event("qbo.class.created.v1"), cloud_event("qbo.creditmemo.voided.v1", "8")]
    assert quickbooks(events) == [("310687", "invoice", "145"), ("310687", "changes", BEFORE_NOW), ("310687", "credit_note", "8")]
    assert quickbooks(cloud_event("qbo.payment.created.v1", "7")) == [("310687", "payment", "7")]
    assert quickbooks(cloud_event("qbo.payment.updated.v1", "7")) == [("310687", "changes", BEFORE_NOW), ("310687", "payment", "7")]
    assert quickbooks(cloud_event("qbo.payment.deleted.v1", "7")) == [("310687", "changes", BEFORE_NOW)]


def test_ids_that_are_written_as_numbers_name_the_same_things() -> None:
    merged = cloud_event("qbo.customer.merged.v1") | {"intuitentityid": 123, "intuitaccountid": 310687, "data": {"deletedid": 27}}
    as_text = cloud_event("qbo.customer.merged.v1", "123") | {"data": {"deletedid": "27"}}
    assert quickbooks([merged, as_text]) == [("310687", "customer", "123"), ("310687", "customer", "27")]
    rows: list[dict[str, object]] = [{"name": "Invoice", "id": 145}, {"name": "Customer", "id": "5", "operation": "Merge", "deletedId": 6}]
    legacy = {"eventNotifications": [{"realmId": 1269959970123456789, "dataChangeEvent": {"entities": rows}}]}
    named = [("invoice", "145"), ("customer", "5"), ("customer", "6")]
    assert quickbooks(legacy) == [("1269959970123456789", kind, bare) for kind, bare in named]


@pytest.mark.parametrize("odd", [True, False, -145, 145.0, [145], {"value": 145}, None, "  "])
def test_what_is_no_id_is_passed_over_and_its_neighbours_are_not(odd: object) -> None:
    whole = cloud_event("qbo.invoice.updated.v1")
    torn = [whole | {name: odd} for name in ("intuitentityid", "intuitaccountid")]
    assert quickbooks([*torn, whole]) == [("310687", "invoice", "145")]


def gone(bare: str, told: str, operation: str = "Delete") -> dict[str, str]:
    return {"name": "Payment", "id": bare, "operation": operation, "lastUpdated": told}


def test_what_many_deleted_or_edited_payments_touched_is_asked_for_once_from_before_it_happened() -> None:
    at_once = [gone(str(n), f"2026-03-02T07:5{n}:00.000Z") for n in (1, 2, 3)]
    assert quickbooks({"eventNotifications": [notification("1", *at_once)]}) == [("1", "changes", "2026-03-02T07:40:00+00:00")]
    edited = [gone(str(n), f"2026-03-02T07:5{n}:00.000Z", "Update") for n in (1, 2)]
    asked = [("1", "changes", "2026-03-02T07:40:00+00:00"), ("1", "payment", "1"), ("1", "payment", "2")]
    assert quickbooks({"eventNotifications": [notification("1", *edited)]}) == asked
    late = notification("1", gone("7", "2026-02-28T23:05:00-0700", "Void"))
    assert quickbooks({"eventNotifications": [late]}) == [("1", "changes", "2026-03-01T05:50:00+00:00"), ("1", "payment", "7")]


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ("", "2026-03-02T07:50:00+00:00"),
        ("yesterday", "2026-03-02T07:50:00+00:00"),
        ("2026-03-02T07:31:00", "2026-03-02T07:50:00+00:00"),
        ("2099-01-01T00:00:00Z", "2026-03-02T07:50:00+00:00"),
        ("2015-10-05T14:42:19-0700", "2026-02-01T07:50:00+00:00"),
    ],
)
def test_a_time_that_cannot_be_is_replaced_by_one_that_change_data_capture_takes(told: str, since: str) -> None:
    assert quickbooks({"eventNotifications": [notification("1", gone("7", told))]}) == [("1", "changes", since)]


@pytest.mark.parametrize("missing", ["type", "intuitentityid", "intuitaccountid"])
def test_an_event_that_lacks_something_does_not_stop_its_neighbours(missing: str) -> None:
    torn = {key: value for key, value in cloud_event("qbo.invoice.updated.v1").items() if key != missing}
    assert quickbooks([torn, "scrap", cloud_event("qbo.invoice.updated.v1", "146")]) == [("310687", "invoice", "146")]


@pytest.mark.parametrize("body", [{}, "text", 1, None])
def test_what_is_no_notification_of_intuits_is_refused(body: object) -> None:
    with pytest.raises(Rejected):
        quickbooks(body)


def xero_event(category: str, bare: str = "a03f", kind: str = "UPDATE", tenant: str = "t1") -> dict[str, str]:
    return {"resourceId": bare, "eventCategory": category, "eventType": kind, "tenantId": tenant, "eventDateUtc": "2026-03-02T08:00:00"}


def test_xero_names_what_changed_each_once() -> None:
    events = [
        xero_event("INVOICE"),
        xero_event("INVOICE", kind="Create"),
        xero_event("CONTACT", "430f"),
        xero_event("CREDITNOTE", "249f", tenant="t2"),
        xero_event("SUBSCRIPTION"),
    ]
    assert xero({"events": events}) == [("t1", "invoice", "a03f"), ("t1", "customer", "430f"), ("t2", "credit_note", "249f")]


def test_an_intent_to_receive_asks_for_nothing() -> None:
    assert xero({"events": [], "firstEventSequence": 0, "lastEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"}) == []


@pytest.mark.parametrize("body", [{}, [], {"events": None}])
def test_what_is_no_webhook_of_xeros_is_refused(body: object) -> None:
    with pytest.raises(Rejected):
        xero(body)


@pytest.mark.parametrize("read", [quickbooks_webhook.read_events, xero_webhook.read_events])
@pytest.mark.parametrize("raw", [b"", b"<xml/>", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(read: Reader, raw: bytes) -> None:
    with pytest.raises(Rejected):
        read(raw, NOW)
