"""Scenes of commands that our own people give: each is given again where it failed, and what it says becomes true once."""

from collections.abc import Callable, Iterator
from functools import partial

from dunning.bootstrap.cases import case_desk
from dunning.domain.case import Case
from dunning.domain.evolving import replace
from dunning.domain.holding import Held, hold_case, with_hold
from dunning.domain.holds import Hold, HoldKind
from infra.case_actions import act
from infra.fee_answers import FeeAnswer
from infra.local.lambda_service import Caller
from infra.operating import Answer, Mark
from tests.integration.faults.people_scenes import PERSON, PROPOSED, STRICT, known, overdue, told_until_done
from tests.integration.faults.promises import amiss
from tests.integration.faults.run import Run
from tests.integration.faults.scene import Scene
from tests.integration.faults.workflows import LOAD, TELL_QUEUE, WRITE, calls_of

CHANGED = calls_of(PERSON, LOAD, WRITE)
SET_FREE = calls_of(PERSON, LOAD, WRITE, TELL_QUEUE)
DECLINED = ("enrolled", "held first", "notified", "declined first", "skipped first", "plan_ended first")
FEE_DECLINED = ("enrolled", "sent first", "fee_proposed first", "plan_ended first", "notified", "fee_declined first")
REMINDED = ("sent first", "plan_ended first")


def on_case(action: str, given: Callable[[Run], dict[str, object]], run: Run) -> None:
    """`dunning case CUSTOMER` and an action."""
    run.cloud.operate(lambda platform: act(case_desk(platform), run.customer(), action, given(run)), Caller(PERSON))


def why(_run: Run) -> dict[str, object]:
    """A reason."""
    return {"reason": "on the telephone"}


def which_and_why(run: Run) -> dict[str, object]:
    """An invoice, and a reason."""
    return {"invoice": run.owed()["id"], "reason": "on the telephone"}


def marked(run: Run, *, on: bool) -> None:
    """`dunning customer CUSTOMER do-not-chase`."""
    run.cloud.operate(Mark(run.customer(), on=on).on_platform, Caller(PERSON))


def declined(run: Run) -> None:
    """`dunning decline`."""
    run.cloud.operate(Answer(run.customer(), str(run.owed()["id"]), approved=False, reason=None).on_platform, Caller(PERSON))


def fee_declined(run: Run) -> None:
    """`dunning fee decline`."""
    run.cloud.operate(FeeAnswer(run.customer(), str(run.owed()["id"]), None, accept=False).on_platform, Caller(PERSON))


def waiting(then: Callable[[Run, Case], Held], run: Run) -> None:
    """An overdue invoice is known, and something keeps its reminder."""
    run.minute(1)
    run.imported(then=partial(then, run))
    run.minute(3)


def held(kind: HoldKind, run: Run, case: Case) -> Held:
    """A hold of the whole case."""
    return hold_case(case, kind, Hold(run.cloud.now), PERSON)


def disputed(run: Run, case: Case) -> Held:
    """A hold of its invoice."""
    (invoice,) = case.invoices.values()
    kept, logged = with_hold(invoice, HoldKind.DISPUTE, Hold(run.cloud.now), PERSON)
    return case.with_invoice(kept), logged


def answered(run: Run, case: Case) -> Held:
    """The customer wrote."""
    return held(HoldKind.REPLY, run, case.with_profile(replace(case.profile, replied_at=run.cloud.now)))


def not_chased(run: Run, case: Case) -> Held:
    """A person said so."""
    return case.with_profile(replace(case.profile, do_not_chase=True, not_chased_since=run.cloud.now)), ()


def not_held(log: tuple[str, ...], holds: tuple[HoldKind, ...], run: Run) -> Iterator[str]:
    """Nothing is sent, and the log tells of one change."""
    yield from amiss(run, (), ("enrolled", *log), holds, waits=not holds)
    profile = run.case().profile
    if not profile.is_held and not any(invoice.is_held for invoice in run.case().invoices.values()):
        yield f"it is not held: {profile}"


def not_set_free(log: tuple[str, ...], run: Run) -> Iterator[str]:
    """What waited goes out, once."""
    yield from amiss(run, ("email first",), ("enrolled", *log, *REMINDED), waits=True)


def not_declined_once(log: tuple[str, ...], got: tuple[str, ...], run: Run) -> Iterator[str]:
    """One answer."""
    yield from amiss(run, got, log, waits=True)


def stops(command: str, act: Callable[[Run], None], log: tuple[str, ...], *holds: HoldKind) -> Scene:
    """A command that stops the reminders of an invoice that is not due for long."""
    wrong = partial(not_held, log, holds)
    return Scene(command, partial(told_until_done, act), CHANGED, wrong, known, command=command)


def frees(command: str, act: Callable[[Run], None], kept_by: Callable[[Run, Case], Held], log: tuple[str, ...]) -> Scene:
    """A command that lets a reminder go which is due."""
    wrong, prepare = partial(not_set_free, log), partial(waiting, kept_by)
    return Scene(command, partial(told_until_done, act), SET_FREE, wrong, prepare, command=command)


COMMANDS = (
    stops("case hold", partial(on_case, "hold", why), ("held",), HoldKind.OPERATOR),
    stops("case dispute", partial(on_case, "dispute", which_and_why), ("held",), HoldKind.DISPUTE),
    stops("customer do-not-chase on", partial(marked, on=True), ("held",)),
    frees("case release", partial(on_case, "release", why), partial(held, HoldKind.OPERATOR), ("held", "released")),
    frees("case undispute", partial(on_case, "undispute", which_and_why), disputed, ("held", "released")),
    frees("case handled", partial(on_case, "handled", why), answered, ("held", "released")),
    frees("customer do-not-chase off", partial(marked, on=False), not_chased, ("released",)),
    Scene(
        "decline",
        partial(told_until_done, declined),
        SET_FREE,
        partial(not_declined_once, DECLINED, ("team notice",)),
        overdue,
        plan=STRICT,
        command="decline",
    ),
    Scene(
        "fee decline",
        partial(told_until_done, fee_declined),
        CHANGED,
        partial(not_declined_once, FEE_DECLINED, ("email first", "team notice")),
        overdue,
        plan=PROPOSED,
        command="fee decline",
    ),
)
