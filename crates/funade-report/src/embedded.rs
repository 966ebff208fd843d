//! What the page's script knows: the fleet's data as JSON that can stand within a `script` element.
//!
//! Written once for all panels, so that ten thousand targets stay small. Names are short for the
//! same reason, and moments are texts already, so that the script shows and does not reckon.

use std::collections::BTreeMap;

use funade::config::Environment;
use funade::facts::deploy::Deploy;
use funade::facts::finding::Finding;
use funade::facts::names::{RevisionArn, Tag};
use jiff::Timestamp;
use serde::Serialize;

use crate::Fleet;
use crate::deploys::{deploys, led_by, took, why};
use crate::overview::{Overview, Shown};
use crate::times::{ago, minute, span};

#[derive(Serialize)]
struct Data<'a> {
    /// Where each environment is.
    environments: BTreeMap<&'a str, String>,
    /// In the order of the page's cells.
    targets: Vec<Target<'a>>,
    /// In the order of the page's list.
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Target<'a> {
    id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    findings: &'a [usize],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    about: String,
    kind: &'static str,
    severity: String,
    sentence: &'a str,
    next: &'a str,
    since: String,
}

/// A deploy in a line.
#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    release: &'a str,
    phase: &'static str,
    begun: String,
    took: String,
    cause: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The data of all panels, fit to stand within a `script` element.
pub(crate) fn data(fleet: &Fleet<'_>, overview: &Overview<'_>) -> String {
    let now = fleet.generated_at;
    let home = |environment: &Environment| {
        let place = &environment.place;
        format!("account {}, {}, cluster {}", place.account, place.region, environment.cluster)
    };
    let environments = fleet.config.environments.iter();
    let data = Data {
        environments: environments.map(|(name, is)| (name.as_str(), home(is))).collect(),
        targets: overview.targets().map(|shown| target(shown, now)).collect(),
        findings: overview.findings.iter().map(|found| finding(found, now)).collect(),
    };
    within_script(&serde_json::to_string(&data).expect("texts and numbers are JSON"))
}

fn finding(finding: &Finding, now: Timestamp) -> Found<'_> {
    Found {
        about: finding.about.to_string(),
        kind: finding.kind.as_str(),
        severity: finding.kind.severity().to_string(),
        sentence: &finding.sentence,
        next: &finding.next,
        since: ago(finding.since, now),
    }
}

fn target<'a>(shown: &'a Shown<'_>, now: Timestamp) -> Target<'a> {
    let record = &shown.target.record;
    let standing = record.standing.as_ref();
    let assigned = shown.target.assigned.as_ref();
    Target {
        id: shown.target.id.to_string(),
        state: shown.state.as_str(),
        release: shown.release.map(Tag::as_str),
        assigned: assigned.map(|assigned| assigned.release.tag.as_str()),
        revision: record.last_seen.as_ref().map(RevisionArn::short),
        sentence: standing.map(|standing| standing.sentence.as_str()),
        since: standing.map(|standing| ago(standing.since, now)),
        findings: &shown.findings,
        history: deploys(shown.target, shown.history).map(|deploy| line(deploy, now)).collect(),
    }
}

fn line(deploy: &Deploy, now: Timestamp) -> Line<'_> {
    Line {
        number: deploy.id.number,
        release: deploy.assignment.release.tag.as_str(),
        phase: deploy.phase().as_str(),
        begun: minute(deploy.begun_at),
        took: span(took(deploy, now)),
        cause: led_by(deploy),
        why: why(deploy),
    }
}

/// JSON that says the same and has none of the characters by which a `script` element could end,
/// a comment in it begin, or a line of script break. Within JSON they stand in texts only, where
/// an escape means the same.
fn within_script(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_a_script_is_escaped_and_means_the_same() {
        let hostile = "</script><!-- <script> & \u{2028}\u{2029} \\ \" '";
        let safe = within_script(&serde_json::to_string(hostile).expect("a text"));
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).expect("JSON"), hostile);
    }
}
