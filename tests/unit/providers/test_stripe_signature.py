from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from stripe import SignatureVerificationError, WebhookSignature

from dunning.domain.errors import Rejected
from dunning.providers.stripe_signature import verify

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "whsec_current"
BODY = '{"id": "evt_1", "note": "Müller & Söhne"}'


def signed(body: str = BODY, secret: str = SECRET, at: datetime = NOW) -> str:
    return str(WebhookSignature.generate_signature_header(body, secret, timestamp=int(at.timestamp())))


def accepted(header: str | None, body: str = BODY, secrets: tuple[str, ...] = (SECRET,)) -> bool:
    try:
        verify(body.encode(), header, secrets, NOW)
    except Rejected:
        return False
    return True


def test_what_stripe_signed_is_accepted() -> None:
    assert accepted(signed())


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_signature_at_the_edge_of_the_tolerance_is_accepted(seconds: int) -> None:
    assert accepted(signed(at=NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (None, "missing"),
        ("", "missing"),
        ("nonsense", "malformed"),
        ("t=,v1=ab", "malformed"),
        ("t=soon,v1=ab", "malformed"),
        ("t,v1=ab", "malformed"),
        ("v1=ab", "malformed"),
        (f"t={int(NOW.timestamp())}", "no v1"),
        (f"t={int(NOW.timestamp())},v0=ab", "no v1"),
        (f"t={int(NOW.timestamp())},v1=ab", "no v1 signature matches"),
        (f"t={int(NOW.timestamp())},v1=äöü", "no v1 signature matches"),
        (signed(secret="whsec_other"), "no v1 signature matches"),
        (signed(body=BODY + " "), "no v1 signature matches"),
        (signed(at=NOW - timedelta(seconds=301)), "old"),
        (signed(at=NOW + timedelta(seconds=301)), "ahead"),
        (signed(at=NOW + timedelta(days=40_000)), "ahead"),
    ],
)
def test_anything_else_is_rejected_with_its_reason(header: str | None, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        verify(BODY.encode(), header, (SECRET,), NOW)


def test_moving_the_timestamp_of_a_captured_signature_breaks_it() -> None:
    captured = signed(at=NOW - timedelta(hours=1))
    _, _, signature = captured.partition(",")
    assert not accepted(f"t={int(NOW.timestamp())},{signature}")


def test_while_a_secret_is_rolled_either_one_is_accepted() -> None:
    rolling = ("whsec_next", SECRET)
    assert accepted(signed(secret=SECRET), secrets=rolling)
    assert accepted(signed(secret="whsec_next"), secrets=rolling)
    assert not accepted(signed(secret="whsec_retired"), secrets=rolling)


def test_one_good_signature_among_several_is_enough() -> None:
    timestamp, good = signed().split(",")
    assert accepted(f"{timestamp},v1={'0' * 64},{good},v0=feed")


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_without_a_secret_nothing_is_accepted(secrets: tuple[str, ...]) -> None:
    forged = signed(secret=secrets[0] if secrets else "")
    assert not accepted(forged, secrets=secrets)


def test_a_body_that_is_no_text_is_rejected_not_crashed_on() -> None:
    with pytest.raises(Rejected):
        verify(b"\xff\xfe\x00", signed(), (SECRET,), NOW)


def sdk_accepts(body: str, header: str, secrets: tuple[str, ...]) -> bool:
    """Stripe's own answer: any of the secrets will do."""
    for secret in secrets:
        try:
            WebhookSignature.verify_header(body, header, secret, tolerance=300)
        except SignatureVerificationError:
            continue
        return True
    return False


texts = st.text(st.characters(codec="utf-8"), max_size=40)
secret_texts = st.text(st.characters(codec="ascii"), min_size=1, max_size=12).filter(str.strip)  # a blank one is no secret here
ages = st.integers(min_value=0, max_value=700) | st.sampled_from([299, 300, 301])
header_words = st.sampled_from(["t=", "v1=", "v0=", ",", "=", " ", "1772438400", "t=1772438400", "v1=00", "-", "_", "x"])


@given(
    body=texts,
    received=st.none() | texts,
    signers=st.lists(secret_texts, max_size=3),
    known=st.lists(secret_texts, min_size=1, max_size=3),
    shared=st.booleans(),
    age=ages,
    schemes=st.lists(st.sampled_from(["v0", "v1", "v1", "v2"]), max_size=3),
    tail=st.none() | st.sampled_from([",", ",v1", ",v1=", ",t=1", ",x=y=z", " "]),
    separator=st.sampled_from([",", ",", ",", ", "]),
    front=st.sampled_from(["t={t}", "t={t}", "t={t}", "t={t}", "t=0{t}", " t={t}", "t= {t}", "t={t}=9", "t=-{t}", "t={t}.5", "T={t}"]),
)
def test_it_agrees_with_stripes_own_verification(
    body: str,
    received: str | None,
    signers: list[str],
    known: list[str],
    shared: bool,
    age: int,
    schemes: list[str],
    tail: str | None,
    separator: str,
    front: str,
) -> None:
    timestamp = int(NOW.timestamp()) - age
    writers = [*signers, known[-1]] if shared else signers
    marks = [signed(body, secret, NOW - timedelta(seconds=age)).partition("v1=")[2] for secret in writers]
    pairs = [f"{scheme}={mark}" for scheme, mark in zip([*schemes, "v1", "v1", "v1", "v1"], marks, strict=False)]
    header = separator.join([front.format(t=timestamp), *pairs]) + (tail or "")
    arrived = body if received is None else received
    with time_machine.travel(NOW, tick=False):
        theirs = sdk_accepts(arrived, header, tuple(known))
    assert accepted(header, arrived, tuple(known)) is theirs


@given(header=st.lists(header_words, max_size=8).map("".join))
def test_like_stripes_own_verification_it_refuses_every_header_made_of_scraps(header: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert not sdk_accepts(BODY, header, (SECRET,))
    assert not accepted(header)
