"""The template's teams reach the functions: each named one, and no others."""

import json
from dataclasses import dataclass

import pytest

from dunning.config import from_env
from dunning.domain.errors import Rejected
from tests.architecture.template_rules import functions, listed, read_template, resources, role_of, section, statements

NAMES = {"HasTeam2": "legal", "HasTeam3": "", "HasTeam4": "sales"}


@dataclass(frozen=True, slots=True)
class Deployed:
    """The template's conditions as a deployment with these names decides them."""

    names: dict[str, str]

    def value(self, what: object) -> object:
        """An intrinsic's value; of NoValue, None."""
        given = section(what)
        if "Fn::If" in given:
            condition, yes, no = listed(given["Fn::If"])
            return self.value(yes if self.names[str(condition)] else no)
        if "Fn::Join" in given:
            between, parts = listed(given["Fn::Join"])
            return str(between).join(str(self.value(part)) for part in listed(parts))
        if "Fn::Sub" in given:
            text = str(given["Fn::Sub"])
            for condition, name in self.names.items():
                text = text.replace(f"${{{condition.removeprefix('Has')}Name}}", name)
            return text
        return None if given.get("Ref") == "AWS::NoValue" else given.get("Ref", what)


def topics(names: dict[str, str]) -> str:
    shared = section(section(read_template()["Globals"])["Function"])
    return str(Deployed(names).value(section(section(shared["Environment"])["Variables"])["TEAM_TOPICS"]))


def test_each_named_team_has_its_topic_and_an_empty_name_makes_none() -> None:
    assert json.loads(topics(NAMES)) == {
        "collections": "${TeamTopicCollections}",
        "legal": "${TeamTopic2}",
        "sales": "${TeamTopic4}",
    }
    assert json.loads(topics(dict.fromkeys(NAMES, ""))) == {"collections": "${TeamTopicCollections}"}


def test_who_sends_to_teams_may_publish_to_the_deployed_ones_only() -> None:
    template, deployed = read_template(), Deployed(NAMES)
    allowed = {
        str(deployed.value(resource))
        for statement in statements(role_of(template, functions(template)["RunStepFunction"]))
        if listed(statement.get("Action")) == ["sns:Publish"] and "Resource" in statement
        for resource in listed(statement["Resource"])
        if deployed.value(resource) is not None
    }
    assert allowed == {"TeamTopicCollections", "TeamTopic2", "TeamTopic4"}
    made = {name for name in resources(template, "AWS::SNS::Topic") if name.startswith("TeamTopic")}
    assert made == {"TeamTopicCollections", "TeamTopic2", "TeamTopic3", "TeamTopic4"}


def test_two_teams_of_one_name_are_refused() -> None:
    with pytest.raises(Rejected, match="TEAM_TOPICS names collections twice: give each another name"):
        from_env({"TEAM_TOPICS": topics({**NAMES, "HasTeam3": "collections"})})
