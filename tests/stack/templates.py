"""The shipped templates as data, and what the SAM transform makes of them."""

import copy
import functools
import os

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from stack import HUB_REGION, MEMBER_TEMPLATE, TEMPLATE

RULE = "AWS::Events::Rule"
FUNCTION = "AWS::Serverless::Function"


class _NoManagedPolicies:
    """The templates name no managed policy, so the transform has nothing to look up."""

    def load(self) -> dict:
        return {}


@functools.cache
def hub() -> dict:
    return yaml_parse(TEMPLATE.read_text())


@functools.cache
def member() -> dict:
    return yaml_parse(MEMBER_TEMPLATE.read_text())


@functools.cache
def hub_transformed() -> dict:
    """template.yaml as CloudFormation sees it."""
    os.environ.setdefault("AWS_DEFAULT_REGION", HUB_REGION)
    template = copy.deepcopy(hub())
    # The transform comes after packaging, which puts the code's place here.
    template["Globals"]["Function"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
    return transform(template, {}, _NoManagedPolicies())


def of_type(template: dict, kind: str) -> dict[str, dict]:
    """Resources of a type: logical id to properties."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def actions(node: object) -> set[str]:
    """Every action that is allowed anywhere below: in policies of identities and resources alike."""
    if isinstance(node, list):
        return set().union(*map(actions, node))
    if not isinstance(node, dict) or node.get("Effect") == "Deny":
        return set()
    own = node.get("Action", [])
    return set(own if isinstance(own, list) else [own]).union(*map(actions, node.values()))


def rules() -> dict[str, dict]:
    """Every shipped rule that waits for events: its logical id to its properties."""
    all_rules = of_type(hub_transformed(), RULE) | of_type(member(), RULE)
    return {rule: properties for rule, properties in all_rules.items() if "ScheduleExpression" not in properties}
