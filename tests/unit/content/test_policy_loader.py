"""Policies: what loads, and the exact place and remedy of what does not."""

from datetime import time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.content.policy_loader import load_policy
from dunning.domain.errors import Rejected
from dunning.domain.policy import AfterDue, AfterPrevious, BeforeDue, Policy, Step, Window

TEAMS = frozenset({"collections", "sales"})
FIRST = '{id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}'


def load(text: str) -> Policy:
    return load_policy(text, "plan.yaml", TEAMS)


def problems(text: str) -> list[str]:
    with pytest.raises(Rejected) as rejected:
        load(text)
    return str(rejected.value).split("\n")


def with_steps(*steps: str) -> str:
    return "\n".join(["name: plan", "steps:", *(f"  - {step}" for step in steps)])


def with_top(line: str) -> str:
    return f"name: plan\n{line}\nsteps: [{FIRST}]"


def test_everything_the_language_has_is_understood() -> None:
    policy = load(
        """
name: plan
applies_to: {if: "true", priority: 0}
timezone: Europe/London
send_window: {email: "08:30-17:30", sms: "10:00-24:00"}
minimum_balance: {USD: "5.00", JPY: 500, KWD: "1.250", default: "5.50"}
scope: invoice
min_gap: 0h
catch_up: next
on_paid: {email: thank_you}
charge_automatically: remind
no_due_date: {due_after_issue: 30d}
steps:
  - id: upcoming
    at: {before_due: 3d, time: 09:00}
    email: upcoming
  - id: first
    at: {after_due: 7d, time: 10:30}
    if: "amount_due >= 100.50 and country in ['GB', 'IE']"
    email: friendly
    sms: friendly
  - {id: second, at: {after_previous: 90m}, email: second_notice}
  - {id: handover, at: {after_previous: 72h}, escalate: {team: sales}}
"""
    )
    assert policy.timezone == "Europe/London"
    assert policy.send_window == {"email": Window(510, 1050), "sms": Window(600, 1440)}
    assert policy.minimum_balance == {"USD": 500, "JPY": 500, "KWD": 1250}
    assert policy.default_minimum == "5.50"
    assert policy.on_paid_email == "thank_you"
    assert policy.remind_charge_automatically
    assert policy.no_due_date_after == 30
    assert [step.at for step in policy.steps] == [
        BeforeDue(3, time(9)),
        AfterDue(7, time(10, 30)),
        AfterPrevious(timedelta(minutes=90)),
        AfterPrevious(timedelta(hours=72)),
    ]
    assert [(step.email, step.sms, step.escalate) for step in policy.steps] == [
        ("upcoming", None, None),
        ("friendly", "friendly", None),
        ("second_notice", None, None),
        (None, None, "sales"),
    ]


def test_what_is_left_out_has_a_harmless_default() -> None:
    policy = load(with_steps(FIRST))
    first = Step(id="first", at=AfterDue(7, time(9)), email="friendly", sms_instead="friendly")
    assert policy == Policy(name="plan", timezone="UTC", steps=(first,), revision=policy.revision)


def test_a_step_may_fall_on_the_due_date_and_its_hours_differ() -> None:
    first = "{id: a, at: {before_due: 0d, time: 09:00}, email: upcoming}"
    second = "{id: b, at: {after_due: 0d, time: 17:00}, email: friendly}"
    assert len(load(with_steps(first, second)).steps) == 2


