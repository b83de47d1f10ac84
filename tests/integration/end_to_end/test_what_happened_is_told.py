"""Each activity is an event on the bus, from the table's stream."""

import pytest

from tests.integration.end_to_end.driver import ANY_HOUR, Json, LocalCloudOutside, invoice, paid


def events(cloud: LocalCloudOutside, customer: str) -> list[Json]:
    rows: list[Json] = cloud.ask("GET", "/_local/events")[1]
    return [row for row in rows if row["detail"]["customer"] == customer]


def test_every_activity_of_a_case_is_an_event_with_ids_only(cloud: LocalCloudOutside) -> None:
    cloud.put_policy(ANY_HOUR)
    owed = invoice("1", "2026-03-01")
    cloud.tell("invoice.finalized", owed)
    cloud.move_to("2026-03-08T09:00:00Z")
    cloud.tell("invoice.paid", paid(owed))

    told = events(cloud, "stripe:cus_1")
    logged = [activity["type"] for activity in cloud.case("stripe:cus_1")["activities"]]
    assert [event["detail"]["type"] for event in told] == logged
    assert [event["detail_type"] for event in told][:2] == ["activity.enrolled", "activity.sent"]
    assert {(event["source"], event["detail"]["version"], *event["detail"]["invoices"]) for event in told} == {("dunning", 1, "in_1")}
    assert "example.com" not in str(told)
    noted = cloud.ask("GET", "/_local/provider/stripe/invoices/in_1")[1]["metadata"]
    assert len(noted) == 2
    assert set(noted.values()) == {noted["dunning_last"]} == {'2026-03-08 dunning: Reminder "first" sent by email'}
    assert cloud.calls("stripe_webhook") == {
        "dynamodb.Query": 2,
        "dynamodb.TransactWriteItems": 2,
        "secretsmanager.GetSecretValue": 1,
    }


def test_the_webhook_that_our_own_note_causes_at_stripe_changes_nothing_and_causes_no_other_note(cloud: LocalCloudOutside) -> None:
    cloud.put_policy(ANY_HOUR)
    cloud.tell("invoice.finalized", invoice("1", "2026-03-01"))
    cloud.move_to("2026-03-08T09:00:00Z")
    noted, case = cloud.ask("GET", "/_local/provider/stripe/invoices/in_1")[1], cloud.case("stripe:cus_1")
    assert 'Reminder "first" sent' in str(noted["metadata"])
    told, writes = events(cloud, "stripe:cus_1"), cloud.calls("stripe_webhook")["dynamodb.TransactWriteItems"]
    for _ in range(3):
        cloud.tell("invoice.updated", noted)
        cloud.advance("10m")
    assert cloud.case("stripe:cus_1") == case
    assert (events(cloud, "stripe:cus_1"), cloud.calls("stripe_webhook")["dynamodb.TransactWriteItems"]) == (told, writes)
    assert cloud.ask("GET", "/_local/provider/stripe/invoices/in_1")[1]["metadata"] == noted["metadata"]


@pytest.mark.parametrize("mode", ["error", "lost", "crash"])
def test_a_bus_that_fails_loses_no_event(cloud: LocalCloudOutside, mode: str) -> None:
    cloud.put_policy(ANY_HOUR)
    cloud.fault("events", "PutEvents", mode, 3)
    cloud.tell("invoice.finalized", invoice("1", "2026-03-01"))
    cloud.advance("10m")

    told = events(cloud, "stripe:cus_1")
    assert {event["detail"]["type"] for event in told} == {"enrolled"}
    assert len({event["detail"]["id"] for event in told}) == 1
    assert cloud.ask("GET", "/_local/dead_letters")[1] == []
