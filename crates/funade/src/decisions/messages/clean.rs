//! Takes away from text what would be more than text where it is shown.
//!
//! Tags, reasons, names of containers and what AWS says come from outside: somebody who may push an
//! image or stop a task writes into the team's chat with them. Where Markdown is read, all text passes
//! through here, ours too, so that nothing can be forgotten. Chat applications do not agree on an
//! escape: Slack knows no backslash, Teams no entities. So what is special is replaced by a letter
//! that looks like it, or broken by a space that is not seen; every application leaves those alone.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// What breaks a word for a machine and not for the eye.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// What is left of a text that is cut ends in this.
const ELLIPSIS: char = '…';

/// The longest subject, in characters. SNS's reference says at one place "up to", at another "less
/// than" 100: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.
const SUBJECT_LETTERS_MAX: usize = 99;

/// One line of plain text: without control characters, line breaks and those that turn the direction
/// of what follows, or are not seen.
pub(super) fn plain(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        let blank = letter.is_whitespace() || letter.is_control() || is_unseen(letter);
        match letter {
            _ if !blank => line.push(letter),
            _ if line.is_empty() || line.ends_with(' ') => {}
            _ => line.push(' '),
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// One line that is only text where Markdown, mentions and links are understood, be it Slack's, Teams's
/// or Datadog's.
pub(super) fn markdown(text: &str) -> String {
    let line: Vec<char> = plain(text).chars().collect();
    let is_word = |index: Option<usize>| {
        index.and_then(|index| line.get(index)).is_some_and(|letter| letter.is_alphanumeric())
    };
    let mut clean = String::with_capacity(line.len());
    for (index, letter) in line.iter().copied().enumerate() {
        let after = line.get(index + 1).copied();
        match letter {
            '*' => clean.push('∗'),
            '`' => clean.push('ˋ'),
            '~' => clean.push('∼'),
            '<' => clean.push('‹'),
            '>' => clean.push('›'),
            // Within a word it stresses nothing, and names of variables are full of it.
            '_' if !(is_word(index.checked_sub(1)) && is_word(Some(index + 1))) => clean.push('＿'),
            // A mention, a channel, an entity, a link's end, an escape.
            '@' | '#' | '&' | ']' | '\\' | '|' | '%' => clean.extend([letter, ZERO_WIDTH_SPACE]),
            // An address, with its scheme or without: `https://…`, `mailto:…`, `example.com`.
            ':' if after.is_some_and(|after| after == '/' || after.is_alphabetic()) => {
                clean.extend([letter, ZERO_WIDTH_SPACE]);
            }
            '.' if after.is_some_and(char::is_alphabetic) => {
                clean.extend([letter, ZERO_WIDTH_SPACE]);
            }
            _ => clean.push(letter),
        }
    }
    clean
}

/// A line for the head of a mail: ASCII, and short enough.
pub(super) fn subject(text: &str) -> String {
    let line = plain(text).replace('→', "->").replace(ELLIPSIS, "...");
    let line: String =
        line.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect();
    if line.len() <= SUBJECT_LETTERS_MAX {
        return line;
    }
    format!("{}...", &line[..SUBJECT_LETTERS_MAX - 3])
}

/// At most so many characters of it, the last an ellipsis if some were left out.
pub(super) fn cut(text: &str, letters_max: usize) -> String {
    match text.char_indices().nth(letters_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(letters_max.saturating_sub(1)).chain([ELLIPSIS]).collect(),
    }
}

/// An id of at most so many characters that differs where the whole does.
pub(super) fn short_id(id: &str, letters_max: usize) -> String {
    /// Digits of its hash: no two of a fleet's ids share these.
    const HASH_DIGITS: usize = 16;
    if id.len() <= letters_max {
        return id.to_owned();
    }
    let mut short: String = id.chars().take(letters_max - HASH_DIGITS - 1).collect();
    short.push('-');
    for byte in &Sha256::digest(id.as_bytes())[..HASH_DIGITS / 2] {
        write!(short, "{byte:02x}").expect("a string takes every write");
    }
    short
}

/// Characters of no width, and those that change the direction of a line:
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(markdown(text).replace(ZERO_WIDTH_SPACE, "·"), expected);
    }

    #[test]
    fn what_is_special_is_seen_and_means_nothing() {
        check("*bold* _it_ ~gone~ `code`", "∗bold∗ ＿it＿ ∼gone∼ ˋcodeˋ");
        check("<!channel> <@U1> <https://x|y>", "‹!channel› ‹@·U1› ‹https:·//x|·y›");
        check("@here, [x](https://evil.example)", "@·here, [x]·(https:·//evil.·example)");
        check("www.evil.example mailto:erin@x", "www.·evil.·example mailto:·erin@·x");
        check("&lt;!here&gt; # head\\\u{1b}[31m", "&·lt;!here&·gt; #· head\\· [31m");
        check("a\u{202e}b\u{200b}c\r\n\td", "a b c d");
    }

    #[test]
    fn what_people_read_every_day_stays_as_it_is() {
        for text in ["deploy acme/order-api/7 of 1.4.3", "DB_READ_URL (version 4 → 5)", "app:12"]
        {
            check(text, text);
        }
    }

    #[test]
    fn subjects_are_short_ascii_lines() {
        assert_eq!(subject("1.4.2 → 1.4.3\r\nBcc: erin"), "1.4.2 -> 1.4.3 Bcc: erin");
        assert_eq!(subject("船"), "?");
        let long = subject(&"x".repeat(300));
        assert!(long.len() == 99 && long.ends_with("..."), "{long}");
    }

    #[test]
    fn a_short_id_is_short_and_an_id() {
        assert_eq!(short_id("order-api-1.4.3", 100), "order-api-1.4.3");
        let (a, b) = ("a".repeat(150), "a".repeat(151));
        let (a, b) = (short_id(&a, 100), short_id(&b, 100));
        assert!(a.len() == 100 && b.len() == 100 && a != b, "{a} {b}");
    }

    proptest! {
        #[test]
        fn cuts_hold_and_never_split_a_character(text in any::<String>(), max in 3_usize..40) {
            let shorter = cut(&text, max);
            prop_assert!(shorter.chars().count() <= max);
            prop_assert_eq!(shorter == text, text.chars().count() <= max);
        }

        #[test]
        fn nothing_special_is_left(text in any::<String>()) {
            let clean = markdown(&text);
            prop_assert!(!clean.contains(['*', '`', '~', '<', '>']), "{}", clean);
            prop_assert!(!clean.contains(char::is_control), "{}", clean);
            prop_assert!(!clean.contains("://") && !clean.contains("]("), "{}", clean);
            for (index, _) in clean.match_indices(['@', '#', '&', ']']) {
                prop_assert!(clean[index + 1..].starts_with(ZERO_WIDTH_SPACE), "{}", clean);
            }
        }
    }
}
