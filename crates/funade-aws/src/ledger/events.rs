//! What events led to: one item by the event's id, and one for each whom it concerned.

use aws_sdk_dynamodb::types::AttributeValue;
use funade::facts::subject::Subject;
use funade::world::{CallError, EventNote};
use futures_util::future::try_join_all;
use jiff::SignedDuration;

use super::items::{
    BATCH_WRITE_MAX, Item, after, batch_put, key, last, moment, n, put, s, text, texts, unreadable,
};
use crate::world::AwsWorld;

/// Events that are read: what a person asks for is the last few, and a target that is being
/// deployed to has a dozen.
const EVENTS_READ_MAX: usize = 50;

/// Notes what an event led to. Writing it again changes nothing.
pub(super) async fn note(world: &AwsWorld, note: &EventNote) -> Result<(), CallError> {
    let (pk, kept) = (event_key(note), world.settings().history_kept());
    if note.about.is_empty() {
        return put(world, &pk, item(&pk, "note", note, kept)).await;
    }
    let sk = moment_key(note);
    let about = note.about.iter().map(|subject| item(&about_key(subject), &sk, note, kept));
    let items: Vec<Item> = std::iter::once(item(&pk, "note", note, kept)).chain(about).collect();
    let batches = items.chunks(BATCH_WRITE_MAX).map(|batch| batch_put(world, &pk, batch));
    try_join_all(batches).await?;
    Ok(())
}

/// The last events that concerned a subject, the newest first.
pub(super) async fn about(
    world: &AwsWorld,
    subject: &Subject,
) -> Result<Vec<EventNote>, CallError> {
    let pk = about_key(subject);
    let items = last(world, &pk, "", EVENTS_READ_MAX).await?;
    let malformed = || unreadable(&pk, &"an attribute is missing or malformed");
    items.iter().map(|item| read(item).ok_or_else(malformed)).collect()
}

fn item(pk: &str, sk: &str, note: &EventNote, kept: SignedDuration) -> Item {
    let about: Vec<String> = note.about.iter().map(ToString::to_string).collect();
    let mut item = key(pk, sk);
    item.insert("id".to_owned(), s(&note.id));
    item.insert("at".to_owned(), n(note.at.as_millisecond()));
    item.insert("expires_at".to_owned(), n(after(note.at, kept)));
    item.insert("outcome".to_owned(), texts(note.outcome.iter().map(String::as_str)));
    item.insert("about".to_owned(), texts(about.iter().map(String::as_str)));
    item
}

fn read(item: &Item) -> Option<EventNote> {
    let lines = |name: &str| {
        let lines = item.get(name)?.as_l().ok()?.iter().map(AttributeValue::as_s);
        lines.collect::<Result<Vec<_>, _>>().ok()
    };
    Some(EventNote {
        id: text(item, "id")?.to_owned(),
        at: moment(item, "at")?,
        outcome: lines("outcome")?.into_iter().cloned().collect(),
        about: lines("about")?
            .into_iter()
            .map(|subject| subject.parse().ok())
            .collect::<Option<_>>()?,
    })
}

fn event_key(note: &EventNote) -> String {
    format!("event#{}", note.id)
}

fn about_key(subject: &Subject) -> String {
    format!("about#{subject}")
}

/// Keys are compared as text. Two events of one millisecond differ by their ids.
fn moment_key(note: &EventNote) -> String {
    format!("{:015}#{}", note.at.as_millisecond(), note.id)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn note_at(millis: i64) -> EventNote {
        EventNote {
            id: "9547ef2d-3b7e-4057-b6cb-5fdf09ee7c8f".to_owned(),
            at: Timestamp::from_millisecond(millis).expect("within the calendar"),
            outcome: vec!["wakes target/acme/order-api".to_owned()],
            about: ["service/order-api", "target/acme/order-api"]
                .map(|subject| subject.parse().expect("well-formed"))
                .into(),
        }
    }

    #[test]
    fn a_note_reads_back_as_written() {
        let note = note_at(1_795_330_000_123);
        let kept = SignedDuration::from_hours(24);
        let item = item("about#target/acme/order-api", &moment_key(&note), &note, kept);
        assert_eq!(read(&item), Some(note));
    }

    #[test]
    fn the_newest_event_has_the_last_key() {
        let key = |millis| moment_key(&note_at(millis));
        assert!(key(999_999_999_999) < key(1_795_330_000_123));
        assert!(key(1_795_330_000_123) < key(10_000_000_000_000));
    }
}
