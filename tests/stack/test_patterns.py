"""Which of the sample events each shipped rule lets through, asked of EventBridge itself."""

import json

import pytest

import templates
from stack import ROOT

EVENTS = ROOT / "events"

#: The hub's rules and the one that forwards to it. A pattern is only the coarse sieve: what is a
#: question of configuration (registry, repository, tag) passes, and the function decides.
PUSHED = {"ImagePushPushed", "ImageEvents"}
REPLICATED = {"ImagePushReplicated", "ImageEvents"}
NOTHING: set[str] = set()

EXPECTED = {
    "ecr-delete.json": NOTHING,
    "ecr-push-build-number.json": PUSHED,
    "ecr-push-date.json": PUSHED,
    "ecr-push-empty-tag.json": PUSHED,
    "ecr-push-failure.json": NOTHING,
    "ecr-push-foreign-account.json": PUSHED,
    "ecr-push-foreign-region.json": PUSHED,
    "ecr-push-leading-v.json": PUSHED,
    "ecr-push-mutable-tag.json": PUSHED,
    "ecr-push-out-of-range.json": PUSHED,
    "ecr-push-pre-release.json": PUSHED,
    "ecr-push-unknown-repository.json": PUSHED,
    "ecr-push-untagged.json": PUSHED,
    "ecr-push.json": PUSHED,
    "ecr-replication-foreign-source.json": REPLICATED,
    "ecr-replication-unused-region.json": REPLICATED,
    "ecr-replication.json": REPLICATED,
    "ecr-update-storage-class.json": NOTHING,
}


def test_the_table_names_every_event_and_rule():
    assert {path.name for path in EVENTS.iterdir()} == EXPECTED.keys()
    assert templates.rules().keys() == set().union(*EXPECTED.values())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_only_the_expected_rules_match(emulator, name):
    event = (EVENTS / name).read_text()
    client = emulator.client("events")

    matching = {
        rule
        for rule, properties in templates.rules().items()
        if client.test_event_pattern(EventPattern=json.dumps(properties["EventPattern"]), Event=event)["Result"]
    }

    assert matching == EXPECTED[name]
