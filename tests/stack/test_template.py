"""What a linter does not see in template.yaml and member.yaml."""

import fnmatch
import json
import re
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
    "Schedule": {"Schedule", "DeadLetterConfig", "RetryPolicy"},
    "SQS": {"Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig"},
    "DynamoDB": {
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumRecordAgeInSeconds",
        "ParallelizationFactor",
        "StartingPosition",
        "Stream",
    },
}
FUNCTION_KEYS = {
    "Description",
    "Environment",
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
    "cloudwatch:DescribeAlarms",
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeStream",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "ecr:DescribeImages",
    "ecs:DescribeServiceDeployments",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListServiceDeployments",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "ecs:StopServiceDeployment",
    "ecs:TagResource",
    "ecs:UpdateService",
    "events:PutEvents",
    "firehose:DescribeDeliveryStream",
    "firehose:ListDeliveryStreams",
    "firehose:ListTagsForDeliveryStream",
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
    "iam:PassRole",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:PutObject",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "sns:Publish",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "ssm:GetParametersByPath",
    "sts:AssumeRole",
}

#: What AWS limits to no resource that we could name, or, as with alarms, not without leaving some out.
UNLIMITED = {
    "cloudwatch:DescribeAlarms",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
}

#: What changes a target.
CHANGING = {"ecs:UpdateService", "ecs:RegisterTaskDefinition", "ecs:StopServiceDeployment", "iam:PassRole"}

#: What brings a secret to whoever calls it, or helps to. Reading parameters by path could too, but
#: is all that we have for reading them, and we ask for no decryption.
SECRETIVE = (
    "kms:*",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
)

#: The policies with which targets are looked at, by template.
LOOKING = {
    "template.yaml": ("DeployRole/targets", "SweepRole/look", "OperatorPolicy"),
    "member.yaml": ("MemberRole/targets", "OperatorRole/look"),
}

#: What those policies deny: the keys that AWS manages for a service admit whoever comes through it.
FENCE = {
    "Sid": "NoDecryption",
    "Effect": "Deny",
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"StringLike": {"kms:ViaService": ["ssm.*", "secretsmanager.*"]}},
}

#: The functions that take events, and the queue that each has no business with.
EVENT_HANDLERS = {"ImagePush": "LaterQueue", "ParameterChange": "WakeQueue", "ServiceEvent": "LaterQueue"}

