"""What SES still lets the account send: read over the real botocore client, and as the simulator's twin tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import boto3
import pytest
from botocore.stub import Stubber

from dunning.channels.attempts import one_attempt_config
from dunning.channels.quota import SesQuota
from dunning.domain.errors import Retryable
from dunning.workflow.wheel_ports import EmailQuota
from tests.fakes.channels import FakeQuota
from tests.fakes.clock import MONDAY_MORNING
from tests.simulation.cloud import Cloud
from tests.simulation.faults import FaultBook
from tests.simulation.plans import Span, plan_of
from tests.simulation.records import Records
from tests.simulation.storage import TwinQuota
from tests.simulation.wire import Wire

A_DAY = ((MONDAY_MORNING, MONDAY_MORNING.replace(day=3)),)


class Account(Protocol):
    """An account of SES that a test puts into one of three states, and the quota under test that reads it."""

    def is_new(self) -> EmailQuota:
        """Nothing has been sent, and 14 mails a second may be."""
        ...

    def has_spent_its_day(self) -> EmailQuota:
        """All has been sent that may be."""
        ...

    def cannot_be_reached(self) -> EmailQuota:
        """SES answers with a 500."""
        ...


class SesAccount:
    """SES over the real client."""

    def __init__(self, ses: Stubber, quota: SesQuota) -> None:
        self._ses, self._quota = ses, quota

    def is_new(self) -> EmailQuota:
        return self._after(0.0)

    def has_spent_its_day(self) -> EmailQuota:
        return self._after(50_000.0)

    def cannot_be_reached(self) -> EmailQuota:
        self._ses.add_client_error("get_account", "InternalFailure", http_status_code=500)
        return self._quota

    def _after(self, sent: float) -> EmailQuota:
        told = {"SendQuota": {"Max24HourSend": 50_000.0, "SentLast24Hours": sent, "MaxSendRate": 14.0}}
        self._ses.add_response("get_account", told)
        return self._quota


class TwinAccount:
    """The simulator's."""

    def is_new(self) -> EmailQuota:
        return self._quota()

    def has_spent_its_day(self) -> EmailQuota:
        return self._quota(quota_spent=A_DAY)

    def cannot_be_reached(self) -> EmailQuota:
        return self._quota(mail_down=A_DAY)

    def _quota(self, mail_down: tuple[Span, ...] = (), quota_spent: tuple[Span, ...] = ()) -> EmailQuota:
        plan = replace(plan_of(1), start=MONDAY_MORNING, storms=(), mail_down=mail_down, quota_spent=quota_spent)
        cloud = Cloud(plan, FaultBook(0.0, 1), Records())
        return TwinQuota(Wire(cloud), cloud)


class FakeAccount:
    """The unit tests'."""

    def __init__(self) -> None:
        self._quota = FakeQuota()
        self._quota.per_second = 14.0

    def is_new(self) -> EmailQuota:
        return self._quota

    def has_spent_its_day(self) -> EmailQuota:
        self._quota.remaining = 0
        return self._quota

    def cannot_be_reached(self) -> EmailQuota:
        self._quota.unreachable = True
        return self._quota


@contextmanager
def _ses() -> Iterator[Account]:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        yield SesAccount(ses, SesQuota(client))
        ses.assert_no_pending_responses()


@pytest.fixture(params=["ses", "twin", "fake"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """Every test of the contract runs on each."""
    if request.param == "ses":
        with _ses() as found:
            yield found
    else:
        yield TwinAccount() if request.param == "twin" else FakeAccount()


def test_an_account_that_has_sent_nothing_has_mails_left_and_its_own_rate(account: Account) -> None:
    limits = account.is_new().limits()
    assert limits.left >= 50_000
    assert limits.per_second == 14.0


def test_an_account_that_has_sent_all_of_its_day_has_none_left_and_keeps_its_rate(account: Account) -> None:
    limits = account.has_spent_its_day().limits()
    assert (limits.left, limits.per_second) == (0, 14.0)


def test_an_account_that_cannot_be_read_is_worth_another_attempt(account: Account) -> None:
    with pytest.raises(Retryable):
        account.cannot_be_reached().limits()


@pytest.mark.parametrize(
    ("allowed", "sent", "left"),
    [(200.0, 0.0, 200), (200.0, 199.0, 1), (200.0, 200.0, 0), (200.0, 250.0, 0), (-1.0, 5000.0, 1_000_000)],
)
def test_what_is_left_is_what_the_account_may_send_less_what_it_sent(allowed: float, sent: float, left: int) -> None:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        ses.add_response("get_account", {"SendQuota": {"Max24HourSend": allowed, "SentLast24Hours": sent}})
        assert SesQuota(client).limits().left == left


@pytest.mark.parametrize(("status", "code"), [(500, "InternalFailure"), (429, "TooManyRequestsException"), (403, "AccessDenied")])
def test_a_quota_that_cannot_be_read_is_read_again_later(status: int, code: str) -> None:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        ses.add_client_error("get_account", code, http_status_code=status)
        with pytest.raises(Retryable):
            SesQuota(client).limits()


@pytest.mark.parametrize(("rate", "per_second"), [(14.0, 14.0), (0.5, 1.0), (-1.0, 1_000_000.0)])
def test_the_rate_is_the_accounts_own(rate: float, per_second: float) -> None:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        ses.add_response("get_account", {"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 0.0, "MaxSendRate": rate}})
        assert SesQuota(client).limits().per_second == per_second
