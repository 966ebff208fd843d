"""What the minute's event finds where no other has told of it, through the shipped stack and the real function.

In the tests' stack each minute's event looks at everything. The services of examples/fleet but order-api are
not in the emulator's ECS: that is found as well, and is no concern here.
"""

import datetime
import json
import uuid

import pytest

import fleet
import stores
from fleet import Place
from stack import HUB_REGION, MEMBER_ROLE, REPORT_BUCKET, Hub
from steps import (
    CHANGES,
    changes,
    come_to_rest,
    moved,
    push,
    running_release,
    runs,
    scheduled_event,
    send,
    sent_messages,
    settle,
    sweep,
    wait_until_current,
    wait_until_runs,
)
from waiting import CONVERGE_SECONDS, wait_until

#: How much older than it is an image looks, so that its event would have come by now.
OLDER_SECONDS = 180

#: How much earlier than it was a parameter looks written, so that its event would have come by now.
WRITTEN_EARLIER_SECONDS = 1800

#: For how long a target is held: long enough to be seen held.
HELD_SECONDS = 20


@pytest.fixture(autouse=True)
def at_rest(hub):
    """A release runs everywhere, nothing is under way, and what stands has been found."""
    running_release(hub)
    come_to_rest(hub)
    sweep(hub)
    settle(hub)


def at(environment: str) -> Place:
    (place,) = [place for place in fleet.places() if place.environment == environment]
    return place


def target(place: Place) -> str:
    return f"{place.environment}/{fleet.SERVICE}"


def standing(hub: Hub) -> dict[str, dict]:
    """The findings in the ledger, by whom they are about and their kind."""
    items = hub.client("dynamodb").query(
        TableName=hub.outputs["TableName"],
        KeyConditionExpression="pk = :finding",
        ExpressionAttributeValues={":finding": {"S": "finding"}},
    )["Items"]
    return {item["sk"]["S"]: json.loads(item["body"]["S"]) for item in items}


def found(hub: Hub, place: Place) -> list[str]:
    """The kinds of what `funade status` says was found of a target."""
    status = json.loads(hub.funade("status", "--format", "json").stdout)
    (row,) = [row for row in status if row["target"] == target(place)]
    return row["findings"]


def change_by_hand(hub: Hub, place: Place) -> str:
    """Deploy a revision with an older image, as people do in a hurry; returns its ARN."""
    definition, _ = fleet.describe_task_definition(
        hub.client, place, fleet.describe_service(hub.client, place)["taskDefinition"]
    )
    document = {key: value for key, value in fleet.without_read_only(definition).items() if value is not None}
    for container in document["containerDefinitions"]:
        for unknown in fleet.UNKNOWN_FIELD:
            container.pop(unknown, None)
    fleet.container_of(document)["image"] = place.image(f":{fleet.FIRST_TAG}")
    ecs = hub.client("ecs", place.account, place.region)
    revision = ecs.register_task_definition(**document)["taskDefinition"]["taskDefinitionArn"]
    set_revision(hub, place, revision)
    return revision


def set_revision(hub: Hub, place: Place, revision: str) -> None:
    hub.client("ecs", place.account, place.region).update_service(
        cluster=place.cluster, service=fleet.SERVICE, taskDefinition=revision
    )


def older(answer: dict) -> None:
    """Let the registry say that all images were pushed earlier."""
    for image in answer["imageDetails"]:
        image["imagePushedAt"] -= OLDER_SECONDS


def written_earlier(value: str):
    """Let the store say that the parameter with this value was written earlier."""

    def change(answer: dict) -> None:
        for parameter in answer["Parameters"]:
            if parameter["Value"] == value:
                parameter["LastModifiedDate"] -= WRITTEN_EARLIER_SECONDS

    return change


def assigned_long_ago(hub: Hub) -> None:
    """Let the ledger say that what is assigned was so an hour earlier: a target has some minutes to take it up."""
    table, key = hub.outputs["TableName"], {"pk": {"S": f"service#{fleet.SERVICE}"}, "sk": {"S": "record"}}
    dynamodb = hub.client("dynamodb")
    record = json.loads(dynamodb.get_item(TableName=table, Key=key)["Item"]["body"]["S"])
    for assignment in record["assignments"]:
        at = datetime.datetime.fromisoformat(assignment["at"]) - datetime.timedelta(hours=1)
        assignment["at"] = at.isoformat()
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET body = :body",
        ExpressionAttributeValues={":body": {"S": json.dumps(record)}},
    )


