"""The safeguards of DESIGN §5 and §6, each taken away by a small change of text; what then fails must be the simulator.

A condition that lives in DynamoDB is taken away twice: in the table's twin, where the simulator must find it, and in the adapter
itself, where the contract of the storage must, and, where two workers are needed to see it, a world on the whole local cloud.
"""

from dataclasses import dataclass

TWIN = "tests/fakes/case_store.py"
TABLE = "shared/dunning/storage/cases.py"
PLANNING = "shared/dunning/domain/planning.py"
RUN_STEP = "shared/dunning/workflow/run_step.py"
SETTLE = "                self.store.save(case, finished.case, change.activities, claim_id=settlement.claim.id)\n"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A safeguard's name, the file, the text that stands there exactly once, and what takes its place."""

    name: str
    path: str
    text: str
    instead: str


FOUND_BY_SIMULATION = (
    Mutant(
        "the claim condition",
        TWIN,
        "profile.due_at is None or profile.due_at > now or profile.claimed_at(now):",
        "profile.due_at is None:",
    ),
    Mutant(
        "the last check",
        RUN_STEP,
        "            checked = self.check(case, now, besides)\n",
        "            checked = Checked({invoice.id: invoice.version for invoice in case.invoices.values()})\n",
    ),
    Mutant(
        "the settle transaction: state and log at once",
        RUN_STEP,
        SETTLE,
        """                self.store.save(case, finished.case, (), claim_id=settlement.claim.id)
                stored = self.store.load(case.profile.customer)
                self.store.save(stored, stored, change.activities)
""",
    ),
    Mutant("the settle transaction: on our own claim only", RUN_STEP, SETTLE, SETTLE.replace(", claim_id=settlement.claim.id", "")),
    Mutant(
        "the hourly run without a lower bound",
        "shared/dunning/workflow/dispatch_due.py",
        "since=None if on_the_hour else turn",
        "since=turn",
    ),
    Mutant(
        "the hourly run on every full hour",
        "shared/dunning/workflow/dispatch_due.py",
        "        on_the_hour = turn.minute < TURNS_EVERY // timedelta(minutes=1)\n",
        "        on_the_hour = turn.minute < TURNS_EVERY // timedelta(minutes=1) and turn.hour % 12 == 0\n",
    ),
    Mutant(
        "the direct message of a timer due within 900 s",
        "shared/dunning/workflow/waking.py",
        "    if due_at is not None and due_at - now <= NEAR:",
        "    if due_at is not None and due_at - now <= -NEAR:",
    ),
    Mutant(
        "the order of mails while SES's quota is spent",
        "shared/dunning/workflow/sending.py",
        "                if not in_turn:\n",
        "                if not in_turn and effect.key in charged:\n",
    ),
    Mutant("the version condition on snapshots", TWIN, "        if any(read != found for read, found in seen):", "        if not seen:"),
    Mutant(
        "the single attempt of each send",
        "shared/dunning/channels/attempts.py",
        '"total_max_attempts": 1',
        '"total_max_attempts": 5',
    ),
    Mutant(
        "the effect marks: a text is begun before it is sent",
        "shared/dunning/workflow/sending.py",
        "                if not self.store.mark_effect(case.profile.customer, claim.origin, effect.key, EffectState.STARTED, now):",
        "                if claim.origin == effect.key:",
    ),
    Mutant(
        "the effect marks: SES's report marks a mail",
        "shared/dunning/workflow/record_delivery.py",
        "self.store.mark_effect(news.customer, news.claim, news.effect, EffectState.DONE, news.mailed_at)",
        "news.claim == news.effect",
    ),
    Mutant(
        "the effect marks: what was done is remembered when the rest is put off",
        "shared/dunning/domain/settlement.py",
        "self.claim.spent(self.now, effects, crashes, kept)",
        "self.claim.spent(self.now, {}, crashes, kept)",
    ),
    Mutant(
        "the effect marks: what was done is remembered when an outcome is unknown",
        "shared/dunning/domain/settlement.py",
        "kept = replace(self.claim, effects=effects, attempt=",
        "kept = replace(self.claim, effects={}, attempt=",
    ),
    Mutant(
        "no more reminders in a span than the policy says",
        "shared/dunning/domain/consolidation.py",
        "if limit and len(reminded) >= limit.count:",
        "if limit and len(reminded) > limit.count:",
    ),
    Mutant(
        "a late fee is looked for by its id before it is written",
        "tests/simulation/provider.py",
        "if truth.fee_id == order_id), None)",
        "if truth.fee_id == order_id and not order_id), None)",
    ),
    Mutant(
        "a fetch has seen what was told before it began, and nothing later",
        "shared/dunning/workflow/sync_many.py",
        "        if request.stamp is not None and known is not None and known.began > request.stamp:\n",
        "        if known is not None:\n",
    ),
    Mutant(
        "an older word of an invoice is not believed",
        "shared/dunning/domain/recording.py",
        "            if snapshot.stamp < known.stamp and not near:\n",
        "            if snapshot.stamp < known.stamp and snapshot.stamp > known.stamp:\n",
    ),
    Mutant(
        "a plan starts again behind what is on its way",
        "shared/dunning/domain/recording.py",
        "self.actor, on_its_way=on_its_way)",
        "self.actor, on_its_way=False)",
    ),
    Mutant(
        "the last step is planned",
        PLANNING,
        "    coming = upcoming(invoice, contact, policy, now)\n",
        "    coming = upcoming(invoice, contact, replace(policy, steps=policy.steps[:-1]), now)\n",
    ),
    Mutant(
        "the plan goes on after its first step",
        PLANNING,
        "    coming = upcoming(invoice, contact, policy, now)\n",
        "    coming = upcoming(invoice, contact, replace(policy, steps=policy.steps[:1]) if invoice.level else policy, now)\n",
    ),
    Mutant(
        "silence is told",
        PLANNING,
        "        if invoice.suppressed_for == reason:\n",
        "        if reason:\n",
    ),
)

