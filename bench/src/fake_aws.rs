//! AWS as far as one event of each function needs it: every operation has one answer, made from
//! the request and nothing else, so that each event finds the same world and does the same work.
//!
//! That world: `examples/fleet` is in force, its release is assigned to a target of which nothing
//! is known yet, and whose ECS service runs an older image. Below its path are ten parameters, a
//! full page and no more; the last change there was long ago, and nobody is to be woken for it. The
//! target's one alarm is quiet.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine};
use funade::config::{Sources, pack};
use funade::facts::stored::Stored;
use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::http::{Request, Response, Server};
use crate::scene::{self, ACCOUNT, ASSIGNED, REGION, SERVICE};
use crate::tls::Tls;

/// Parameters in the only page of a path: the most that a page has.
const PARAMETERS: usize = 10;

/// How their names below the path begin.
const PREFIX: &str = "SETTING_";

/// When all that is there was made, in seconds since 1970: before any event, and longer ago than
/// any quiet period.
const LONG_AGO: f64 = 1_763_600_000.25;

/// AWS on 127.0.0.1, over TLS.
pub(crate) struct FakeAws {
    server: Server,
    traffic: Arc<Mutex<Traffic>>,
}

/// What has come in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) connections: usize,
    pub(crate) calls: BTreeMap<String, usize>,
}

impl FakeAws {
    pub(crate) fn start(tls: &Tls, sources: &Sources) -> Result<Self> {
        let traffic: Arc<Mutex<Traffic>> = Arc::default();
        let (config, connections, calls) = (tls.server.clone(), traffic.clone(), traffic.clone());
        let accept = move |socket: TcpStream| {
            connections.lock().expect("no holder panics").connections += 1;
            let tls = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            Ok(StreamOwned::new(tls, socket))
        };
        let table = table(sources)?;
        let answer = move |request: Request| {
            let operation = operation(&request);
            let response = respond(&table, &operation, &request.body);
            *calls.lock().expect("no holder panics").calls.entry(operation).or_default() += 1;
            Some(response)
        };
        Ok(Self { server: Server::start(accept, answer)?, traffic })
    }

    /// For `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    /// What has come in since the last time.
    pub(crate) fn take_traffic(&self) -> Traffic {
        std::mem::take(&mut *self.traffic.lock().expect("no holder panics"))
    }
}

/// Items by `pk` and `sk`, as funade-aws lays them out.
type Table = BTreeMap<(String, String), Value>;

fn table(sources: &Sources) -> Result<Table> {
    let body = BASE64_STANDARD.encode(pack(sources));
    let record = scene::service_record()?.to_json();
    let items = [
        (
            "config".to_owned(),
            "head",
            json!({"version": {"N": "1"}, "by": {"S": "bench"}, "at": long_ago()}),
        ),
        ("config".to_owned(), "version#0000000001", json!({"body": {"B": body}})),
        (
            format!("service#{SERVICE}"),
            "record",
            json!({"generation": {"N": "1"}, "body": {"S": record}}),
        ),
    ];
    Ok(items.into_iter().map(|(pk, sk, item)| ((pk, sk.to_owned()), item)).collect())
}

/// The operation, which every protocol has in another place.
fn operation(request: &Request) -> String {
    if let Some(target) = request.target.as_deref() {
        return target.rsplit_once('.').map_or(target, |(_, name)| name).to_owned();
    }
    // CloudWatch's protocol is Smithy's RPC.
    if let Some((_, name)) = request.path.rsplit_once("/operation/") {
        return name.to_owned();
    }
    // STS speaks the oldest, in which the body is a form.
    let form = String::from_utf8_lossy(&request.body);
    form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or("?").to_owned()
}

fn respond(table: &Table, operation: &str, body: &[u8]) -> Response {
    if operation == "AssumeRole" {
        return response(200, "text/xml", ASSUMED.into());
    }
    if operation == "DescribeAlarms" {
        let mut response = response(200, "application/cbor", ALARMS.into());
        response.headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
        return response;
    }
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let (status, output) = output(table, operation, &request).map_or_else(
        || (400, json!({"__type": "ValidationException", "message": operation})),
        |output| (200, output),
    );
    response(status, "application/x-amz-json-1.1", output.to_string().into())
}

fn response(status: u16, kind: &str, body: Vec<u8>) -> Response {
    let headers = vec![
        ("content-type", kind.to_owned()),
        ("x-amzn-requestid", "b25f48e8-84fd-11e6-80d9-574e0c4664cb".to_owned()),
    ];
    Response { status, headers, body }
}

