"""The parameters and secrets of the fleet's environments, and the variables that order-api has of them.

What it should have is put together here anew, from another SDK's answers: a second opinion.
"""

import copy
import json
from dataclasses import dataclass

import fleet
from fleet import Place
from stack import Clients

#: The Docker labels that say from which version each variable came.
LABELS = ("funade.parameters", "funade.secrets")

#: In every value that nobody but a task may see, so that it is found wherever it turns up.
HIDDEN = "nobody-may-see"

#: An environment with more parameters than one page of GetParametersByPath has: ten.
OF_TWO_PAGES = "umbrella"


@dataclass(frozen=True)
class Parameter:
    """A parameter below order-api's path, by the rest of its name."""

    name: str
    value: str
    kind: str = "String"


@dataclass(frozen=True)
class Variables:
    """What order-api's container has: by name, and from which version, as its labels say."""

    environment: dict[str, str]
    secrets: dict[str, str]
    labels: dict[str, dict]


def parameters(place: Place) -> list[Parameter]:
    """What is in an environment's Parameter Store at first."""
    limits = [Parameter(f"LIMIT_{number:02}", str(number)) for number in range(1, 11)]
    return [
        Parameter("API_KEY", f"{HIDDEN}-{place.environment}-1", "SecureString"),
        Parameter("DATABASE_URL", f"postgres://db.{place.environment}.internal:5432/orders"),
        Parameter("GREETING_OF_SHOP", f"いらっしゃいませ, {place.environment}"),
        Parameter("LOG_LEVEL", "info"),
        Parameter("PAYMENT_METHODS", "card,invoice", "StringList"),
        *(limits if place.environment == OF_TWO_PAGES else []),
    ]


def make_stores(clients: Clients) -> None:
    """Make the parameters and the secret of each environment."""
    for place in fleet.places():
        for parameter in parameters(place):
            put_parameter(clients, place, parameter.name, parameter.value, parameter.kind)
        clients("secretsmanager", place.account, place.region).create_secret(
            Name=secret_name(place), SecretString=_secret(place, 1)
        )


def path(place: Place) -> str:
    return f"/{place.environment}/{fleet.SERVICE}/"


def secret_name(place: Place) -> str:
    return fleet.SECRET["secret"].format(environment=place.environment)


def put_parameter(clients: Clients, place: Place, name: str, value: str, kind: str = "String") -> None:
    """Write a parameter below order-api's path, be it there or not."""
    clients("ssm", place.account, place.region).put_parameter(
        Name=path(place) + name, Value=value, Type=kind, Overwrite=True
    )


def delete_parameter(clients: Clients, place: Place, name: str) -> None:
    clients("ssm", place.account, place.region).delete_parameter(Name=path(place) + name)


def rotate_secret(clients: Clients, place: Place) -> str:
    """Give order-api's secret another value; returns the version that is now AWSCURRENT."""
    return clients("secretsmanager", place.account, place.region).put_secret_value(
        SecretId=secret_name(place), SecretString=_secret(place, 2)
    )["VersionId"]


def variables_of(clients: Clients, place: Place) -> Variables:
    """What the revision that the service is set to says."""
    return variables_in(fleet.running_container(clients, place))


def variables_in(container: dict) -> Variables:
    labels = container.get("dockerLabels", {})
    return Variables(
        _by_name(container["environment"], "value"),
        _by_name(container["secrets"], "valueFrom"),
        {label: json.loads(labels[label]) for label in LABELS if label in labels},
    )


def variables_wanted(clients: Clients, place: Place) -> Variables:
    """What it should say: what order-api's people wrote into it, and what the stores hold now."""
    wanted = variables_in(fleet.first_container(clients, place))
    versions = {}
    for parameter in _stored(clients, place):
        name = parameter["Name"].removeprefix(path(place))
        if parameter["Type"] == "SecureString":
            wanted.secrets[name] = parameter["ARN"]
            versions[name] = f"{name}:{parameter['Version']}@{int(parameter['LastModifiedDate'].timestamp())}"
        else:
            wanted.environment[name] = parameter["Value"]
            versions[name] = parameter["Version"]
    wanted.labels["funade.parameters"] = {path(place): versions}

    secret = clients("secretsmanager", place.account, place.region).describe_secret(SecretId=secret_name(place))
    (current,) = [id for id, stages in secret["VersionIdsToStages"].items() if "AWSCURRENT" in stages]
    variable, key = fleet.SECRET["name"], fleet.SECRET["json_key"]
    wanted.secrets[variable] = f"{secret['ARN']}:{key}::"
    wanted.labels["funade.secrets"] = {variable: {"secret": secret["Name"], "version": current, "key": key}}
    return wanted


def names_of_ours(clients: Clients, place: Place) -> set[str]:
    """The variables that are not order-api's people's own."""
    parameters = {parameter["Name"].removeprefix(path(place)) for parameter in _stored(clients, place)}
    return parameters | {fleet.SECRET["name"]}


def without_ours(definition: dict, names: set[str]) -> dict:
    """A task definition but for order-api's image and what these variables put into its container."""
    rest = copy.deepcopy(definition)
    container = fleet.container_of(rest)
    del container["image"]
    for entries in ("environment", "secrets"):
        container[entries] = [entry for entry in container[entries] if entry["name"] not in names]
    for label in LABELS:
        container["dockerLabels"].pop(label, None)
    return rest


def _stored(clients: Clients, place: Place) -> list[dict]:
    pages = clients("ssm", place.account, place.region).get_paginator("get_parameters_by_path")
    return [
        parameter
        for page in pages.paginate(Path=path(place), Recursive=True, WithDecryption=False)
        for parameter in page["Parameters"]
    ]


def _secret(place: Place, number: int) -> str:
    return json.dumps({"user": "orders", "key": f"{HIDDEN}-{place.environment}-payment-{number}"})


def _by_name(entries: list[dict], value: str) -> dict[str, str]:
    found = {entry["name"]: entry[value] for entry in entries}
    assert len(found) == len(entries), f"a name twice in {entries}"
    return found
