"""A plan always ends, and never in silence."""

from datetime import timedelta

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.planning import TASK_AFTER
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, said

ONE_MAIL = """
name: standard
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
"""


def one_mail_only() -> FakeDeployment:
    return FakeDeployment(policies=PolicyBook.of({"standard": load_policy(ONE_MAIL, "standard.yaml", frozenset({"collections"}))}))


def test_a_plan_that_ends_unpaid_becomes_a_task_for_the_team_once_the_customer_had_time_to_answer() -> None:
    world = one_mail_only()
    world.invoiced(snapshot())
    world.run_until(FIRST + TASK_AFTER - timedelta(seconds=1))
    assert world.team.sent == []
    world.run_until(FIRST + timedelta(days=60))
    assert len(world.team.sent) == 1
    assert world.team.sent[0].envelope.kind == "notice"
    assert said(world.log(ACME)) == ["enrolled", "sent first", "plan_ended first", "notified"]


def test_a_payment_after_the_last_mail_leaves_no_task() -> None:
    world = one_mail_only()
    world.invoiced(snapshot())
    world.run_until(FIRST + timedelta(hours=5))
    world.record.invoice(world.stripe.is_paid("in_1"))
    world.run_until(FIRST + timedelta(days=60))
    assert world.team.sent == []
    assert world.profile(ACME).due_at is None


def test_an_escalated_invoice_is_nobodys_task_twice(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(FIRST + timedelta(days=60))
    assert [message.envelope.kind for message in world.team.sent] == ["escalation"]
