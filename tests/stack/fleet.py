"""The fleet of examples/fleet as it stands in AWS before Funade does anything: images, and running services.

Task definitions are as rich as real ones, so that a field that is dropped on the way shows.
"""

import functools
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from stack import HUB_ACCOUNT, HUB_REGION, ROOT, Clients, deploy_member

FLEET = ROOT / "examples" / "fleet"

SERVICE = "order-api"
REPOSITORY = "shop/order-api"
CONTAINER = "app"

#: What runs at first, by tag as people write it by hand.
FIRST_TAG = "1.4.1"

#: Not 0 and not 1: a count that was sent by mistake would most likely be one of these.
DESIRED_COUNT = 3

#: The quiet period in the tests' configuration. Long enough for a few calls under load, and no minute.
QUIET_SECONDS = 3

#: A secret that order-api reads in the tests' configuration: one key of its JSON.
SECRET = {"secret": "{environment}/order-api/payment", "into": CONTAINER, "name": "PAYMENT_KEY", "json_key": "key"}

#: A setting that ECS has and the SDK, being older, does not. (The emulator keeps such in containers only.)
UNKNOWN_FIELD = {"settingOfNextYear": {"enabled": True, "levels": [1, 2]}}

#: What a revision gets from ECS and loses on re-registration.
_READ_ONLY = {
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
}

_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Place:
    """An environment, and where it pulls from."""

    environment: str
    account: str
    region: str
    cluster: str
    registry_region: str

    @property
    def family(self) -> str:
        return f"{self.environment}-{SERVICE}"

    @property
    def alarm(self) -> str:
        """The alarm by which order-api's deploys are verified, as order-api's file names it."""
        return f"{self.environment}-{SERVICE}-5xx"

    @property
    def password(self) -> str:
        """A parameter that order-api's people name in their task definition, outside of the path that is read."""
        return f"/{self.environment}/database-password"

    def image(self, reference: str) -> str:
        """`reference` is ":tag" or "@digest"."""
        return f"{HUB_ACCOUNT}.dkr.ecr.{self.registry_region}.amazonaws.com/{REPOSITORY}{reference}"


@functools.cache
def places() -> list[Place]:
    """The environments of examples/fleet, all of which run order-api."""
    fleet = yaml.safe_load((FLEET / "fleet.yaml").read_text())
    registry = fleet["registry"]
    return [
        Place(
            name,
            environment["account"],
            environment["region"],
            environment["cluster"],
            environment.get("registry", registry)["region"],
        )
        for name, environment in fleet["environments"].items()
    ]


def registry_regions() -> list[str]:
    """The registry's Regions, the one that is pushed to first."""
    others = {place.registry_region for place in places()} - {HUB_REGION}
    return [HUB_REGION, *sorted(others)]


def write_configuration(directory: Path) -> Path:
    """Copy examples/fleet, with a short quiet period and a secret for order-api; returns where it is."""
    copy = shutil.copytree(FLEET, directory / FLEET.name)
    path = copy / "services" / f"{SERVICE}.yaml"
    service = yaml.safe_load(path.read_text())
    service["on_parameter_change"]["quiet"] = f"{QUIET_SECONDS}s"
    service["secrets"] = [SECRET]
    path.write_text(yaml.safe_dump(service))
    return copy


def make_fleet(clients: Clients) -> None:
    """Make repositories, the first image, members' roles, alarms, clusters and running services."""
    for region in registry_regions():
        clients("ecr", HUB_ACCOUNT, region).create_repository(
            repositoryName=REPOSITORY, imageTagMutability="MUTABLE"
        )
    push_image(clients, FIRST_TAG)
    for place in places():
        deploy_member(clients, place.account, place.region)
        _make_roles(clients, place)
        _make_alarm(clients, place)
        _make_service(clients, place)


def push_image(clients: Clients, tag: str, regions: list[str] | None = None) -> str:
    """Put an image into the registry's Regions (all, if none is named); returns its digest.

    The tag is in the manifest's annotations, so each has a digest of its own, the same in each Region.
    """
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST_TYPE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": "sha256:" + "0" * 64},
            "layers": [],
            "annotations": {"org.opencontainers.image.version": tag},
        }
    )
    digests = {
        clients("ecr", HUB_ACCOUNT, region).put_image(
            repositoryName=REPOSITORY, imageManifest=manifest, imageManifestMediaType=_MANIFEST_TYPE, imageTag=tag
        )["image"]["imageId"]["imageDigest"]
        for region in regions or registry_regions()
    }
    (digest,) = digests
    return digest


def describe_service(clients: Clients, place: Place) -> dict:
    (service,) = clients("ecs", place.account, place.region).describe_services(
        cluster=place.cluster, services=[SERVICE]
    )["services"]
    return service


def describe_task_definition(clients: Clients, place: Place, arn: str) -> tuple[dict, dict[str, str]]:
    """A revision, with the fields that the SDK does not know, and its tags."""
    ecs = clients("ecs", place.account, place.region)
    ecs.meta.events.register("after-call.ecs.DescribeTaskDefinition", _keep_all_fields, unique_id="all-fields")
    answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return answer["taskDefinition"], {tag["key"]: tag["value"] for tag in answer["tags"]}


