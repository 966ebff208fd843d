"""The saved queries of template.yaml, run over a history that lies as Firehose writes it.

The engine is DuckDB. The queries are written in what it and Athena's Trino both understand, but for two
functions, whose names are made known to DuckDB here: Trino's `approx_percentile`, which is taken exactly,
and `json_extract_scalar`.

The notices are the examples of docs/notices.md, which are made by the code, with other names and times.

A history is told week by week. Since the queries pass over years to come, its weeks are the last ones.
"""

import copy
import datetime
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import templates
from stack import ROOT

RESOURCES = templates.hub()["Resources"]
TABLE = RESOURCES["HistoryTable"]["Properties"]["TableInput"]
PREFIX = RESOURCES["HistoryStream"]["Properties"]["ExtendedS3DestinationConfiguration"]["Prefix"]

#: What Glue's types are to DuckDB. An object that is read as text stays the JSON that it is.
TYPES = {"int": "INTEGER", "string": "VARCHAR"}

SERVICE = "order-api"

#: A notice of each kind, as machines get it.
EXAMPLES = {
    example["kind"]: example
    for block in re.findall(r"```json\n(\{.*?\n\})\n```", (ROOT / "docs/notices.md").read_text(), re.DOTALL)
    if "schema" in (example := json.loads(block))
}

#: The Monday with which the history begins, and that of the week after it.
WEEK = datetime.date.today() - datetime.timedelta(days=datetime.date.today().weekday(), weeks=3)
NEXT_WEEK = WEEK + datetime.timedelta(weeks=1)

_numbers = itertools.count(1)


def at(day: int, time: str) -> datetime.datetime:
    """A time on a day of the history, counted from 0."""
    return datetime.datetime.combine(WEEK + datetime.timedelta(days=day), datetime.time.fromisoformat(time))


def notice(
    kind: str, moment: datetime.datetime, environment: str | None, release: str | None, stays: str | None = None, **more
) -> dict:
    """A notice in its form for machines; one about a service in all environments has no target."""
    number = next(_numbers)
    about = f"{environment}/{SERVICE}" if environment else SERVICE
    example = copy.deepcopy(EXAMPLES[kind])
    # The code that writes it may be older than the key.
    example.pop("back_to_release", None)
    if "deploy" in example:
        example["deploy"] |= {"number": number, "stays": stays}
    return example | {
        "id": f"{about}/{number}/{kind}",
        # Fractions have as many digits as they need.
        "at": f"{moment.isoformat()}{['', '.5', '.123456'][number % 3]}Z",
        "kind": kind,
        "target": about if environment else None,
        "environment": environment,
        "service": SERVICE,
        "release": release,
        "digest": f"sha256:{release}",
        "text": f"{kind} of {release}\nwith a second line",
    } | more


def history() -> list[dict]:
    return [
        # The release 1.5.0 goes to two tenants: in ten minutes and in twenty.
        notice("release-assigned", at(0, "10:00:00"), None, "1.5.0"),
        notice("deploy-started", at(0, "10:05:00"), "acme", "1.5.0"),
        notice("deploy-succeeded", at(0, "10:10:00"), "acme", "1.5.0"),
        notice("deploy-started", at(0, "10:15:00"), "initech", "1.5.0"),
        notice("deploy-succeeded", at(0, "10:20:00"), "initech", "1.5.0"),
        # A parameter is changed: a deploy, and no release's first.
        notice("deploy-started", at(1, "09:00:00"), "acme", "1.5.0"),
        notice("deploy-succeeded", at(1, "09:04:00"), "acme", "1.5.0"),
        # 1.6.0 fails at acme, ECS goes back, and a finding is told.
        notice("release-assigned", at(2, "12:00:00"), None, "1.6.0"),
        notice("deploy-started", at(2, "12:00:00"), "acme", "1.6.0"),
        notice("deploy-failed", at(2, "12:06:00"), "acme", "1.6.0"),
        notice("rolled-back", at(2, "12:10:00"), "acme", "1.6.0", **{"from": "1.5.0"}),
        notice("finding-opened", at(3, "08:00:00"), "initech", None, finding={"kind": "behind"}),
        # A person takes 1.5.0 back at hooli, to what ran before the release that ran before it.
        notice("deploy-started", at(3, "09:00:00"), "hooli", "1.5.0"),
        notice("deploy-succeeded", at(3, "09:10:00"), "hooli", "1.5.0"),
        notice("rolled-back", at(4, "10:00:00"), "hooli", "1.5.0", back_to_release="1.4.1", **{"from": "1.4.2"}),
        # 1.6.1 fails and cannot go back; the next one, a week later, serves.
        notice("deploy-started", at(7, "12:00:00"), "acme", "1.6.1"),
        notice("deploy-failed", at(7, "12:10:00"), "acme", "1.6.1"),
        notice("deploy-failed", at(7, "12:20:00"), "acme", "1.6.1", stays="there is nothing to go back to"),
        notice("release-assigned", at(7, "12:30:00"), None, "1.6.2"),
        notice("deploy-started", at(7, "12:30:00"), "acme", "1.6.2"),
        notice("deploy-succeeded", at(7, "12:40:00"), "acme", "1.6.2"),
        # The tag 1.6.2 is moved to another image, which takes longer.
        notice("release-assigned", at(8, "08:00:00"), None, "1.6.2", digest="sha256:moved"),
        notice("deploy-started", at(8, "08:00:00"), "acme", "1.6.2", digest="sha256:moved"),
        notice("deploy-succeeded", at(8, "08:20:00"), "acme", "1.6.2", digest="sha256:moved"),
        # Somebody's own deployment takes the place of one at initech.
        notice("deploy-started", at(10, "10:00:00"), "initech", "1.6.2"),
        notice("superseded", at(10, "10:02:00"), "initech", "1.6.2"),
    ]


