//! Text from outside is text, in whatever form: no Markdown, no mention, no link, no control character;
//! and however long it is, a message is as short as its form must be.

use funade::config::Config;
use funade::decisions::messages::{BODY_BYTES_MAX, messages};
use funade::facts::message::Destination;
use funade::facts::notice::{Notice, Told};
use funade::facts::record::StandingKind;
use funade_tests::properties;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::Value;

use crate::examples::{
    ROUTES, assignment, cause, config, environment, failed, finding, held, notice, standing,
};
use crate::forms::form;

/// What somebody would write who wants to be more than text.
const ATTACKS: [&str; 12] = [
    "<!channel>",
    "<!here|here>",
    "<@U0123456>",
    "@here @channel @everyone",
    "[log in](https://evil.example/x)",
    "<https://evil.example|the console>",
    "www.evil.example",
    "*bold* _it_ ~no~ `code` ```block```",
    "&lt;!channel&gt;",
    "line\r\n# heading\n- item\n> quote",
    "\u{1b}[31mred\u{0}\u{7}",
    "\u{202e}desrever\u{200b}",
];

/// Notices that say this wherever somebody outside has a say.
fn notices(text: &str) -> Vec<Notice> {
    let mut bad = cause();
    text.clone_into(&mut bad.what);
    bad.tasks = vec![text.to_owned(); 40];
    bad.messages = vec![text.to_owned(); 40];
    let rollout = Told::RolloutEnded {
        assignment: assignment(),
        succeeded: Vec::new(),
        failed: (0..400).map(|n| (environment(&format!("e{n}")), text.to_owned())).collect(),
        took: SignedDuration::ZERO,
        superseded: None,
    };
    let blocked = standing("image-deleted", StandingKind::Blocked, text);
    let mut found = finding(text);
    text.clone_into(&mut found.next);
    let acme = "acme/order-api";
    vec![
        notice("1", 1, acme, Told::DeployFailed(failed(bad))),
        notice("2", 1, "order-api", rollout),
        notice("3", 1, acme, held(text)),
        notice("4", 1, acme, Told::Blocked { standing: blocked }),
        notice("5", 1, acme, Told::FindingOpened(found.clone())),
        notice("6", 1, acme, Told::FindingClosed(found)),
    ]
}

/// Every text of a notification that is shown; what stands as code is ours, and left aside.
fn shown(body: &Value) -> Vec<String> {
    let content = &body["content"];
    let mut texts = vec![content["title"].clone(), content["description"].clone()];
    texts.push(body["metadata"]["summary"].clone());
    texts.extend(
        body["metadata"]["additionalContext"].as_object().expect("an object").values().cloned(),
    );
    for list in [&content["nextSteps"], &content["keywords"], &body["metadata"]["relatedResources"]]
    {
        texts.extend(list.as_array().expect("a list").iter().cloned());
    }
    texts.iter().map(|text| prose(text.as_str().expect("a text"))).collect()
}

/// A text without the command that it begins with, which has nothing but names in it.
fn prose(text: &str) -> String {
    let Some((command, rest)) = text.strip_prefix('`').and_then(|text| text.split_once('`')) else {
        return text.to_owned();
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || " ./_-\"…".contains(letter);
    assert!(command.starts_with("funade ") && command.chars().all(is_plain), "{command}");
    rest.to_owned()
}

fn check(config: &Config, text: &str) {
    for notice in notices(text) {
        for message in messages(config, &notice) {
            let subject = &message.subject;
            assert!(
                message.body.len() <= BODY_BYTES_MAX,
                "{:?}: {}",
                message.to,
                message.body.len()
            );
            assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
            assert!(!subject.contains(|c: char| c.is_ascii_control()));
        }
        let mail = form(config, &notice, "mail").expect("a mail").body;
        assert!(!mail.contains(|c: char| c.is_control() && c != '\n'), "{mail}");
        let chat = form(config, &notice, "chat").expect("a message").body;
        let chat: Value = serde_json::from_str(&chat).expect("JSON");
        for text in shown(&chat) {
            assert!(!text.contains(['*', '`', '~', '<', '>']), "{text}");
            assert!(!text.contains("://") && !text.contains("]("), "{text}");
            assert!(!text.contains("www.e") && !text.contains("l.e"), "{text}");
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
            for (index, mention) in text.match_indices(['@', '#', '&']) {
                assert!(text[index + mention.len()..].starts_with('\u{200b}'), "{text}");
            }
        }
        let title = chat["content"]["title"].as_str().expect("a title");
        let description = chat["content"]["description"].as_str().expect("a description");
        assert!(title.chars().count() <= 250 && description.chars().count() <= 8_000);
    }
}

#[test]
fn no_attack_is_more_than_text() {
    let config = config(ROUTES);
    for attack in ATTACKS {
        check(&config, attack);
    }
    check(&config, &ATTACKS.concat());
}

#[test]
fn no_text_is_too_long() {
    let config = config(ROUTES);
    for letter in ["x", "船", "\u{1}", "\"", "*"] {
        check(&config, &letter.repeat(100_000));
    }
}

#[test]
fn each_attack_leaves_something_to_read() {
    let config = config(ROUTES);
    for notice in notices("<!channel> down, see https://evil.example") {
        let mail = form(&config, &notice, "mail").expect("a mail");
        assert!(matches!(mail.to, Destination::Topic(_)));
        assert!(mail.body.contains("<!channel> down, see https://evil.example"), "{}", mail.body);
    }
}

proptest! {
    #![proptest_config(properties(64))]

    #[test]
    fn no_text_is_more_than_text(
        parts in proptest::collection::vec(
            prop_oneof![any::<String>(), proptest::sample::select(&ATTACKS[..]).prop_map(str::to_owned)],
            1..6,
        ),
    ) {
        check(&config(ROUTES), &parts.concat());
    }
}
