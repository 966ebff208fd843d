//! How answers are written.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// How often what turns is drawn: often enough to be seen turning.
const TURNS_EVERY: Duration = Duration::from_millis(100);

/// The answer, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is so, or it is done.
    Yes,
    /// It is not.
    No,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Prints JSON.
pub(crate) fn print_json(value: &Value) {
    println!("{value:#}");
}

/// Prints JSON in one line, where more will follow.
pub(crate) fn print_json_line(value: &Value) {
    println!("{value}");
}

/// A table that fits the terminal.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().copied());
    if cfg!(test) {
        // What a test expects must not depend on the terminal that it is run in.
        table.force_no_tty();
    }
    table
}

/// Something that turns on stderr while a person waits. Into a pipe goes nothing.
pub(crate) fn spinner(message: String) -> ProgressBar {
    let style = "{spinner} {elapsed} {msg}";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(message);
    bar.enable_steady_tick(TURNS_EVERY);
    bar
}

/// A bar on stderr that grows while a person waits. Into a pipe goes nothing.
pub(crate) fn progress(length: usize, message: &'static str) -> ProgressBar {
    let style = "{elapsed} {wide_bar} {human_pos} of {human_len} {msg}";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    ProgressBar::new(length.try_into().unwrap_or(u64::MAX)).with_style(style).with_message(message)
}

/// "1 error", "2 errors".
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
