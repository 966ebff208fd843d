//! How a fleet stands, for machines.
//!
//! ```text
//! {
//!   "schema": 1,                        // grows when a field changes its meaning or goes
//!   "generated_at": "2026-11-23T01:30:00Z",
//!   "config_version": 12,
//!   "counts": {"blocked": 0, …, "waiting": 4},   // targets by state, every state
//!   "targets": [{                       // by wave, environment and service
//!     "environment": "acme",
//!     "service": "order-api",
//!     "state": "ok",                    // as in `counts`
//!     "release": "1.4.2",               // the tag that runs; null where that is not known
//!     "assigned": "1.4.2",              // the tag that should run; null if none is assigned
//!     "revision": "arn:aws:ecs:…:12",   // last seen running; null before the first look
//!     "code": "already-runs",           // the last pass's report, its sentence, and since when
//!     "sentence": "it runs 1.4.2 as …", // it stands; null before the first look
//!     "since": "2026-11-22T23:25:10Z",
//!     "findings": [ … ]                 // about it, its service and its place
//!   }],
//!   "findings": [{                      // all, most severe first
//!     "about": "acme/order-api",        // or a service, or ACCOUNT/REGION
//!     "kind": "changed-by-hand",
//!     "severity": "warning",            // notice, warning, error
//!     "sentence": "…",
//!     "next": "…",
//!     "since": "2026-11-22T22:00:00Z"
//!   }]
//! }
//! ```
//!
//! Fields may be added without a new schema; moments are in UTC.

use std::collections::BTreeMap;

use funade::facts::finding::Finding;
use funade::facts::names::{RevisionArn, Tag};
use serde::Serialize;

use crate::Fleet;
use crate::overview::{Overview, Shown};

/// The version of the JSON's form.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct FleetJson<'a> {
    schema: u32,
    generated_at: String,
    config_version: u64,
    counts: BTreeMap<&'static str, usize>,
    targets: Vec<TargetJson<'a>>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct TargetJson<'a> {
    environment: &'a str,
    service: &'a str,
    state: &'static str,
    release: Option<&'a str>,
    assigned: Option<&'a str>,
    revision: Option<&'a str>,
    code: Option<&'a str>,
    sentence: Option<&'a str>,
    since: Option<String>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    about: String,
    kind: &'static str,
    severity: String,
    sentence: &'a str,
    next: &'a str,
    since: String,
}

/// How the fleet stands, for machines: the form is written at the top of this file.
#[must_use]
pub fn json(fleet: &Fleet<'_>) -> String {
    let overview = Overview::of(fleet);
    let counts = overview.counts().into_iter().map(|(state, count)| (state.as_str(), count));
    let fleet = FleetJson {
        schema: SCHEMA,
        generated_at: fleet.generated_at.to_string(),
        config_version: fleet.config_version,
        counts: counts.collect(),
        targets: overview.targets().map(|shown| target(&overview, shown)).collect(),
        findings: overview.findings.iter().map(|finding| self::finding(finding)).collect(),
    };
    serde_json::to_string_pretty(&fleet).expect("texts and numbers are JSON")
}

fn target<'a>(overview: &Overview<'a>, shown: &Shown<'a>) -> TargetJson<'a> {
    let record = &shown.target.record;
    let standing = record.standing.as_ref();
    let assigned = shown.target.assigned.as_ref();
    TargetJson {
        environment: shown.target.id.environment.as_str(),
        service: shown.target.id.service.as_str(),
        state: shown.state.as_str(),
        release: shown.release.map(Tag::as_str),
        assigned: assigned.map(|assigned| assigned.release.tag.as_str()),
        revision: record.last_seen.as_ref().map(RevisionArn::as_str),
        code: standing.map(|standing| standing.code.as_str()),
        sentence: standing.map(|standing| standing.sentence.as_str()),
        since: standing.map(|standing| standing.since.to_string()),
        findings: shown.findings.iter().map(|index| finding(overview.findings[*index])).collect(),
    }
}

fn finding(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        about: finding.about.to_string(),
        kind: finding.kind.as_str(),
        severity: finding.kind.severity().to_string(),
        sentence: &finding.sentence,
        next: &finding.next,
        since: finding.since.to_string(),
    }
}
