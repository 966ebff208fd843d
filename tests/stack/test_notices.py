"""What the hub tells, as a queue gets it that is subscribed to a topic: through the table's stream, the real
function and SNS.

A notice comes at least once: what has one id is one notice.
"""

import json
from collections.abc import Iterator

import pytest
import yaml

import fleet
import stores
from fleet import Place
from stack import HUB_ACCOUNT, HUB_REGION, Binaries, Emulator, Hub, deploy_hub
from steps import (
    come_to_rest,
    parameter_event,
    push,
    running_release,
    send,
    send_change,
    settle,
    sweep,
    wait_until_looked_at,
    wait_until_runs,
)
from waiting import CONVERGE_SECONDS, wait_until

#: How many messages a queue hands out at once.
RECEIVED_AT_ONCE_MAX = 10

#: How often a publish is refused before the topic is reached again: more than the SDK tries by itself in
#: one call, so that the queue has to hand the message over anew.
REFUSALS_MIN = 6

#: When that queue hands over what was not taken: at once, and again after so long. The template has
#: minutes for it.
RETRIED_SOON = {"DelaySeconds": "0", "VisibilityTimeout": "5"}

#: No variable can have this name.
UNUSABLE = "not-a-variable"


class Subscriber:
    """A queue that is subscribed to the stack's topic, and all that has come."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self.topic = hub.outputs["NoticesTopicArn"]
        queue = f"arn:aws:sqs:{HUB_REGION}:{HUB_ACCOUNT}:subscriber"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}},
        }
        self._queue = hub.client("sqs").create_queue(
            QueueName="subscriber",
            Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        )["QueueUrl"]
        hub.client("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
        )
        self._came: dict[str, dict] = {}

    def came(self) -> list[dict]:
        """Every notice that has come, each once, in the order in which they came."""
        sqs = self._hub.client("sqs")
        while messages := sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=RECEIVED_AT_ONCE_MAX
        ).get("Messages"):
            for message in messages:
                told = json.loads(message["Body"])
                self._came.setdefault(told["id"], told)
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return list(self._came.values())

    def about(self, environment: str, release: str | None = None) -> list[dict]:
        """What has come about an environment's target and, if one is named, a release."""
        return [
            told
            for told in self.came()
            if told.get("target") == target(environment) and release in (None, told.get("release"))
        ]

    def wait_for(self, environment: str, kind: str, release: str | None = None, finding: str | None = None) -> dict:
        """Wait until a notice of this kind has come about a target; returns it."""
        def look() -> dict | None:
            for told in self.about(environment, release):
                if told["kind"] == kind and finding in (None, told.get("finding", {}).get("kind")):
                    return told
            return None

        return wait_until(f"{kind} of {target(environment)} is told", look, CONVERGE_SECONDS)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub of this module's own: a target that was blocked leaves a look behind that others would wait for."""
    binaries = Binaries.built()
    with Emulator() as emulator:
        fleet.make_fleet(emulator.client)
        stores.make_stores(emulator.client)
        yield deploy_hub(emulator, binaries)


@pytest.fixture(scope="module")
def subscriber(hub, tmp_path_factory) -> Subscriber:
    """Whoever hears of everything, by a route of the fleet's configuration."""
    subscriber = Subscriber(hub)
    written = fleet.write_configuration(tmp_path_factory.mktemp("told"))
    path = written / "fleet.yaml"
    routes = [{"to": {"topic": subscriber.topic}, "format": "json"}]
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"notices": routes}))
    applied = hub.funade("apply", str(written))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    running_release(hub)
    come_to_rest(hub)
    return subscriber


def target(environment: str) -> str:
    return f"{environment}/{fleet.SERVICE}"


def at(environment: str) -> Place:
    (place,) = [place for place in fleet.places() if place.environment == environment]
    return place


