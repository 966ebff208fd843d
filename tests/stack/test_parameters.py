"""From a change in Parameter Store or Secrets Manager to running tasks, through the real functions.

Each environment is in an account of its own. An event goes before its change: a look that happens to
be due between the two then finds the quiet period, however slow the machine is.
"""

import base64
import copy
import json
import time

import pytest

import fleet
import stores
from fleet import QUIET_SECONDS, Place
from stack import Hub
from steps import (
    CHANGES,
    changes,
    event,
    moved,
    parameter_event,
    push,
    running_release,
    secret_event,
    send,
    send_change,
    sent_messages,
    settle,
    wait_until_current,
    wait_until_looked_at,
    wait_until_runs,
)

#: How long after the quiet period a deploy may begin.
START_SECONDS_MAX = 15

#: Attempts that the functions' SDK makes of a call before the pass ends.
SDK_ATTEMPTS = 3

#: How many parameters a script writes in a row.
BATCH = 40


@pytest.fixture(scope="module", autouse=True)
def release(hub):
    """A release that runs everywhere, with its variables."""
    return running_release(hub)


def at(environment: str) -> Place:
    (place,) = [place for place in fleet.places() if place.environment == environment]
    return place


def change(hub: Hub, place: Place, name: str, value: str, kind: str = "String") -> float:
    """Write a parameter; returns when its event was sent."""
    sent_at = time.monotonic()
    send_change(hub, parameter_event(place, name))
    stores.put_parameter(hub.client, place, name, value, kind)
    return sent_at


def definition(hub: Hub, place: Place) -> dict:
    """What the service is set to, as it was registered."""
    revision = fleet.describe_service(hub.client, place)["taskDefinition"]
    return fleet.without_read_only(fleet.describe_task_definition(hub.client, place, revision)[0])


def with_labels_of(later: dict, earlier: dict) -> dict:
    """The later document, as it were if its labels said the same as the earlier's."""
    mixed = copy.deepcopy(later)
    fleet.container_of(mixed)["dockerLabels"] = fleet.container_of(earlier)["dockerLabels"]
    return mixed


def test_the_first_deploy_brings_the_variables_with_the_image(hub):
    for place in fleet.places():
        container = fleet.running_container(hub.client, place)

        assert stores.variables_in(container) == stores.variables_wanted(hub.client, place)
        names = [entry["name"] for entry in container["environment"]]
        own = [entry["name"] for entry in fleet.first_container(hub.client, place)["environment"]]
        assert names == own + sorted(set(names) - set(own)), "what was there stays in its place"
        assert container["dockerLabels"]["team"] == "orders"


def test_a_change_moves_its_own_target_only(hub):
    here, other = at("acme"), at("globex")
    theirs = stores.variables_of(hub.client, other)
    mark = hub.emulator.recorder.mark()

    sent_at = change(hub, here, "DATABASE_URL", "postgres://new.acme.internal:5432/orders")
    wait_until_current(hub, here)

    assert moved(hub, mark) == {"acme": [*CHANGES]}
    ours = stores.variables_of(hub.client, here)
    assert ours.environment["DATABASE_URL"] == "postgres://new.acme.internal:5432/orders"
    assert ours.labels["funade.parameters"][stores.path(here)]["DATABASE_URL"] == 2
    assert stores.variables_of(hub.client, other) == theirs
    assert theirs.environment["DATABASE_URL"] == "postgres://db.globex.internal:5432/orders"

    (registered,) = hub.emulator.recorder.calls("RegisterTaskDefinition", after=mark)
    waited = registered.at - sent_at
    assert QUIET_SECONDS <= waited <= QUIET_SECONDS + START_SECONDS_MAX


def test_forty_changes_make_one_redeploy(hub):
    place = at("initech")
    mark = hub.emulator.recorder.mark()

    for number in range(1, BATCH + 1):
        change(hub, place, f"SETTING_{number:02}", f"{number} of {BATCH}")
    wait_until_current(hub, place)

    assert moved(hub, mark) == {"initech": [*CHANGES]}
    environment = stores.variables_of(hub.client, place).environment
    assert [environment[f"SETTING_{number:02}"] for number in range(1, BATCH + 1)] == [
        f"{number} of {BATCH}" for number in range(1, BATCH + 1)
    ]


