//! The fleet's `findings`: what is done about what the sweep finds.

use funade::facts::finding::{FindingKind, Policy};

use crate::{FLEET, SERVICE, check, read};

fn fleet(findings: &str) -> String {
    format!("{FLEET}findings: {findings}\n")
}

#[test]
fn without_a_word_each_kind_has_its_own_policy() {
    let config = read(FLEET, &[SERVICE]).config.expect("valid");
    for kind in FindingKind::ALL {
        assert_eq!(config.policies.of(kind), kind.default_policy(), "{kind}");
    }
    assert!(config.targets().all(|target| !target.overwrites_changes));
}

#[test]
fn the_teams_word_counts_for_the_kinds_that_it_names() {
    let fleet = fleet("{changed-by-hand: heal, missed-image: notify, mutable-tag: ignore}");
    let checked = read(&fleet, &[SERVICE]);
    assert!(checked.problems.is_empty(), "{:#?}", checked.problems);
    let config = checked.config.expect("valid");
    for kind in FindingKind::ALL {
        let expected = match kind.as_str() {
            "changed-by-hand" => Policy::Heal,
            "missed-image" => Policy::Notify,
            "mutable-tag" => Policy::Ignore,
            _ => kind.default_policy(),
        };
        assert_eq!(config.policies.of(kind), expected, "{kind}");
    }
    assert!(config.targets().all(|target| target.overwrites_changes));
}

#[test]
fn every_kind_may_be_told_or_left_and_those_that_can_be_may_be_healed() {
    for kind in FindingKind::ALL {
        for policy in ["notify", "ignore"] {
            assert!(read(&fleet(&format!("{{{kind}: {policy}}}")), &[]).config.is_some(), "{kind}");
        }
        let healed = read(&fleet(&format!("{{{kind}: heal}}")), &[]);
        assert_eq!(healed.config.is_some(), kind.can_be_healed(), "{kind}");
    }
}

#[test]
fn kinds_and_policies_are_known_written_once_and_can_be_carried_out() {
    check(
        &fleet(
            "{changed-by-hands: notify, behind: repair, unhealthy: heal, stuck:, drift: ignore}",
        ),
        &[],
        &[
            "fleet.yaml:7:12: error: findings.changed-by-hands: `changed-by-hands` is not a choice here; did you mean `changed-by-hand`? [bad-choice]",
            "fleet.yaml:7:46: error: findings.behind: `repair` is not a choice here; the choices are heal, notify, ignore [bad-choice]",
            "fleet.yaml:7:65: error: findings.unhealthy: `unhealthy` is told, and not put right by Funade; write notify or ignore [not-healed]",
            "fleet.yaml:7:76: error: findings.stuck: nothing is written here; write `heal`, `notify` or `ignore`, or remove the key [empty-value]",
            "fleet.yaml:7:79: error: findings.drift: `drift` is not a choice here; the choices are changed-by-hand, behind, stale-configuration, missed-image, unhealthy, stuck, blocked, no-way-back and 4 more [bad-choice]",
        ],
    );
    check(
        &fleet("{behind: notify, stuck: ignore, behind: heal}"),
        &[],
        &[
            "fleet.yaml:7:43: error: findings.behind: `behind` is written twice, first on line 7; keep one of the two [duplicate-key]",
        ],
    );
    check(
        &fleet("notify"),
        &[],
        &[
            "fleet.yaml:7:11: error: findings: a single value stands here; write a mapping from a kind of finding to `heal`, `notify` or `ignore` [wrong-type]",
        ],
    );
}
