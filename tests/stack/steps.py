"""What the tests do to the hub, step by step, and what they see of it.

The emulator sends no events, so they are handed to the functions as the rules would. What happened
is read from the API and from the record of calls, never from the functions' logs.
"""

import datetime
import itertools
import json
import uuid
from dataclasses import dataclass
from pathlib import Path

import fleet
import stores
from fleet import Place
from stack import ROOT, Clients, Hub
from waiting import CONVERGE_SECONDS, SETTLE_SECONDS, wait_until

#: Calls that change a target: those of one deploy, in their order.
CHANGES = ("RegisterTaskDefinition", "UpdateService")

#: Each release has a version of its own, above all before it and within order-api's policy.
_patch_numbers = itertools.count(2)

#: All that was pushed to all Regions, in this order.
_pushed: list["Release"] = []


@dataclass(frozen=True)
class Release:
    """An image that was pushed, and its event."""

    tag: str
    digest: str
    event: dict


def event(file: str, /, **detail) -> dict:
    """A sample event with an id of its own, and this much of its detail changed."""
    sample = json.loads((ROOT / "events" / file).read_text())
    sample["id"] = str(uuid.uuid4())
    sample["detail"] |= {key.replace("_", "-"): value for key, value in detail.items()}
    return sample


def push(hub: Hub, tag: str | None = None, regions: list[str] | None = None) -> Release:
    tag = tag or f"1.4.{next(_patch_numbers)}"
    digest = fleet.push_image(hub.client, tag, regions)
    release = Release(tag, digest, event("ecr-push.json", image_tag=tag, image_digest=digest))
    if regions is None:
        _pushed.append(release)
    return release


def release_everywhere(hub: Hub) -> Release:
    """Push a release, send its event, and wait until it runs in every environment."""
    release = push(hub)
    send(hub, release.event)
    wait_until_runs(hub, release, fleet.places())
    return release


def running_release(hub: Hub) -> Release:
    """The release that was pushed last, if it runs in every environment; else a new one that does."""
    if _pushed and all(runs(hub, _pushed[-1], place) for place in fleet.places()):
        return _pushed[-1]
    return release_everywhere(hub)


def runs(hub: Hub, release: Release, place: Place) -> bool:
    return fleet.running_image(hub.client, place) == place.image(f"@{release.digest}")


def send(hub: Hub, sent: object) -> None:
    """Hand an event to the function; it must not fail, whatever the event."""
    answer = hub.invoke_image_push(sent)
    assert answer["error"] is None, answer["payload"]


def parameter_event(place: Place, name: str, operation: str = "Update") -> dict:
    """That of a parameter below order-api's path."""
    sample = event("ssm-update.json", name=stores.path(place) + name, operation=operation)
    sample |= {"account": place.account, "region": place.region}
    sample["resources"] = [f"arn:aws:ssm:{place.region}:{place.account}:parameter{sample['detail']['name']}"]
    return sample


def secret_event(place: Place, version: str) -> dict:
    """That of order-api's secret, of which this version is now the current one."""
    sample = event("secret-current.json", name=stores.secret_name(place), versionId=version)
    arn = f"arn:aws:secretsmanager:{place.region}:{place.account}:secret:{stores.secret_name(place)}-AbCdEf"
    return sample | {"account": place.account, "region": place.region, "resources": [arn]}


def send_change(hub: Hub, sent: object) -> None:
    """Hand the event of a parameter or a secret to the function; it must not fail, whatever the event."""
    answer = hub.invoke_parameter_change(sent)
    assert answer["error"] is None, answer["payload"]


def deployment_event(client: Clients, place: Place) -> dict:
    """That of order-api's deployment, which is completed."""
    (primary,) = [d for d in fleet.describe_service(client, place)["deployments"] if d["status"] == "PRIMARY"]
    here = f"arn:aws:ecs:{place.region}:{place.account}"
    sample = event("ecs-deployment-completed.json")
    sample |= {"account": place.account, "region": place.region}
    sample["resources"] = [f"{here}:service/{place.cluster}/{fleet.SERVICE}"]
    sample["detail"] |= {
        "clusterArn": f"{here}:cluster/{place.cluster}",
        "deploymentId": primary["id"],
        "reason": f"ECS deployment {primary['id']} completed.",
    }
    return sample