def test_a_new_secure_string_starts_new_tasks_and_is_seen_nowhere(hub):
    place = at("globex")
    before = definition(hub, place)
    mark = hub.emulator.recorder.mark()
    plain = f"{stores.HIDDEN}-globex-2"

    change(hub, place, "API_KEY", plain, "SecureString")
    wait_until_current(hub, place)

    assert moved(hub, mark) == {"globex": [*CHANGES]}
    after = definition(hub, place)
    assert after != before
    assert with_labels_of(after, before) == before, "only the labels changed"
    old, new = (
        stores.variables_in(fleet.container_of(each)).labels["funade.parameters"][stores.path(place)]
        for each in (before, after)
    )
    assert {name for name in old if old[name] != new[name]} == {"API_KEY"}
    assert new["API_KEY"].startswith("API_KEY:2@")


def test_no_secret_is_seen_anywhere(hub):
    """In all that happened until now: neither as it is nor, but where it is read, as it is stored."""
    table = hub.outputs["TableName"]
    items = hub.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    ledger = json.dumps([page["Items"] for page in items], default=str)
    log = hub.emulator.log.read_text(errors="replace")
    calls = hub.emulator.recorder.calls()
    stored = "ENCRYPTED:" + base64.b64encode(stores.HIDDEN.encode()).decode()[:16]

    assert "\nDEBUG " in log, "the functions say all that they can"
    for text in (ledger, log, *(call.sent.decode("utf-8", "replace") for call in calls)):
        assert stores.HIDDEN not in text and stored not in text
    for call in calls:
        assert stores.HIDDEN.encode() not in call.answered, str(call)
        assert call.operation == "GetParametersByPath" or stored.encode() not in call.answered, str(call)
    # Otherwise we would have looked in the wrong places.
    assert "API_KEY" in ledger and "globex-order-api" in log
    assert any(b"postgres://db.globex.internal" in call.sent for call in calls)
    assert any(stored.encode() in call.answered for call in calls)


def test_nothing_was_ever_asked_to_decrypt(hub):
    calls = hub.emulator.recorder.calls()
    reads = [call for call in calls if call.service == "ssm"]

    assert {call.operation for call in reads} == {"GetParametersByPath"}
    assert {call.request["WithDecryption"] for call in reads} == {False}
    assert {call.operation for call in calls if call.service == "secretsmanager"} == {"DescribeSecret"}
    assert not [str(call) for call in calls if call.service == "kms"]


def test_a_deleted_parameter_takes_its_variable_along_and_no_other(hub):
    place = at("stark")
    before = stores.variables_of(hub.client, place)
    mark = hub.emulator.recorder.mark()

    send_change(hub, parameter_event(place, "LOG_LEVEL", "Delete"))
    stores.delete_parameter(hub.client, place, "LOG_LEVEL")
    wait_until_current(hub, place)

    assert moved(hub, mark) == {"stark": [*CHANGES]}
    after = stores.variables_of(hub.client, place)
    assert before.environment.keys() - after.environment.keys() == {"LOG_LEVEL"}
    assert after.secrets == before.secrets
    assert {"ENVIRONMENT", "GREETING"} <= after.environment.keys()
    assert "DATABASE_PASSWORD" in after.secrets
    assert "LOG_LEVEL" not in json.dumps(after.labels)


