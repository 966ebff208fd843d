//! Messages to servers on this machine that take them, and that do not.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use funade::facts::finding::Severity;
use funade::facts::message::DatadogCall;
use funade::facts::names::AccountId;
use funade::facts::notice::NoticeKind;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::listener::{Listener, Reply};
use super::*;
use crate::clients::Clients;
use crate::settings::Settings;

const KEY: &str = "nobody-may-see-this";
const BODY: &str = r#"{"text":"order-api 1.4.0 → acme"}"#;

fn world_at(endpoint_url: String) -> AwsWorld {
    let settings = Settings {
        table: "funade".to_owned(),
        wake_queue_url: "https://sqs/wake.fifo".to_owned(),
        later_queue_url: "https://sqs/later".to_owned(),
        notice_retry_queue_url: Some("https://sqs/notice-retry".to_owned()),
        notice_dlq_url: Some("https://sqs/notice-dlq".to_owned()),
        account: AccountId::parse("999999999999").expect("well-formed"),
        region: Region::parse("eu-west-1").expect("well-formed"),
        member_role: "funade-member".to_owned(),
        history_days: 400,
        endpoint_url: Some(endpoint_url),
    };
    let credentials = Credentials::new("id", "secret", None, None, "tests");
    AwsWorld::new(Clients::new(settings, SharedCredentialsProvider::new(credentials)))
}

/// AWS with one secret, which may be read so many times.
fn aws(reads: usize) -> Listener {
    let secret = serde_json::json!({ "Name": "funade/hook", "SecretString": KEY }).to_string();
    Listener::start(vec![Reply::ok(secret); reads])
}

fn message(to: Destination) -> Message {
    Message {
        notice: "deploy-failed/acme/order-api/7".to_owned(),
        kind: NoticeKind::DeployFailed,
        severity: Severity::Error,
        to,
        subject: String::new(),
        body: BODY.to_owned(),
    }
}

fn secret() -> SecretName {
    SecretName::parse("funade/hook").expect("well-formed")
}

fn webhook(url: String) -> Message {
    message(Destination::Webhook { url, key: secret() })
}

fn datadog(url: String, call: DatadogCall) -> Message {
    message(Destination::Datadog { url, call, key: secret() })
}

