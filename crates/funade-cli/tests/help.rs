//! What can be typed, what is said of it, and what is refused before anything is done.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `funade` without any setting.
fn funade(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_funade"));
    command.env_remove("FUNADE_TABLE").args(arguments).output().expect("it starts")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// The verbs that `funade --help` lists.
fn verbs() -> Vec<String> {
    let help = funade(&["--help"]);
    let (_, commands) = stdout(&help).split_once("Commands:\n").expect("it lists them");
    let (commands, _) = commands.split_once("\n\n").expect("options follow");
    let listed = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs = listed.filter_map(|line| line.split_whitespace().next());
    verbs.filter(|verb| *verb != "help").map(str::to_owned).collect()
}

#[test]
fn every_verb_is_in_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let reference = std::fs::read_to_string(path).expect("the reference");
    let verbs = verbs();
    assert!(verbs.len() >= 18, "{verbs:?}");
    for verb in &verbs {
        let row = |line: &str| {
            let cell = line.strip_prefix("| `").and_then(|rest| rest.split(['`', ' ']).next());
            cell == Some(verb)
        };
        assert!(reference.lines().any(row), "docs/cli.md has no row for `{verb}`");
    }
}

#[test]
fn every_option_of_the_verbs_about_deploys_is_in_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let reference = std::fs::read_to_string(path).expect("the reference");
    for verb in ["rollback", "history", "explain", "watch", "sweep", "metrics", "hold", "deploy"] {
        let help = funade(&[verb, "--help"]);
        let words = stdout(&help).split_whitespace().filter(|word| word.starts_with("--"));
        let general = ["--format", "--help", "--by"];
        for option in words.filter(|word| !general.contains(word)) {
            assert!(reference.contains(option), "docs/cli.md does not have {verb}'s {option}");
        }
    }
}

#[test]
fn what_cannot_be_understood_exits_with_2_and_says_what_to_write() {
    for (arguments, words) in [
        (&["rollback", "acme/order-api"][..], "--reason"),
        (&["rollback", "order-api", "--reason", "x"], "write ENVIRONMENT/SERVICE"),
        (&["rollback", "acme/order-api", "--reason", "x", "--to", "last"], "acme/order-api/7"),
        (&["history", "acme/order-api", "--limit", "0"], "'0'"),
        (&["history", "acme/order-api", "--deploy", "0"], "is not a deploy's number"),
        (&["watch", "--interval", "0s"], "that is too often; write 1s or more"),
        (&["watch", "--interval", "often"], "--interval"),
        (&["watch", "acme/order-api"], "a service's name"),
        (&["sweep", "--environment", "Acme"], "an environment's name"),
        (&["sweep", "acme"], "'acme'"),
        (&["metrics"], "--prometheus"),
        (&["explain"], "TARGET"),
    ] {
        let output = funade(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_missing_setting_is_named() {
    for arguments in [
        &["status"][..],
        &["watch", "--once"],
        &["explain", "acme/order-api"],
        &["history", "acme/order-api"],
        &["holds"],
        &["sweep", "--environment", "acme", "--report", "fleet.html"],
        &["metrics", "--prometheus", "--output", "funade.prom"],
        &["unhold", "acme/order-api"],
        &["rollback", "acme/order-api", "--reason", "x", "--to", "acme/order-api/7"],
    ] {
        let output = funade(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(stderr(&output).contains("FUNADE_TABLE"), "{arguments:?}: {output:?}");
    }
}
