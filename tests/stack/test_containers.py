"""What the emulator's ECS makes of containers that fail: what tests of failing deploys rest on.

It has a circuit breaker and rolls back, and knows nothing of Funade.
"""

import itertools

import pytest

from stack import Emulator
from waiting import CONVERGE_SECONDS, wait_until

CLUSTER = "acme"
SERVICE = "web"
DESIRED_COUNT = 3

#: At most that many tasks at once, in percent. As at AWS, tasks that are being started count; here, those of
#: a deployment that failed can keep the next one out for good, if there is no room for both.
MAXIMUM_PERCENT = 400

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def emulator():
    with Emulator(containers=True) as emulator:
        emulator.client("ecs").create_cluster(clusterName=CLUSTER)
        yield emulator


def image() -> str:
    """One that was never seen before."""
    return f"registry.example/{SERVICE}@sha256:{next(_numbers):064x}"


def revision(emulator: Emulator, image: str, **variables: str) -> str:
    registered = emulator.client("ecs").register_task_definition(
        family=SERVICE,
        containerDefinitions=[
            {
                "name": "app",
                "image": image,
                "memory": 64,
                "environment": [{"name": name, "value": value} for name, value in variables.items()],
            }
        ],
    )
    return registered["taskDefinition"]["taskDefinitionArn"]


@pytest.fixture(params=[True, False], ids=["circuit breaker", "no circuit breaker"])
def breaks(request) -> bool:
    return request.param


@pytest.fixture
def good(emulator, breaks) -> str:
    """The revision of a service that is new and runs."""
    arn = revision(emulator, image())
    emulator.client("ecs").create_service(
        cluster=CLUSTER,
        serviceName=SERVICE,
        taskDefinition=arn,
        desiredCount=DESIRED_COUNT,
        launchType="FARGATE",
        deploymentConfiguration={
            "minimumHealthyPercent": 100,
            "maximumPercent": MAXIMUM_PERCENT,
            "deploymentCircuitBreaker": {"enable": breaks, "rollback": breaks},
        },
    )
    wait_until("the service runs", lambda: describe(emulator)["runningCount"] == DESIRED_COUNT, CONVERGE_SECONDS)
    yield arn
    emulator.client("ecs").delete_service(cluster=CLUSTER, service=SERVICE, force=True)


def describe(emulator: Emulator) -> dict:
    (service,) = emulator.client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
    return service


def deploy(emulator: Emulator, arn: str) -> None:
    emulator.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=arn)


def rollouts(emulator: Emulator) -> dict[str, tuple[str, str]]:
    """Each revision's deployment: its status, and how far it is."""
    return {d["taskDefinition"]: (d["status"], d["rolloutState"]) for d in describe(emulator)["deployments"]}


def stopped(emulator: Emulator, arn: str) -> list[dict]:
    """The tasks of a revision that stopped."""
    ecs = emulator.client("ecs")
    arns = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
    return [task for task in tasks if task["taskDefinitionArn"] == arn]


def wait_until_rolled_out(emulator: Emulator, arn: str) -> None:
    wait_until(
        f"{arn} is the PRIMARY's and completed",
        lambda: rollouts(emulator).get(arn) == ("PRIMARY", "COMPLETED"),
        CONVERGE_SECONDS,
    )


def test_a_deployment_takes_its_time(emulator, good):
    newer = revision(emulator, image())
    deploy(emulator, newer)

    assert rollouts(emulator) == {newer: ("PRIMARY", "IN_PROGRESS"), good: ("ACTIVE", "COMPLETED")}
    wait_until_rolled_out(emulator, newer)
    assert rollouts(emulator).keys() == {newer}


@pytest.mark.parametrize(
    ("fate", "stop_code", "reason", "exit_code"),
    [
        ("exits 1", "EssentialContainerExited", "Essential container exited", 1),
        ("cannot be pulled", "TaskFailedToStart", "CannotPullContainerError: manifest for ", None),
    ],
)
def test_a_failing_image(emulator, good, breaks, fate, stop_code, reason, exit_code):
    bad = image()
    emulator.decide({bad.partition("@")[2]: fate})
    worse = revision(emulator, bad)
    deploy(emulator, worse)

    tasks = wait_until("a task of it stopped", lambda: stopped(emulator, worse), CONVERGE_SECONDS)
    assert tasks[0]["stopCode"] == stop_code
    assert tasks[0]["stoppedReason"].startswith(reason)
    assert tasks[0]["containers"][0].get("exitCode") == exit_code
    if not breaks:
        assert rollouts(emulator)[worse] == ("PRIMARY", "IN_PROGRESS"), "nobody gives it up"
        deploy(emulator, revision(emulator, image()))
        wait_until_rolled_out(emulator, describe(emulator)["taskDefinition"])
        return
    wait_until_rolled_out(emulator, good)
    assert rollouts(emulator)[worse] == ("ACTIVE", "FAILED")


def test_a_failing_variable(emulator, good, breaks):
    emulator.decide({"MODE=broken": "exits 137"})
    worse = revision(emulator, image(), MODE="broken")
    deploy(emulator, worse)

    tasks = wait_until("a task of it stopped", lambda: stopped(emulator, worse), CONVERGE_SECONDS)
    assert tasks[0]["containers"][0]["exitCode"] == 137
    if breaks:
        wait_until_rolled_out(emulator, good)
