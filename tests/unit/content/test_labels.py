"""The labels of text mails: in every language there is room between each and its value."""

import re
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader

from dunning.content.templates import TEMPLATES

LANGUAGES = ("en", "de", "fr", "es")
WORDS = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
LABELS = re.findall(r"label\(words\.(\w+)", (TEMPLATES / "_parts.txt.j2").read_text(encoding="utf-8"))
COUNTS = re.findall(r"format\(told\.count_width, told\.(\w+)", (TEMPLATES / "_digest.txt.j2").read_text(encoding="utf-8"))
FACT = re.compile(r"^[^\s{-][^{\n]*?:( *)(?=\{\{)", re.MULTILINE)


def words_of(language: str, name: str) -> dict[str, Any]:
    return vars(WORDS.get_template(f"{language}/{name}").module)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_of_a_customers_mail_is_shorter_than_its_column(language: str) -> None:
    words = words_of(language, "_words.j2")
    ends, width = words["label_end"], words["label_width"]
    too_long = [name for name in LABELS if len(words[name] + (" USD" if name == "sum" else "") + ends) >= width]
    assert {"with_fees", "invoice_total", "sum"} <= set(LABELS)
    assert too_long == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_of_the_digest_is_shorter_than_its_column(language: str) -> None:
    words, told = words_of(language, "_words.j2"), words_of(language, "_digest_words.j2")
    ends, width = words["label_end"], told["count_width"]
    assert len(COUNTS) == 5
    assert [name for name in COUNTS if len(told[name] + ends) >= width] == []
    ages, width = told["ages"], told["age_width"]
    assert [age for age in ages.values() if len(age + ends) > width] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_values_of_a_notice_to_the_team_stand_in_one_column_behind_their_labels(language: str) -> None:
    for name in ("escalation", "fee_proposal", "notice"):
        found = list(FACT.finditer((TEMPLATES / language / "team" / f"{name}.txt.j2").read_text(encoding="utf-8")))
        assert len(found) >= 6
        assert len({len(fact.group()) for fact in found}) == 1, [fact.group() for fact in found]
        assert all(fact.group(1) for fact in found)