/// The answer to an operation; `None` for one that no measured event should call.
fn output(table: &Table, operation: &str, request: &Value) -> Option<Value> {
    Some(match operation {
        "GetItem" => {
            let part =
                |name: &str| request["Key"][name]["S"].as_str().unwrap_or_default().to_owned();
            let item = table.get(&(part("pk"), part("sk")));
            item.map_or_else(|| json!({}), |item| json!({"Item": item}))
        }
        "Query" => json!({"Items": [], "Count": 0, "ScannedCount": 0}),
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object()?.iter();
            let found = tables.map(|(table, wanted)| (table.clone(), changes(&wanted["Keys"])));
            json!({"Responses": found.collect::<Value>(), "UnprocessedKeys": {}})
        }
        "UpdateItem" if request["ReturnValues"] == "ALL_NEW" => {
            json!({"Attributes": change(&request["Key"])})
        }
        "PutItem" | "UpdateItem" | "TransactWriteItems" => json!({}),
        "BatchWriteItem" => json!({"UnprocessedItems": {}}),
        "SendMessage" => json!({"MessageId": "1", "MD5OfMessageBody": "0"}),
        "SendMessageBatch" => {
            let entries = request["Entries"].as_array().into_iter().flatten();
            let sent = entries
                .map(|entry| json!({"Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "0"}));
            json!({"Successful": sent.collect::<Value>(), "Failed": []})
        }
        "GetParametersByPath" => {
            let path = request["Path"].as_str()?;
            json!({"Parameters": (0..PARAMETERS).map(|n| parameter(path, n)).collect::<Value>()})
        }
        "DescribeImages" => {
            json!({"imageDetails": [{"imageDigest": ASSIGNED.1, "imageTags": [ASSIGNED.0], "imageStatus": "ACTIVE"}]})
        }
        "DescribeServices" => {
            json!({"services": [ecs_service(&[(1, "COMPLETED")])], "failures": []})
        }
        "UpdateService" => json!({"service": ecs_service(&[(2, "IN_PROGRESS"), (1, "COMPLETED")])}),
        "ListServiceDeployments" => json!({"serviceDeployments": []}),
        "DescribeTaskDefinition" => json!({"taskDefinition": task_definition(), "tags": []}),
        // One without the parameters would not be the work that is measured.
        "RegisterTaskDefinition" if has_parameters(request) => {
            json!({"taskDefinition": {"taskDefinitionArn": revision(2), "family": SERVICE, "revision": 2}})
        }
        _ => return None,
    })
}

/// The items of changes among those with these keys; there are none of targets.
fn changes(keys: &Value) -> Value {
    let of_change =
        |key: &&Value| key["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("change#"));
    keys.as_array().into_iter().flatten().filter(of_change).map(change).collect()
}

fn change(key: &Value) -> Value {
    json!({"pk": key["pk"], "sk": key["sk"], "changed_at": long_ago()})
}

fn long_ago() -> Value {
    json!({"N": format!("{:.0}", LONG_AGO * 1e3)})
}

/// One of the parameters below a path. Every fifth is a `SecureString`, with its ciphertext.
fn parameter(path: &str, number: usize) -> Value {
    let name = format!("{path}{PREFIX}{number}");
    let (kind, value) = match number % 5 {
        0 => ("SecureString", "AQICAHi".repeat(32)),
        _ => ("String", format!("value {number}")),
    };
    json!({
        "Name": name, "Type": kind, "Value": value, "Version": 3, "DataType": "text",
        "ARN": format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"),
        "LastModifiedDate": LONG_AGO,
    })
}

/// Whether a registration has a variable for each of the parameters.
fn has_parameters(registration: &Value) -> bool {
    let variables =
        ["environment", "secrets"].map(|kind| &registration["containerDefinitions"][0][kind]);
    let variables = variables.into_iter().filter_map(Value::as_array).flatten();
    variables
        .filter(|variable| variable["name"].as_str().is_some_and(|name| name.starts_with(PREFIX)))
        .count()
        == PARAMETERS
}

/// A service with deployments of these revisions, the newest first.
fn ecs_service(deployments: &[(u32, &str)]) -> Value {
    let deployments = deployments.iter().enumerate().map(|(index, (number, rollout))| {
        let status = if index == 0 { "PRIMARY" } else { "ACTIVE" };
        json!({
            "id": format!("ecs-svc/{number:019}"), "status": status,
            "taskDefinition": revision(*number), "rolloutState": rollout,
            "desiredCount": 3, "runningCount": 3, "pendingCount": 0,
            "createdAt": LONG_AGO,
        })
    });
    json!({
        "serviceName": SERVICE, "status": "ACTIVE", "desiredCount": 3, "runningCount": 3,
        "pendingCount": 0, "deploymentController": {"type": "ECS"},
        "deployments": deployments.collect::<Value>(), "events": [],
    })
}

/// The simulator's task definition, which is as rich as a real one.
fn task_definition() -> Value {
    let mut value: Value = serde_json::from_str(funade_sim::TASK_DEFINITION).expect("it is JSON");
    value["taskDefinitionArn"] = revision(1).into();
    value
}

fn revision(number: u32) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{SERVICE}:{number}")
}

/// The alarm that has to be quiet for a deploy: `{"MetricAlarms": [{"AlarmName":
/// "acme-order-api-5xx", "StateValue": "OK"}]}` in CBOR, where a byte before each text says that it
/// is one (0x60) and how long.
/// <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
const ALARMS: &[u8] =
    b"\xa1\x6cMetricAlarms\x81\xa2\x69AlarmName\x72acme-order-api-5xx\x6aStateValue\x62OK";

const ASSUMED: &str = "\
<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
<AssumedRoleUser><AssumedRoleId>AROA:funade</AssumedRoleId>\
<Arn>arn:aws:sts::222222222222:assumed-role/funade-member/funade</Arn></AssumedRoleUser>\
<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
</AssumeRoleResult></AssumeRoleResponse>";