def send_service_event(hub: Hub, sent: object) -> None:
    """Hand the event of a service or an alarm to the function; it must not fail, whatever the event."""
    answer = hub.invoke_service_event(sent)
    assert answer["error"] is None, answer["payload"]


def scheduled_event() -> dict:
    """That of this minute."""
    sample = json.loads(Path(__file__).with_name("scheduled-event.json").read_text())
    now = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    return sample | {"id": str(uuid.uuid4()), "time": now.isoformat().replace("+00:00", "Z")}


def sweep(hub: Hub) -> dict:
    """Hand a minute's event to the function, which must not fail; returns what it answers."""
    answer = hub.invoke_sweep(scheduled_event())
    assert answer["error"] is None, answer["payload"]
    return json.loads(answer["payload"])


def wait_until_runs(hub: Hub, release: Release, places: list[Place]) -> None:
    for place in places:
        wait_until(
            f"{place.environment} runs {release.tag}",
            lambda: runs(hub, release, place),
            CONVERGE_SECONDS,
        )
    settle(hub)


def wait_until_current(hub: Hub, place: Place) -> None:
    """Wait until what runs has the variables that the stores hold, and nothing more is under way."""
    wanted = stores.variables_wanted(hub.client, place)
    wait_until(
        f"{place.environment} has the variables {wanted}",
        lambda: stores.variables_of(hub.client, place) == wanted,
        CONVERGE_SECONDS,
    )
    settle(hub)


def wait_until_looked_at(hub: Hub, place: Place, since: float, after: int) -> None:
    """Wait until a target's parameters have been read that many seconds or more after `since`, and all is done."""
    def looks() -> bool:
        calls = hub.emulator.recorder.calls("GetParametersByPath", after=after, account=place.account)
        return any(call.at >= since for call in calls)

    wait_until(f"{place.environment} is looked at", looks, CONVERGE_SECONDS)
    settle(hub)


def settle(hub: Hub) -> None:
    """Wait until the functions have finished all that is queued."""
    wait_until("the queues are empty", lambda: hub.queued("WakeQueueUrl", "LaterQueueUrl") == 0, SETTLE_SECONDS)


def come_to_rest(hub: Hub) -> None:
    """Wait until nothing is queued and nothing is kept for later: then whoever looks was woken just now."""
    wait_until("no look is kept for later", lambda: hub.delayed("LaterQueueUrl") == 0, CONVERGE_SECONDS)
    settle(hub)


def changes(hub: Hub, after: int, place: Place | None = None) -> list[str]:
    calls = hub.emulator.recorder.calls(*CHANGES, after=after, account=place and place.account)
    return [call.operation for call in calls]


def moved(hub: Hub, after: int) -> dict[str, list[str]]:
    """The environments that were changed, and how."""
    found = {place.environment: changes(hub, after, place) for place in fleet.places()}
    return {environment: operations for environment, operations in found.items() if operations}


def revisions(hub: Hub) -> dict[str, str]:
    """What each environment's service is set to."""
    return {
        place.environment: fleet.describe_service(hub.client, place)["taskDefinition"] for place in fleet.places()
    }


def sent_messages(hub: Hub, after: int, queue: str = "WakeQueueUrl") -> list[dict]:
    """What was put into a queue, as it was put, but for what earlier deploys had sent to be passed on later."""
    found = []
    for call in hub.emulator.recorder.calls("SendMessage", "SendMessageBatch", after=after):
        if call.request.get("QueueUrl") == hub.outputs[queue]:
            found += call.request.get("Entries", [call.request])
    return [sent for sent in found if not json.loads(sent["MessageBody"])["reason"].startswith("to look again")]
