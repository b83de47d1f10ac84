"""Activities on the event bus: whole batches, nothing lost of what was refused, no personal data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from dunning.channels.event_bus import MOST_BYTES, Entry, EventBridgeBus, batches, detail
from dunning.domain.activity import Activity, ActivityType
from dunning.domain.errors import Retryable
from dunning.workflow.activity_feed import LoggedActivity

AT = datetime(2026, 3, 9, 9, tzinfo=UTC)


def logged(number: int = 1, kind: ActivityType = ActivityType.SENT, reason: str | None = "step first was due") -> LoggedActivity:
    activity = Activity(AT + timedelta(seconds=number), kind, reason, ("in_1", "in_2"), "first", "run_step", "email", "claim-1")
    return LoggedActivity(f"01JNX{number:021}", "stripe:cus_1", activity)


class Bus:
    """EventBridge: refuses in part, by the event's number, as often as told."""

    def __init__(self, refuse: Mapping[int, int] | None = None) -> None:
        self.refuse = dict(refuse or {})
        self.calls: list[int] = []
        self.taken: list[dict[str, object]] = []

    def put_events(self, **parameters: object) -> Mapping[str, object]:
        entries = parameters["Entries"]
        assert isinstance(entries, list)
        self.calls.append(len(entries))
        return {"Entries": [self._result(entry) for entry in entries]}

    def _result(self, entry: Entry) -> dict[str, str]:
        event = json.loads(str(entry["Detail"]))
        number = int(event["id"][5:])
        if self.refuse.get(number, 0) > 0:
            self.refuse[number] -= 1
            return {"ErrorCode": "ThrottlingException"}
        self.taken.append(event | {"name": entry["DetailType"]})
        return {"EventId": "x"}


def test_an_event_names_ids_only_and_carries_the_activitys_own_id() -> None:
    assert detail(logged()) == {
        "version": 1,
        "id": "01JNX000000000000000000001",
        "at": "2026-03-09T09:00:01Z",
        "type": "sent",
        "customer": "stripe:cus_1",
        "source": "stripe",
        "invoices": ["in_1", "in_2"],
        "step": "first",
        "channel": "email",
        "actor": "run_step",
        "reason": "step first was due",
        "summary": "sent (step first), customer stripe:cus_1, invoices in_1, in_2",
    }


@pytest.mark.parametrize("kind", [ActivityType.REPLIED, ActivityType.UNDELIVERED, ActivityType.HELD, ActivityType.UPDATED])
def test_a_reason_that_might_quote_a_person_is_not_told(kind: ActivityType) -> None:
    assert detail(logged(kind=kind, reason="Pat <pat@example.com> wrote"))["reason"] is None


def transformed(event: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """What the example's rule sends to HubSpot: texts as they are, all else as JSON, nothing escaped."""
    example = yaml_parse((Path(__file__).parents[3] / "infra" / "hubspot.yaml").read_text())
    (target,) = example["Resources"]["Rule"]["Properties"]["Targets"]
    text = target["InputTransformer"]["InputTemplate"]
    for name, path in target["InputTransformer"]["InputPathsMap"].items():
        value = event[path.removeprefix("$.detail.")]
        text = text.replace(f"<{name}>", value if isinstance(value, str) else json.dumps(value))
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


@pytest.mark.parametrize(
    ("step", "invoices", "said"),
    [
        (None, ("in_1", "in_2"), "sent, customer stripe:cus_1, invoices in_1, in_2"),
        ("first", ("in_1",), "sent (step first), customer stripe:cus_1, invoices in_1"),
        (None, (), "sent, customer stripe:cus_1"),
        ("first", ('RE "7"', "a\\b\n"), "sent (step first), customer stripe:cus_1, invoices RE '7', a'b"),
    ],
)
def test_the_example_for_hubspot_makes_valid_json_of_every_event(step: str | None, invoices: tuple[str, ...], said: str) -> None:
    known = logged()
    told = replace(known, activity=replace(known.activity, step=step, invoices=invoices))
    expected = {"hs_timestamp": "2026-03-09T09:00:01Z", "hs_note_body": f"dunning: {said} [{known.id}]"}
    assert transformed(detail(told)) == {"properties": expected}


def test_twenty_three_activities_are_three_calls() -> None:
    bus = Bus()
    EventBridgeBus(bus, "activities").put([logged(number) for number in range(23)])
    assert bus.calls == [10, 10, 3]
    assert {event["name"] for event in bus.taken} == {"activity.sent"}


def test_only_what_was_refused_is_put_again() -> None:
    bus = Bus(refuse={3: 2, 7: 1})
    EventBridgeBus(bus, "activities").put([logged(number) for number in range(10)])
    assert bus.calls == [10, 2, 1]
    assert sorted(str(event["id"]) for event in bus.taken) == [logged(number).id for number in range(10)]


def test_what_is_refused_three_times_is_to_be_told_again() -> None:
    bus = Bus(refuse={3: 3})
    with pytest.raises(Retryable, match="1 events were not taken"):
        EventBridgeBus(bus, "activities").put([logged(number) for number in range(5)])


def test_no_batch_is_larger_than_eventbridge_takes() -> None:
    def sizes(found: Sequence[list[Entry]]) -> list[int]:
        return [len(batch) for batch in found]

    entry: Entry = {"Source": "dunning", "DetailType": "activity.sent", "Detail": "é" * (MOST_BYTES // 6)}
    assert sizes(list(batches([entry] * 5))) == [2, 2, 1]
    assert sizes(list(batches([entry | {"Detail": "x"}] * 11))) == [10, 1]
