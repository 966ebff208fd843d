"""What a linter does not see of notices, alarms and the history in template.yaml."""

import json
import re

import pytest

import templates
from stack import ROOT
from test_template import as_list, policies, referenced

HUB = templates.hub()
RESOURCES = HUB["Resources"]
FUNCTIONS = templates.of_type(HUB, templates.FUNCTION)
ALARMS = templates.of_type(HUB, "AWS::CloudWatch::Alarm")
QUERIES = templates.of_type(HUB, "AWS::Athena::NamedQuery")

#: For how long DynamoDB keeps a stream's record.
STREAM_SECONDS = 24 * 60 * 60

#: The columns and rows of CloudWatch's grid.
GRID_COLUMNS = 24

#: What is there only with a bucket for it.
HISTORY = {
    "DeployFailuresQuery",
    "DeployFrequencyQuery",
    "History",
    "HistoryAgeAlarm",
    "HistoryDatabase",
    "HistoryFailedAlarm",
    "HistoryStream",
    "HistoryStreamRole",
    "HistorySubscription",
    "HistorySubscriptionRole",
    "HistoryTable",
    "HistoryWorkGroup",
    "NoticeDlqPolicy",
    "RanQuery",
}


def notices_event() -> dict:
    (event,) = [event for event in FUNCTIONS["Notify"]["Events"].values() if event["Type"] == "DynamoDB"]
    return event["Properties"]


def notifies() -> dict[str, dict]:
    """What the function that sends may do, by each statement's name."""
    found = {statement["Sid"]: statement for statement in policies(HUB)["NotifyRole/notify"]["Statement"]}
    assert all(statement["Effect"] == "Allow" for statement in found.values())
    return found


def dashboard() -> dict:
    """The dashboard's body, with each name of a resource in the place of what it becomes."""
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for variable in set(re.findall(r"\$\{(.*?)}", body)):
        logical_id = variable.split(".")[0]
        assert variable == "AWS::Region" or logical_id in RESOURCES, variable
        body = body.replace(f"${{{variable}}}", logical_id)
    return json.loads(body)


def metrics() -> list[tuple[str, str, tuple[str, ...]]]:
    """Namespace, name and dimensions of each metric that the dashboard shows or an alarm watches."""
    found = []
    for widget in dashboard()["widgets"]:
        namespace = name = None
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], dict):
                search = re.match(r"SEARCH\('\{(\w+),(\w+)} MetricName=\"(\w+)\"'", metric[0]["expression"])
                found.append((search[1], search[3], (search[2],)))
            elif metric[0] != "...":
                namespace, name, *dimensions = [part for part in metric if isinstance(part, str)]
                found.append((namespace, name, tuple(dimensions[::2])))
    for alarm in ALARMS.values():
        dimensions = tuple(dimension["Name"] for dimension in alarm["Dimensions"])
        found.append((alarm["Namespace"], alarm["MetricName"], dimensions))
    return found


