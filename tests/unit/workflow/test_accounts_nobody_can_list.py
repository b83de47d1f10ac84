"""Which companies are connected cannot be read: the team is told once, other sources go on, and so does this one once it is mended."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.errors import Unauthorised
from dunning.domain.invoice import Status
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot

QUARTER = timedelta(minutes=15)
ENDED = "Xero is no longer connected: reminders wait"
SECRET = "secret dunning/xero-tokens is not a JSON object"


@pytest.fixture
def barred(world: FakeDeployment) -> FakeDeployment:
    world.xero.connected = ("acme",)
    world.xero.has(replace(snapshot("x1", "xero:acme:c1"), source="xero"))
    world.stripe.has(snapshot("in_1"))
    world.xero.failure = Unauthorised(SECRET)
    return world


def sweep(world: FakeDeployment, *, is_begun: bool = True) -> None:
    """The daily sweep begins, or goes on: whatever waits in its queue, eight times a quarter of an hour apart."""
    if is_begun:
        world.sweep.start(world.clock())
    for _ in range(8):
        for stage in world.sweep_queue.receive():
            world.sweep.page(stage)
        world.clock.advance(QUARTER)


def subjects(world: FakeDeployment) -> list[str]:
    return [sent.subject for sent in world.team.sent]


def test_the_team_is_told_once_and_other_sources_are_swept(barred: FakeDeployment) -> None:
    sweep(barred)
    barred.clock.advance(timedelta(days=1))
    sweep(barred)
    assert subjects(barred) == [ENDED]
    assert SECRET in barred.team.sent[0].text
    assert "company" not in barred.team.sent[0].text
    assert barred.invoice(ACME, "in_1").status is Status.OPEN


def test_mended_it_is_swept_by_itself_and_if_it_ends_once_more_the_team_is_told_again(barred: FakeDeployment) -> None:
    failure = barred.xero.failure
    sweep(barred)
    barred.xero.failure = None
    sweep(barred, is_begun=False)
    assert barred.invoice("xero:acme:c1", "x1").status is Status.OPEN
    barred.xero.failure = failure
    sweep(barred)
    assert subjects(barred) == [ENDED, ENDED]