def test_a_parameter_that_becomes_a_secret_moves_to_the_secrets(hub):
    place = at("internal")
    mark = hub.emulator.recorder.mark()

    # AWS changes no parameter's type: it is deleted and made anew.
    send_change(hub, parameter_event(place, "DATABASE_URL", "Delete"))
    stores.delete_parameter(hub.client, place, "DATABASE_URL")
    send_change(hub, parameter_event(place, "DATABASE_URL", "Create"))
    stores.put_parameter(hub.client, place, "DATABASE_URL", f"{stores.HIDDEN}-postgres", "SecureString")
    wait_until_current(hub, place)

    assert moved(hub, mark) == {"internal": [*CHANGES]}
    after = stores.variables_of(hub.client, place)
    assert "DATABASE_URL" not in after.environment
    arn = f"arn:aws:ssm:{place.region}:{place.account}:parameter{stores.path(place)}DATABASE_URL"
    assert after.secrets["DATABASE_URL"] == arn


@pytest.mark.parametrize(
    "sample",
    [
        "secret-unknown.json",
        "ssm-foreign-account.json",
        "ssm-foreign-region.json",
        "ssm-no-path.json",
        "ssm-other-path.json",
    ],
)
def test_a_change_of_what_nobody_reads_wakes_nothing(hub, sample):
    mark = hub.emulator.recorder.mark()

    send_change(hub, event(sample))
    settle(hub)

    assert sent_messages(hub, mark) == sent_messages(hub, mark, "LaterQueueUrl") == []
    assert moved(hub, mark) == {}


@pytest.mark.parametrize(
    "malformed",
    [{}, None, event("ssm-update.json", name=7), event("ssm-update.json", operation=None)],
    ids=["empty", "null", "name a number", "no operation"],
)
def test_a_malformed_change_is_no_failure_and_is_not_retried(hub, malformed):
    mark = hub.emulator.recorder.mark()

    send_change(hub, malformed)
    settle(hub)

    assert sent_messages(hub, mark) == sent_messages(hub, mark, "LaterQueueUrl") == []
    assert hub.queued("EventDlqUrl") == 0


def test_a_label_is_looked_at_and_changes_nothing(hub):
    place = at("acme")
    mark = hub.emulator.recorder.mark()
    hub.client("ssm", place.account, place.region).label_parameter_version(
        Name=stores.path(place) + "LOG_LEVEL", Labels=["tested"]
    )

    sent_at = time.monotonic()
    send_change(hub, parameter_event(place, "LOG_LEVEL", "LabelParameterVersion"))
    wait_until_looked_at(hub, place, sent_at + QUIET_SECONDS, mark)

    assert moved(hub, mark) == {}


def test_a_new_version_of_a_secret_makes_one_redeploy(hub):
    place = at("acme")
    before = definition(hub, place)
    mark = hub.emulator.recorder.mark()

    with hub.deploy_at_rest():
        version = stores.rotate_secret(hub.client, place)
        send_change(hub, secret_event(place, version))
    wait_until_current(hub, place)

    assert moved(hub, mark) == {"acme": [*CHANGES]}
    after = definition(hub, place)
    assert with_labels_of(after, before) == before, "only the labels changed"
    variables = stores.variables_in(fleet.container_of(after))
    assert variables.labels["funade.secrets"]["PAYMENT_KEY"]["version"] == version
    arn, key = variables.secrets["PAYMENT_KEY"].split(":key")
    assert f":{place.account}:secret:acme/order-api/payment-" in arn
    assert key == "::"


def test_an_image_that_is_pushed_amid_changes_waits_for_their_end(hub):
    place = at("stark")
    mark = hub.emulator.recorder.mark()
    release = push(hub)

    sent_at = change(hub, place, "LOG_LEVEL", "debug")
    send(hub, release.event)
    wait_until_runs(hub, release, fleet.places())
    wait_until_current(hub, place)

    assert moved(hub, mark) == {each.environment: [*CHANGES] for each in fleet.places()}
    (registered,) = hub.emulator.recorder.calls("RegisterTaskDefinition", after=mark, account=place.account)
    assert registered.at - sent_at >= QUIET_SECONDS


