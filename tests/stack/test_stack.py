"""From an ECR event to running services and back, through the shipped stack and the real functions."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

import fleet
import stores
import templates
from stack import HUB_ACCOUNT, HUB_REGION, deploy_forwarder
from steps import (
    CHANGES,
    Release,
    changes,
    come_to_rest,
    deployment_event,
    event,
    push,
    release_everywhere,
    revisions,
    running_release,
    send,
    send_service_event,
    sent_messages,
    settle,
    wait_until_runs,
)


@pytest.fixture
def released(hub) -> Release:
    """A release that runs everywhere."""
    return running_release(hub)


def test_a_pushed_image_runs_in_every_environment(hub):
    before = {}
    for place in fleet.places():
        service = fleet.describe_service(hub.client, place)
        before[place] = service, *fleet.describe_task_definition(hub.client, place, service["taskDefinition"])
    release = push(hub)
    mark = hub.emulator.recorder.mark()

    send(hub, release.event)
    wait_until_runs(hub, release, fleet.places())

    for place, (old_service, old_definition, old_tags) in before.items():
        service = fleet.describe_service(hub.client, place)
        definition, tags = fleet.describe_task_definition(hub.client, place, service["taskDefinition"])

        assert definition["family"] == old_definition["family"]
        assert definition["revision"] == old_definition["revision"] + 1, "one new revision"
        container = fleet.container_of(definition)
        assert container["image"] == place.image(f"@{release.digest}")
        assert container.items() >= fleet.UNKNOWN_FIELD.items()
        assert stores.variables_in(container) == stores.variables_wanted(hub.client, place)
        ours = stores.names_of_ours(hub.client, place)
        rest, old_rest = (
            stores.without_ours(fleet.without_read_only(either), ours) for either in (definition, old_definition)
        )
        assert rest == old_rest, "only the image and our variables changed"

        our_tags = {"funade:release", "funade:deploy"}
        assert our_tags <= tags.keys()
        tags, old_tags = ({k: v for k, v in each.items() if k not in our_tags} for each in (tags, old_tags))
        assert tags == old_tags

        for key in ("desiredCount", "launchType", "networkConfiguration", "deploymentConfiguration", "propagateTags"):
            assert service[key] == old_service[key], key
        primary = [d for d in service["deployments"] if d["status"] == "PRIMARY"]
        assert [d["taskDefinition"] for d in primary] == [service["taskDefinition"]]

        assert changes(hub, mark, place) == [*CHANGES]

    for update in hub.emulator.recorder.calls("UpdateService", after=mark):
        assert "desiredCount" not in update.request, "that is autoscaling's"


def test_the_same_event_again_changes_nothing(hub, released):
    before = revisions(hub)
    mark = hub.emulator.recorder.mark()

    send(hub, released.event)
    settle(hub)

    assert changes(hub, mark) == []
    assert revisions(hub) == before


def test_a_redelivered_message_changes_nothing(hub):
    release = push(hub)
    mark = hub.emulator.recorder.mark()
    send(hub, release.event)
    wait_until_runs(hub, release, fleet.places())
    messages = sent_messages(hub, mark)
    assert messages, "the change went through the queue"
    before = revisions(hub)

    mark = hub.emulator.recorder.mark()
    for message in messages:
        hub.client("sqs").send_message(
            QueueUrl=hub.outputs["WakeQueueUrl"],
            MessageBody=message["MessageBody"],
            MessageGroupId=message["MessageGroupId"],
            MessageDeduplicationId=str(uuid.uuid4()),
        )
    settle(hub)

    looked_at = hub.emulator.recorder.calls("DescribeServices", after=mark)
    assert looked_at, "the messages were worked on"
    assert changes(hub, mark) == []
    assert revisions(hub) == before


@pytest.mark.parametrize(
    "sample", ["ecr-push-mutable-tag.json", "ecr-push-out-of-range.json", "ecr-push-pre-release.json"]
)
def test_a_tag_that_the_policy_refuses_changes_nothing(hub, released, sample):
    refused = event(sample)
    refused["detail"]["image-digest"] = fleet.push_image(hub.client, refused["detail"]["image-tag"])
    before = revisions(hub)
    mark = hub.emulator.recorder.mark()

    send(hub, refused)
    settle(hub)

    assert changes(hub, mark) == []
    assert revisions(hub) == before


@pytest.mark.parametrize(
    "sample", ["ecr-push-foreign-account.json", "ecr-push-unknown-repository.json", "ecr-push-untagged.json"]
)
def test_an_event_that_is_no_concern_of_the_fleet_wakes_nothing(hub, released, sample):
    mark = hub.emulator.recorder.mark()

    send(hub, event(sample, image_digest=released.digest))
    settle(hub)

    assert sent_messages(hub, mark) == []
    assert changes(hub, mark) == []


def test_an_older_release_changes_nothing(hub, released):
    older = push(hub, tag="1.4.0")
    before = revisions(hub)
    mark = hub.emulator.recorder.mark()

    send(hub, older.event)
    settle(hub)

    assert changes(hub, mark) == []
    assert revisions(hub) == before


def test_a_region_without_the_replica_waits_for_it(hub, released):
    here = [place for place in fleet.places() if place.registry_region == HUB_REGION]
    elsewhere = [place for place in fleet.places() if place.registry_region != HUB_REGION]
    assert here and elsewhere
    before = revisions(hub)
    release = push(hub, regions=[HUB_REGION])
    mark = hub.emulator.recorder.mark()

    send(hub, release.event)
    wait_until_runs(hub, release, here)
    for place in elsewhere:
        assert changes(hub, mark, place) == []
        assert revisions(hub)[place.environment] == before[place.environment]

    for region in fleet.registry_regions()[1:]:
        fleet.push_image(hub.client, release.tag, [region])
        replicated = event("ecr-replication.json", image_tag=release.tag, image_digest=release.digest)
        replicated["region"] = region
        send(hub, replicated)
    wait_until_runs(hub, release, fleet.places())
    for place in fleet.places():
        assert changes(hub, mark, place) == [*CHANGES]


@pytest.mark.parametrize(
    "malformed",
    [
        {},
        [],
        "text",
        None,
        {"version": "0", "source": "aws.ecr", "detail-type": "ECR Image Action"},
        {"version": "0", "source": "aws.ecr", "detail-type": "ECR Image Action", "detail": "text"},
        event("ecr-push.json", image_digest="not a digest"),
        event("ecr-push.json", image_tag=7),
    ],
    ids=["empty", "list", "string", "null", "no detail", "detail a string", "bad digest", "tag a number"],
)
def test_a_malformed_event_is_no_failure_and_is_not_retried(hub, malformed):
    mark = hub.emulator.recorder.mark()

    send(hub, malformed)
    settle(hub)

    assert sent_messages(hub, mark) == []
    assert hub.queued("EventDlqUrl") == 0


def test_a_completed_deployment_is_looked_at_once_and_changes_nothing(hub, released):
    (place,) = [place for place in fleet.places() if place.environment == "acme"]
    come_to_rest(hub)
    before = revisions(hub)
    mark = hub.emulator.recorder.mark()

    send_service_event(hub, deployment_event(hub.client, place))
    settle(hub)

    (woken,) = sent_messages(hub, mark)
    assert woken["MessageGroupId"] == f"target/acme/{fleet.SERVICE}"
    looks = hub.emulator.recorder.calls("DescribeServices", after=mark)
    assert [(look.account, look.region) for look in looks] == [(place.account, place.region)]
    assert changes(hub, mark) == []
    assert revisions(hub) == before


@pytest.mark.parametrize(
    "sample", ["ecs-deployment-unknown-service.json", "ecs-deployment-foreign-account.json", "alarm-unknown.json"]
)
def test_an_event_of_a_service_that_the_fleet_has_not_is_looked_at_nowhere(hub, released, sample):
    come_to_rest(hub)
    mark = hub.emulator.recorder.mark()

    send_service_event(hub, event(sample))
    settle(hub)

    assert sent_messages(hub, mark) == []
    assert hub.emulator.recorder.calls("DescribeServices", after=mark) == []
    assert changes(hub, mark) == []


def test_the_rules_as_deployed_invoke_the_functions_of_the_template(hub):
    events, functions = hub.client("events"), hub.client("lambda")
    expected = {}
    for rule, properties in templates.of_type(templates.hub_transformed(), templates.RULE).items():
        (target,) = properties["Targets"]
        expected[rule] = target["Arn"]["Fn::GetAtt"][0]
    assert expected.keys() == {
        "ImagePushPushed",
        "ImagePushReplicated",
        "ParameterChangeParameter",
        "ParameterChangeSecret",
        "ServiceEventAction",
        "ServiceEventAlarm",
        "ServiceEventDeployment",
        "ServiceEventTask",
        "SweepMinute",
    }

    rules = {rule["Name"]: rule["Arn"] for rule in events.list_rules()["Rules"]}
    assert len(rules) == len(expected)
    for rule, function in expected.items():
        described = functions.get_function_configuration(FunctionName=hub.outputs[f"{function}Function"])
        name = hub.resource(rule)
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"] == described["FunctionArn"]
        policy = json.loads(functions.get_policy(FunctionName=described["FunctionName"])["Policy"])
        allowed = [statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]]
        assert rules[name] in allowed


def test_another_region_forwards_to_the_bus_of_the_hub(hub):
    region = fleet.registry_regions()[1]
    deploy_forwarder(hub.client, HUB_ACCOUNT, region)

    events = hub.client("events", HUB_ACCOUNT, region)
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == f"arn:aws:events:{HUB_REGION}:{HUB_ACCOUNT}:event-bus/default"


def test_status_shows_every_target(hub, released):
    shown = hub.funade("status")

    assert shown.returncode == 0, shown.stdout + shown.stderr
    for place in fleet.places():
        assert place.environment in shown.stdout


def test_plan_says_that_nothing_is_to_be_done(hub, released):
    mark = hub.emulator.recorder.mark()
    planned = hub.funade("plan", f"acme/{fleet.SERVICE}", "--format", "json")

    assert planned.returncode == 0, planned.stdout + planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["code"], plan["steps"]) == ("already-runs", [])
    assert plan["assigned"]["digest"] == released.digest
    assert changes(hub, mark) == []


def test_a_person_can_move_the_fleet_back_and_it_stays_there(hub, released):
    newer = push(hub)
    send(hub, newer.event)
    wait_until_runs(hub, newer, fleet.places())
    mark = hub.emulator.recorder.mark()

    asked = hub.funade("deploy", fleet.SERVICE, "--tag", released.tag)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    wait_until_runs(hub, released, fleet.places())
    send(hub, newer.event)
    settle(hub)

    for place in fleet.places():
        assert changes(hub, mark, place) == [*CHANGES]
        assert fleet.running_image(hub.client, place) == place.image(f"@{released.digest}")


def test_asking_for_an_image_that_is_not_there_is_answered_with_no(hub):
    asked = hub.funade("deploy", fleet.SERVICE, "--tag", "1.99.99")

    assert asked.returncode == 1
    assert f"shop/{fleet.SERVICE}:1.99.99" in asked.stdout


def test_applying_the_same_configuration_again_changes_nothing(hub, configuration):
    applied = hub.funade("apply", str(configuration), "--format", "json")

    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert json.loads(applied.stdout)["unchanged"] is True


def test_the_events_id_is_in_the_log_of_each_update(hub):
    """One correlation id from the event to UpdateService."""
    released = release_everywhere(hub)
    log = hub.emulator.log.read_text(errors="replace").splitlines()
    updates = [line for line in log if "UpdateService called" in line and released.event["id"] in line]

    assert len(updates) == len(fleet.places())


def test_each_call_was_allowed(hub, released):
    """The templates' rights are enough: no call of ours was ever denied. The tests after this one try what is."""
    denied = [str(call) for call in hub.emulator.recorder.calls() if call.status == 403]

    assert denied == []


def test_the_emulator_checks_rights(hub):
    """Otherwise the test above would say nothing."""
    place = fleet.places()[0]
    operator = boto3.client(
        "ecs",
        endpoint_url=hub.emulator.url,
        region_name=place.region,
        aws_access_key_id=hub.operator_key,
        aws_secret_access_key=hub.operator_secret,
    )

    with pytest.raises(ClientError) as denied:
        operator.update_service(cluster=place.cluster, service=fleet.SERVICE, desiredCount=0)

    assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    assert HUB_ACCOUNT in denied.value.response["Error"]["Message"]


def test_a_role_that_may_not_be_assumed_is_refused_by_name(hub):
    planned = hub.funade("plan", f"acme/{fleet.SERVICE}", FUNADE_OPERATOR_ROLE="no-such-role")

    assert planned.returncode == 3
    assert "was refused" in planned.stderr and "AccessDenied" in planned.stderr