FOUND_BY_CONTRACT = (
    Mutant(
        "the claim condition: the timer is due",
        TABLE,
        'timer_is_due = "due_at <= :now"',
        'timer_is_due = "(due_at <= :now OR attribute_exists(due_at))"',
    ),
    Mutant(
        "the claim condition: nobody holds it",
        TABLE,
        "(attribute_not_exists(claim_until) OR claim_until <= :now)",
        "(attribute_exists(pk) OR claim_until <= :now)",
    ),
    Mutant(
        "the settle transaction: all or nothing",
        TABLE,
        'self._client.transact_write_items(TransactItems=cast("Any", writes))',
        '[self._client.transact_write_items(TransactItems=cast("Any", [one])) for one in reversed(writes)]',
    ),
    Mutant(
        "the settle transaction: on our own claim only",
        TABLE,
        'if claim_id and profile_item and from_wire(profile_item).get("claim_id") != claim_id:',
        "if claim_id and not profile_item:",
    ),
    Mutant(
        "the version condition on snapshots",
        "shared/dunning/storage/expressions.py",
        'condition = "#version = :seen"',
        'condition = "(#version = :seen OR attribute_exists(pk))"',
    ),
    Mutant("the effect marks: a report makes other views stale", TABLE, 'values[":one"] = 1', 'values[":one"] = 0'),
)

FOUND_ON_THE_WHOLE_CLOUD = (
    Mutant(
        "the claim condition",
        TABLE,
        'ConditionExpression=f"{timer_is_due} AND {nobody_holds_it}"',
        'ConditionExpression="attribute_exists(due_at) OR due_at = :now"',
    ),
    Mutant(
        "the version condition on snapshots",
        "shared/dunning/storage/expressions.py",
        'condition = "#version = :seen"',
        'condition = "(#version = :seen OR attribute_exists(pk))"',
    ),
)
