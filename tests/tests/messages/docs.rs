//! `docs/notices.md`: what stands before its examples is written by hand, here; the examples are made
//! of the same notices as the snapshots.

use std::fmt::Write as _;

use funade::facts::notice::{Notice, NoticeKind};

use crate::examples::{ROUTES, all, config};
use crate::forms::{form, pretty};

/// What is said before the examples.
const HEAD: &str = include_str!("notices.head.md");

/// The whole file.
pub(crate) fn generated() -> String {
    let config = config(ROUTES);
    let mut text = HEAD.to_owned();
    for notice in all() {
        let kind = notice.kind();
        write!(text, "\n### `{kind}`\n\n{}\n", meaning(&notice))
            .expect("a string takes every write");
        let mut block = |title: &str, form: &str, body: &str| {
            let body = body.trim_end();
            write!(text, "\n{title}\n\n```{form}\n{body}\n```\n")
                .expect("a string takes every write");
        };
        let mail = form(&config, &notice, "mail").expect("people hear of each example");
        block("As text:", "text", &format!("Subject: {}\n\n{}", mail.subject, mail.body));
        // One of each form for all kinds is enough for whoever reads, and all are in the snapshots.
        if kind == NoticeKind::DeployFailed || kind == NoticeKind::RolloutEnded {
            let chat = form(&config, &notice, "chat").expect("people hear of each example");
            block("As `amazon-q`:", "json", &pretty(&chat.body));
            let event = form(&config, &notice, "event").expect("Datadog hears of these");
            block("As an event for Datadog:", "json", &pretty(&event.body));
        }
        if kind == NoticeKind::DeploySucceeded {
            let deployment = form(&config, &notice, "deployment").expect("it is one");
            block("As a deployment for Datadog:", "json", &pretty(&deployment.body));
        }
        let machines = form(&config, &notice, "machines").expect("machines hear of everything");
        block("As `json`:", "json", &pretty(&machines.body));
    }
    text
}

fn meaning(notice: &Notice) -> String {
    let meaning = match notice.kind() {
        NoticeKind::ReleaseAssigned => {
            "A release was found, or asked for, and assigned to a service's targets: the beginning of a rollout, and of its thread."
        }
        NoticeKind::RolloutEnded => {
            "Every target is done with an assignment, or needs a person: the summary. An `error` if any needs one."
        }
        NoticeKind::DeployStarted => {
            "A deploy was begun. People are not told of those that bring one release to several targets."
        }
        NoticeKind::DeploySucceeded => {
            "A deploy serves, and was found good. People are told of those of a rollout at its end."
        }
        NoticeKind::DeployFailed => {
            "A deploy failed. Whether it goes back or stays, it says itself."
        }
        NoticeKind::RolledBack => "What ran before runs again, image and variables together.",
        NoticeKind::Superseded => {
            "A newer decision, or somebody else's deployment, took a deploy's place."
        }
        NoticeKind::Held => "A target is held, and does not take what is assigned to it.",
        NoticeKind::Blocked => "A target needs a person before anything can be deployed there.",
        NoticeKind::FindingOpened => {
            "A [sweep](sweep.md) has found something. The severity is the finding's."
        }
        NoticeKind::FindingClosed => "What a sweep had found is so no more.",
    };
    format!("{meaning} Here of severity `{}`.", notice.severity())
}

#[test]
fn the_committed_page_is_the_generated_one() {
    let path = funade_tests::root().join("docs/notices.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated(),
        "docs/notices.md is stale: run `cargo run -p funade-tests --example notices`"
    );
}
