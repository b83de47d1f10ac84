"""events/ holds what the handlers really get; these tests keep it true."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from dunning.channels.ses_events import read_ses_event
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Status
from dunning.providers.stripe_events import read_event
from dunning.providers.stripe_signature import verify
from dunning.storage.queues import read_sweep_stage, read_sync_request, read_wakeup
from dunning.workflow.delivery_news import DeliveryKind
from dunning.workflow.source_events import DisputeSeen, FetchKind, Ignored, InvoiceSeen, NeedsFetch
from infra.sign_event import signed

EVENTS = Path(__file__).parents[3] / "events"
REFUSED = {"forged", "unsigned"}
WEBHOOKS = sorted(EVENTS.glob("stripe_webhook/*.json"))
Json = dict[str, object]


def load(name: str) -> Json:
    return cast("Json", json.loads((EVENTS / f"{name}.json").read_text()))


def body_of(event: Json) -> bytes:
    text = str(event["body"])
    return base64.b64decode(text) if event["isBase64Encoded"] else text.encode()


def signature_of(event: Json) -> str | None:
    return cast("dict[str, str]", event["headers"]).get("stripe-signature")


def delivered_at(event: Json) -> datetime:
    context = cast("dict[str, int]", event["requestContext"])
    return datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)


def bodies(name: str) -> list[str]:
    return [record["body"] for record in cast("list[dict[str, str]]", load(name)["Records"])]


@pytest.mark.parametrize("file", [file for file in WEBHOOKS if file.stem not in REFUSED], ids=lambda file: file.stem)
def test_a_sample_webhook_carries_a_signature_that_verifies(file: Path) -> None:
    event = load(f"stripe_webhook/{file.stem}")
    verify(body_of(event), signature_of(event), ["whsec_local"], delivered_at(event))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_forged_or_unsigned_sample_is_refused(name: str) -> None:
    event = load(f"stripe_webhook/{name}")
    with pytest.raises(Rejected):
        verify(body_of(event), signature_of(event), ["whsec_local"], delivered_at(event))


@pytest.mark.parametrize(
    ("name", "status", "owed"),
    [
        ("invoice_finalized", Status.OPEN, 184050),
        ("invoice_finalized_base64", Status.OPEN, 184050),
        ("invoice_partly_paid", Status.OPEN, 100000),
        ("invoice_paid", Status.PAID, 0),
        ("invoice_voided", Status.VOID, 184050),
    ],
)
def test_a_sample_about_an_invoice_says_what_is_owed(name: str, status: Status, owed: int) -> None:
    meaning = read_event(body_of(load(f"stripe_webhook/{name}")))
    assert isinstance(meaning, InvoiceSeen)
    assert (meaning.snapshot.status, meaning.snapshot.amount_due) == (status, owed)


def test_the_other_sample_webhooks_mean_a_dispute_a_fetch_and_nothing() -> None:
    dispute = read_event(body_of(load("stripe_webhook/dispute_created")))
    assert isinstance(dispute, DisputeSeen)
    assert dispute.charge is not None
    thin = read_event(body_of(load("stripe_webhook/thin_invoice_overdue")))
    assert isinstance(thin, NeedsFetch)
    assert thin.kind is FetchKind.INVOICE
    assert isinstance(read_event(body_of(load("stripe_webhook/unknown_type"))), Ignored)


def test_a_sample_that_is_signed_again_is_good_now_and_no_longer_then() -> None:
    sample = load("stripe_webhook/invoice_finalized_base64")
    later = delivered_at(sample) + timedelta(days=100)
    again = signed(sample, later)
    verify(body_of(again), signature_of(again), ["whsec_local"], later)
    with pytest.raises(Rejected):
        verify(body_of(again), signature_of(again), ["whsec_local"], delivered_at(sample))


def test_the_sample_messages_are_what_the_queues_carry() -> None:
    assert read_wakeup(bodies("run_step/due")[0]).customer.startswith("stripe:cus_")
    assert read_sync_request(bodies("sync_invoice/invoice_changed")[0]).kind == "invoice"
    assert read_sweep_stage(bodies("daily_sweep/next_page")[0]).page == 1


@pytest.mark.parametrize(("name", "kind"), [("send", DeliveryKind.SENT), ("bounce", DeliveryKind.BOUNCED)])
def test_a_sample_report_of_ses_says_whose_mail_it_is_about(name: str, kind: DeliveryKind) -> None:
    record = cast("list[dict[str, dict[str, str]]]", load(f"delivery_feedback/{name}")["Records"])[0]
    news = read_ses_event(record["Sns"]["Message"])
    assert news is not None
    wakeup = read_wakeup(bodies("run_step/due")[0])
    assert (news.kind, news.customer, news.step, news.effect) == (kind, wakeup.customer, "first", f"email:first:{news.invoices[0]}")


def test_each_batch_holds_exactly_one_bad_message() -> None:
    with pytest.raises(Rejected):
        read_wakeup(bodies("run_step/batch_with_a_bad_message")[1])
    with pytest.raises(Rejected):
        read_sync_request(bodies("sync_invoice/batch_with_a_bad_message")[1])
    for number in (0, 2):
        read_wakeup(bodies("run_step/batch_with_a_bad_message")[number])
        read_sync_request(bodies("sync_invoice/batch_with_a_bad_message")[number])


def test_the_schedules_come_at_the_minutes_of_their_rules() -> None:
    times = {
        name: datetime.fromisoformat(str(load(name)["time"])) for name in ("dispatch_due/every_ten_minutes", "dispatch_due/on_the_hour")
    }
    assert [time.minute for time in times.values()] == [50, 0]


def test_every_function_has_samples_that_the_page_about_them_names() -> None:
    functions = {path.parent.name for path in EVENTS.parent.glob("functions/*/app.py")}
    assert functions == {path.parent.name for path in EVENTS.glob("*/*.json")}
    page = (EVENTS / "README.md").read_text()
    assert [name for name in sorted(functions) if f"`{name}/" not in page] == []