def test_what_is_written_as_a_notice_is_handed_over_and_nothing_else():
    (pattern,) = notices_event()["FilterCriteria"]["Filters"]

    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "notice#"}]}}},
    }
    assert RESOURCES["Table"]["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert notices_event()["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert notices_event()["StartingPosition"] == "TRIM_HORIZON"


def test_a_notice_is_tried_for_almost_as_long_as_the_stream_has_it():
    event = notices_event()

    assert STREAM_SECONDS - 2 * 3600 <= event["MaximumRecordAgeInSeconds"] < STREAM_SECONDS
    assert "MaximumRetryAttempts" not in event, "by age alone"
    assert event["BatchSize"] == 10
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["BisectBatchOnFunctionError"] is True
    assert 1 <= event["ParallelizationFactor"] <= 10
    assert referenced(event["DestinationConfig"]["OnFailure"]["Destination"]) == "NoticeDlq"


def test_what_is_not_taken_is_tried_for_about_a_day_and_then_kept():
    (event,) = [event["Properties"] for event in FUNCTIONS["Notify"]["Events"].values() if event["Type"] == "SQS"]
    queue = RESOURCES["NoticeRetryQueue"]["Properties"]

    assert referenced(event["Queue"]) == "NoticeRetryQueue"
    tried = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert 20 * 3600 <= tried <= 28 * 3600
    # A message is gone after four days unless the queue says otherwise.
    assert "MessageRetentionPeriod" not in queue
    assert referenced(queue["RedrivePolicy"]["deadLetterTargetArn"]) == "NoticeDlq"
    assert RESOURCES["NoticeDlq"]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_whoever_sends_notices_can_do_little_else():
    granted = {sid: set(as_list(statement["Action"])) for sid, statement in notifies().items()}

    assert granted == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Stream": {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
        "Streams": {"dynamodb:ListStreams"},
        "Ledger": {"dynamodb:GetItem"},
        "Topics": {"sns:Publish"},
        "Keys": {"secretsmanager:GetSecretValue"},
        "NotTaken": {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
        "UntakenNotices": {"sqs:SendMessage"},
    }
    assert referenced(notifies()["NotTaken"]["Resource"]) == "NoticeRetryQueue"
    assert notifies()["Stream"]["Resource"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert referenced(notifies()["UntakenNotices"]["Resource"]) == "NoticeDlq"
    assert {"NotifyRole"} == {
        logical_id
        for logical_id, role in templates.of_type(HUB, "AWS::IAM::Role").items()
        if templates.actions(role) & {"sns:Publish", "secretsmanager:GetSecretValue"}
    }


def test_keys_are_read_below_one_name_and_topics_are_the_accounts_own():
    keys = [resource["Fn::Sub"] for resource in notifies()["Keys"]["Resource"]]
    here = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${NoticeKeys}"
    assert keys == [here, f"{here}-??????"]
    assert HUB["Parameters"]["NoticeKeys"]["Default"] == "funade/*"

    own, history, others = notifies()["Topics"]["Resource"]
    assert (own, history["Fn::If"][:2]) == ({"Ref": "Notices"}, ["HasHistory", {"Ref": "History"}])
    condition, given, default = others["Fn::If"]
    assert HUB["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "PublishableTopics"}, ""]}]}
    assert given == {"Fn::Sub": "arn:${AWS::Partition}:sns:${PublishableTopics}"}
    assert default == {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:*"}


@pytest.mark.parametrize(
    ("parameter", "given", "taken"),
    [
        ("PublishableTopics", "", True),
        ("PublishableTopics", "ap-northeast-1:999999999999:team-*", True),
        ("PublishableTopics", "*:999999999999:*", True),
        ("PublishableTopics", "*", False),
        ("PublishableTopics", "arn:aws:sns:ap-northeast-1:999999999999:team", False),
        ("NoticeKeys", "funade/*", True),
        ("NoticeKeys", "", False),
        ("AlarmTopicArn", "", True),
        ("AlarmTopicArn", "arn:aws:sns:ap-northeast-1:999999999999:on-call", True),
        ("AlarmTopicArn", "arn:aws-us-gov:sns:us-gov-west-1:999999999999:on-call", True),
        ("AlarmTopicArn", "arn:aws:sns:ap-northeast-1:999999999999:on-call.fifo", False),
        ("HistoryBucketName", "", True),
        ("HistoryBucketName", "acme-history", True),
        ("HistoryBucketName", "s3://acme-history", False),
    ],
)
def test_parameters_of_notices(parameter, given, taken):
    pattern = HUB["Parameters"][parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, given)) == taken


def test_the_history_of_the_ledger_is_kept_for_as_long_as_asked():
    days = HUB["Parameters"]["HistoryDays"]

    assert (days["Type"], days["Default"], days["MinValue"], days["MaxValue"]) == ("Number", 400, 30, 3650)
    assert HUB["Globals"]["Function"]["Environment"]["Variables"]["FUNADE_HISTORY_DAYS"] == {"Ref": "HistoryDays"}


@pytest.mark.parametrize("alarm", ALARMS)
def test_each_alarm_tells_the_topic_that_was_given_and_runs_without(alarm):
    told = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}

    assert ALARMS[alarm]["AlarmActions"] == ALARMS[alarm]["OKActions"] == told
    assert HUB["Conditions"]["HasAlarmTopic"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}
    assert ALARMS[alarm]["AlarmDescription"].endswith(".")


def test_each_queue_of_what_was_given_up_has_an_alarm():
    given_up = {queue for queue in templates.of_type(HUB, "AWS::SQS::Queue") if queue.endswith("Dlq")}
    watched = {
        referenced(alarm["Dimensions"][0]["Value"]): (alarm["Threshold"], alarm["ComparisonOperator"])
        for alarm in ALARMS.values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }

    assert watched == dict.fromkeys(given_up, (0, "GreaterThanThreshold"))


@pytest.mark.parametrize(
    ("alarm", "metric", "of", "limit"),
    [
        ("WakeQueueAgeAlarm", "ApproximateAgeOfOldestMessage", "WakeQueue", ("GreaterThanThreshold", 15 * 60)),
        ("NoticeRetryAgeAlarm", "ApproximateAgeOfOldestMessage", "NoticeRetryQueue", ("GreaterThanThreshold", 15 * 60)),
        ("NotifyAgeAlarm", "IteratorAge", "Notify", ("GreaterThanThreshold", 15 * 60 * 1000)),
        ("NotifyErrorsAlarm", "Errors", "Notify", ("GreaterThanThreshold", 0)),
        ("DeployErrorsAlarm", "Errors", "Deploy", ("GreaterThanThreshold", 0)),
        ("SweepMissingAlarm", "Invocations", "Sweep", ("LessThanThreshold", 1)),
    ],
)
def test_what_an_alarm_watches(alarm, metric, of, limit):
    watched = ALARMS[alarm]
    (dimension,) = watched["Dimensions"]

    assert (watched["MetricName"], referenced(dimension["Value"])) == (metric, of)
    assert (watched["ComparisonOperator"], watched["Threshold"]) == limit
    assert watched["Period"] * watched["EvaluationPeriods"] == 300


@pytest.mark.parametrize(
    ("alarm", "metric", "statistic", "limit"),
    [
        ("HistoryAgeAlarm", "DeliveryToS3.DataFreshness", ("Maximum", 300), ("GreaterThanThreshold", 3600)),
        ("HistoryFailedAlarm", "DeliveryToS3.Success", ("Minimum", 3600), ("LessThanThreshold", 1)),
    ],
)
def test_what_the_history_does_not_get_is_an_alarm(alarm, metric, statistic, limit):
    watched = ALARMS[alarm]

    assert watched["Dimensions"] == [{"Name": "DeliveryStreamName", "Value": {"Ref": "HistoryStream"}}]
    assert (watched["MetricName"], (watched["Statistic"], watched["Period"])) == (metric, statistic)
    assert (watched["ComparisonOperator"], watched["Threshold"]) == limit


def test_what_firehose_does_not_take_from_the_topic_is_kept():
    redrive = RESOURCES["HistorySubscription"]["Properties"]["RedrivePolicy"]
    policy = RESOURCES["NoticeDlqPolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert referenced(redrive["deadLetterTargetArn"]) == "NoticeDlq"
    assert policy["Queues"] == [{"Ref": "NoticeDlq"}]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "sns.amazonaws.com"}, "sqs:SendMessage")
    assert referenced(statement["Resource"]) == "NoticeDlq"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "History"}}}


