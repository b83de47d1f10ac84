"""One customer with more invoices than one transaction of DynamoDB holds items."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot

MOST_ITEMS = 100
NINE = datetime(2026, 4, 7, 9, tzinfo=UTC)
NINE_IN_TOKYO = datetime(2026, 4, 7, 0, tzinfo=UTC)


def test_who_moves_to_another_country_with_a_hundred_and_thirty_invoices_is_written_to_at_the_new_address() -> None:
    world = FakeDeployment()
    for number in range(130):
        world.invoiced(snapshot(f"in_{number:03}", due=date(2026, 3, 31)))
    before, logged = world.case(ACME), len(world.log(ACME))
    world.clock.advance(timedelta(hours=1))
    moved = replace(ACME_CONTACT, email="new@acme.example", country="JP")
    world.record.contact(ACME, moved, world.clock.now)
    after = world.case(ACME)
    changed = [name for name, invoice in after.invoices.items() if invoice != before.invoices[name]]
    assert (after.profile.contact.email, after.profile.contact.country) == ("new@acme.example", "JP")
    assert 1 + len(changed) + len(world.log(ACME)) - logged <= MOST_ITEMS
    hours = {invoice.next_at for invoice in after.invoices.values()}
    assert hours == {NINE, NINE_IN_TOKYO}
    assert len(changed) > 50
