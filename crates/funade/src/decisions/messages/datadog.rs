//! Datadog's forms: events of what people want to see beside their graphs, and deployments for DORA
//! metrics.
//!
//! Events: <https://docs.datadoghq.com/api/latest/events/#post-an-event>. Deployments:
//! <https://docs.datadoghq.com/api/latest/dora-metrics/#send-a-deployment-event>. Both have the tags
//! `service`, `env` and `version`, by which Datadog joins what it knows of a service:
//! <https://docs.datadoghq.com/getting_started/tagging/unified_service_tagging/>.

use serde_json::json;

use super::clean::{cut, markdown, short_id};
use super::text::{Next, Words, lasted, line_of_markdown};
use super::{environment_name, service_name, thread_of};
use crate::config::Environment;
use crate::facts::deploy::Deploy;
use crate::facts::finding::Severity;
use crate::facts::message::DatadogCall;
use crate::facts::notice::{Notice, NoticeKind, Told};

/// The longest title of an event, in characters. The first page above, as the next two.
const TITLE_LETTERS_MAX: usize = 100;

/// The longest text of an event, in characters.
const TEXT_LETTERS_MAX: usize = 4_000;

/// The longest aggregation key of an event, in characters.
const KEY_LETTERS_MAX: usize = 100;

/// The longest id of a deployment, in characters; the shortest has 16. The second page above.
const ID_LETTERS_MAX: usize = 128;

/// What Datadog is told of a notice.
pub(super) fn calls(
    notice: &Notice,
    environment: Option<&Environment>,
    words: &Words,
) -> Vec<(DatadogCall, String)> {
    match &notice.told {
        Told::ReleaseAssigned { .. }
        | Told::RolloutEnded { .. }
        | Told::DeployFailed(_)
        | Told::RolledBack(_)
        | Told::Blocked { .. }
        | Told::FindingOpened(_) => {
            vec![(DatadogCall::Event, event(notice, environment, words))]
        }
        Told::DeploySucceeded(told) => {
            vec![(DatadogCall::Deployment, deployment(&told.deploy, environment))]
        }
        Told::DeployStarted(_)
        | Told::Superseded(_)
        | Told::Held { .. }
        | Told::FindingClosed(_) => Vec::new(),
    }
}

/// An event. It has no `date_happened`: Datadog refuses events that are older than some hours, and one
/// that was long under way is better late than lost. The text says when it was.
fn event(notice: &Notice, environment: Option<&Environment>, words: &Words) -> String {
    let mut text: Vec<String> = words.lines.iter().map(|line| line_of_markdown(line)).collect();
    text.extend(words.next.iter().map(|next| match next {
        Next::Type { command, which } => format!("Next: {} ({which})", markdown(command)),
        Next::Do(what) => format!("Next: {}", line_of_markdown(what)),
    }));
    let alert_type = match (notice.severity(), notice.kind()) {
        (Severity::Error, _) => "error",
        (Severity::Warning, _) => "warning",
        (Severity::Notice, NoticeKind::RolloutEnded) => "success",
        (Severity::Notice, _) => "info",
    };
    json!({
        "title": cut(&markdown(&words.title), TITLE_LETTERS_MAX),
        "text": cut(&text.join("\n"), TEXT_LETTERS_MAX),
        "alert_type": alert_type,
        "aggregation_key": short_id(&thread_of(notice), KEY_LETTERS_MAX),
        "source_type_name": "my_apps",
        "tags": tags(notice, environment),
    })
    .to_string()
}

fn tags(notice: &Notice, environment: Option<&Environment>) -> Vec<String> {
    let tags = [
        ("service", service_name(notice).map(ToString::to_string)),
        ("env", environment_name(notice).map(ToString::to_string)),
        ("version", notice.release().map(ToString::to_string)),
        ("source", Some("funade".to_owned())),
        ("kind", Some(notice.kind().to_string())),
    ];
    let tags = tags.into_iter().filter_map(|(key, value)| Some(format!("{key}:{}", value?)));
    tags.chain(places(environment)).collect()
}

/// A deployment. Sent twice it has the same id, which is the deploy's.
fn deployment(deploy: &Deploy, environment: Option<&Environment>) -> String {
    let (began, ended) = lasted(deploy);
    let target = &deploy.id.target;
    // Letters, digits and `- _ . :` may stand in it.
    let id = format!("funade-deploy:{}", deploy.id).replace('/', ":");
    json!({
        "data": {
            "attributes": {
                "id": short_id(&id, ID_LETTERS_MAX),
                "service": target.service.as_str(),
                "env": target.environment.as_str(),
                "version": deploy.assignment.release.tag.as_str(),
                "started_at": nanoseconds(began),
                "finished_at": nanoseconds(ended),
                "custom_tags": places(environment),
            },
        },
    })
    .to_string()
}

fn places(environment: Option<&Environment>) -> Vec<String> {
    let Some(Environment { place, cluster, .. }) = environment else { return Vec::new() };
    vec![
        format!("account:{}", place.account),
        format!("region:{}", place.region),
        format!("cluster:{cluster}"),
    ]
}

/// Since 1970. They fit until the year 2262.
fn nanoseconds(moment: jiff::Timestamp) -> i64 {
    i64::try_from(moment.as_nanosecond()).unwrap_or(i64::MAX)
}