def test_silence_is_an_alarm_only_where_something_must_run():
    assert {alarm: p["TreatMissingData"] for alarm, p in ALARMS.items() if p["TreatMissingData"] != "notBreaching"} == {
        "SweepMissingAlarm": "breaching"
    }


def test_the_metrics_of_our_own_are_those_that_the_functions_log():
    source = (ROOT / "crates/funade/src/decisions/metrics.rs").read_text()
    own = {(name, dimensions) for namespace, name, dimensions in metrics() if namespace == "Funade"}

    assert own == {
        ("Deploys", ("Outcome",)),
        ("DeployDuration", ()),
        ("LeadTime", ()),
        ("Targets", ("State",)),
        ("Findings", ("Kind",)),
        ("Drift", ()),
    }
    for name, dimensions in own:
        for text in (name, *dimensions):
            assert f'"{text}"' in source, text
    assert {namespace for namespace, _, _ in metrics()} == {"Funade", "AWS/SQS", "AWS/Lambda", "AWS/Firehose"}


def test_no_level_of_the_logs_keeps_the_metrics_back():
    # Their lines have no level, and Lambda takes what has none for INFO.
    assert HUB["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]
    assert HUB["Parameters"]["LogLevel"]["Default"] == "INFO"


def test_the_dashboard_has_room_for_each_of_its_parts():
    taken = set()
    for widget in dashboard()["widgets"]:
        x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
        assert x + width <= GRID_COLUMNS
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        assert not cells & taken, widget["properties"]["title"]
        taken |= cells


def test_the_dashboard_shows_every_function():
    shown = json.dumps(dashboard())

    assert [function for function in FUNCTIONS if f'"{function}"' not in shown] == []


def test_without_a_bucket_there_is_no_history():
    conditional = {name for name, resource in RESOURCES.items() if resource.get("Condition") == "HasHistory"}

    assert conditional == HISTORY
    assert HUB["Conditions"]["HasHistory"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "HistoryBucketName"}, ""]}]}
    assert HUB["Parameters"]["HistoryBucketName"]["Default"] == ""
    assert FUNCTIONS["Notify"]["Environment"]["Variables"] == {
        "FUNADE_HISTORY_TOPIC": {"Fn::If": ["HasHistory", {"Ref": "History"}, {"Ref": "AWS::NoValue"}]},
        "FUNADE_NOTICE_RETRY_QUEUE_URL": {"Ref": "NoticeRetryQueue"},
        "FUNADE_NOTICE_DLQ_URL": {"Ref": "NoticeDlq"},
    }
    for output, value in HUB["Outputs"].items():
        assert ("Condition" in value) == (referenced(value["Value"]) in HISTORY), output


