import pytest

from dunning.providers.contact_details import country_code, e164


@pytest.mark.parametrize(
    ("written", "country", "calling_code", "expected"),
    [
        ("+44 (0)20 7183 8750", None, None, "+442071838750"),
        ("0044 20 7183 8750", None, None, "+442071838750"),
        ("020 7183 8750", "GB", None, "+442071838750"),
        ("(831) 330-1234", "US", None, "+18313301234"),
        ("1-831-330-1234 ext. 12", "US", None, "+18313301234"),
        ("021 444 3433", None, "64", "+64214443433"),
        ("831 330 1234", None, "1", "+18313301234"),
    ],
)
def test_a_number_that_is_certain_is_brought_into_form(written: str, country: str | None, calling_code: str | None, expected: str) -> None:
    assert e164(written, country, calling_code) == expected


@pytest.mark.parametrize(
    ("written", "country"),
    [(None, "US"), ("", "US"), ("555-1212", "US"), ("020 7183 8750", None), ("20 7183 8750", "GB"), ("call Joe", "US"), ("+0", None)],
)
def test_a_number_that_would_have_to_be_guessed_is_none(written: str | None, country: str | None) -> None:
    assert e164(written, country) is None


@pytest.mark.parametrize("calling_code", ["4", "3", "2", "21", "999999"])
def test_a_calling_code_that_does_not_exist_makes_no_stranger_s_number(calling_code: str) -> None:
    assert e164("489-44493", None, calling_code) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [("USA", "US"), (" united kingdom ", "GB"), ("nz", "NZ"), ("UK", "GB"), ("Narnia", None), ("", None), (None, None)],
)
def test_a_country_is_known_by_its_usual_names(written: str | None, expected: str | None) -> None:
    assert country_code(written) == expected
