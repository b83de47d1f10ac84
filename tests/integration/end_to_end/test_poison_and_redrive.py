"""What cannot be processed is put aside with its reason, blocks nobody, and goes on after a fix."""

import subprocess
import sys
from pathlib import Path

from tests.integration.end_to_end.driver import ANY_HOUR, Json, LocalCloudOutside, invoice


def _redrive(cloud: LocalCloudOutside) -> str:
    command = [str(Path(sys.executable).with_name("dunning")), "redrive", "--url", f"http://127.0.0.1:{cloud.port}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _letters(cloud: LocalCloudOutside) -> list[Json]:
    letters: list[Json] = cloud.ask("GET", "/_local/dead_letters")[1]
    return letters


def test_a_case_that_cannot_be_decided_is_put_aside_with_its_reason_and_goes_on_after_a_fix(cloud: LocalCloudOutside) -> None:
    poisonous = ANY_HOUR.replace("    email: friendly", '    if: "1 / (amount_due - 120) > 0"\n    email: friendly')
    assert cloud.put_policy(poisonous)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    cloud.tell("invoice.finalized", invoice("2", due="2026-03-04", amount_remaining=12001))
    cloud.move_to("2026-03-11T12:00:00Z")
    (letter,) = _letters(cloud)
    assert letter["queue"] == "RunDeadLetters"
    assert "amount_due - 120" in letter["reason"]
    assert [row["customer"] for row in cloud.outbox()] == ["stripe:cus_2"]
    assert cloud.case("stripe:cus_1")["invoices"][0]["holds"] == ["operator"]

    assert cloud.put_policy(ANY_HOUR)[0] < 300
    assert "released" in _redrive(cloud)
    assert _letters(cloud) == []
    cloud.advance("5m")
    assert [row["customer"] for row in cloud.outbox()] == ["stripe:cus_2", "stripe:cus_1"]
    assert [row["type"] for row in cloud.case("stripe:cus_1")["activities"]] == ["enrolled", "held", "released", "sent"]


def test_a_turn_of_the_clock_that_died_is_dropped_and_its_work_was_done_by_the_next(cloud: LocalCloudOutside) -> None:
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    cloud.move_to("2026-03-10T08:59:00Z")
    cloud.fault("dynamodb", "Query", "crash", times=3)
    cloud.move_to("2026-03-11T12:00:00Z")
    assert [row["step"] for row in cloud.outbox()] == ["first"]
    assert [letter["queue"] for letter in _letters(cloud)] == ["EventDeadLetters"]
    assert "later turns" in _redrive(cloud)
    assert _letters(cloud) == []


def test_a_sweep_that_never_began_is_begun_again_and_one_of_days_ago_is_not(cloud: LocalCloudOutside) -> None:
    cloud.stripe_says(invoice("1", due="2026-03-04"))  # its webhook never came
    cloud.move_to("2026-03-03T03:59:00Z")
    cloud.fault("sqs", "SendMessage", "error", times=12)
    cloud.move_to("2026-03-03T05:00:00Z")
    assert [letter["queue"] for letter in _letters(cloud)] == ["EventDeadLetters"]
    assert cloud.ask("GET", "/_local/cases/stripe%3Acus_1")[0] == 404
    assert "begun again" in _redrive(cloud)
    cloud.advance("5m")
    assert [row["type"] for row in cloud.case("stripe:cus_1")["activities"]] == ["enrolled"]
    cloud.move_to("2026-03-04T03:59:00Z")
    cloud.fault("sqs", "SendMessage", "error", times=12)
    cloud.move_to("2026-03-05T05:00:00Z")
    assert "a later sweep" in _redrive(cloud)
    assert _letters(cloud) == []


def test_redrive_says_so_when_there_is_nothing_to_do(cloud: LocalCloudOutside) -> None:
    assert "Nothing lies" in _redrive(cloud)


def test_redrive_names_the_remedy_when_no_local_cloud_answers() -> None:
    command = [str(Path(sys.executable).with_name("dunning")), "redrive", "--url", "http://127.0.0.1:1"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert answer.returncode == 2
    assert "dunning up" in answer.stderr
