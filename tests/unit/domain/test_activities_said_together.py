"""What several invoices pass over is said once, and each invoice's own log keeps its order."""

from datetime import UTC, datetime

from dunning.domain.activity import Activity, ActivityType, with_skips_joined

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def skipped(invoice: str, step: str) -> Activity:
    return Activity(NOW, ActivityType.SKIPPED, "its day had passed", (invoice,), step, "run_step")


def told(*activities: Activity) -> list[tuple[str | None, tuple[str, ...]]]:
    return [(activity.step, activity.invoices) for activity in with_skips_joined(activities)]


def test_who_passes_over_less_does_not_put_the_others_steps_out_of_order() -> None:
    assert told(skipped("x", "a3"), skipped("y", "a2"), skipped("y", "a3")) == [("a2", ("y",)), ("a3", ("x", "y"))]


def test_plans_that_gainsay_each_other_are_not_told_together() -> None:
    crossed = (skipped("x", "a"), skipped("x", "b"), skipped("y", "b"), skipped("y", "a"))
    assert told(*crossed) == [(one.step, one.invoices) for one in crossed]
