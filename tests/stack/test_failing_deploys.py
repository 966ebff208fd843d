"""Deploys that do not stay, on the real stack: ECS goes back, Funade does, or a person wants it.

The emulator of this module has containers, so its ECS replaces tasks, counts those that fail and rolls back by
itself. Funade's part is then to see that, to say why, and not to begin again.
"""

import json

import pytest
import yaml

import fleet
import stores
from stack import Binaries, Emulator, Hub, deploy_hub
from steps import Release, changes, deployment_event, event, push, runs, send, send_service_event, settle
from waiting import CONVERGE_SECONDS, wait_until

#: The one environment that order-api is deployed to here: each failing task is work for the emulator.
ENVIRONMENT = "acme"
TARGET = f"{ENVIRONMENT}/{fleet.SERVICE}"
EXIT_CODE = 42

#: As in test_containers: room for the tasks of a deployment that failed beside those of the next.
MAXIMUM_PERCENT = 400


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Hub:
    """A hub of this module's own, with containers."""
    binaries = Binaries.built()
    with Emulator(containers=True) as emulator:
        fleet.make_fleet(emulator.client)
        stores.make_stores(emulator.client)
        hub = deploy_hub(emulator, binaries)
        said(hub.funade("apply", str(configuration(tmp_path_factory.mktemp("fleet")))))
        yield hub


@pytest.fixture(scope="module")
def acme(hub) -> fleet.Place:
    (acme,) = [place for place in fleet.places() if place.environment == ENVIRONMENT]
    set_breaker(hub, acme, True)
    return acme


def set_breaker(hub: Hub, place: fleet.Place, enabled: bool) -> None:
    hub.client("ecs", place.account, place.region).update_service(
        cluster=place.cluster,
        service=fleet.SERVICE,
        deploymentConfiguration={
            "minimumHealthyPercent": 100,
            "maximumPercent": MAXIMUM_PERCENT,
            "deploymentCircuitBreaker": {"enable": enabled, "rollback": enabled},
        },
    )


def configuration(directory):
    """The fleet's, with order-api in one environment."""
    written = fleet.write_configuration(directory)
    path = written / "services" / f"{fleet.SERVICE}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"environments": [ENVIRONMENT]}))
    return written


def test_a_bad_image_is_left_alone_after_its_rollback_and_a_newer_one_goes_out(hub, acme):
    good = deploy(hub, acme)

    bad = push(hub)
    hub.emulator.decide({bad.digest: f"exits {EXIT_CODE}"})
    send(hub, bad.event)
    wait_until("the bad release is deployed", lambda: runs(hub, bad, acme), CONVERGE_SECONDS)
    wait_until("ECS has gone back", lambda: serves(hub, acme, good), CONVERGE_SECONDS)
    stands = wait_until_stands(hub, acme, "rolled-back")

    assert f"rolled back deploy {TARGET}/2 of {bad.tag}" in stands["why"]
    assert f"exited with code {EXIT_CODE}" in stands["why"]
    (hold,) = holds(hub)
    assert (hold["on"], hold["by"], hold["until"]) == (f"target/{TARGET}", "the rollback", None)
    assert f"of {bad.tag}: a container exits" in hold["reason"]

    mark = hub.emulator.recorder.mark()
    for _ in range(2):
        send(hub, bad.event)
        send_service_event(hub, deployment_event(hub.client, acme))
        settle(hub)
    assert changes(hub, mark) == []
    assert serves(hub, acme, good)

    deploy(hub, acme)
    assert changes(hub, mark) == ["RegisterTaskDefinition", "UpdateService"]
    assert holds(hub) == []


def test_an_alarm_during_the_deployment_rolls_it_back(hub, acme):
    good = deploy(hub, acme)
    set_breaker(hub, acme, False)

    bad = push(hub)
    hub.emulator.decide({bad.digest: f"exits {EXIT_CODE}"})
    send(hub, bad.event)
    wait_until("the bad release is deployed", lambda: runs(hub, bad, acme), CONVERGE_SECONDS)
    settle(hub)
    mark = hub.emulator.recorder.mark()
    set_alarm(hub, acme, "ALARM")
    wait_until("what served before serves", lambda: serves(hub, acme, good), CONVERGE_SECONDS)
    stands = wait_until_stands(hub, acme, "rolled-back")

    # The emulator has no history of service deployments, by which ECS would be asked to go back.
    assert changes(hub, mark) == ["UpdateService"]
    assert f"the alarm {acme.alarm} was raised" in stands["why"]
    set_alarm(hub, acme, "OK")


def test_a_person_rolls_back_what_has_succeeded(hub, acme):
    good = deploy(hub, acme)
    deploy(hub, acme)

    mark = hub.emulator.recorder.mark()
    said(hub.funade("rollback", TARGET, "--reason", "orders are lost", "--by", "dana"))
    wait_until("what served before serves", lambda: serves(hub, acme, good), CONVERGE_SECONDS)
    settle(hub)

    assert changes(hub, mark) == ["UpdateService"]
    assert "dana rolled it back: orders are lost" in standing(hub)["why"]


def deploy(hub: Hub, place: fleet.Place) -> Release:
    """Push a release and wait until Funade says that it runs."""
    release = push(hub)
    send(hub, release.event)
    wait_until(f"{release.tag} serves", lambda: serves(hub, place, release), CONVERGE_SECONDS)
    wait_until_stands(hub, place, "already-runs")
    return release


def serves(hub: Hub, place: fleet.Place, release: Release) -> bool:
    """Whether a release is the PRIMARY's, and that has completed."""
    deployments = fleet.describe_service(hub.client, place)["deployments"]
    (primary,) = [deployment for deployment in deployments if deployment["status"] == "PRIMARY"]
    return primary["rolloutState"] == "COMPLETED" and runs(hub, release, place)


def wait_until_stands(hub: Hub, place: fleet.Place, code: str) -> dict:
    """Send the event that something ended, and wait until a look at it has come to this."""
    send_service_event(hub, deployment_event(hub.client, place))

    def stands() -> dict | None:
        status = standing(hub)
        return status if status["code"] == code else None

    found = wait_until(f"{TARGET} stands as {code}", stands, CONVERGE_SECONDS)
    settle(hub)
    return found


def standing(hub: Hub) -> dict:
    (status,) = [row for row in read(hub, "status") if row["target"] == TARGET]
    return status


def set_alarm(hub: Hub, place: fleet.Place, value: str) -> None:
    """Let the alarm of a place say this, and send its event."""
    hub.client("cloudwatch", place.account, place.region).set_alarm_state(
        AlarmName=place.alarm, StateValue=value, StateReason="a test"
    )
    sample = event("alarm-raised.json", alarmName=place.alarm)
    sample |= {"account": place.account, "region": place.region}
    sample["detail"]["state"]["value"] = value
    send_service_event(hub, sample)


def holds(hub: Hub) -> list[dict]:
    return read(hub, "holds")


def read(hub: Hub, verb: str) -> list[dict]:
    return json.loads(said(hub.funade(verb, "--format", "json")))


def said(finished) -> str:
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
