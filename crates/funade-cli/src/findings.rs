//! How findings are shown: as a table, as lines, and for machines.

use std::cmp::Reverse;

use funade::facts::finding::{About, Finding, FindingKind, Severity};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::output::table;
use crate::times::{minute, span};

/// What is told of each finding.
const HEADER: [&str; 6] = ["severity", "about", "kind", "since", "what is so", "what to do"];

/// How many of those are named of whom the same is so: enough to see which they are.
const NAMED_MAX: usize = 3;

/// Findings as a table, the gravest first. What is so of many in the same words is one row.
pub(crate) fn to_table(findings: &[Finding]) -> String {
    let mut rows: Vec<Vec<&Finding>> = Vec::new();
    for finding in gravest_first(findings) {
        let same = rows.iter_mut().find(|row| says(row[0]) == says(finding));
        match same {
            Some(row) => row.push(finding),
            None => rows.push(vec![finding]),
        }
    }
    let mut table = table(&HEADER);
    for row in rows {
        let (kind, sentence, next) = says(row[0]);
        let since = row.iter().map(|finding| finding.since).min();
        table.add_row([
            mark(kind.severity()),
            names(&row),
            kind.to_string(),
            since.map(minute).unwrap_or_default(),
            sentence.to_owned(),
            next.to_owned(),
        ]);
    }
    table.to_string()
}

/// All of a finding but whom it is about, and since when.
fn says(finding: &Finding) -> (FindingKind, &str, &str) {
    (finding.kind, &finding.sentence, &finding.next)
}

/// Whom findings are about, line by line.
fn names(findings: &[&Finding]) -> String {
    let shown = findings.iter().take(NAMED_MAX).map(|finding| finding.about.to_string());
    let more = findings.len().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("\n")
}

/// Each finding in three lines, the gravest first.
pub(crate) fn lines(findings: &[Finding], now: Timestamp) -> Vec<String> {
    let lines = |finding: &Finding| {
        let (severity, age) = (finding.kind.severity(), span(now.duration_since(finding.since)));
        let (about, kind, since) = (&finding.about, finding.kind, minute(finding.since));
        [
            format!("  {} {about} ({kind}) since {since}, for {age}:", mark(severity)),
            format!("    {}.", finding.sentence),
            format!("    What to do: {}", finding.next),
        ]
    };
    gravest_first(findings).into_iter().flat_map(lines).collect()
}

/// A finding, for machines.
pub(crate) fn to_value(finding: &Finding) -> Value {
    json!({
        "about": finding.about.to_string(),
        "about_what": match finding.about {
            About::Place(_) => "place",
            About::Service(_) => "service",
            About::Target(_) => "target",
        },
        "kind": finding.kind.as_str(),
        "severity": finding.kind.severity().to_string(),
        "since": finding.since.to_string(),
        "sentence": finding.sentence,
        "next": finding.next,
    })
}

fn gravest_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| (Reverse(finding.kind.severity()), &finding.about, finding.kind));
    sorted
}

fn mark(severity: Severity) -> String {
    let mark = match severity {
        Severity::Error => "✗",
        Severity::Warning => "!",
        Severity::Notice => "·",
    };
    format!("{mark} {severity}")
}
