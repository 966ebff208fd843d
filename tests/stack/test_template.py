"""What a linter does not see in template.yaml and member.yaml."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import templates
from stack import MEMBER_TEMPLATE, TEMPLATE

#: Lambda asks that a queue hide a message for this many times its reader's timeout.
VISIBILITY_FACTOR = 6
#: Throttled polls count as receives.
MAX_RECEIVE_COUNT_MIN = 5

#: The keys we use, by type of event. The transform and the linter pass others over in silence.
EVENT_KEYS = {
    "EventBridgeRule": {"Pattern", "DeadLetterConfig", "RetryPolicy"},
    "SQS": {"Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig"},
}
FUNCTION_KEYS = {
    "Description",
    "Events",
    "EventInvokeConfig",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Timeout",
}
GLOBAL_KEYS = {"Architectures", "CodeUri", "Environment", "Handler", "LoggingConfig", "Runtime"}

#: All that we do in accounts that are not ours alone. Whoever adds one argues for it here.
ACTIONS = {
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "ecr:DescribeImages",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:ListServiceDeployments",
    "ecs:RegisterTaskDefinition",
    "ecs:TagResource",
    "ecs:UpdateService",
    "events:PutEvents",
    "iam:PassRole",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "sts:AssumeRole",
}

TEMPLATES = {"template.yaml": templates.hub_transformed(), "member.yaml": templates.member()}
FUNCTIONS = templates.of_type(templates.hub(), templates.FUNCTION)
QUEUES = {
    (name, logical_id): properties
    for name, template in TEMPLATES.items()
    for logical_id, properties in templates.of_type(template, "AWS::SQS::Queue").items()
}


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def referenced(value) -> str:
    """The logical id in `!GetAtt X.Arn` or `!Ref X`."""
    ((kind, target),) = value.items()
    return target if kind == "Ref" else as_list(target)[0].split(".")[0]


def policies(template: dict) -> dict[str, dict]:
    """Every identity policy of a template, named by its role and itself."""
    found = {}
    for logical_id, properties in templates.of_type(template, "AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            found[f"{logical_id}/{policy['PolicyName']}"] = policy["PolicyDocument"]
    for logical_id, properties in templates.of_type(template, "AWS::IAM::ManagedPolicy").items():
        found[logical_id] = properties["PolicyDocument"]
    return found


def statements(template: dict) -> list[dict]:
    return [statement for policy in policies(template).values() for statement in policy["Statement"]]


def sqs_events() -> list[tuple[str, str, dict]]:
    return [
        (function, name, event["Properties"])
        for function, properties in FUNCTIONS.items()
        for name, event in properties.get("Events", {}).items()
        if event["Type"] == "SQS"
    ]


def test_the_linter_is_content():
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--", TEMPLATE, MEMBER_TEMPLATE], capture_output=True, text=True
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_keys_are_spelled_right(function):
    properties = FUNCTIONS[function]

    assert properties.keys() <= FUNCTION_KEYS
    for event in properties.get("Events", {}).values():
        assert event.keys() == {"Type", "Properties"}
        assert event["Properties"].keys() <= EVENT_KEYS[event["Type"]]
    assert templates.hub()["Globals"].keys() == {"Function"}
    assert templates.hub()["Globals"]["Function"].keys() <= GLOBAL_KEYS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_is_built_from_the_binary_of_its_name(function):
    metadata = templates.hub()["Resources"][function]["Metadata"]
    binary = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in function).lstrip("-")

    assert metadata == {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": binary}}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_keeps_its_logs_for_a_time(function):
    log_group = templates.hub()["Resources"][referenced(FUNCTIONS[function]["LoggingConfig"]["LogGroup"])]

    assert log_group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    role = templates.hub()["Resources"][referenced(FUNCTIONS[function]["Role"])]["Properties"]
    logs = [s for p in role["Policies"] for s in p["PolicyDocument"]["Statement"] if s["Sid"] == "Logs"]
    name = log_group["Properties"]["LogGroupName"]["Fn::Sub"]
    assert [s["Resource"]["Fn::Sub"].endswith(f":log-group:{name}:*") for s in logs] == [True]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_failure_of_an_event_handler_is_kept(function):
    events = {event["Type"] for event in FUNCTIONS[function].get("Events", {}).values()}
    if events == {"SQS"}:
        return  # The queue keeps what failed.
    destination = FUNCTIONS[function]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]

    assert destination["Type"] == "SQS"
    queue = destination["Destination"]
    role = templates.hub()["Resources"][referenced(FUNCTIONS[function]["Role"])]["Properties"]
    assert any(
        s["Action"] == "sqs:SendMessage" and queue in as_list(s["Resource"])
        for p in role["Policies"]
        for s in p["PolicyDocument"]["Statement"]
    )


@pytest.mark.parametrize(("function", "name", "event"), sqs_events(), ids=[f"{f}-{n}" for f, n, _ in sqs_events()])
def test_a_queue_that_a_function_reads(function, name, event):
    queue = templates.hub()["Resources"][referenced(event["Queue"])]["Properties"]

    assert queue["VisibilityTimeout"] >= VISIBILITY_FACTOR * FUNCTIONS[function]["Timeout"]
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["BatchSize"] <= 10, "more needs a batching window, and FIFO queues allow no more"
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= MAX_RECEIVE_COUNT_MIN
    parked = templates.hub()["Resources"][referenced(queue["RedrivePolicy"]["deadLetterTargetArn"])]["Properties"]
    assert parked.get("FifoQueue", False) == queue.get("FifoQueue", False)


@pytest.mark.parametrize(("name", "queue"), QUEUES)
def test_each_queue_is_encrypted(name, queue):
    assert QUEUES[name, queue]["SqsManagedSseEnabled"] is True


def test_the_wake_queue_is_one_line_per_subject():
    queue = templates.hub()["Resources"]["WakeQueue"]["Properties"]

    assert queue["FifoQueue"] is True
    assert queue["ContentBasedDeduplication"] is False
    assert queue["DeduplicationScope"] == "messageGroup"
    assert queue["FifoThroughputLimit"] == "perMessageGroupId"


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_rule_keeps_what_it_cannot_deliver(name):
    template = TEMPLATES[name]
    rules = templates.of_type(template, templates.RULE)
    assert rules
    for rule, properties in rules.items():
        for target in properties["Targets"]:
            queue = referenced(target["DeadLetterConfig"]["Arn"])
            assert not template["Resources"][queue]["Properties"].get("FifoQueue"), "a rule cannot use it"
            assert target["RetryPolicy"].keys() == {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"}
            assert admits(template, queue, rule), f"{queue} does not admit {rule}"


def admits(template: dict, queue: str, rule: str) -> bool:
    """Whether a queue's policy lets EventBridge put a rule's undelivered events there."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "events.amazonaws.com"}
        and statement["Action"] == "sqs:SendMessage"
        and referenced(statement["Resource"]) == queue
        and rule in map(referenced, as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"]))
        for policy in templates.of_type(template, "AWS::SQS::QueuePolicy").values()
        if queue in map(referenced, policy["Queues"])
        for statement in policy["PolicyDocument"]["Statement"]
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_right_beyond_the_list(name):
    for statement in statements(TEMPLATES[name]):
        assert statement["Effect"] == "Allow"
        assert "NotAction" not in statement and "NotResource" not in statement
        assert set(as_list(statement["Action"])) <= ACTIONS, statement["Sid"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_all_resources_only_where_aws_knows_no_other(name):
    for statement in statements(TEMPLATES[name]):
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= {"ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_roles_are_passed_to_tasks_only(name):
    passing = [s for s in statements(TEMPLATES[name]) if "iam:PassRole" in as_list(s["Action"])]

    assert passing
    for statement in passing:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


@pytest.mark.parametrize("name", TEMPLATES)
def test_tags_are_set_while_registering_only(name):
    tagging = [s for s in statements(TEMPLATES[name]) if "ecs:TagResource" in as_list(s["Action"])]

    assert tagging
    for statement in tagging:
        assert statement["Resource"]["Fn::Sub"].endswith(":task-definition/*")
        assert statement["Condition"] == {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}


def test_image_push_cannot_touch_a_target():
    actions = {
        action
        for name, policy in policies(TEMPLATES["template.yaml"]).items()
        if name.startswith("ImagePushRole/")
        for statement in policy["Statement"]
        for action in as_list(statement["Action"])
    }

    assert not {action for action in actions if action.split(":")[0] in ("ecs", "iam", "sts", "ecr")}
    assert "LaterQueue" not in json.dumps(templates.hub()["Resources"]["ImagePushRole"])


def test_the_hub_may_do_in_its_own_account_what_it_may_in_others():
    own = policies(TEMPLATES["template.yaml"])["DeployRole/targets"]
    others = policies(TEMPLATES["member.yaml"])["MemberRole/targets"]

    assert own == others


def test_operators_change_no_target():
    operator = policies(TEMPLATES["template.yaml"])["OperatorPolicy"]
    actions = {action for statement in operator["Statement"] for action in as_list(statement["Action"])}

    assert not actions & {"ecs:UpdateService", "ecs:RegisterTaskDefinition", "iam:PassRole"}


def test_operators_can_only_look_at_a_member():
    role = policies(TEMPLATES["member.yaml"])["OperatorRole/look"]
    actions = {action for statement in role["Statement"] for action in as_list(statement["Action"])}

    assert all(action.split(":")[1].startswith(("Describe", "List")) for action in actions)


@pytest.mark.parametrize("role", ["MemberRole", "OperatorRole"])
def test_a_member_trusts_no_one_without_a_condition(role):
    trust = templates.member()["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert all(statement["Condition"]["ArnLike"]["aws:PrincipalArn"] for statement in trust)


def test_the_bus_is_closed_unless_an_organization_is_given():
    policy = templates.hub()["Resources"]["EventBusPolicy"]

    assert policy["Condition"] == "HasOrganization"
    assert policy["Properties"]["Statement"]["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}
    }
    assert templates.hub()["Parameters"]["OrganizationId"]["Default"] == ""


def test_the_ledger_outlives_the_stack():
    table = templates.hub()["Resources"]["Table"]

    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_desired_count_is_nowhere():
    for path in (TEMPLATE, MEMBER_TEMPLATE):
        assert "desiredcount" not in path.read_text().lower(), "it is autoscaling's"