def test_firehose_gets_each_notice_as_it_is_and_on_a_line_of_its_own():
    subscription = RESOURCES["HistorySubscription"]["Properties"]
    stream = RESOURCES["HistoryStream"]["Properties"]["ExtendedS3DestinationConfiguration"]

    assert subscription["RawMessageDelivery"] is True
    (processor,) = stream["ProcessingConfiguration"]["Processors"]
    assert processor["Type"] == "AppendDelimiterToRecord"
    # As Firehose wants it: a backslash and an n.
    assert processor["Parameters"] == [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}]
    written = {stream[key].split("/")[0] for key in ("Prefix", "ErrorOutputPrefix")}
    role = policies(HUB)["HistoryStreamRole/history-stream"]["Statement"]
    (objects,) = [statement for statement in role if statement["Sid"] == "Objects"]
    assert {resource["Fn::Sub"].split("/")[-2] for resource in objects["Resource"]} == written


@pytest.mark.parametrize("role", ["HistoryStreamRole", "HistorySubscriptionRole"])
def test_a_service_acts_for_this_account_only(role):
    (trust,) = RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("query", QUERIES)
def test_a_saved_query_asks_the_table_and_days_that_are_not_to_come(query):
    properties = QUERIES[query]

    assert (properties["Database"], properties["WorkGroup"]) == ({"Ref": "HistoryDatabase"}, {"Ref": "HistoryWorkGroup"})
    table = RESOURCES["HistoryTable"]["Properties"]["TableInput"]["Name"]
    assert f"FROM {table}\n" in properties["QueryString"]
    # Else Athena lists the days of all years up to the last that the table can have.
    assert '"year" <= year(current_date)' in properties["QueryString"]
