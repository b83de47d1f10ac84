"""The worked cases as docs/worked-cases.md: `python -m tests.unit.domain.worked_cases.document` writes it anew."""

from collections.abc import Iterator
from pathlib import Path

from dunning.domain.money import Money, minor_digits
from tests.unit.domain.worked_cases.reading import BRIEF, Case, FeeCase, Topic, topics

DOCUMENT = Path(__file__).parents[4] / "docs" / "worked-cases.md"
_HEAD = """# Worked cases

What a policy does in {count} cases, each with the reason. Every line is checked against the rules that run in AWS whenever the tests run
(`tests/unit/domain/worked_cases/`); this page is made from the same tables.

Times are the customer's, with the offset from UTC. That a plan which ended unpaid becomes a task for the team is told only in the cases
about it.
"""


def rendered() -> str:
    """The whole page."""
    found = topics()
    parts = [_HEAD.format(count=sum(len(topic.cases) for topic in found))]
    parts += ["\n".join(_topic(topic)) for topic in found]
    return "\n".join(parts) + "\n"


def _topic(topic: Topic) -> Iterator[str]:
    yield f"## {topic.title}\n\n{topic.about}\n"
    plans = {case.policy_text: "" for case in topic.cases if isinstance(case, Case) and case.policy_text.strip() != BRIEF.strip()}
    names = {text: f"{topic.title[0]}{number}" for number, text in enumerate(plans, 1)}
    for text, name in names.items():
        yield f"Plan {name}:\n\n```yaml\n{text.strip()}\n```\n"
    fees = [case for case in topic.cases if isinstance(case, FeeCase)]
    plays = [case for case in topic.cases if isinstance(case, Case)]
    if plays:
        yield "| case | what is owed, what happens | what goes out | why |\n|---|---|---|---|"
        yield from (_play(case, names.get(case.policy_text, "of the brief")) for case in plays)
        yield ""
    if fees:
        yield "| case | terms | owed, due, reckoned on | fee | why |\n|---|---|---|---|---|"
        yield from (_fee(case) for case in fees)
        yield ""


def _play(case: Case, plan: str) -> str:
    owed = [f"{one.name}: {_money(one.money)}, {f'due {one.due}' if one.due else 'no due date'}" for one in case.invoices]
    customer = [case.customer_words] if case.customer_words else []
    owed += [f"credit: {_money(case.credit)}"] if case.credit else []
    happens = [f"{one.at:%d %b %H:%M} UTC: {one.words}" for one in case.happens]
    left = "<br>".join([f"plan {plan}", *customer, *owed, f"known {case.known:%d %b %Y %H:%M} UTC", *happens])
    sent = "<br>".join(line.replace(" | ", " · ") for line in case.expect) or "nothing"
    decided = "".join(f"<br>_{line.replace(' | ', ' · ')}_" for line in case.decided or ())
    return f"| {_cell(case.title)} | {_cell(left)} | {_cell(sent + decided)} | {_cell(case.why)} |"


def _fee(case: FeeCase) -> str:
    facts = "".join(f"<br>{name.replace('_', ' ')}: {value}" for name, value in case.facts.items())
    left = f"{_money(case.owed)}, due {case.due}, on {case.today}{facts}"
    return f"| {_cell(case.title)} | `{_cell(case.terms)}` | {_cell(left)} | {_cell(case.expect)} | {_cell(case.why)} |"


def _money(owed: Money) -> str:
    return f"{owed.currency} {owed.as_decimal():,.{minor_digits(owed.currency)}f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(), encoding="utf-8")
