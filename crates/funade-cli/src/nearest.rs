//! "Did you mean": what is said of a name that the configuration does not have.

/// How many known names are told: enough to recognize one's own, few enough to stay on a line.
const TOLD_MAX: usize = 8;

/// "did you mean `acme`?", or else what there is, shortened if it is long. Near is, as in the
/// configuration's problems, one slip in three letters.
pub(crate) fn hint<'a>(
    given: &str,
    what: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let slips = |name: &'a str| (strsim::damerau_levenshtein(given, name), name);
    let is_near =
        |(slips, name): &(usize, &str)| *slips <= (name.len().max(given.len()) / 3).max(1);
    if let Some((_, near)) = known.clone().map(slips).filter(is_near).min() {
        return format!("did you mean `{near}`?");
    }
    let told = known.clone().take(TOLD_MAX).collect::<Vec<_>>().join(", ");
    match known.count().saturating_sub(TOLD_MAX) {
        0 => format!("the {what} are {told}"),
        more => format!("the {what} are {told} and {more} more"),
    }
}
