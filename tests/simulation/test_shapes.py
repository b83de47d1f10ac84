"""Every plan that the simulator makes worlds of is one that the product would load."""

import pytest

from dunning.content.policy_loader import load_policy
from dunning.domain.policy import Policy
from tests.simulation.policy_text import as_yaml
from tests.simulation.shapes import SHAPES


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.timezone} {len(shape.steps)} steps")
def test_a_shape_loads_as_a_policy(shape: Policy) -> None:
    loaded = load_policy(as_yaml(shape), "standard.yaml", frozenset({"collections"}))
    assert [step.id for step in loaded.steps] == [step.id for step in shape.steps]
    assert [step.at for step in loaded.steps] == [step.at for step in shape.steps]
    assert (loaded.scope, loaded.catch_up, loaded.min_gap) == (shape.scope, shape.catch_up, shape.min_gap)
    assert [step.late_fee for step in loaded.steps] == [step.late_fee for step in shape.steps]
    assert (loaded.on_reply, loaded.on_partial_payment, loaded.promise) == (shape.on_reply, shape.on_partial_payment, shape.promise)
    assert (loaded.send_window, loaded.on_paid_email, loaded.timezone) == (shape.send_window, shape.on_paid_email, shape.timezone)