def test_a_fleet_that_is_as_it_should_be_is_only_looked_at(hub):
    mark = hub.emulator.recorder.mark()

    told = sweep(hub)
    settle(hub)

    assert (told["opened"], told["closed"], told["woken"], told["due"], told["failed"]) == ([], [], [], [], [])
    assert told["services"] == 3
    assert sent_messages(hub, mark) == sent_messages(hub, mark, "LaterQueueUrl") == []
    calls = hub.emulator.recorder.calls(after=mark)
    assert {call.operation for call in calls} & {*CHANGES, "PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"} == set()
    assert [str(call) for call in calls if call.status == 403] == []


def test_services_of_a_cluster_are_described_with_one_call(hub):
    mark = hub.emulator.recorder.mark()

    told = sweep(hub)

    calls = hub.emulator.recorder.calls("DescribeServices", after=mark)
    described = {call.request["cluster"]: call.request["services"] for call in calls}
    assert len(calls) == len(described) == len(fleet.places())
    assert sum(map(len, described.values())) == told["targets"]
    assert sorted(described["umbrella"]) == ["nightly-report", "order-api", "storefront"]
    assert sorted(described["acme"]) == ["acme-web-frontend", "order-api"]


def test_what_was_changed_by_hand_is_told_once_and_left_alone(hub):
    place = at("acme")
    ours = fleet.describe_service(hub.client, place)["taskDefinition"]
    theirs = change_by_hand(hub, place)
    mark = hub.emulator.recorder.mark()
    try:
        told = sweep(hub)
        # A pass may be asked to write down where the target stands now.
        settle(hub)
        again = sweep(hub)
        settle(hub)

        assert told["opened"] == [f"changed-by-hand: {target(place)}"]
        assert again["opened"] == again["closed"] == again["woken"] == []
        finding = standing(hub)[f"{target(place)}#changed-by-hand"]
        assert place.family in finding["sentence"], finding
        assert "changed-by-hand" in found(hub, place)
        assert "Found by sweeps, and still so:" in hub.funade("status", fleet.SERVICE).stdout
        assert changes(hub, mark) == []
        assert fleet.describe_service(hub.client, place)["taskDefinition"] == theirs
    finally:
        set_revision(hub, place, ours)

    told = sweep(hub)
    assert told["closed"] == [f"changed-by-hand: {target(place)}"]
    assert f"{target(place)}#changed-by-hand" not in standing(hub)
    assert "changed-by-hand" not in found(hub, place)
    assert changes(hub, mark) == []


def test_an_image_whose_event_was_lost_is_deployed(hub):
    """Row 30 of docs/failure-modes.md."""
    release = push(hub)
    mark = hub.emulator.recorder.mark()
    settle(hub)
    assert moved(hub, mark) == {}, "nobody has told of it"
    too_early = sweep(hub)
    assert (too_early["opened"], too_early["woken"]) == ([], []), "its event may come yet"

    with hub.emulator.recorder.changed("DescribeImages", older):
        told = sweep(hub)
    wait_until_runs(hub, release, fleet.places())

    assert told["opened"] == [f"missed-image: {fleet.SERVICE}"]
    assert told["woken"] == [f"service/{fleet.SERVICE}"]
    assert moved(hub, mark) == {place.environment: [*CHANGES] for place in fleet.places()}
    with hub.emulator.recorder.changed("DescribeImages", older):
        told = sweep(hub)
    assert (told["opened"], told["closed"]) == ([], [f"missed-image: {fleet.SERVICE}"])


def test_an_operator_may_sweep_as_the_function_does(hub):
    release = push(hub)
    mark = hub.emulator.recorder.mark()

    with hub.emulator.recorder.changed("DescribeImages", older):
        asked = hub.funade("sweep", "--format", "json")
    wait_until_runs(hub, release, fleet.places())

    told = json.loads(asked.stdout)
    assert (told["failed"], told["woken"]) == ([], [f"service/{fleet.SERVICE}"]), asked.stdout + asked.stderr
    assert f"{fleet.SERVICE}#missed-image" in standing(hub)
    calls = hub.emulator.recorder.calls(after=mark)
    assert [str(call) for call in calls if call.status == 403] == []
    assert sweep(hub)["closed"] == [f"missed-image: {fleet.SERVICE}"]


def test_a_parameter_whose_event_was_lost_is_deployed(hub):
    place = at("initech")
    assigned_long_ago(hub)
    mark = hub.emulator.recorder.mark()
    value = str(uuid.uuid4())
    stores.put_parameter(hub.client, place, "DATABASE_URL", value)

    too_early = sweep(hub)
    assert (too_early["opened"], too_early["woken"]) == ([], []), "its event may come yet"
    with hub.emulator.recorder.changed("GetParametersByPath", written_earlier(value)):
        told = sweep(hub)
    wait_until_current(hub, place)

    assert told["opened"] == [f"stale-configuration: {target(place)}"]
    assert told["woken"] == [f"target/{target(place)}"]
    assert moved(hub, mark) == {place.environment: [*CHANGES]}
    assert stores.variables_of(hub.client, place).environment["DATABASE_URL"] == value
    assert sweep(hub)["closed"] == [f"stale-configuration: {target(place)}"]