@pytest.mark.parametrize("times", [1, SDK_ATTEMPTS], ids=["once", "for a whole pass"])
def test_throttling_between_two_pages_leads_to_no_deploy_from_half_a_set(hub, times):
    place = at(stores.OF_TWO_PAGES)
    wanted = f"{time.monotonic()}"
    recorder = hub.emulator.recorder
    mark = recorder.mark()

    def second_page(request: dict) -> bool:
        return "NextToken" in request

    with recorder.throttled("GetParametersByPath", place.account, times, second_page) as throttling:
        change(hub, place, "LIMIT_01", wanted)
        wait_until_current(hub, place)

    assert throttling.times_left == 0
    reads = recorder.calls("GetParametersByPath", "RegisterTaskDefinition", after=mark, account=place.account)
    assert [call.status for call in reads].count(400) == times
    (registered,) = [index for index, call in enumerate(reads) if call.operation == "RegisterTaskDefinition"]
    assert second_page(reads[registered - 1].request) and reads[registered - 1].status == 200
    assert moved(hub, mark) == {place.environment: [*CHANGES]}
    assert stores.variables_of(hub.client, place).environment["LIMIT_01"] == wanted


def test_an_operator_sees_what_has_changed_before_it_is_deployed(hub):
    place = at(stores.OF_TWO_PAGES)
    target = f"{place.environment}/{fleet.SERVICE}"
    mark = hub.emulator.recorder.mark()

    with hub.deploy_at_rest():
        stores.put_parameter(hub.client, place, "DATABASE_URL", "postgres://new.umbrella.internal:5432/orders")
        stores.put_parameter(hub.client, place, "API_KEY", f"{stores.HIDDEN}-umbrella-2", "SecureString")
        stores.put_parameter(hub.client, place, "WORKERS", "8")
        stores.delete_parameter(hub.client, place, "LIMIT_10")
        listed, redacted, planned = (
            hub.funade(*arguments)
            for arguments in (
                ("params", target, "--format", "json"),
                ("plan", target, "--redact"),
                ("plan", target),
            )
        )

    for shown in (listed, redacted, planned):
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert stores.HIDDEN not in shown.stdout
    states = {state["variable"]: state for state in json.loads(listed.stdout)["variables"]}
    assert states.keys() == {"PAYMENT_KEY", "WORKERS"} | {parameter.name for parameter in stores.parameters(place)}
    assert {name: state["runs"] for name, state in states.items() if state["runs"] != "yes"} == {
        "API_KEY": "older",
        "DATABASE_URL": "older",
        "LIMIT_10": "gone",
        "WORKERS": "no",
    }
    assert states["DATABASE_URL"] == {
        "variable": "DATABASE_URL",
        "container": fleet.CONTAINER,
        "source": f"{stores.path(place)}DATABASE_URL",
        "version": "2",
        "running_version": "1",
        "runs": "older",
    }
    assert (states["LIMIT_10"]["version"], states["LIMIT_10"]["running_version"]) == (None, "1")

    assert lines_of(redacted) == [
        f"  ~ API_KEY of app version 1 → 2, from {stores.path(place)}API_KEY",
        f"  ~ DATABASE_URL of app (redacted) → (redacted) (version 1 → 2, from {stores.path(place)}DATABASE_URL)",
        f"  + WORKERS of app = (redacted) (from {stores.path(place)}WORKERS, version 1)",
        f"  - LIMIT_10 of app was (redacted) (from {stores.path(place)}LIMIT_10, version 1)",
    ]
    assert "postgres" not in redacted.stdout
    assert '→ "postgres://new.umbrella.internal:5432/orders"' in planned.stdout
    assert "Would call UpdateService with that revision." in redacted.stdout
    assert changes(hub, mark) == [], "to look is all that was done"

    send_change(hub, parameter_event(place, "DATABASE_URL"))
    wait_until_current(hub, place)
    listed = hub.funade("params", target, "--format", "json")
    assert {state["runs"] for state in json.loads(listed.stdout)["variables"]} == {"yes"}
    assert moved(hub, mark) == {place.environment: [*CHANGES]}


def lines_of(planned) -> list[str]:
    """The lines of a plan that tell of variables."""
    return [line for line in planned.stdout.splitlines() if line.startswith(("  +", "  -", "  ~"))]
