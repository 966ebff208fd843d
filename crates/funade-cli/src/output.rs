//! How answers are written.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

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

/// "1 error", "2 errors".
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