def write(directory: Path, notices: list[dict]) -> None:
    """Write notices as Firehose does: below the prefix of the hour in which they came, a line for each."""
    for number, written in enumerate(notices):
        moment = datetime.datetime.fromisoformat(written["at"])
        prefix = PREFIX
        for pattern, value in (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d")):
            prefix = prefix.replace(f"!{{timestamp:{pattern}}}", moment.strftime(value))
        assert "!" not in prefix
        file = directory / prefix / f"history-1-{moment:%Y-%m-%d-%H}-{number % 2}"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            # What has no value may be left out; and SNS may have ended the line already.
            told = {key: value for key, value in written.items() if value is not None}
            lines.write(json.dumps(told) + "\n" * (1 + number % 2))


@pytest.fixture
def engine(tmp_path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the table of the template over the history, a fifth of which came twice."""
    notices = history()
    write(tmp_path, notices + notices[::5])
    columns = {column["Name"]: TYPES[column["Type"]] for column in TABLE["StorageDescriptor"]["Columns"]}
    keys = {key["Name"]: TYPES[key["Type"]] for key in TABLE["PartitionKeys"]}
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute("CREATE MACRO approx_percentile(numbers, share) AS quantile_disc(numbers, share)")
        engine.execute("CREATE MACRO json_extract_scalar(text, path) AS json_extract_string(text, path)")
        engine.execute(
            f"CREATE VIEW {TABLE['Name']} AS SELECT * FROM read_json('{tmp_path}/history/**/*', "
            f"format = 'newline_delimited', columns = {columns}, hive_partitioning = true, hive_types = {keys})"
        )
        yield engine


def query(logical_id: str) -> str:
    return RESOURCES[logical_id]["Properties"]["QueryString"]


def answer(engine: duckdb.DuckDBPyConnection, sql: str) -> list[dict]:
    found = engine.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_the_table_has_a_line_for_each_notice_that_came(engine):
    notices = history()

    (found,) = answer(engine, "SELECT count(*) AS lines, count(DISTINCT id) AS notices FROM notices WHERE id IS NOT NULL")
    assert found == {"lines": len(notices) + len(notices[::5]), "notices": len(notices)}
    (finding,) = answer(engine, "SELECT finding, year, month, day FROM notices WHERE finding IS NOT NULL")
    told = at(3, "08:00:00")
    assert json.loads(finding.pop("finding")) == {"kind": "behind"}
    assert finding == {"year": told.year, "month": told.month, "day": told.day}


def test_each_column_is_named_once_and_the_days_are_where_firehose_writes(engine):
    parameters = TABLE["Parameters"]
    keys = [key["Name"] for key in TABLE["PartitionKeys"]]

    template = parameters["storage.location.template"]["Fn::Sub"].replace("${!", "${")
    expected = PREFIX
    for key, pattern in (("year", "yyyy"), ("month", "MM"), ("day", "dd")):
        expected = expected.replace(f"!{{timestamp:{pattern}}}", f"${{{key}}}")
    assert template == "s3://${HistoryBucketName}/" + expected
    assert keys == ["year", "month", "day"]
    assert {key: parameters[f"projection.{key}.type"] for key in keys} == dict.fromkeys(keys, "integer")
    assert [parameters.get(f"projection.{key}.digits") for key in keys] == [None, "2", "2"]
    columns = [column["Name"] for column in TABLE["StorageDescriptor"]["Columns"]]
    assert {key for example in EXAMPLES.values() for key in example} <= {*columns}
    assert len({*columns, *keys}) == len(columns) + len(keys)


def test_how_often_is_deployed_and_how_soon_a_release_serves(engine):
    assert answer(engine, query("DeployFrequencyQuery")) == [
        {"service": SERVICE, "week": WEEK, "deploys": 4, "first_deploys": 3, "lead_seconds": 1200},
        # The moved tag is counted from its own assignment.
        {"service": SERVICE, "week": NEXT_WEEK, "deploys": 2, "first_deploys": 2, "lead_seconds": 600},
    ]


def test_how_many_deploys_fail_and_for_how_long(engine):
    found = answer(engine, query("DeployFailuresQuery"))

    assert found == [
        # Of five one failed, and four minutes later what was there before served; one was taken back.
        {"service": SERVICE, "week": WEEK, "deploys": 5, "failed": 2, "failure_rate": 0.4, "restore_seconds": 240},
        # Told twice to have failed, and good again half an hour after the first time.
        {"service": SERVICE, "week": NEXT_WEEK, "deploys": 4, "failed": 1, "failure_rate": 0.25, "restore_seconds": 1800},
    ]


@pytest.mark.parametrize(
    ("environment", "day", "expected"),
    [
        ("acme", 0, [("1.5.0", at(0, "10:10:00"), at(1, "09:04:00"))]),
        ("acme", 1, [("1.5.0", at(0, "10:10:00"), at(1, "09:04:00")), ("1.5.0", at(1, "09:04:00"), at(2, "12:10:00"))]),
        ("acme", 3, [("1.5.0", at(2, "12:10:00"), at(7, "12:20:00"))]),
        (
            "acme",
            7,
            [
                ("1.5.0", at(2, "12:10:00"), at(7, "12:20:00")),
                # The failed one stays until the next one serves.
                ("1.6.1", at(7, "12:20:00"), at(7, "12:40:00")),
                ("1.6.2", at(7, "12:40:00"), at(8, "08:20:00")),
            ],
        ),
        ("acme", 9, [("1.6.2", at(8, "08:20:00"), None)]),
        # What a person went back to, and not what ran before the deploy.
        ("hooli", 5, [("1.4.1", at(4, "10:00:00"), None)]),
        ("initech", 9, [("1.5.0", at(0, "10:20:00"), at(10, "10:02:00"))]),
        # What somebody else deployed, Funade does not know.
        ("initech", 11, [(None, at(10, "10:02:00"), None)]),
        ("acme", -1, []),
        ("soylent", 3, []),
    ],
)
def test_what_ran_in_an_environment_on_a_day(engine, environment, day, expected):
    asked = query("RanQuery")
    for literal, value in (
        ("'acme'", f"'{environment}'"),
        ("DATE '2026-12-31'", f"DATE '{at(day, '00:00:00').date()}'"),
    ):
        assert asked.count(literal) == 1
        asked = asked.replace(literal, value)

    found = answer(engine, asked)

    assert [(row["release"], seconds(row["since"]), row["ended"] and seconds(row["ended"])) for row in found] == expected
    assert {row["service"] for row in found} <= {SERVICE}


def seconds(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(microsecond=0)


def test_what_ran_says_what_brought_it(engine):
    asked = query("RanQuery").replace("DATE '2026-12-31'", f"DATE '{at(7, '00:00:00').date()}'")

    back, stays, newest = answer(engine, asked)

    assert [row["outcome"] for row in (back, stays, newest)] == ["rolled-back", "deploy-failed", "deploy-succeeded"]
    assert stays["digest"] == "sha256:1.6.1"
    # Which image of 1.5.0 came back, the notice of the rollback does not say.
    assert (back["digest"], back["brought_by"].splitlines()[0]) == (None, "rolled-back of 1.6.0")
    assert (newest["digest"], newest["brought_by"].splitlines()[0]) == ("sha256:1.6.2", "deploy-succeeded of 1.6.2")
