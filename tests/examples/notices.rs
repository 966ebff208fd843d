//! Writes `docs/notices.md` anew, from the notices that the tests of messages share.

#[path = "../tests/messages/docs.rs"]
mod docs;

#[path = "../tests/messages/examples.rs"]
mod examples;

#[path = "../tests/messages/forms.rs"]
mod forms;

fn main() -> std::io::Result<()> {
    std::fs::write(funade_tests::root().join("docs/notices.md"), docs::generated())
}
