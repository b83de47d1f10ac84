"""Who writes to us is found by the address, the number or the token that a reply comes with."""

from dataclasses import replace

from dunning.domain.case import Case, Profile
from dunning.domain.invoice import Contact
from dunning.domain.replying import reply_token
from tests.contract.storage.cases import ACME
from tests.contract.storage.stores import Storage

ZOE = "xero:t1:c9"


def reached(storage: Storage, customer: str, email: str | None, phone: str | None) -> None:
    before = storage.store.load(customer)
    storage.store.save(before, before.with_profile(replace(before.profile, contact=Contact(email=email, phone=phone))))


def test_all_who_share_an_address_or_a_number_are_found_by_it(storage: Storage) -> None:
    for customer in (ACME, ZOE):
        reached(storage, customer, "José@Acme.example", "+442071838750")
    assert storage.correspondents.customers_of("email", "josé@acme.example") == (ACME, ZOE)
    assert storage.correspondents.customers_of("sms", "+442071838750") == (ACME, ZOE)
    assert storage.correspondents.customers_of("sms", "José@Acme.example") == ()
    assert storage.correspondents.customers_of("email", "nobody@acme.example") == ()


def test_the_token_of_a_reply_names_one(storage: Storage) -> None:
    for customer in (ACME, ZOE):
        reached(storage, customer, "pat@acme.example", None)
    assert storage.correspondents.customers_of("reply", reply_token(ZOE)) == (ZOE,)


def test_a_former_address_still_finds_who_had_it(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), Case(Profile(ACME, contact=Contact(email="old@acme.example"))))
    reached(storage, ACME, "new@acme.example", None)
    assert [storage.correspondents.customers_of("email", f"{age}@acme.example") for age in ("old", "new")] == [(ACME,), (ACME,)]


def test_nothing_finds_nobody(storage: Storage) -> None:
    reached(storage, ACME, None, None)
    assert [storage.correspondents.customers_of("email", nothing) for nothing in ("", "  ")] == [(), ()]