def without_read_only(definition: dict) -> dict:
    """What was registered."""
    return {key: value for key, value in definition.items() if key not in _READ_ONLY}


def running_image(clients: Clients, place: Place) -> str:
    """The image of order-api's container in the revision that the service is set to."""
    return running_container(clients, place)["image"]


def first_container(clients: Clients, place: Place) -> dict:
    """order-api's container as its people registered it, before Funade did anything."""
    definition, _ = describe_task_definition(clients, place, f"{place.family}:1")
    return container_of(definition)


def running_container(clients: Clients, place: Place) -> dict:
    """order-api's container in the revision that the service is set to."""
    definition, _ = describe_task_definition(clients, place, describe_service(clients, place)["taskDefinition"])
    return container_of(definition)


def container_of(definition: dict) -> dict:
    """order-api's container in a task definition."""
    (container,) = [c for c in definition["containerDefinitions"] if c["name"] == CONTAINER]
    return container


def _keep_all_fields(http_response, parsed, **_) -> None:
    """Put the answer as it was sent in the place of what the SDK made of it."""
    parsed.update(json.loads(http_response.content))


def _add_unknown_field(params, **_) -> None:
    """Put a field that the SDK does not know into the first container."""
    body = json.loads(params["body"])
    body["containerDefinitions"][0] |= UNKNOWN_FIELD
    params["body"] = json.dumps(body).encode()


def _make_roles(clients: Clients, place: Place) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    iam = clients("iam", place.account, place.region)
    for name in (f"{place.environment}-task", f"{place.environment}-execution"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))


def _make_alarm(clients: Clients, place: Place) -> None:
    """Make the alarm, which lacks data: that is quiet."""
    clients("cloudwatch", place.account, place.region).put_metric_alarm(
        AlarmName=place.alarm,
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )


def _make_service(clients: Clients, place: Place) -> None:
    ecs = clients("ecs", place.account, place.region)
    ecs.create_cluster(clusterName=place.cluster)
    ecs.meta.events.register("before-call.ecs.RegisterTaskDefinition", _add_unknown_field, unique_id="unknown-field")
    clients("ssm", place.account, place.region).put_parameter(
        Name=place.password, Value=f"password-of-{place.environment}", Type="SecureString"
    )
    revision = ecs.register_task_definition(**_task_definition(place))["taskDefinition"]["taskDefinitionArn"]
    ecs.create_service(
        cluster=place.cluster,
        serviceName=SERVICE,
        taskDefinition=revision,
        desiredCount=DESIRED_COUNT,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"]}
        },
        deploymentConfiguration={
            "minimumHealthyPercent": 100,
            "maximumPercent": 200,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        propagateTags="SERVICE",
        tags=[{"key": "team", "value": "orders"}],
    )


def _task_definition(place: Place) -> dict:
    here = f"{place.region}:{place.account}"
    logs = {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": f"/ecs/{place.family}",
            "awslogs-region": place.region,
            "awslogs-stream-prefix": "ecs",
        },
    }
    return {
        "family": place.family,
        "taskRoleArn": f"arn:aws:iam::{place.account}:role/{place.environment}-task",
        "executionRoleArn": f"arn:aws:iam::{place.account}:role/{place.environment}-execution",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGiB": 40},
        "volumes": [{"name": "scratch", "host": {}}],
        "containerDefinitions": [
            {
                "name": CONTAINER,
                "image": place.image(f":{FIRST_TAG}"),
                "cpu": 384,
                "memoryReservation": 768,
                "essential": True,
                "portMappings": [
                    {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "name": "http", "appProtocol": "http"}
                ],
                "environment": [
                    {"name": "ENVIRONMENT", "value": place.environment},
                    {"name": "GREETING", "value": "こんにちは"},
                ],
                "secrets": [
                    {
                        "name": "DATABASE_PASSWORD",
                        "valueFrom": f"arn:aws:ssm:{here}:parameter{place.password}",
                    }
                ],
                "dockerLabels": {"team": "orders"},
                "healthCheck": {"command": ["CMD-SHELL", "wget -qO- localhost:8080/healthz"], "interval": 10, "retries": 3},
                "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": False}],
                "dependsOn": [{"containerName": "telemetry", "condition": "START"}],
                "logConfiguration": logs,
                "stopTimeout": 60,
                "ulimits": [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}],
                "versionConsistency": "enabled",
                "restartPolicy": {"enabled": True, "restartAttemptPeriod": 120},
            },
            {
                "name": "telemetry",
                "image": "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.2",
                "cpu": 128,
                "memoryReservation": 128,
                "essential": False,
                "environment": [{"name": "SERVICE", "value": SERVICE}],
                "logConfiguration": logs,
            },
        ],
        "tags": [{"key": "team", "value": "orders"}, {"key": "cost-center", "value": "4711"}],
    }