/// Sends to a webhook that does this, and gives back the error with all that it shows.
async fn fails(reply: Reply) -> (CallProblem, String) {
    let (aws, hook) = (aws(1), Listener::start([reply]));
    let mut world = world_at(aws.url());
    world.outgoing.post_timeout = Duration::from_millis(300);
    let url = hook.url().replacen("//", "//dana:hunter2@", 1);
    let error = world.send(&webhook(format!("{url}/hooks/T0K3N"))).await.expect_err("fails");
    let told = error.in_full();
    let shown = format!("{told} {error:?} {world:?}");
    for hidden in [KEY, "T0K3N", "hunter2"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    assert!(told.starts_with("POST of deploy-failed/acme/order-api/7 to 127.0.0.1:"), "{told}");
    assert!(told.contains(&hook.host()), "{told}");
    (error.problem, told)
}

#[tokio::test]
async fn a_webhook_gets_the_body_with_a_signature_that_it_can_check() {
    let (aws, hook) = (aws(1), Listener::start([Reply::ok("")]));
    let world = world_at(aws.url());
    let sent = webhook(format!("{}/hooks/deploys?team=a", hook.url()));
    world.send(&sent).await.expect("taken");

    let heard = hook.heard();
    let [request] = heard.as_slice() else { panic!("one request: {heard:?}") };
    assert_eq!(request.line, "POST /hooks/deploys?team=a");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("user-agent"), Some("funade"));
    assert_eq!(request.header("funade-id"), Some(sent.notice.as_str()));
    assert_eq!(request.body, BODY);
    let timestamp = request.header("funade-timestamp").expect("there is one");
    let seconds: i64 = timestamp.parse().expect("whole seconds");
    assert!((0..60).contains(&(world.now().as_second() - seconds)));
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(format!("{timestamp}.{BODY}").as_bytes());
    let signature = request.header("funade-signature").and_then(|it| it.strip_prefix("v1="));
    let signature = hex::decode(signature.expect("of the first version")).expect("digits");
    mac.verify_slice(&signature).expect("it is the body's");

    let asked = &aws.heard()[0];
    assert_eq!(asked.header("x-amz-target"), Some("secretsmanager.GetSecretValue"));
    assert_eq!(asked.body, r#"{"SecretId":"funade/hook"}"#);
}

#[tokio::test]
async fn a_webhook_that_fails_may_take_it_the_next_time_under_the_same_id() {
    let (aws, replies) = (aws(1), [Reply::Answer("500 Oh", "sorry".to_owned()), Reply::ok("")]);
    let (hook, world) = (Listener::start(replies), world_at(aws.url()));
    let sent = webhook(hook.url());
    let error = world.send(&sent).await.expect_err("not taken");
    assert_eq!(error.problem, CallProblem::NoAnswer);
    let why = error.in_full();
    assert!(why.ends_with("got no answer: 500 Internal Server Error: sorry"), "{why}");
    world.send(&sent).await.expect("taken");
    let ids = hook.heard().iter().map(|it| it.header("funade-id").map(str::to_owned)).collect();
    let ids: Vec<Option<String>> = ids;
    assert_eq!(ids, vec![Some(sent.notice.clone()); 2]);
    assert_eq!(aws.heard().len(), 1, "the key is read once");
}

#[tokio::test]
async fn a_webhook_that_stalls_is_left_after_a_while() {
    for reply in [Reply::Stall, Reply::StallInBody] {
        let (problem, told) = fails(reply).await;
        assert_eq!(problem, CallProblem::NoAnswer);
        assert!(told.ends_with("it did not answer within 300ms"), "{told}");
    }
}

#[tokio::test]
async fn too_much_for_a_webhook_is_told_with_when_to_come_again() {
    let head = "429 Too Many Requests\r\nRetry-After: 120";
    let (problem, told) = fails(Reply::Answer(head, "slow\r\n down".to_owned())).await;
    assert_eq!(problem, CallProblem::Throttled);
    let why = "was throttled: 429 Too Many Requests, Retry-After 120: slow down";
    assert!(told.ends_with(why), "{told}");
}

#[tokio::test]
async fn what_a_webhook_refuses_is_told_with_the_beginning_of_its_answer_and_without_the_key() {
    let page = format!("{KEY} is wrong\n{}", "x".repeat(10_000));
    let (problem, told) = fails(Reply::Answer("400 Bad Request", page)).await;
    assert_eq!(problem, CallProblem::Refused);
    assert!(told.contains("was refused: 400 Bad Request: (the key) is wrong xxx"), "{told}");
    assert!(told.len() < 400, "{told}");
}

#[tokio::test]
async fn a_connection_that_is_reset_or_refused_is_no_answer() {
    let (problem, _) = fails(Reply::Reset).await;
    assert_eq!(problem, CallProblem::NoAnswer);

    let (aws, gone) = (aws(1), Listener::start([]));
    let world = world_at(aws.url());
    let closed = async || world.send(&webhook(gone.url())).await.expect_err("nobody listens");
    assert_eq!(closed().await.problem, CallProblem::NoAnswer);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Listener::start([Reply::ok("")]);
    let head = format!("307 Temporary Redirect\r\nLocation: {}", other.url());
    let (problem, told) = fails(Reply::Answer(head.leak(), String::new())).await;
    assert_eq!(problem, CallProblem::Refused);
    assert!(told.ends_with("was refused: 307 Temporary Redirect"), "{told}");
    assert!(other.heard().is_empty());
}

/// A key that was replaced: the one that was refused is not used again.
#[tokio::test]
async fn after_a_refusal_the_key_is_read_anew() {
    let (aws, replies) = (aws(2), [Reply::Answer("403 No", String::new()), Reply::ok("")]);
    let (hook, world) = (Listener::start(replies), world_at(aws.url()));
    world.send(&webhook(hook.url())).await.expect_err("refused");
    world.send(&webhook(hook.url())).await.expect("taken");
    assert_eq!(aws.heard().len(), 2);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["not an address", "/hooks", "hooks.example.com/deploys"] {
        let aws = aws(1);
        let error = world_at(aws.url()).send(&webhook(url.to_owned())).await.expect_err("fails");
        assert_eq!(error.problem, CallProblem::Refused, "{url}: {}", error.in_full());
    }
}

#[tokio::test]
async fn datadog_gets_events_and_deployments_with_its_key() {
    let calls = [
        (DatadogCall::Event, "", "POST /api/v1/events"),
        (DatadogCall::Deployment, "/", "POST /api/v2/dora/deployment"),
    ];
    for (call, slash, line) in calls {
        let (aws, datadog_api) = (aws(1), Listener::start([Reply::Answer("202 OK", "{}".into())]));
        let to = format!("{}{slash}", datadog_api.url());
        world_at(aws.url()).send(&datadog(to, call)).await.expect("taken");
        let request = &datadog_api.heard()[0];
        assert_eq!(request.line, line);
        assert_eq!(request.header("dd-api-key"), Some(KEY));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("funade-signature"), None);
        assert_eq!(request.body, BODY);
    }
}

