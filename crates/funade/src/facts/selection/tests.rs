//! Tests of the selection.

use proptest::prelude::*;

use super::*;

fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag")
}

fn semver(range: &str) -> Selection {
    Selection::parse_semver(range).expect(range)
}

/// Checks a selection against tags in rising order and, with the reason, tags that it refuses.
fn check(selection: &Selection, rising: &[&str], refused: &[(&str, &str)]) {
    let ranks: Vec<Rank> =
        rising.iter().map(|text| selection.rank(&tag(text)).expect(text)).collect();
    for (pair, names) in ranks.windows(2).zip(rising.windows(2)) {
        assert!(pair[0] < pair[1], "{selection}: {} before {}", names[0], names[1]);
    }
    for (text, reason) in refused {
        let error = selection.rank(&tag(text)).expect_err(text);
        assert_eq!(error.to_string(), *reason);
    }
}

#[test]
fn a_range_orders_by_precedence_and_says_why_it_refuses() {
    check(
        &semver(">=1.4, <2"),
        &["1.4.0", "v1.4.2", "1.9.0", "1.10.0"],
        &[
            ("2.0.0", "`2.0.0` is outside >=1.4, <2"),
            ("1.5.0-rc.1", "`1.5.0-rc.1` is a pre-release and >=1.4, <2 names none"),
            ("2.0.0-rc.1", "`2.0.0-rc.1` is outside >=1.4, <2"),
            ("latest", "`latest` is not a semantic version"),
            ("1.5", "`1.5` is not a semantic version"),
            ("1.05.0", "`1.05.0` is not a semantic version"),
        ],
    );
}

#[test]
fn a_pre_release_is_in_the_range_only_where_its_release_is_named() {
    check(
        &semver(">=1.4.0-rc.1"),
        &["1.4.0-rc.1", "1.4.0-rc.2", "1.4.0-rc.10", "1.4.0", "1.5.0"],
        &[("1.5.0-rc.1", "`1.5.0-rc.1` is a pre-release and >=1.4.0-rc.1 names none of 1.5.0")],
    );
}

#[test]
fn ranges_are_read_as_npm_reads_them() {
    // From node-semver's range-include and range-exclude fixtures.
    let cases: [(&str, &[&str], &[&str]); 24] = [
        ("1.2.3", &["1.2.3", "v1.2.3"], &["1.2.4", "1.3.0"]),
        ("=1.2.3", &["1.2.3"], &["1.2.4"]),
        ("v1.2.3", &["1.2.3"], &["1.2.4"]),
        ("1.2", &["1.2.0", "1.2.9"], &["1.3.0", "1.1.9"]),
        ("1", &["1.0.0", "1.9.0"], &["2.0.0"]),
        ("1.2.x", &["1.2.3"], &["1.3.0"]),
        ("1.x.x", &["1.2.3"], &["2.0.0"]),
        ("2.*.*", &["2.1.3"], &["1.1.3", "3.0.0"]),
        ("*", &["0.0.1", "9.9.9"], &["1.0.0-rc.1"]),
        ("^1.2.3", &["1.2.3", "1.8.1"], &["2.0.0", "1.2.2", "2.0.0-alpha"]),
        ("^0.2.3", &["0.2.4"], &["0.3.0"]),
        ("^0.0.1", &["0.0.1"], &["0.0.2"]),
        ("^0.1", &["0.1.2"], &["0.2.0"]),
        ("~1.2.3", &["1.2.8"], &["1.3.0"]),
        ("~1.2", &["1.2.0"], &["1.3.0"]),
        ("~> 1", &["1.2.3"], &["2.2.3"]),
        ("~0.0.1", &["0.0.1", "0.0.2"], &["0.1.0"]),
        (">=1.4 <2", &["1.4.0", "1.9.9"], &["2.0.0"]),
        (">= 1.4,< 2", &["1.4.0", "1.9.9"], &["2.0.0"]),
        (">1.2", &["1.3.0"], &["1.2.8"]),
        ("<=2.x", &["2.9.9"], &["3.0.0"]),
        ("1.2.3 - 2.3", &["1.2.3", "2.3.9"], &["1.2.2", "2.4.0"]),
        ("0.1.20 || 1.2.4", &["0.1.20", "1.2.4"], &["1.2.3"]),
        ("^1 || ^3 || *", &["1.0.0", "2.0.0", "3.0.0"], &[]),
    ];
    for (range, inside, outside) in cases {
        let selection = semver(range);
        for text in inside {
            assert!(selection.rank(&tag(text)).is_ok(), "{text} is in {range}");
        }
        for text in outside {
            assert!(selection.rank(&tag(text)).is_err(), "{text} is not in {range}");
        }
    }
}

#[test]
fn a_range_that_cannot_be_read_says_why() {
    for (range, why) in [
        ("", "it is empty"),
        (">=", "`>=` has no version after it"),
        (">=1.4, <1.2", "no version is >=1.4, <1.2"),
        ("^1 || >2 <2.0.5 ", "no version is >2, <2.0.5"),
        (">*", "no version is > *"),
        ("latest", "unexpected character 'l' while parsing major version number"),
    ] {
        let error = Selection::parse_semver(range).expect_err(range);
        assert_eq!(error.message(), format!("`{range}` is not a range of versions: {why}"));
    }
}

