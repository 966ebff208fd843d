//! "Did you mean": the known word nearest to an unknown one.

/// The nearest of the known words, if it is near enough to have been meant: one slip in three
/// letters, and at least one.
pub(super) fn nearest<'known>(
    given: &str,
    known: impl IntoIterator<Item = &'known str>,
) -> Option<&'known str> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(given, word), word))
        .filter(|(slips, word)| *slips <= (word.len().max(given.len()) / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

/// "did you mean `acme`?", or else what there is to choose from, shortened if it is long.
#[must_use]
pub fn hint<'known>(
    given: &str,
    what: &str,
    known: impl IntoIterator<Item = &'known str>,
) -> String {
    /// Enough to recognize one's own words, few enough to stay on a line.
    const SHOWN_MAX: usize = 8;
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(given, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let more = known.len().saturating_sub(SHOWN_MAX);
    let shown = known[..known.len() - more].join(", ");
    match (known.len(), more) {
        (0, _) => format!("there are no {what}"),
        (_, 0) => format!("the {what} are {shown}"),
        (_, more) => format!("the {what} are {shown} and {more} more"),
    }
}

/// "acme, globex and 3 more".
pub(super) fn listed<'word>(words: impl IntoIterator<Item = &'word str>) -> String {
    /// Enough to see which kind is meant.
    const SHOWN_MAX: usize = 5;
    let words: Vec<&str> = words.into_iter().collect();
    let more = words.len().saturating_sub(SHOWN_MAX);
    let shown = words[..words.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
