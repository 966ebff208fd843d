//! What a person is told who has asked for a rollback.

use super::*;
use crate::samples::{at, good, target};

fn request() -> RollbackRequest {
    RollbackRequest {
        id: "rollback-1".to_owned(),
        to: good(),
        by: "dana".to_owned(),
        reason: "orders are lost".to_owned(),
        at: at(100),
    }
}

#[test]
fn it_is_said_where_it_goes_and_what_to_type_next() {
    insta::assert_snapshot!(to_text(&target(), &request(), None));
}

#[test]
fn a_hold_with_an_end_says_so() {
    let told = to_text(&target(), &request(), Some(SignedDuration::from_hours(4)));
    assert!(told.contains("held on this target for 4h, or until a newer one comes"), "{told}");
}

#[test]
fn machines_are_told_the_same() {
    let value = to_value(&target(), &request());
    assert_eq!(value["request"], "rollback-1");
    assert_eq!(value["to"]["deploy"], 6);
    assert_eq!(value["to"]["tag"], "1.4.2");
}
