//! What people and machines are sent about each kind of notice, to whom it goes, and what can never
//! be in it.

mod docs;

mod examples;

mod forms;

mod injection;

mod routes;

mod schemas;

use std::fmt::Write as _;

use funade::facts::notice::NoticeKind;

use crate::examples::{ROUTES, all, config};
use crate::forms::{forms, pretty};

#[test]
fn there_is_one_example_of_each_kind() {
    let kinds: Vec<NoticeKind> = all().iter().map(funade::facts::notice::Notice::kind).collect();
    assert_eq!(kinds, NoticeKind::ALL);
}

#[test]
fn every_kind_in_every_form() {
    let config = config(ROUTES);
    for notice in all() {
        let mut told = String::new();
        for (name, message) in forms(&config, &notice) {
            // Both get the same JSON.
            if name != "webhook" {
                let (subject, body) = (&message.subject, pretty(&message.body));
                writeln!(told, "=== {name}: {subject}\n{body}")
                    .expect("a string takes every write");
            }
        }
        insta::assert_snapshot!(notice.kind().as_str(), told);
    }
}

#[test]
fn a_message_has_the_notices_id_kind_and_severity() {
    let config = config(ROUTES);
    for notice in all() {
        for (_, message) in forms(&config, &notice) {
            let expected = (notice.id.as_str(), notice.kind(), notice.severity());
            assert_eq!((message.notice.as_str(), message.kind, message.severity), expected);
        }
    }
}