def test_each_deploy_is_told_from_its_start_to_its_end(hub, subscriber):
    mark = hub.emulator.recorder.mark()
    release = push(hub)
    send(hub, release.event)
    wait_until_runs(hub, release, fleet.places())

    for place in fleet.places():
        ended = subscriber.wait_for(place.environment, "deploy-succeeded", release.tag)
        assert (ended["schema"], ended["service"], ended["environment"]) == (1, fleet.SERVICE, place.environment)
        kinds = [told["kind"] for told in subscriber.about(place.environment, release.tag)]
        assert kinds == ["deploy-started", "deploy-succeeded"], place.environment
    told = {n["kind"]: n for n in subscriber.came() if n.get("target") is None and n.get("release") == release.tag}
    assert {"release-assigned"} <= told.keys()
    denied = [str(call) for call in hub.emulator.recorder.calls(after=mark) if call.status == 403]
    assert denied == []


def test_a_blocked_target_is_told_once(hub, subscriber):
    place = at("initech")
    stores.put_parameter(hub.client, place, UNUSABLE, "x")
    try:
        look_again(hub, place, "Update")
        told = subscriber.wait_for(place.environment, "blocked")

        assert (told["severity"], UNUSABLE in told["text"]) == ("error", True), told
        look_again(hub, place, "Update")
        assert [n["id"] for n in subscriber.about(place.environment) if n["kind"] == "blocked"] == [told["id"]]
    finally:
        stores.delete_parameter(hub.client, place, UNUSABLE)
        look_again(hub, place, "Delete")


def look_again(hub: Hub, place: Place, operation: str) -> None:
    """Tell of the unusable parameter, and wait until its target was looked at."""
    mark = hub.emulator.recorder.mark()
    send_change(hub, parameter_event(place, UNUSABLE, operation))
    wait_until_looked_at(hub, place, 0.0, mark)


def test_a_finding_is_told_when_it_is_opened_and_when_it_is_closed(hub, subscriber):
    place = at("acme")
    sweep(hub)
    settle(hub)
    service = fleet.describe_service(hub.client, place)
    set_revision(hub, place, f"{place.family}:1")
    try:
        sweep(hub)
        opened = subscriber.wait_for(place.environment, "finding-opened", finding="changed-by-hand")
    finally:
        set_revision(hub, place, service["taskDefinition"])
    settle(hub)
    sweep(hub)
    closed = subscriber.wait_for(place.environment, "finding-closed", finding="changed-by-hand")

    assert opened["finding"]["since"] == closed["finding"]["since"]
    assert place.family in opened["text"]


def set_revision(hub: Hub, place: Place, revision: str) -> None:
    hub.client("ecs", place.account, place.region).update_service(
        cluster=place.cluster, service=fleet.SERVICE, taskDefinition=revision
    )


def test_what_a_topic_did_not_take_comes_once_it_is_reached_again(hub, subscriber):
    recorder = hub.emulator.recorder
    mark = recorder.mark()

    def refused() -> int:
        return sum(call.status == 503 for call in recorder.calls("Publish", after=mark))

    queue = hub.outputs["NoticeRetryQueueUrl"]
    hub.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes=RETRIED_SOON)
    release = push(hub)
    with recorder.unreachable("Publish"):
        send(hub, release.event)
        wait_until_runs(hub, release, fleet.places())
        wait_until("publishing is refused again and again", lambda: refused() >= REFUSALS_MIN, CONVERGE_SECONDS)
        assert [told for told in subscriber.came() if told.get("release") == release.tag] == []

    for place in fleet.places():
        subscriber.wait_for(place.environment, "deploy-succeeded", release.tag)
        subscriber.wait_for(place.environment, "deploy-started", release.tag)
        # The queue does not keep the order.
        kinds = {told["kind"] for told in subscriber.about(place.environment, release.tag)}
        assert kinds == {"deploy-started", "deploy-succeeded"}, place.environment
    wait_until("nothing waits to be sent", lambda: hub.queued("NoticeRetryQueueUrl") == 0, CONVERGE_SECONDS)
    assert hub.queued("NoticeDlqUrl") == 0