#[test]
fn a_glob_orders_by_the_whole_tag() {
    check(
        &Selection::parse_glob("20??-??-??", Order::Alphabetical).expect("a glob"),
        &["2026-09-30", "2026-10-01", "2027-01-01"],
        &[("2026-9-30", "`2026-9-30` does not match 20??-??-??")],
    );
    check(&Selection::parse_glob("r*", Order::Alphabetical).expect("a glob"), &["r10", "r9"], &[]);
    check(
        &Selection::parse_glob("{rc,release}[0-9]*", Order::Numerical).expect("a glob"),
        &["rc2", "rc10", "release9-2", "release9-10", "release0010"],
        &[("release", "`release` does not match {rc,release}[0-9]*")],
    );
}

#[test]
fn a_regex_matches_the_whole_tag_and_orders_by_its_group() {
    let selection = |order| {
        Selection::parse_regex(r"build-(?<number>\w+)-[0-9a-f]{7}", None, order)
            .expect("an expression")
    };
    check(
        &selection(Order::Numerical),
        &["build-9-fffffff", "build-00417-4f2a9c1", "build-99999999999999999999999999-0000000"],
        &[
            (
                "build-x1-4f2a9c1",
                "`build-x1-4f2a9c1` has `x1` as its number, which is not a number",
            ),
            (
                "my-build-1-4f2a9c1",
                r"`my-build-1-4f2a9c1` does not match build-(?<number>\w+)-[0-9a-f]{7}",
            ),
            (
                "build-1-4f2a9c1b",
                r"`build-1-4f2a9c1b` does not match build-(?<number>\w+)-[0-9a-f]{7}",
            ),
        ],
    );
    check(&selection(Order::Alphabetical), &["build-10-fffffff", "build-9-fffffff"], &[]);
}

#[test]
fn either_side_of_an_alternation_matches_the_whole_tag() {
    let selection = Selection::parse_regex(r"a(?<n>\d+)|b\d+", Some("n"), Order::Numerical)
        .expect("an expression");
    check(
        &selection,
        &["a1"],
        &[
            ("a1x", r"`a1x` does not match a(?<n>\d+)|b\d+"),
            ("b1", "`b1` has `` as its n, which is not a number"),
            ("xa1", r"`xa1` does not match a(?<n>\d+)|b\d+"),
        ],
    );
}

#[test]
fn the_group_to_order_by_is_there_and_clear() {
    let check = |pattern, order_by, expected: &str| {
        let error = Selection::parse_regex(pattern, order_by, Order::Numerical).expect_err(pattern);
        assert_eq!(error.to_string(), expected);
    };
    check(
        r"build-(\d+)",
        None,
        r"the regular expression has no named group to order tags by; name one, as in '^build-(?<number>\d+)$'",
    );
    check(
        r"(?<major>\d+)-(?<minor>\d+)",
        None,
        "the regular expression has several named groups, and nothing says which to order by; \
         write order_by: major or order_by: minor",
    );
    check(
        r"(?<a>\d+)",
        Some("b"),
        "the regular expression has no group named `b`; write order_by: a",
    );
    check(
        r"a)|(?<b>b",
        None,
        "`a)|(?<b>b` is not a regular expression: unopened group; \
         write an expression with a named group, such as '^build-(?<number>\\d+)$'",
    );
}

#[test]
fn selections_written_alike_are_equal() {
    assert_eq!(semver("^1"), semver("^1"));
    assert_ne!(semver("^1"), semver("1.x"));
    let glob = |order| Selection::parse_glob("*", order).expect("a glob");
    assert_ne!(glob(Order::Alphabetical), glob(Order::Numerical));
    assert_eq!(glob(Order::Numerical).to_string(), "glob *, numerical");
}

#[test]
fn a_leading_v_makes_no_other_release() {
    let selection = semver("*");
    assert_eq!(selection.rank(&tag("v1.2.3")), selection.rank(&tag("1.2.3")));
}

proptest! {
    #[test]
    fn numbers_of_any_length_are_ordered_as_numbers(left in 0..u128::MAX, right in 0..u128::MAX, zeros in 0..5_usize) {
        let selection = Selection::parse_regex(r"(?<n>\d+)", None, Order::Numerical).expect("an expression");
        let rank = |number: u128, zeros| selection.rank(&tag(&format!("{}{number}", "0".repeat(zeros)))).expect("digits");
        prop_assert_eq!(rank(left, zeros).cmp(&rank(right, 0)), left.cmp(&right));
    }

    #[test]
    fn natural_order_is_that_of_the_numbers(left in (0..999_u32, 0..99_u32), right in (0..999_u32, 0..99_u32)) {
        let selection = Selection::parse_glob("rc*", Order::Numerical).expect("a glob");
        let rank = |(major, minor)| selection.rank(&tag(&format!("rc{major}-{minor:02}"))).expect("a tag");
        prop_assert_eq!(rank(left).cmp(&rank(right)), left.cmp(&right));
    }

    #[test]
    fn reading_a_range_never_panics(range in "[0-9.xv<>=~^*|, a-]{0,12}", text in "[0-9.v-]{1,8}") {
        if let (Ok(selection), Ok(tag)) = (Selection::parse_semver(&range), Tag::parse(text)) {
            let _ = selection.rank(&tag);
        }
    }
}

#[test]
fn an_empty_alternative_is_refused() {
    for range in [">=1.4, <2 ||", "|| 1.x", "1.x || || 2.x"] {
        let error = Selection::parse_semver(range).expect_err(range).message();
        assert!(error.contains("empty"), "{error}");
    }
}

#[test]
fn a_version_outside_the_range_still_has_its_place_in_the_order() {
    let range = semver(">=1.4, <2");
    let place = |text| range.order(&tag(text)).expect("a version");
    assert!(place("2.1.0") > place("1.9.0"));
    assert_eq!(range.order(&tag("latest")), None);
}
