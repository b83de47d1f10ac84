"""A step that charges a late fee: every AWS call of it fails in every way, and there is one fee, to the cent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dunning.domain.fee_records import FeeState
from infra.fee_answers import FeeAnswer
from infra.local.faults import Aim, FaultMode
from infra.local.running import RunningCloud, running_cloud
from tests.integration.faults.run import PLAN, Run, follow, next_beginning

CHARGED = PLAN.replace(
    "    email: friendly\n", '    email: friendly\n    late_fee: {fixed: "2.50", percent: "1.5", basis: contract, mode: apply}\n'
)
GIVES_UP = 4
TOLD = 5
FEE = 4_30
"""USD 2.50 and 1.5 % of USD 120.00."""

WRITE = "dynamodb.TransactWriteItems"
OPTED_OUT = "sns.CheckIfPhoneNumberIsOptedOut"
CALLS = (
    "stripe_webhook secretsmanager.GetSecretValue",
    "stripe_webhook dynamodb.Query",
    f"stripe_webhook {WRITE}",
    "stripe_webhook sqs.SendMessage",
    "run_step dynamodb.UpdateItem",
    "run_step dynamodb.Query",
    "run_step secretsmanager.GetSecretValue",
    "run_step dynamodb.GetItem",  # whether others wait for SES's quota
    "run_step secretsmanager.GetSecretValue",  # the key that signs the links in a mail
    "run_step sesv2.SendEmail",
    f"run_step {WRITE}",
    "run_step sqs.SendMessage",
    "delivery_feedback dynamodb.UpdateItem",
    # The second claim writes the fee to Stripe, whose webhooks then tell us of it.
    "run_step dynamodb.UpdateItem",
    "run_step dynamodb.Query",
    f"run_step {OPTED_OUT}",
    f"run_step {WRITE}",
    "stripe_webhook dynamodb.Query",
    "stripe_webhook dynamodb.Query",
)
CHARGING = ("stripe_webhook", "run_step", "delivery_feedback")
"""Who charges and hears of it; what then tells others of it, the feed of activities, cannot make a fee."""

MODES = (
    (FaultMode.ERROR, GIVES_UP),
    (FaultMode.THROTTLE, GIVES_UP),
    (FaultMode.LOST, 1),
    (FaultMode.LOST, GIVES_UP),
    (FaultMode.CRASH, 1),
    (FaultMode.CRASH, 3),
)


@dataclass(frozen=True)
class Strike:
    """A fault on the `number`-th AWS call (from 0)."""

    number: int
    mode: FaultMode
    times: int

    @property
    def call(self) -> str:
        return CALLS[self.number]

    @property
    def aim(self) -> Aim:
        return Aim(self.call.partition(" ")[0], CALLS[: self.number].count(self.call))

    def __str__(self) -> str:
        return f"{self.number + 1}. {self.call}: {self.mode} x{self.times}".replace(" ", "_")


LIKE_ANY_REMINDER = 9
"""The calls before the step is settled with its fee: test_crash_everywhere strikes them."""

STRIKES = [Strike(number, mode, times) for number in range(LIKE_ANY_REMINDER, len(CALLS)) for mode, times in MODES]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCloud]:
    """One cloud for all runs."""
    with running_cloud(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), outer_env={}) as started:
        yield started


def begun(running: RunningCloud, plan: str = CHARGED) -> Run:
    """One customer's run of a plan with a fee."""
    follow(running, plan, anew=False)
    return Run(running, next_beginning(running), 1, plan=plan)


def told(run: Run) -> None:
    """An overdue invoice becomes known, is reminded of, and bears its fee."""
    run.minute(TOLD)
    run.enrol()
    run.minute(TOLD + 1)


def fees_of(run: Run) -> list[int]:
    """What Stripe holds for this customer beside the invoice itself."""
    provider = run.running.sandbox.provider("stripe")
    assert provider is not None
    bare = run.customer().partition(":")[2]
    return [int(str(held["total"])) for held in provider.invoices() if held["customer"] == bare and held["id"] != run.owed()["id"]]


def what_is_wrong(run: Run) -> list[str]:
    """Nothing, if all is well."""
    case, log = run.case(), run.log()
    parent = case.invoices[str(run.owed()["id"])]
    wrong = [] if fees_of(run) == [FEE] else [f"Stripe holds the fees {fees_of(run)}"]
    wrong += [] if [fee.state for fee in parent.fees] == [FeeState.APPLIED] else [f"the invoice knows {parent.fees}"]
    applied = sum(activity.type == "fee_applied" for activity in log)
    wrong += [] if applied == 1 else [f"the log tells {applied} times of a fee"]
    sent = sum(entry["step"] == "first" for entry in run.got())
    wrong += [] if sent == 1 else [f"the first reminder was sent {sent} times"]
    left = case.profile.claim or case.profile.due_at or case.profile.holds
    return wrong + ([f"it is not settled: {left}"] if left else [])


def test_a_step_with_a_fee_makes_these_calls_and_no_others(running: RunningCloud) -> None:
    run = begun(running)
    follow(running, CHARGED)
    with run.cloud.attempts() as made:
        told(run)
    run.finish()
    wrong = what_is_wrong(run)
    run.clear_away()
    names = (f"{attempt.function} {attempt.service}.{attempt.operation}" for attempt in made)
    assert tuple(name for name in names if name.startswith(CHARGING)) == CALLS
    assert wrong == []


@pytest.mark.parametrize("strike", STRIKES, ids=str)
def test_whatever_call_fails_and_however_there_is_one_fee(running: RunningCloud, strike: Strike) -> None:
    run = begun(running)
    if strike.call.endswith(OPTED_OUT):
        follow(running, CHARGED)  # a container remembers what it asked
    service, _, operation = strike.call.partition(" ")[2].partition(".")
    run.cloud.add_fault(service, operation, strike.mode, strike.times, strike.aim)
    with run.cloud.attempts() as made:
        told(run)
    run.redrive_soon()
    run.finish()
    wrong = what_is_wrong(run)
    run.clear_away()
    assert [attempt.fault for attempt in made if attempt.fault], "the fault struck nothing"
    assert wrong == []


@pytest.mark.parametrize("mode", [FaultMode.LOST, FaultMode.CRASH])
@pytest.mark.parametrize("operation", ["Query", "TransactWriteItems", "UpdateItem"])
def test_an_accepted_proposal_is_charged_once_whatever_fails(running: RunningCloud, operation: str, mode: FaultMode) -> None:
    run = begun(running, CHARGED.replace("mode: apply", "mode: propose"))
    told(run)
    assert fees_of(run) == []
    run.cloud.answer_fee(FeeAnswer(run.customer(), str(run.owed()["id"]), None, accept=True))
    run.cloud.add_fault("dynamodb", operation, mode, 1, Aim("run_step", 0))
    run.cloud.settle()
    run.redrive_soon()
    run.finish()
    wrong = what_is_wrong(run)
    run.clear_away()
    assert wrong == []
