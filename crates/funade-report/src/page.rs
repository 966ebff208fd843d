//! The page: a matrix of environments and services, what was found, and a panel for each target.
//!
//! Askama writes what is there without a script and escapes every text; the script filters, and
//! fills the panel from the data. Its policy lets nothing be loaded, and only this style and this
//! script take effect, by their hashes: should a text become markup after all, it is inert.

use std::collections::BTreeMap;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use funade::facts::finding::{About, Finding};
use funade::facts::names::{Tag, TargetId};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::Fleet;
use crate::embedded::data;
use crate::overview::{Overview, Shown};
use crate::state::State;
use crate::times::{ago, minute};

const STYLE: &str = include_str!("../templates/page.css");
const SCRIPT: &str = include_str!("../templates/page.js");

/// How many findings are shown before the rest is folded away: the matrix should stay in sight.
const FINDINGS_OPEN_MAX: usize = 4;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    data: String,
    generated_at: String,
    config_version: u64,
    size: String,
    counts: Vec<(State, usize)>,
    findings: Vec<Item<'a>>,
    findings_size: String,
    overview: &'a Overview<'a>,
}

/// A finding in the list.
struct Item<'a> {
    /// Whom it is about.
    about: String,
    /// The target's place among the cells, if it is about one that is shown.
    target: Option<usize>,
    kind: &'static str,
    severity: String,
    sentence: &'a str,
    next: &'a str,
    since: String,
}

/// How the fleet stands, as one HTML page that needs nothing else.
#[must_use]
pub fn page(fleet: &Fleet<'_>) -> String {
    let overview = Overview::of(fleet);
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        data: data(fleet, &overview),
        generated_at: minute(fleet.generated_at),
        config_version: fleet.config_version,
        size: size(&overview),
        counts: overview.counts().into_iter().collect(),
        findings: items(&overview, fleet.generated_at),
        findings_size: count(overview.findings.len(), "finding"),
        overview: &overview,
    };
    page.render().expect("writing to memory does not fail")
}

impl<'a> Page<'a> {
    /// The findings that are shown, and those that are folded away.
    fn findings(&self) -> (&[Item<'a>], &[Item<'a>]) {
        self.findings.split_at(self.findings.len().min(FINDINGS_OPEN_MAX))
    }
}

impl Shown<'_> {
    /// What a person reads who points at the cell.
    fn title(&self) -> String {
        let release = if self.release.is_none() { ", release not known" } else { "" };
        format!("{}{release}", self.state.as_str())
    }

    /// What stands in the cell.
    fn label(&self) -> &str {
        self.release.map_or("–", Tag::as_str)
    }
}

fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn size(overview: &Overview<'_>) -> String {
    let environments = overview.waves.iter().map(|wave| wave.rows.len()).sum();
    format!(
        "{} of {} in {}",
        count(overview.targets().count(), "target"),
        count(overview.services.len(), "service"),
        count(environments, "environment")
    )
}

fn items<'a>(overview: &Overview<'a>, now: Timestamp) -> Vec<Item<'a>> {
    let targets = overview.targets().enumerate();
    let places: BTreeMap<&TargetId, usize> =
        targets.map(|(index, shown)| (&shown.target.id, index)).collect();
    let item = |finding: &&'a Finding| Item {
        about: finding.about.to_string(),
        target: match &finding.about {
            About::Target(id) => places.get(id).copied(),
            About::Service(_) | About::Place(_) => None,
        },
        kind: finding.kind.as_str(),
        severity: finding.kind.severity().to_string(),
        sentence: &finding.sentence,
        next: &finding.next,
        since: ago(finding.since, now),
    };
    overview.findings.iter().map(item).collect()
}

/// "1 target", "2 targets".
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
