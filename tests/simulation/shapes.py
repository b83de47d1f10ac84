"""Plans of several shapes: minutes, hours and days; one and two channels; conditions; thanks; late fees; holds."""

from datetime import time, timedelta
from decimal import Decimal

from dunning.domain.fees import Amounts, Basis, FeeMode, LateFee
from dunning.domain.policy import (
    AfterDue,
    AfterPrevious,
    BeforeDue,
    CatchUp,
    Days,
    Facts,
    OnPartialPayment,
    OnReply,
    PartialPaymentRule,
    Policy,
    PromiseRules,
    Scope,
    Step,
    Window,
)

NINE = time(9)
BY_DAY = {"email": Window(8 * 60, 18 * 60), "sms": Window(8 * 60, 20 * 60)}
FIXED_FEE = LateFee(Basis.CONTRACT, FeeMode.APPLY, fixed=Amounts(default=Decimal("5.00")))
SHARE = LateFee(Basis.CONTRACT, FeeMode.APPLY, percent=Decimal("1.5"))
NARROW = {"email": Window(8 * 60 + 30, 17 * 60), "sms": Window(10 * 60, 19 * 60)}


def _after(**elapsed: int) -> AfterPrevious:
    return AfterPrevious(timedelta(**elapsed))


def _few_reminders(facts: Facts) -> bool:
    return int(str(facts["reminders_sent"])) < 2


def _large(facts: Facts) -> bool:
    return float(str(facts["amount_due"])) >= 80


def _unanswered(facts: Facts) -> bool:
    return not facts["replied"]


def _unopened(facts: Facts) -> bool:
    return not facts["opened"]


SHAPES: tuple[Policy, ...] = (
    Policy(
        "standard",
        "UTC",
        (
            Step("first", AfterDue(1, NINE), email="friendly"),
            Step("second", _after(minutes=5), email="second_notice", sms="second_notice"),
            Step("escalate", _after(minutes=16), escalate="collections"),
        ),
    ),
    Policy(
        "standard",
        "UTC",
        (
            Step("first", AfterDue(7, NINE), email="friendly"),
            Step("second", _after(hours=48), email="second_notice", sms="second_notice"),
            Step("escalate", _after(hours=72), escalate="collections"),
        ),
        BY_DAY,
        on_paid_email="thank_you",
    ),
    Policy(
        "standard",
        "Europe/London",
        (
            Step("upcoming", BeforeDue(1, NINE), email="upcoming"),
            Step("first", AfterDue(1, NINE), email="friendly", sms="friendly"),
            Step("second", _after(minutes=10), sms="second_notice"),
            Step("third", _after(hours=2), condition=_few_reminders, condition_text="reminders_sent < 2", email="second_notice"),
            Step("escalate", _after(hours=1), escalate="collections"),
        ),
        on_paid_email="thank_you",
    ),
    Policy(
        "standard",
        "America/New_York",
        (
            Step("first", AfterDue(0, NINE), email="friendly"),
            Step(
                "second", _after(hours=3), condition=_large, condition_text="amount_due >= 80", email="second_notice", sms="second_notice"
            ),
            Step("third", AfterDue(2, time(10)), email="second_notice", escalate="collections"),
        ),
        NARROW,
        default_minimum="1.00",
    ),
    Policy(
        "standard",
        "Asia/Tokyo",
        (
            Step("first", AfterDue(0, NINE), email="friendly", sms="friendly"),
            Step("second", _after(minutes=2), email="second_notice", sms="second_notice", escalate="collections"),
        ),
        on_paid_email="thank_you",
    ),
    Policy(
        "standard",
        "Europe/Berlin",
        (
            Step("first", AfterDue(0, NINE), email="friendly"),
            Step("second", _after(hours=5), condition=_unopened, condition_text="not opened", email="second_notice", sms="second_notice"),
            Step("escalate", _after(hours=20), escalate="collections"),
        ),
        BY_DAY,
        on_paid_email="thank_you",
        scope=Scope.CUSTOMER,
        min_gap=timedelta(hours=3),
    ),
    Policy(
        "standard",
        "UTC",
        (
            Step("upcoming", BeforeDue(1, NINE), email="upcoming"),
            Step("first", AfterDue(0, time(10)), email="friendly", sms="friendly"),
            Step("second", AfterDue(1, time(10)), email="second_notice", sms="second_notice", escalate="collections"),
        ),
        scope=Scope.CUSTOMER,
        catch_up=CatchUp.LATEST,
    ),
    Policy(
        "standard",
        "UTC",
        (
            Step("first", AfterDue(1, NINE), email="friendly"),
            Step("second", _after(hours=3), email="second_notice", sms="second_notice", late_fee=FIXED_FEE),
            Step("escalate", _after(hours=6), escalate="collections", late_fee=SHARE),
        ),
        on_paid_email="thank_you",
        on_partial_payment=OnPartialPayment(PartialPaymentRule.HOLD, timedelta(hours=5)),
        promise=PromiseRules(max_days=3, max_count=2, grace=timedelta(hours=2)),
    ),
    Policy(
        "standard",
        "Europe/Berlin",
        (
            Step("first", AfterDue(0, NINE), email="friendly"),
            Step("second", AfterDue(1, time(10)), email="second_notice", late_fee=FIXED_FEE),
            Step(
                "third",
                _after(hours=4),
                condition=_unanswered,
                condition_text="not replied",
                email="second_notice",
                sms="second_notice",
                late_fee=SHARE,
            ),
        ),
        BY_DAY,
        scope=Scope.CUSTOMER,
        min_gap=timedelta(hours=2),
        on_reply=OnReply(timedelta(hours=6), "collections"),
        on_partial_payment=OnPartialPayment(PartialPaymentRule.HOLD, Days(1)),
    ),
    Policy(
        "standard",
        "UTC",
        (
            Step("first", AfterDue(0, NINE), email="friendly", sms="friendly"),
            Step("second", _after(minutes=8), email="second_notice"),
            Step("third", _after(hours=30), sms="second_notice"),
            Step("escalate", _after(hours=3), escalate="collections"),
        ),
        on_paid_email="thank_you",
        on_partial_payment=OnPartialPayment(PartialPaymentRule.RESTART),
    ),
)
"""Every one is called `standard`: a world follows one plan."""

SPANS = (3, 14, 5, 5, 3, 5, 5, 6, 6, 8)
"""Days until the last step of each shape lies behind, when an invoice falls due within the first day."""
