"""Numbers whose owners answered STOP: the telephone network knows before we do."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from dunning.domain.activity import ActivityType
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND


@dataclass
class Network:
    """Knows which numbers are barred, and counts how often it was asked."""

    barred: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def is_opted_out(self, phone: str) -> bool:
        self.asked.append(phone)
        return phone in self.barred


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def asking(network: Network) -> FakeDeployment:
    world = FakeDeployment()
    world.run_step = replace(world.run_step, check=replace(world.run_step.check, numbers=network))
    world.invoiced(snapshot())
    return world


def test_it_is_asked_only_when_a_text_message_is_about_to_go_out(asking: FakeDeployment, network: Network) -> None:
    asking.run_until(FIRST + timedelta(hours=1))
    assert network.asked == []
    asking.run_until(SECOND)
    assert network.asked == ["+431234567"]
    assert len(asking.sms.sent) == 1


def test_a_barred_number_gets_nothing_and_the_wish_is_put_down_once(asking: FakeDeployment, network: Network) -> None:
    network.barred.add("+431234567")
    asking.run_until(SECOND + timedelta(days=20))
    assert asking.sms.sent == []
    assert [mail.envelope.step for mail in asking.email.sent] == ["first", "second"]
    assert [activity.channel for activity in asking.log(ACME) if activity.type is ActivityType.OPTED_OUT] == ["sms"]
    sent = [activity.channel for activity in asking.log(ACME) if activity.type is ActivityType.SENT]
    assert sent == ["email", "email"]
