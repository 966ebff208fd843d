//! The configurations that are measured: the example fleet, and one of ten thousand targets.

use std::fmt::Write;

use anyhow::{Context, Result};
use funade::config::{Config, SourceFile, Sources, check};

/// The example fleet, as it stands in the repository.
const EXAMPLE: [(&str, &str); 4] = [
    ("fleet.yaml", include_str!("../../examples/fleet/fleet.yaml")),
    ("services/order-api.yaml", include_str!("../../examples/fleet/services/order-api.yaml")),
    ("services/storefront.yaml", include_str!("../../examples/fleet/services/storefront.yaml")),
    (
        "services/nightly-report.yaml",
        include_str!("../../examples/fleet/services/nightly-report.yaml"),
    ),
];

/// The push that the example fleet reacts to.
pub(crate) const PUSH: &str = include_str!("../../events/ecr-push.json");

/// The end of a deployment of its target `acme/order-api`.
pub(crate) const DEPLOYMENT_COMPLETED: &str =
    include_str!("../../events/ecs-deployment-completed.json");

/// The change of a parameter that the same target reads.
pub(crate) const PARAMETER_CHANGE: &str = include_str!("../../events/ssm-update.json");

/// The minute in which one account of the fleet is looked at: that of the functions, if `acme` is in
/// it.
pub(crate) const SCHEDULED: &str = include_str!("../../tests/stack/scheduled-event.json");

/// The account that the example fleet's images are pushed to.
pub(crate) const REGISTRY_ACCOUNT: &str = "999999999999";

/// The account of the example fleet's environment `acme`.
const ACME_ACCOUNT: &str = "222222222222";

/// Environments of the large configuration: the size that Funade is made for.
pub(crate) const ENVIRONMENTS: usize = 200;

/// Its services, each in all environments.
pub(crate) const SERVICES: usize = 50;

/// The example fleet.
pub(crate) fn example() -> Sources {
    sources(EXAMPLE.map(|(path, text)| (path.to_owned(), text.to_owned())))
}

/// The example fleet with `acme` in the registry's account, so that a function of that account
/// needs no other role for it.
pub(crate) fn example_in_one_account() -> Sources {
    let moved = |text: &str| text.replace(ACME_ACCOUNT, REGISTRY_ACCOUNT);
    sources(EXAMPLE.map(|(path, text)| (path.to_owned(), moved(text))))
}

/// A configuration of [`ENVIRONMENTS`] × [`SERVICES`] targets, each environment in the account
/// that is given for its number.
pub(crate) fn large(account: impl Fn(usize) -> u64) -> Sources {
    let services =
        (0..SERVICES).map(|number| (format!("services/svc-{number:02}.yaml"), service(number)));
    sources(services.chain([("fleet.yaml".to_owned(), environments(account))]))
}

/// Checks a configuration that is known to be valid.
pub(crate) fn checked(sources: &Sources) -> Result<Config> {
    let checked = check(sources);
    let problems = checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    checked.config.with_context(|| problems.join("\n"))
}

fn sources(files: impl IntoIterator<Item = (String, String)>) -> Sources {
    Sources::new(files.into_iter().map(|(path, text)| SourceFile { path, text }))
}

fn environments(account: impl Fn(usize) -> u64) -> String {
    let mut text = format!(
        "registry: {{account: \"{REGISTRY_ACCOUNT}\", region: ap-northeast-1}}\n\
         waves:\n\
         \x20 - {{name: canary, select: {{stage: canary}}, bake: 30m}}\n\
         \x20 - {{name: rest, select: all, max_concurrent: 25%, bake: 2h}}\n\
         environments:\n"
    );
    for number in 0..ENVIRONMENTS {
        let stage = if number < 5 { "canary" } else { "prod" };
        writeln!(
            text,
            "  tenant-{number:03}: {{account: \"{:012}\", region: ap-northeast-1, \
             cluster: tenant-{number:03}, labels: {{stage: {stage}}}}}",
            account(number)
        )
        .expect("a string takes every write");
    }
    text
}

fn service(number: usize) -> String {
    format!(
        "service: svc-{number:02}\n\
         image: {{repository: shop/svc-{number:02}, container: app, select: {{semver: \">=1.4, <2\"}}}}\n\
         parameters:\n\
         \x20 - {{path: \"/{{environment}}/svc-{number:02}/\", into: app}}\n\
         on_parameter_change: {{action: redeploy, quiet: 60s}}\n\
         verify: {{deadline: 20m, alarms: [\"{{environment}}-svc-{number:02}-5xx\"]}}\n\
         rollback: automatic\n\
         environments: all\n\
         overrides:\n\
         \x20 tenant-007: {{ecs_service: old-svc-{number:02}}}\n"
    )
}