BAD_STEPS = [
    ("id: first", 'plan.yaml: step "first": field "at": missing: say when the step runs'),
    ('at: {after_due: 7d, time: "09:00"}, email: friendly', 'plan.yaml: step 1: field "id": missing: give the step a short name'),
    ('id: First One, at: {after_due: 7d, time: "09:00"}, email: friendly', "field \"id\": 'First One': use small letters, digits and _"),
    ('id: 7, at: {after_due: 7d, time: "09:00"}, email: friendly', 'step 1: field "id": must be text in quotes'),
    ('id: a, at: {after_due: 7d, time: "09:00"}', 'step "a": does nothing: give it email, sms or escalate'),
    ('id: a, at: {after_due: 7d, time: "9:00"}, email: friendly', 'step "a": field "at.time": "9:00" is not a time of day'),
    ('id: a, at: {after_due: 7d, time: "24:00"}, email: friendly', 'field "at.time": "24:00" is not a time of day'),
    ("id: a, at: {after_due: 7d}, email: friendly", 'field "at.time": missing: say at which local time'),
    ('id: a, at: {after_due: 48h, time: "09:00"}, email: friendly', 'field "at.after_due": "48h" is not a number of calendar days'),
    ('id: a, at: {after_due: 7, time: "09:00"}, email: friendly', 'field "at.after_due": must be text in quotes, as in after_due: 7d'),
    ('id: a, at: {time: "09:00"}, email: friendly', 'field "at": must hold one of before_due, after_due, after_previous'),
    ('id: a, at: {before_due: 1d, after_due: 1d, time: "09:00"}, email: friendly', 'field "at": must hold one of before_due'),
    ('id: a, at: {after_du: 1d, time: "09:00"}, email: friendly', 'field "at.after_du": unknown key; did you mean "after_due"?'),
    ("id: a, at: monday, email: friendly", 'field "at": must be a mapping, as in {after_due: 7d'),
    ("id: a, at: {after_previous: 48h}, email: friendly", 'step "a": field "at": the first step has no previous one'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, email: no_such', 'step "a": field "email": no template "no_such" (known: friendly, '),
    ('id: a, at: {after_due: 7d, time: "09:00"}, sms: thank_you', 'step "a": field "sms": no template "thank_you" (known: friendly, '),
    ('id: a, at: {after_due: 7d, time: "09:00"}, email: freindly', 'no template "freindly"; did you mean "friendly"?'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, email: null', 'field "email": must be text in quotes'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, escalate: sales', 'field "escalate": must be a mapping, as in {team: collections}'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, escalate: {}', 'field "escalate.team": missing: say who takes over'),
    (
        'id: a, at: {after_due: 7d, time: "09:00"}, escalate: {team: sale}',
        'no team "sale"; did you mean "sales"? (known: collections, sales)',
    ),
    ('id: a, at: {after_due: 7d, time: "09:00"}, emial: friendly', 'field "emial": unknown key; did you mean "email"?'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, if: true, email: friendly', 'field "if": must be text in quotes, as in if: "not replied"'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, if: "replyed", email: friendly', 'there is no "replyed"; did you mean "replied"?'),
    ('id: a, at: {after_due: 7d, time: "09:00"}, if: "not (", email: friendly', 'step "a": field "if": \'not (\' is not a condition'),
]


@pytest.mark.parametrize(("step", "problem"), BAD_STEPS, ids=[step for step, _ in BAD_STEPS])
def test_a_bad_step_is_refused_at_its_place(step: str, problem: str) -> None:
    found = problems(with_steps(f"{{{step}}}"))
    assert any(problem in line for line in found)
    assert all(line.startswith("plan.yaml: ") for line in found)


BAD_TIMINGS_AFTER_THE_FIRST = [
    ("{id: b, at: {after_previous: soon}, email: friendly}", '"soon" is not a duration: write hours or minutes'),
    ("{id: b, at: {after_previous: 0h}, email: friendly}", '"0h": a step cannot follow at once'),
    ('{id: b, at: {after_previous: 2h, time: "09:00"}, email: friendly}', 'field "at.time": after_previous elapses'),
    ('{id: b, at: {after_due: 7d, time: "09:00"}, email: friendly}', 'step "b": field "at": is not later than step "first" before it'),
    ('{id: b, at: {after_due: 7d, time: "08:59"}, email: friendly}', 'step "b": field "at": is not later than step "first" before it'),
    ('{id: b, at: {before_due: 9d, time: "10:00"}, email: friendly}', 'step "b": field "at": is not later than step "first" before it'),
    ('{id: first, at: {after_due: 8d, time: "09:00"}, email: friendly}', 'step "first": field "id": a second step "first"'),
    ("second", "plan.yaml: step 2: must be a mapping with id, at and what to do"),
]


@pytest.mark.parametrize(("step", "problem"), BAD_TIMINGS_AFTER_THE_FIRST)
def test_a_step_that_does_not_follow_the_first_is_refused(step: str, problem: str) -> None:
    assert any(problem in line for line in problems(with_steps(FIRST, step)))


def test_due_dates_are_compared_across_steps_that_follow_one_another() -> None:
    between = "{id: between, at: {after_previous: 48h}, email: second_notice}"
    late = '{id: late, at: {after_due: 7d, time: "08:00"}, email: friendly}'
    assert any('step "late": field "at": is not later than step "first"' in line for line in problems(with_steps(FIRST, between, late)))


BAD_TOPS = [
    ("timezone: Europe/Londn", 'plan.yaml: field "timezone": no time zone "Europe/Londn"; did you mean "Europe/London"?'),
    ("timezone: CET+1:30/../x", 'field "timezone": no time zone'),
    ("timezone: ../../etc/passwd", 'field "timezone": no time zone'),
    ('send_window: {email: "18:00-08:00"}', 'field "send_window.email": "18:00-08:00" ends before it starts'),
    ('send_window: {email: "08:00-08:00"}', "ends before it starts"),
    ('send_window: {email: "08:00"}', '"08:00" is not a span of the day: write "08:00-18:00"'),
    ('send_window: {emial: "08:00-18:00"}', 'field "send_window.emial": unknown key; did you mean "email"?'),
    ("minimum_balance: {USD: 5.00}", 'field "minimum_balance.USD": 5.0 loses cents when read as a number: put it in quotes, as "5.00"'),
    ('minimum_balance: {JPY: "5.50"}', 'field "minimum_balance.JPY": "5.50" has more decimals than JPY has: write 0'),
    ('minimum_balance: {usd: "5.00"}', 'field "minimum_balance.usd": neither default nor a currency'),
    ('minimum_balance: {EUU: "5.00"}', 'field "minimum_balance.EUU": no currency "EUU"; did you mean "'),
    ('minimum_balance: {QQQ: "5.00"}', 'field "minimum_balance.QQQ": no currency "QQQ": write its ISO 4217 code, as USD'),
    ('minimum_balance: {USD: "-5.00"}', "field \"minimum_balance.USD\": '-5.00' is not an amount"),
    ("minimum_balance: {default: lots}", "field \"minimum_balance.default\": 'lots' is not an amount"),
    ("minimum_balance: {default: true}", 'field "minimum_balance.default": True is not an amount'),
    ('minimum_balance: "5.00"', 'field "minimum_balance": must be a mapping'),
    ("on_paid: {email: thanks}", 'field "on_paid.email": no template "thanks"'),
    ("on_paid: {}", 'field "on_paid": names no mail'),
    ("charge_automatically: yes", 'field "charge_automatically": must be remind or record_only'),
    ("no_due_date: remind", 'field "no_due_date": must be a mapping'),
    ("no_due_date: {due_after_issue: 30}", 'field "no_due_date.due_after_issue": must be text in quotes'),
    ("timezon: UTC", 'plan.yaml: field "timezon": unknown key; did you mean "timezone"?'),
    ("name: plan", 'plan.yaml: line 2: "name" twice in one place: remove one'),
    ("5: five", "plan.yaml: line 2: a key that is not text: put it in quotes"),
    ("? [a]\n: b", "plan.yaml: line 2: a key that is not text"),
    ("timezone: &zone UTC", 'plan.yaml: line 2: an anchor "&zone": remove it'),
    ("timezone: *zone", 'plan.yaml: line 2: an alias "*zone": write the value out'),
    ("timezone: !!python/object:os.system ls", "plan.yaml: line 2: a tag"),
    ("<<: {timezone: UTC}", 'field "<<": unknown key'),
    ("timezone: [", "plan.yaml: line "),
    ("timezone: " + "[" * 30 + "]" * 30, "nested deeper than 20"),
    ("timezone: \x07", "plan.yaml: not YAML: it holds characters that a text file may not"),
]


@pytest.mark.parametrize(("line", "problem"), BAD_TOPS, ids=[line[:60] for line, _ in BAD_TOPS])
def test_a_bad_setting_is_refused_at_its_place(line: str, problem: str) -> None:
    assert any(problem in found for found in problems(with_top(line)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "plan.yaml: a policy is a mapping"),
        ("- a", "plan.yaml: a policy is a mapping"),
        ("name: plan", 'plan.yaml: field "steps": a policy needs a list of at least one step'),
        ("name: plan\nsteps: []", 'field "steps": a policy needs a list of at least one step'),
        (f"steps: [{FIRST}]", 'plan.yaml: field "name": missing: write name: plan'),
        (f"name: other\nsteps: [{FIRST}]", '"other" is not the name of its file: write name: plan, or rename the file to other.yaml'),
        (f"name: Other!\nsteps: [{FIRST}]", "field \"name\": 'Other!': use small letters"),
        (f"name: plan\nsteps: [{FIRST}]\n---\nname: plan", "plan.yaml: line 3: a second document"),
        ("name: plan\n" + "#" * 100_001, "characters: a policy may have 100000"),
    ],
)
def test_a_bad_file_is_refused(text: str, problem: str) -> None:
    assert any(problem in found for found in problems(text))


def test_mail_and_sms_in_one_step_need_hours_in_common() -> None:
    windows = 'send_window: {email: "08:00-10:00", sms: "12:00-20:00"}'
    both = '{id: both, at: {after_due: 7d, time: "09:00"}, email: friendly, sms: friendly}'
    found = problems(f"name: plan\n{windows}\nsteps: [{both}]")
    assert found == ['plan.yaml: step "both": can never run: mail and SMS go together, and their send_windows never meet: widen one']


def test_all_problems_of_a_file_are_told_at_once() -> None:
    found = problems(
        """
name: other
timezone: Nowhere
calender: GB
steps:
  - {id: a, at: {after_previous: 48h}, email: no_such}
  - {id: a, at: {after_previous: soon}, escalate: {team: nobody}}
"""
    )
    places = [
        'field "calender"',
        'field "name"',
        'field "timezone"',
        'step "a": field "email"',
        'field "at.after_previous"',
        "escalate.team",
    ]
    assert [place for place in places if not any(place in line for line in found)] == []
    assert all(line.startswith("plan.yaml: ") for line in found)


def test_a_step_after_the_invoice_was_handed_over_is_never_reached() -> None:
    steps = """
name: plan
steps:
  - {id: a, at: {after_due: 7d, time: "09:00"}, email: friendly}
  - {id: esc, at: {after_previous: 72h}, escalate: {team: collections}}
  - {id: never, at: {after_previous: 1h}, email: friendly}
"""
    assert problems(steps) == [
        'plan.yaml: step "never": is never reached: step "esc" hands the invoice to a team; move it before that, or remove it'
    ]


def test_a_first_step_that_cannot_be_read_makes_no_other_step_the_first() -> None:
    steps = """
name: plan
steps:
  - {id: a, at: {after_due: 7h, time: "09:00"}, email: friendly}
  - {id: b, at: {after_previous: 48h}, email: friendly}
"""
    assert all('step "a"' in found for found in problems(steps))


def test_words_that_old_yaml_would_turn_into_something_else_stay_text() -> None:
    policy = load(with_steps("{id: on, at: {after_due: 7d, time: 10:30}, if: \"country == 'NO'\", email: friendly}"))
    assert (policy.steps[0].id, policy.steps[0].at) == ("on", AfterDue(7, time(10, 30)))


def test_a_condition_is_checked_on_loading_only_when_asked() -> None:
    text = with_steps('{id: a, at: {after_due: 7d, time: "09:00"}, if: "nonsense", email: friendly}')
    assert load_policy(text, "plan.yaml", TEAMS, validate=False).steps[0].condition_text == "nonsense"


def test_amounts_stay_exact() -> None:
    policy = load(with_top('minimum_balance: {USD: "0.29", default: "999999999999.99"}'))
    assert policy.minimum_balance == {"USD": 29}
    assert Decimal(policy.default_minimum) == Decimal("999999999999.99")


def loads_or_is_rejected(text: str) -> bool:
    try:
        return isinstance(load(text), Policy)
    except Rejected as rejected:
        return str(rejected).startswith("plan.yaml: ")


@given(st.text())
def test_any_text_loads_or_is_rejected(text: str) -> None:
    assert loads_or_is_rejected(text)


WORDS = st.sampled_from(
    """
    name plan steps id at email sms escalate team after_due before_due after_previous time if 7d 48h 09:00 friendly true null 1.5 9
    minimum_balance default send_window on_paid no_due_date due_after_issue timezone UTC collections applies_to not replied * & ! {
    """.split()
)


def flow_mapping(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"


VALUES = st.recursive(
    WORDS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]") | st.dictionaries(WORDS, inner, max_size=4).map(flow_mapping)
    ),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, VALUES, max_size=6))
def test_anything_that_looks_like_a_policy_loads_or_is_rejected(fields: dict[str, str]) -> None:
    assert loads_or_is_rejected("name: plan\n" + "\n".join(f"{key}: {value}" for key, value in fields.items() if key != "name"))