#: The rules of a member that let through just what a rule of the hub does, and that rule.
FORWARDED = {
    "ParameterEvents": "ParameterChangeParameter",
    "SecretEvents": "ParameterChangeSecret",
    "DeploymentEvents": "ServiceEventDeployment",
    "ActionEvents": "ServiceEventAction",
    "TaskEvents": "ServiceEventTask",
    "AlarmEvents": "ServiceEventAlarm",
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
    """Every identity policy of a template, named by its role and itself, with all that may be in it."""
    found = {}
    for logical_id, properties in templates.of_type(template, "AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            found[f"{logical_id}/{policy['PolicyName']}"] = policy["PolicyDocument"]
    for logical_id, properties in templates.of_type(template, "AWS::IAM::ManagedPolicy").items():
        found[logical_id] = properties["PolicyDocument"]
    return {name: document | {"Statement": at_most(document["Statement"])} for name, document in found.items()}


def at_most(statements: list[dict]) -> list[dict]:
    """The statements, those included that are there on a condition only."""
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in statements]


def statements(template: dict) -> list[dict]:
    """All that allow something."""
    return [
        statement
        for policy in policies(template).values()
        for statement in policy["Statement"]
        if statement["Effect"] != "Deny"
    ]


def readable(name: str, policy: str, action: str, **parameters: str) -> list[str]:
    """The resources, as patterns, that a policy allows an action on in account 222222222222."""
    values = {"AWS::Partition": "aws", "AWS::AccountId": "222222222222"} | parameters
    return [
        re.sub(r"\$\{(.*?)}", lambda variable: values[variable[1]], resource["Fn::Sub"])
        for statement in policies(TEMPLATES[name])[policy]["Statement"]
        if action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def allowed(patterns: list[str], name: str) -> bool:
    """Whether IAM finds a resource or an action in a pattern: `*` goes over slashes, `?` is one letter."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


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
    logs = [s for p in role["Policies"] for s in at_most(p["PolicyDocument"]["Statement"]) if s["Sid"] == "Logs"]
    name = log_group["Properties"]["LogGroupName"]["Fn::Sub"]
    assert [s["Resource"]["Fn::Sub"].endswith(f":log-group:{name}:*") for s in logs] == [True]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_failure_of_an_event_handler_is_kept(function):
    events = {event["Type"]: event["Properties"] for event in FUNCTIONS[function].get("Events", {}).values()}
    if events.keys() == {"SQS"}:
        return  # The queue keeps what failed.
    keeps = events["DynamoDB"] if "DynamoDB" in events else FUNCTIONS[function]["EventInvokeConfig"]
    destination = keeps["DestinationConfig"]["OnFailure"]

    assert destination["Type"] == "SQS"
    queue = destination["Destination"]
    role = templates.hub()["Resources"][referenced(FUNCTIONS[function]["Role"])]["Properties"]
    assert any(
        s["Action"] == "sqs:SendMessage" and queue in as_list(s["Resource"])
        for p in role["Policies"]
        for s in at_most(p["PolicyDocument"]["Statement"])
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
        and rule in map(referenced, sources(template, rule, statement))
        for policy in templates.of_type(template, "AWS::SQS::QueuePolicy").values()
        if queue in map(referenced, policy["Queues"])
        for statement in policy["PolicyDocument"]["Statement"]
    )


def sources(template: dict, rule: str, statement: dict) -> list[dict]:
    """The rules that a statement names for as long as this rule exists."""
    condition = template["Resources"][rule].get("Condition")
    found = []
    for source in as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"]):
        if "Fn::If" in source:
            if source["Fn::If"][0] != condition:
                continue
            source = source["Fn::If"][1]
        found.append(source)
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_right_beyond_the_list(name):
    for statement in statements(TEMPLATES[name]):
        assert "NotAction" not in statement and "NotResource" not in statement
        assert set(as_list(statement["Action"])) <= ACTIONS, statement["Sid"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_all_resources_only_where_aws_knows_no_other(name):
    for statement in statements(TEMPLATES[name]):
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= UNLIMITED


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


def test_the_handlers_of_events_are_known():
    takes_events = {
        function
        for function, properties in FUNCTIONS.items()
        if any(event["Type"] == "EventBridgeRule" for event in properties.get("Events", {}).values())
    }

    assert takes_events == EVENT_HANDLERS.keys()


@pytest.mark.parametrize("function", EVENT_HANDLERS)
def test_a_handler_of_events_cannot_touch_a_target(function):
    role = templates.hub()["Resources"][referenced(FUNCTIONS[function]["Role"])]

    actions = templates.actions(role["Properties"]["Policies"])
    assert {action.split(":")[0] for action in actions} == {"dynamodb", "logs", "sqs"}
    assert EVENT_HANDLERS[function] not in json.dumps(role)


@pytest.mark.parametrize("function", EVENT_HANDLERS)
def test_a_handler_of_events_has_a_role_of_its_own(function):
    others = [properties["Role"] for other, properties in FUNCTIONS.items() if other != function]

    assert FUNCTIONS[function]["Role"] not in others


@pytest.mark.parametrize("function", EVENT_HANDLERS)
def test_a_handler_of_events_is_tried_again_within_the_hour(function):
    properties = FUNCTIONS[function]

    assert properties["Timeout"] == 30
    assert properties["EventInvokeConfig"].items() >= {
        "MaximumEventAgeInSeconds": 3600,
        "MaximumRetryAttempts": 2,
    }.items()


def test_whoever_wakes_for_a_service_event_can_do_little_else():
    policies_of_role = templates.hub()["Resources"]["ServiceEventRole"]["Properties"]["Policies"]
    granted = [s for p in policies_of_role for s in p["PolicyDocument"]["Statement"] if s["Sid"] != "Logs"]

    assert {referenced(s["Resource"]): set(as_list(s["Action"])) for s in granted} == {
        "Table": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:BatchWriteItem"},
        "WakeQueue": {"sqs:SendMessage"},
        "EventDlq": {"sqs:SendMessage"},
    }


def test_whoever_sweeps_looks_and_writes_only_what_it_finds():
    found = policies(TEMPLATES["template.yaml"])
    granted = [s for s in found["SweepRole/sweep"]["Statement"] if s["Sid"] != "Logs"]

    assert not templates.actions(found["SweepRole/look"]) & CHANGING
    writing = {s["Sid"]: (s["Action"], s["Condition"]) for s in granted if "Condition" in s}
    assert writing == {
        "Releases": ("dynamodb:UpdateItem", {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["release#*"]}}),
        "Findings": ("dynamodb:PutItem", {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["finding", "notice#*"]}}),
        "FindingsGone": ("dynamodb:DeleteItem", {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["finding"]}}),
    }
    rest = {s["Sid"]: set(as_list(s["Action"])) for s in granted if "Condition" not in s}
    assert rest == {
        "Ledger": {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"},
        "Due": {"dynamodb:Query"},
        "Wake": {"sqs:SendMessage"},
        "UnhandledEvents": {"sqs:SendMessage"},
        "Reports": {"s3:PutObject"},
        "Members": {"sts:AssumeRole"},
    }
    assert "LaterQueue" not in json.dumps(found["SweepRole/sweep"])


def test_the_sweep_may_look_in_the_hubs_account_as_operators_may_in_others():
    own = policies(TEMPLATES["template.yaml"])["SweepRole/look"]
    others = policies(TEMPLATES["member.yaml"])["OperatorRole/look"]

    assert own == others


def test_operators_write_what_a_sweep_does_with_the_same_limits():
    found = policies(TEMPLATES["template.yaml"])
    limited = {
        policy: {s["Sid"]: s for s in found[policy]["Statement"] if "dynamodb:LeadingKeys" in json.dumps(s)}
        for policy in ("SweepRole/sweep", "OperatorPolicy")
    }

    # Operators may put any item.
    assert limited["OperatorPolicy"].keys() == limited["SweepRole/sweep"].keys() - {"Findings"}
    assert limited["OperatorPolicy"].items() <= limited["SweepRole/sweep"].items()


def test_a_managed_policy_is_not_too_long():
    """AWS counts at most 6,144 characters, spaces left out."""
    for properties in templates.of_type(templates.hub(), "AWS::IAM::ManagedPolicy").values():
        # Names stand for what they are replaced by, which is longer: a tenth is left for that.
        assert len(re.sub(r"\s", "", json.dumps(properties["PolicyDocument"]))) < 6144 * 0.9


def test_every_minute_is_swept_and_none_is_swept_late():
    sweep = FUNCTIONS["Sweep"]
    rule = templates.of_type(templates.hub_transformed(), templates.RULE)["SweepMinute"]
    (target,) = rule["Targets"]

    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert target["Arn"] == {"Fn::GetAtt": ["Sweep", "Arn"]}
    for limits in (target["RetryPolicy"], sweep["EventInvokeConfig"]):
        assert limits["MaximumEventAgeInSeconds"] == 300
    assert sweep["Environment"]["Variables"]["FUNADE_SWEEP_MINUTES"] == {"Ref": "SweepMinutes"}
    minutes = templates.hub()["Parameters"]["SweepMinutes"]
    assert (minutes["Type"], minutes["Default"], minutes["MinValue"], minutes["MaxValue"]) == ("Number", 15, 1, 60)


def test_what_is_due_is_found_by_an_index_of_keys():
    (index,) = templates.hub()["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]

    keys = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
    assert (index["IndexName"], keys) == ("due", {"HASH": "due", "RANGE": "due_at"})
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


@pytest.mark.parametrize("role", ["DeployRole", "SweepRole"])
def test_a_member_trusts_those_who_come_with_its_role(role):
    trust = templates.member()["Resources"]["MemberRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trusted = [arn["Fn::Sub"] for statement in trust for arn in statement["Condition"]["ArnLike"]["aws:PrincipalArn"]]

    assert [arn for arn in trusted if arn.endswith(f":role/${{HubStackName}}-{role}-*")]
    assert templates.hub()["Outputs"][f"{role}Arn"]["Value"] == {"Fn::GetAtt": [role, "Arn"]}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_is_among_the_outputs(function):
    assert templates.hub()["Outputs"][f"{function}Function"]["Value"] == {"Ref": function}


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_secret_can_be_read(name):
    # The keys of the routes are no service's, and are read by the function that sends notices alone.
    others = {logical_id: r for logical_id, r in TEMPLATES[name]["Resources"].items() if logical_id != "NotifyRole"}
    granted = templates.actions(others)

    assert granted >= {"ssm:GetParametersByPath", "secretsmanager:DescribeSecret"}
    for action in map(str.lower, granted):
        for secretive in map(str.lower, SECRETIVE):
            # Either can be a pattern: `ssm:Get*` grants what is named here.
            assert not allowed([secretive], action) and not allowed([action], secretive), action


@pytest.mark.parametrize("name", TEMPLATES)
def test_whoever_looks_at_parameters_is_denied_decryption_and_nothing_else(name):
    denied = {
        policy: [statement for statement in document["Statement"] if statement["Effect"] == "Deny"]
        for policy, document in policies(TEMPLATES[name]).items()
    }

    assert denied == {policy: [FENCE] if policy in LOOKING[name] else [] for policy in denied}
    assert denied.keys() >= set(LOOKING[name])


@pytest.mark.parametrize(
    ("via", "denied"),
    [
        ("ssm.ap-northeast-1.amazonaws.com", True),
        ("ssm.us-gov-west-1.amazonaws.com", True),
        ("ssm.cn-north-1.amazonaws.com.cn", True),
        ("ssm.eusc-de-east-1.amazonaws.eu", True),
        ("secretsmanager.us-east-1.amazonaws.com", True),
        ("secretsmanager.cn-northwest-1.amazonaws.com.cn", True),
        # A customer's own key for the table or the queues.
        ("dynamodb.ap-northeast-1.amazonaws.com", False),
        ("sqs.ap-northeast-1.amazonaws.com", False),
        ("ssmmessages.ap-northeast-1.amazonaws.com", False),
    ],
)
def test_decryption_is_denied_through_these_services_in_every_partition(via, denied):
    assert allowed(FENCE["Condition"]["StringLike"]["kms:ViaService"], via) == denied


@pytest.mark.parametrize("action", ["ssm:GetParametersByPath", "secretsmanager:DescribeSecret"])
def test_parameters_and_secrets_are_looked_at_alike_everywhere(action):
    found = {
        json.dumps(statement["Resource"])
        for name, looking in LOOKING.items()
        for policy in looking
        for statement in policies(TEMPLATES[name])[policy]["Statement"]
        if action in as_list(statement["Action"])
    }

    assert len(found) == 1
    for name, looking in LOOKING.items():
        for policy in policies(TEMPLATES[name]):
            assert (action in templates.actions(policies(TEMPLATES[name])[policy])) == (policy in looking)


@pytest.mark.parametrize("parameter", ["MemberRoleName", "PassableRoles", "ReadableParameters", "ReadableSecrets"])
def test_what_narrows_both_templates_has_one_form(parameter):
    keys = ("Type", "Default", "AllowedPattern", "ConstraintDescription")
    own, others = (template["Parameters"][parameter] for template in (templates.hub(), templates.member()))

    assert [own.get(key) for key in keys] == [others.get(key) for key in keys]


@pytest.mark.parametrize(
    ("given", "path", "expected"),
    [
        ("*", "acme/order-api", True),
        ("*", "acme/order-api/", True),
        ("acme/*", "acme/order-api", True),
        ("acme/*", "acme/order-api/", True),
        ("acme/*", "acme-corp/order-api/", False),
        ("acme/order-api", "acme/order-api", True),
        ("acme/order-api", "acme/order-api/", True),
        ("acme/order-api", "acme/order-api/worker/", True),
        ("acme/order-api", "acme/order-api-v2/", False),
        ("acme/order-api", "acme/", False),
    ],
)
@pytest.mark.parametrize(("name", "policy"), [(name, policy) for name in LOOKING for policy in LOOKING[name]])
def test_a_path_is_readable_with_its_last_slash_and_without(name, policy, given, path, expected):
    patterns = readable(name, policy, "ssm:GetParametersByPath", ReadableParameters=given)

    # What AWS checks has the path as the request has it.
    assert allowed(patterns, f"arn:aws:ssm:us-east-1:222222222222:parameter/{path}") == expected
    assert not allowed(patterns, f"arn:aws:ssm:us-east-1:333333333333:parameter/{path}")


@pytest.mark.parametrize(
    ("given", "secret", "expected"),
    [
        ("*", "acme/order-api/database-AbCdEf", True),
        ("acme/*", "acme/order-api/database-AbCdEf", True),
        ("acme/*", "acme-corp/order-api/database-AbCdEf", False),
        ("acme/order-api/database", "acme/order-api/database-AbCdEf", True),
        # A secret that is not there has no letters yet.
        ("acme/order-api/database", "acme/order-api/database", True),
        ("acme/order-api/database", "acme/order-api/database-replica-AbCdEf", False),
    ],
)
@pytest.mark.parametrize(("name", "policy"), [(name, policy) for name in LOOKING for policy in LOOKING[name]])
def test_a_secret_is_looked_at_by_its_name(name, policy, given, secret, expected):
    patterns = readable(name, policy, "secretsmanager:DescribeSecret", ReadableSecrets=given)

    assert allowed(patterns, f"arn:aws:secretsmanager:us-east-1:222222222222:secret:{secret}") == expected
    assert not allowed(patterns, f"arn:aws:secretsmanager:us-east-1:333333333333:secret:{secret}")


@pytest.mark.parametrize(
    ("parameter", "given", "taken"),
    [
        ("ReadableParameters", "*", True),
        ("ReadableParameters", "acme/*", True),
        ("ReadableParameters", "*/order-api", True),
        ("ReadableParameters", "acme/order-api", True),
        ("ReadableParameters", "/acme/order-api", False),
        ("ReadableParameters", "acme/order-api/", False),
        ("ReadableParameters", "", False),
        ("ReadableSecrets", "*", True),
        ("ReadableSecrets", "acme/order-api/database", True),
        ("ReadableSecrets", "arn:aws:secretsmanager:us-east-1:222222222222:secret:acme", False),
        ("ReadableSecrets", "", False),
    ],
)
def test_what_would_match_nothing_is_refused(parameter, given, taken):
    pattern = templates.hub()["Parameters"][parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, given)) == taken


def test_the_hub_may_do_in_its_own_account_what_it_may_in_others():
    own = policies(TEMPLATES["template.yaml"])["DeployRole/targets"]
    others = policies(TEMPLATES["member.yaml"])["MemberRole/targets"]

    assert own == others


def test_operators_change_no_target():
    actions = templates.actions(policies(TEMPLATES["template.yaml"])["OperatorPolicy"])

    assert actions
    assert not actions & CHANGING


def test_operators_look_at_targets_in_the_hubs_account_as_in_others():
    own = templates.actions(policies(TEMPLATES["template.yaml"])["OperatorPolicy"])
    others = templates.actions(policies(TEMPLATES["member.yaml"])["OperatorRole/look"])
    deploying = templates.actions(policies(TEMPLATES["template.yaml"])["DeployRole/targets"])

    assert own >= others
    # All that is looked at while deploying, a person can look at.
    assert others == deploying - CHANGING - {"ecs:TagResource"}


def test_operators_can_only_look_at_a_member():
    actions = templates.actions(policies(TEMPLATES["member.yaml"])["OperatorRole/look"])

    assert actions
    # Parameters can only be looked at together with their values.
    actions -= {"ssm:GetParametersByPath"}
    assert all(action.split(":")[1].startswith(("Describe", "List")) for action in actions)


@pytest.mark.parametrize("role", ["MemberRole", "OperatorRole"])
def test_a_member_trusts_no_one_without_a_condition(role):
    trust = templates.member()["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert all(statement["Condition"]["ArnLike"]["aws:PrincipalArn"] for statement in trust)


def test_what_forwards_is_there_with_any_of_the_rules():
    template = templates.member()
    rules = templates.of_type(template, templates.RULE)
    conditions = {template["Resources"][rule]["Condition"] for rule in rules}

    either = template["Conditions"]["ForwardsEvents"]["Fn::Or"]
    assert {branch["Condition"] for branch in either} == conditions
    for properties in rules.values():
        (target,) = properties["Targets"]
        assert referenced(target["RoleArn"]) == "ForwardRole"
        assert referenced(target["DeadLetterConfig"]["Arn"]) == "ForwardDlq"
    for shared in ("ForwardRole", "ForwardDlq", "ForwardDlqPolicy"):
        assert template["Resources"][shared]["Condition"] == "ForwardsEvents"


def test_a_member_forwards_what_the_hub_lets_through_and_nothing_else():
    rules = templates.rules()
    members = templates.of_type(templates.member(), templates.RULE).keys()

    # One rule does for the two kinds of image events.
    assert members == FORWARDED.keys() | {"ImageEvents"}
    for member, hub in FORWARDED.items():
        assert rules[member]["EventPattern"] == rules[hub]["EventPattern"], member


def test_each_kind_of_events_is_forwarded_by_a_parameter_of_its_own():
    template = templates.member()
    switches = {
        rule: template["Conditions"][template["Resources"][rule]["Condition"]]["Fn::And"][1]
        for rule in templates.of_type(template, templates.RULE)
    }

    asks = {
        "ForwardImageEvents": {"ImageEvents"},
        "ForwardParameterEvents": {"ParameterEvents", "SecretEvents"},
        "ForwardServiceEvents": {"DeploymentEvents", "ActionEvents", "TaskEvents", "AlarmEvents"},
    }
    assert switches == {
        rule: {"Fn::Equals": [{"Ref": parameter}, "yes"]} for parameter, rules in asks.items() for rule in rules
    }


def test_the_hub_forwards_nothing_to_itself():
    template = templates.member()
    here = [
        {"Fn::Equals": [{"Ref": "HubAccount"}, {"Ref": "AWS::AccountId"}]},
        {"Fn::Equals": [{"Ref": "HubRegion"}, {"Ref": "AWS::Region"}]},
    ]

    assert template["Conditions"]["IsElsewhere"] == {"Fn::Not": [{"Fn::And": here}]}
    for rule in templates.of_type(template, templates.RULE):
        condition = template["Conditions"][template["Resources"][rule]["Condition"]]
        assert {"Condition": "IsElsewhere"} in condition["Fn::And"]


def test_an_account_with_environments_needs_the_defaults_only():
    """So one StackSet does for two hundred of them."""
    parameters = templates.member()["Parameters"]

    assert {name for name, parameter in parameters.items() if "Default" not in parameter} == {"HubAccount", "HubRegion"}
    for needed in ("DeployRole", "ForwardParameterEvents", "ForwardServiceEvents"):
        assert parameters[needed]["Default"] == "yes", needed
    assert parameters["ForwardImageEvents"]["Default"] == "no", "one account has the registry"


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_parameter_is_shown_in_a_group(name):
    template = {"template.yaml": templates.hub, "member.yaml": templates.member}[name]()
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [parameter for group in groups for parameter in group["Parameters"]]

    assert sorted(shown) == sorted(template["Parameters"])


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
