//! The fleets that histories happen to: small, and each with other settings.

use std::sync::{Arc, LazyLock};

use funade::config::{Config, SourceFile, Sources, check};

/// A fleet with its files.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) sources: Sources,
    pub(super) config: Arc<Config>,
}

/// How many there are.
pub(super) const COUNT: usize = FLEETS.len();

/// What differs: the environments, and the settings of the one service.
const FLEETS: [(&[&str], &str); 8] = [
    (&[ACME], "verify: {deadline: 10m}\nrollback: automatic\n"),
    (&[ACME, GLOBEX], "verify: {deadline: 10m, alarms: [web-5xx]}\nrollback: automatic\n"),
    (
        &[ACME],
        "verify: {deadline: 10m, alarms: [web-5xx], bake: 4m}\n\
         rollback: {action: automatic, hold: 90m}\n",
    ),
    (&[ACME, INITECH], "verify: {deadline: 6m}\nrollback: manual\n"),
    (
        &[ACME, GLOBEX],
        "parameters: [{path: \"/{environment}/web/\", into: app}]\n\
         on_parameter_change: {action: redeploy, quiet: 30s}\n\
         verify: {deadline: 10m}\n",
    ),
    (
        &[ACME, INITECH, GLOBEX],
        "parameters:\n  - {path: /shared/web/, into: app, shared: true}\n  \
         - {path: \"/{environment}/web/\", into: app}\n\
         on_parameter_change: {action: redeploy, quiet: 20s}\n\
         verify: {deadline: 8m, alarms: [web-5xx]}\n",
    ),
    (
        &[ACME],
        "parameters: [{path: \"/{environment}/web/\", into: app}]\n\
         on_parameter_change: {action: redeploy, quiet: 60s}\n\
         verify: {deadline: 10m, alarms: [web-5xx], bake: 2m}\n\
         rollback: {action: automatic, hold: 2h}\n",
    ),
    (
        &[ACME, GLOBEX],
        "parameters: [{path: \"/{environment}/web/\", into: app}]\n\
         on_parameter_change: {action: notify, quiet: 30s}\n\
         verify: {deadline: 10m}\n",
    ),
];

const ACME: &str =
    "acme: {account: \"222222222222\", region: ap-northeast-1, cluster: acme, labels: {size: s}}";
const INITECH: &str =
    "initech: {account: \"222222222222\", region: ap-northeast-1, cluster: i, labels: {size: l}}";
/// In another region, so that its images come by replication.
const GLOBEX: &str = "globex: {account: \"333333333333\", region: us-east-1, cluster: globex, \
     labels: {size: l}, registry: {account: \"999999999999\", region: us-east-1}}";

/// Where everything is told.
const TOPIC: &str = "arn:aws:sns:ap-northeast-1:999999999999:all";

/// A fleet by its number.
pub(super) fn fleet(number: usize) -> &'static Fleet {
    static FLEETS_READ: LazyLock<Vec<Fleet>> =
        LazyLock::new(|| FLEETS.iter().map(|(homes, settings)| read(homes, settings)).collect());
    &FLEETS_READ[number]
}

fn read(homes: &[&str], settings: &str) -> Fleet {
    let several = homes.len() > 1;
    let homes = homes.join("\n  ");
    // A wave must take something.
    let first = if several { "  - {name: small, select: {size: s}, bake: 3m}\n" } else { "" };
    let fleet = format!(
        "registry: {{account: \"999999999999\", region: ap-northeast-1}}\n\
         environments:\n  {homes}\n\
         waves:\n{first}  - {{name: rest, select: all, max_concurrent: 1}}\n\
         notices:\n  - {{to: {{topic: \"{TOPIC}\"}}, format: json}}\n"
    );
    let service = format!(
        "service: web\n\
         image: {{repository: shop/web, container: app, select: {{semver: \">=1.0\"}}}}\n\
         {settings}environments: all\n"
    );
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    let sources = Sources::new([file("fleet.yaml", fleet), file("services/web.yaml", service)]);
    let checked = check(&sources);
    let config = checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems));
    Fleet { sources, config: Arc::new(config) }
}
