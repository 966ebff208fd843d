"""Which of the sample events each shipped rule lets through, asked of EventBridge itself."""

import json

import pytest

import templates
from stack import ROOT

EVENTS = ROOT / "events"

#: The hub's rules and those that forward to it. A pattern is only the coarse sieve: what is a
#: question of configuration (registry, repository, tag, path, service) passes, and the function decides.
PUSHED = {"ImagePushPushed", "ImageEvents"}
REPLICATED = {"ImagePushReplicated", "ImageEvents"}
PARAMETER = {"ParameterChangeParameter", "ParameterEvents"}
SECRET = {"ParameterChangeSecret", "SecretEvents"}
DEPLOYMENT = {"ServiceEventDeployment", "DeploymentEvents"}
ACTION = {"ServiceEventAction", "ActionEvents"}
TASK = {"ServiceEventTask", "TaskEvents"}
ALARM = {"ServiceEventAlarm", "AlarmEvents"}
NOTHING: set[str] = set()

EXPECTED = {
    "alarm-raised.json": ALARM,
    "alarm-unknown.json": ALARM,
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
    "ecs-deployment-completed.json": DEPLOYMENT,
    "ecs-deployment-failed.json": DEPLOYMENT,
    "ecs-deployment-foreign-account.json": DEPLOYMENT,
    "ecs-deployment-unknown-service.json": DEPLOYMENT,
    "ecs-service-action.json": ACTION,
    "ecs-task-of-no-service.json": NOTHING,
    "ecs-task-stopped.json": TASK,
    "secret-current.json": SECRET,
    "secret-pending.json": NOTHING,
    "secret-unknown.json": SECRET,
    "ssm-create.json": PARAMETER,
    "ssm-delete.json": PARAMETER,
    "ssm-foreign-account.json": PARAMETER,
    "ssm-foreign-region.json": PARAMETER,
    "ssm-label.json": PARAMETER,
    "ssm-no-path.json": PARAMETER,
    "ssm-other-path.json": PARAMETER,
    "ssm-update.json": PARAMETER,
}

#: Others that pass: a sample, what is different in its detail, and the rules.
ALSO = {
    "a deployment that begins": (
        "ecs-deployment-completed.json", {"eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS"}, DEPLOYMENT
    ),
    "an error of a service": (
        "ecs-service-action.json", {"eventType": "ERROR", "eventName": "SERVICE_TASK_PLACEMENT_FAILURE"}, ACTION
    ),
    "a task that did not start": ("ecs-task-stopped.json", {"stopCode": "TaskFailedToStart"}, TASK),
    "an alarm that is over": ("alarm-raised.json", {"state": {"value": "OK"}}, ALARM),
}

#: What comes from services, tasks and alarms in plenty and tells nothing of an image: a sample, and
#: what is different in its detail.
NOISE = {
    "a steady state": ("ecs-service-action.json", {"eventType": "INFO", "eventName": "SERVICE_STEADY_STATE"}),
    "a task that runs": ("ecs-task-stopped.json", {"lastStatus": "RUNNING"}),
    "a task that the scheduler stopped": ("ecs-task-stopped.json", {"stopCode": "ServiceSchedulerInitiated"}),
    "a task that a person stopped": ("ecs-task-stopped.json", {"stopCode": "UserInitiated"}),
    "a spot task": ("ecs-task-stopped.json", {"stopCode": "SpotInterruption"}),
    "an alarm without data": ("alarm-raised.json", {"state": {"value": "INSUFFICIENT_DATA"}}),
}

#: What else comes from these services, or looks alike: a sample, and what is different.
ELSE = {
    "another operation": ("ssm-update.json", {"detail": {"operation": "Move"}}),
    "a parameter's policy": ("ssm-update.json", {"detail-type": "Parameter Store Policy Action"}),
    "somebody's own event": ("ssm-update.json", {"source": "shop.parameters"}),
    "a label of one's own": ("secret-current.json", {"detail": {"labelUpdated": "blue"}}),
    "an alarm's configuration": ("alarm-raised.json", {"detail-type": "CloudWatch Alarm Configuration Change"}),
    "a container instance": ("ecs-task-stopped.json", {"detail-type": "ECS Container Instance State Change"}),
    "a call in the trail": ("secret-current.json", {"detail-type": "AWS API Call via CloudTrail"}),
}


def test_the_table_names_every_event_and_rule():
    assert {path.name for path in EVENTS.iterdir()} == EXPECTED.keys()
    assert templates.rules().keys() == set().union(*EXPECTED.values())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_only_the_expected_rules_match(emulator, name):
    event = json.loads((EVENTS / name).read_text())

    assert matching(emulator, event) == EXPECTED[name]


@pytest.mark.parametrize("kind", ALSO)
def test_others_match_as_the_samples_do(emulator, kind):
    name, different, expected = ALSO[kind]

    assert matching(emulator, with_detail(name, different)) == expected


@pytest.mark.parametrize("kind", NOISE)
def test_noise_does_not_match(emulator, kind):
    name, different = NOISE[kind]

    assert matching(emulator, with_detail(name, different)) == NOTHING


@pytest.mark.parametrize("kind", ELSE)
def test_nothing_else_matches(emulator, kind):
    name, different = ELSE[kind]
    event = json.loads((EVENTS / name).read_text()) | different

    assert matching(emulator, event) == NOTHING


def with_detail(name: str, different: dict) -> dict:
    """A sample event with this much of its detail changed."""
    event = json.loads((EVENTS / name).read_text())
    event["detail"] |= different
    return event


def matching(emulator, event: dict) -> set[str]:
    """The shipped rules that let an event through."""
    client = emulator.client("events")
    return {
        rule
        for rule, properties in templates.rules().items()
        if client.test_event_pattern(
            EventPattern=json.dumps(properties["EventPattern"]), Event=json.dumps(event)
        )["Result"]
    }
