from datetime import UTC, datetime

import pytest

from infra.demo.shapes import UnexpectedShape, read_case, read_outbox
from tests.unit.demo.invented import EARLY, activity, case, message


def test_an_outbox_is_read_with_its_instants() -> None:
    (read,) = read_outbox([message(EARLY, 1.5, "reminder", "first")])
    assert read.sent_at == datetime(2026, 3, 3, 20, tzinfo=UTC)
    assert read.to == (EARLY.customer.email,)


def test_activities_are_read_in_the_order_of_time() -> None:
    row = case(EARLY, "open", 1, None, [activity(EARLY, 3, "sent", None), activity(EARLY, 2, "enrolled", None)])
    assert [each.type for each in read_case("stripe:cus_1", row).activities] == ["enrolled", "sent"]


@pytest.mark.parametrize(("field", "value"), [("customer", None), ("subject", 5), ("invoices", "in_1"), ("headers", []), ("sent_at", 5)])
def test_a_field_of_another_shape_is_named(field: str, value: object) -> None:
    with pytest.raises(UnexpectedShape, match=rf"outbox\[0\]\.{field}"):
        read_outbox([message(EARLY, 1, "reminder", "first", "email", **{field: value})])


def test_a_text_message_has_neither_subject_nor_html() -> None:
    (read,) = read_outbox([message(EARLY, 1, "reminder", "second", "sms", subject=None, html=None)])
    assert (read.subject, read.html) == ("", "")


def test_an_answer_that_is_no_list_is_refused() -> None:
    with pytest.raises(UnexpectedShape, match="outbox: expected a list"):
        read_outbox({"error": "no"})