def test_what_is_due_is_woken_though_no_message_is_on_its_way(hub):
    place = at("acme")
    held = hub.funade("hold", target(place), "--reason", "a migration runs", "--for", f"{HELD_SECONDS}s")
    assert held.returncode == 0, held.stdout + held.stderr
    release = push(hub)
    send(hub, release.event)
    wait_until_runs(hub, release, [other for other in fleet.places() if other != place])
    assert not runs(hub, release, place)

    # Meanwhile the message that the pass has sent to itself is read by nobody, as if it were lost.
    with hub.deploy_at_rest():
        mark = hub.emulator.recorder.mark()
        due = wait_until(f"{place.environment} is due", lambda: sweep(hub)["due"], CONVERGE_SECONDS)
        assert due == [target(place)]
        woken = sent_messages(hub, mark)
        assert f"target/{target(place)}" in [message["MessageGroupId"] for message in woken]
        assert "something is due" in [json.loads(message["MessageBody"])["reason"] for message in woken]
    wait_until_runs(hub, release, [place])
    come_to_rest(hub)
    assert sweep(hub)["due"] == []


def test_an_account_that_cannot_be_looked_at_is_one_finding_and_stops_no_other(hub):
    place, role = at("stark"), {"RoleName": MEMBER_ROLE}
    iam = hub.client("iam", place.account)
    trust = iam.get_role(**role)["Role"]["AssumeRolePolicyDocument"]
    nobody = trust | {"Statement": [statement | {"Effect": "Deny"} for statement in trust["Statement"]]}
    here = f"{place.account}/{place.region}"
    whole = sweep(hub)
    iam.update_assume_role_policy(**role, PolicyDocument=json.dumps(nobody))
    hub.start_anew("SweepFunction")
    mark = hub.emulator.recorder.mark()
    try:
        told, again = sweep(hub), sweep(hub)

        assert (told["opened"], told["closed"]) == ([f"unreachable: {here}"], [])
        assert (again["opened"], again["closed"]) == ([], [])
        assert told["failed"] == again["failed"] == [f"{place.account}/{place.region}"]
        # Its two targets are not looked at; all others are.
        assert told["targets"] == again["targets"] == whole["targets"] - 2
        assert "AccessDenied" in standing(hub)[f"{here}#unreachable"]["sentence"]
        refused = [call for call in hub.emulator.recorder.calls(after=mark) if call.status == 403]
        assert {call.operation for call in refused} == {"AssumeRole"}
        assert len(refused) == 2, "one for each sweep"
    finally:
        iam.update_assume_role_policy(**role, PolicyDocument=json.dumps(trust))

    told = sweep(hub)
    assert (told["closed"], told["failed"], told["targets"]) == ([f"unreachable: {here}"], [], whole["targets"])


@pytest.mark.parametrize("malformed", [{}, None, scheduled_event() | {"time": "noon"}], ids=["empty", "null", "noon"])
def test_a_malformed_event_of_a_schedule_is_no_failure(hub, malformed):
    mark = hub.emulator.recorder.mark()

    answer = hub.invoke_sweep(malformed)

    assert answer["error"] is None, answer["payload"]
    assert "malformed" in json.loads(answer["payload"])
    assert hub.emulator.recorder.calls(after=mark) == []


def test_the_schedule_wakes_the_function_every_minute(hub):
    events = hub.client("events")
    rule = events.describe_rule(Name=hub.resource("SweepMinute"))
    (woken,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    function = hub.client("lambda").get_function_configuration(FunctionName=hub.outputs["SweepFunction"])

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert woken["Arn"] == function["FunctionArn"]
    assert function["Environment"]["Variables"]["FUNADE_SWEEP_MINUTES"] == "1"
    assert f":{HUB_REGION}:" in rule["Arn"]


def test_a_whole_sweep_leaves_the_fleets_page_in_the_bucket(hub):
    sweep(hub)
    s3 = hub.client("s3")
    page = s3.get_object(Bucket=REPORT_BUCKET, Key="index.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    html = page["Body"].read().decode()
    assert html.startswith("<!") and all(place.environment in html for place in fleet.places())
    told = json.loads(s3.get_object(Bucket=REPORT_BUCKET, Key="fleet.json")["Body"].read())
    assert told["schema"] == 1
    release = running_release(hub)
    releases = {row["release"] for row in told["targets"] if row["service"] == fleet.SERVICE}
    assert releases == {release.tag}
