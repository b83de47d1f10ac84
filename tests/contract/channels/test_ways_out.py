"""What the use cases may rely on of every channel: what a failure says, and that a call never sends twice."""

from collections.abc import Iterator

import pytest

from dunning.domain.errors import OutcomeUnknown, Permanent, Refused
from tests.contract.channels.ways_out import GOOD, WAYS_OUT, WayOut

CHANNELS = ("email", "sms", "team")


@pytest.fixture(params=WAYS_OUT)
def way_out(request: pytest.FixtureRequest) -> Iterator[WayOut]:
    """Channels of each kind."""
    with WAYS_OUT[request.param]() as made:
        yield made


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_accepted_went_out_once_and_has_an_id(way_out: WayOut, channel: str) -> None:
    assert way_out.send(channel)
    assert {name: way_out.taken(name) for name in CHANNELS} == {name: [GOOD[name]] if name == channel else [] for name in CHANNELS}


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_throttled_surely_did_not_go_out_and_may_be_sent_again(way_out: WayOut, channel: str) -> None:
    way_out.throttles(channel)
    with pytest.raises(Refused):
        way_out.send(channel)
    assert way_out.taken(channel) == []
    way_out.send(channel)
    assert way_out.taken(channel) == [GOOD[channel]]


@pytest.mark.parametrize("channel", CHANNELS)
def test_of_what_failed_inside_nobody_knows(way_out: WayOut, channel: str) -> None:
    way_out.fails(channel)
    with pytest.raises(OutcomeUnknown):
        way_out.send(channel)
    assert way_out.taken(channel) == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_went_out_and_was_never_answered_went_out_once(way_out: WayOut, channel: str) -> None:
    way_out.loses_the_answer(channel)
    with pytest.raises(OutcomeUnknown):
        way_out.send(channel)
    assert way_out.taken(channel) == [GOOD[channel]]


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_will_never_be_taken_is_for_a_person(way_out: WayOut, channel: str) -> None:
    way_out.refuses_for_good(channel)
    with pytest.raises(Permanent):
        way_out.send(channel)
    assert way_out.taken(channel) == []