/// A key that was stored with a line's end cannot be a header.
#[tokio::test]
async fn a_key_that_cannot_be_sent_is_refused_and_not_told() {
    let secret = serde_json::json!({ "SecretString": format!("{KEY}\n") }).to_string();
    let (aws, datadog_api) = (Listener::start([Reply::ok(secret)]), Listener::start([]));
    let sent = datadog(datadog_api.url(), DatadogCall::Event);
    let error = world_at(aws.url()).send(&sent).await.expect_err("refused");
    assert_eq!(error.problem, CallProblem::Refused);
    assert!(!format!("{} {error:?}", error.in_full()).contains(KEY));
}

#[tokio::test]
async fn a_secret_that_is_not_there_or_has_no_text_is_told() {
    let missing = r#"{"__type":"ResourceNotFoundException","message":"none"}"#.to_owned();
    let replies = [
        (Reply::Answer("400 Bad Request", missing), "ResourceNotFoundException: none"),
        (Reply::ok(r#"{"SecretBinary":"AAEC"}"#), "store the key as text, and nothing else"),
        (Reply::ok(r#"{"SecretString":""}"#), "store the key as text, and nothing else"),
    ];
    for (reply, why) in replies {
        let (aws, hook) = (Listener::start([reply]), Listener::start([]));
        let error = world_at(aws.url()).send(&webhook(hook.url())).await.expect_err("no key");
        let told = error.in_full();
        assert!(told.starts_with("GetSecretValue of funade/hook was refused: "), "{told}");
        assert!(told.ends_with(why), "{told}");
        assert!(hook.heard().is_empty());
    }
}

const PUBLISHED: &str = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult>\
                         </PublishResponse>";

/// The fields of a form, which is how SNS is asked.
fn fields(body: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits = [rest.next(), rest.next()].map(|digit| digit.expect("two digits"));
                    bytes.extend(hex::decode(digits).expect("hexadecimal digits"));
                }
                other => bytes.push(other),
            }
        }
        String::from_utf8(bytes).expect("it is text")
    };
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (plain(name), plain(value))).collect()
}

#[tokio::test]
async fn a_topic_gets_the_text_with_attributes_to_filter_by() {
    let sns = Listener::start([Reply::ok(PUBLISHED), Reply::ok(PUBLISHED)]);
    let world = world_at(sns.url());
    let arn = "arn:aws:sns:ap-northeast-1:999999999999:deploys";
    let json = message(Destination::Topic(arn.to_owned()));
    let mail = Message { subject: "order-api 1.4.0 failed".to_owned(), ..json.clone() };
    world.send(&mail).await.expect("taken");
    world.send(&json).await.expect("taken");

    let heard = sns.heard();
    let authorization = heard[0].header("authorization").expect("it is signed");
    assert!(authorization.contains("/ap-northeast-1/sns/"), "in the topic's region");
    let attribute = |name: &str| {
        let form = fields(&heard[0].body);
        let (at, _) = form.iter().find(|(_, value)| *value == name).expect("it is there");
        let entry = at.strip_suffix(".Name").expect("a name's field");
        assert_eq!(form[&format!("{entry}.Value.DataType")], "String");
        form[&format!("{entry}.Value.StringValue")].clone()
    };
    let (mail, json) = (fields(&heard[0].body), fields(&heard[1].body));
    assert_eq!(mail["Action"], "Publish");
    assert_eq!(mail["TopicArn"], arn);
    assert_eq!(mail["Message"], BODY);
    assert_eq!(mail["Subject"], "order-api 1.4.0 failed");
    assert_eq!(json.get("Subject"), None);
    assert_eq!(attribute("funade-id"), "deploy-failed/acme/order-api/7");
    assert_eq!(attribute("kind"), "deploy-failed");
    assert_eq!(attribute("severity"), "error");
}

#[tokio::test]
async fn a_topic_that_is_none_or_that_denies_is_refused() {
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>\
                  <Message>no</Message></Error></ErrorResponse>";
    let sns = Listener::start([Reply::Answer("403 Forbidden", denied.to_owned())]);
    let world = world_at(sns.url());
    let cases = [
        ("arn:aws:sqs:eu-west-1:999999999999:deploys", "this is no topic's ARN"),
        ("arn:aws:sns:eu-west-1:999999999999:deploys:a-subscription", "this is no topic's ARN"),
        ("deploys", "this is no topic's ARN"),
        ("arn:aws:sns:eu-west-1:999999999999:deploys", "AuthorizationError: no"),
    ];
    for (arn, why) in cases {
        let sent = message(Destination::Topic(arn.to_owned()));
        let error = world.send(&sent).await.expect_err("refused");
        assert_eq!(error.problem, CallProblem::Refused);
        let told = error.in_full();
        assert!(told.starts_with("Publish of deploy-failed/acme/order-api/7 to "), "{told}");
        assert!(told.ends_with(why), "{told}");
    }
}
