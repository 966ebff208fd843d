//! Targets: what becomes of a service in an environment, and targets in each other's way.

use funade::config::{Config, Reaction, Rollback, RolledBackBy, Target};
use funade::facts::names::RepositoryName;

use crate::{FLEET, SERVICE, check, read};

fn config(fleet: &str, services: &[&str]) -> Config {
    let checked = read(fleet, services);
    checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

fn target<'config>(config: &'config Config, id: &str) -> &'config Target {
    config.target(&id.parse().expect("a target's id")).expect("a target")
}

#[test]
fn a_target_has_all_that_is_needed_to_deploy_it() {
    let config = config(FLEET, &[SERVICE]);
    let acme = target(&config, "acme/order-api");
    assert_eq!(acme.place.to_string(), "222222222222/ap-northeast-1");
    assert_eq!((acme.cluster.as_str(), acme.ecs_service.as_str()), ("acme", "order-api"));
    assert_eq!((acme.container.as_str(), acme.repository.as_str()), ("app", "shop/order-api"));
    assert_eq!(acme.selection.to_string(), "semver ^1");
    assert_eq!((acme.verify.deadline.as_mins(), acme.rollback), (20, Rollback::default()));
    assert_eq!(acme.on_parameter_change, Reaction::default());
    assert!(config.target(&"acme/storefront".parse().expect("an id")).is_none());
    assert_eq!(config.targets().count(), 3);
}

#[test]
fn a_registry_is_the_environments_or_else_the_services_or_else_the_fleets() {
    let fleet = FLEET
        .replace(
            "cluster: globex,",
            "cluster: globex, registry: {account: \"999999999999\", region: us-east-1},",
        )
        .replace(
            "registry: {account: \"999999999999\", region: ap-northeast-1}",
            "registry: {account: \"999999999999\", region: cn-north-1}",
        );
    let own = SERVICE.replace("order-api", "storefront").replace(
        "container: app,",
        "container: app, registry: {account: \"888888888888\", region: eu-west-1},",
    );
    let config = config(&fleet, &[SERVICE, &own]);
    let pulls_from = |id| target(&config, id).pulls_from.to_string();
    assert_eq!(pulls_from("acme/order-api"), "999999999999.dkr.ecr.cn-north-1.amazonaws.com.cn");
    assert_eq!(pulls_from("acme/storefront"), "888888888888.dkr.ecr.eu-west-1.amazonaws.com");
    assert_eq!(pulls_from("globex/storefront"), "999999999999.dkr.ecr.us-east-1.amazonaws.com");
}

#[test]
fn placeholders_are_filled_in_and_overrides_replace() {
    let service = format!(
        "{SERVICE}{}",
        r#"
ecs_service: "{environment}-{service}-{label.stage}"
parameters: [{path: "/{account}/{region}/{cluster}/", into: [app, sidecar], names: upper-snake}]
on_parameter_change: notify
overrides:
  acme:
    ecs_service: shop
    container: web
    parameters: []
    rollback: manual
    on_parameter_change: {action: redeploy, quiet: 5m}
"#
    );
    let config = config(FLEET, &[&service]);
    let globex = target(&config, "globex/order-api");
    assert_eq!(globex.ecs_service.as_str(), "globex-order-api-prod");
    assert_eq!(globex.parameters[0].path.as_str(), "/333333333333/us-east-1/globex/");
    assert_eq!(globex.parameters[0].into.len(), 2);
    assert!(
        matches!(globex.on_parameter_change, Reaction::Notify(quiet) if quiet.0.as_secs() == 60)
    );
    let acme = target(&config, "acme/order-api");
    assert_eq!((acme.ecs_service.as_str(), acme.container.as_str()), ("shop", "web"));
    assert_eq!((acme.parameters.len(), acme.rollback.by), (0, RolledBackBy::Manual));
    assert!(
        matches!(acme.on_parameter_change, Reaction::Redeploy(quiet) if quiet.0.as_secs() == 300)
    );
}

#[test]
fn services_are_found_by_their_repository() {
    let other = SERVICE.replace("service: order-api", "service: order-worker");
    let config = config(FLEET, &[SERVICE, &other]);
    let using = |name: &str| {
        let repository = RepositoryName::parse(name).expect("a name");
        config
            .services_using(&repository)
            .map(|service| service.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(using("shop/order-api"), ["order-api", "order-worker"]);
    assert_eq!(using("shop/storefront"), [""; 0]);
}

#[test]
fn a_label_that_an_environment_lacks_is_told_once() {
    check(
        FLEET,
        &[&format!("{SERVICE}ecs_service: \"api-{{label.size}}\"\n")],
        &[
            "services/1.yaml:5:14: error: ecs_service: {label.size} is nothing in internal, which has no such label; label internal, or override this there [missing-label]",
        ],
    );
}

#[test]
fn a_template_that_gives_no_name_is_told_with_what_it_gives() {
    check(
        FLEET,
        &[&format!("{SERVICE}ecs_service: \"{{environment}}.{{service}}\"\n")],
        &[
            "services/1.yaml:5:14: error: ecs_service: `{environment}.{service}` is `acme.order-api` in acme, which is not an ECS service's name (and so 2 times more); use letters, digits, dashes and underscores, at most 255; the name, not the ARN [bad-name]",
        ],
    );
}

#[test]
fn two_targets_are_not_one_ecs_service() {
    let other = &SERVICE.replace("service: order-api", "service: orders\necs_service: order-api");
    check(
        FLEET,
        &[SERVICE, other],
        &[
            "services/2.yaml:3:14: error: ecs_service: acme/orders and acme/order-api (services/1.yaml:2) are both the ECS service `order-api` in cluster `acme` of 222222222222/ap-northeast-1 (and so 2 times more); write another `ecs_service` for one of them [same-ecs-service]",
        ],
    );
    let one_cluster = FLEET
        .replace("333333333333", "222222222222")
        .replace("us-east-1, cluster: globex", "ap-northeast-1, cluster: acme");
    check(
        &one_cluster,
        &[SERVICE],
        &[
            "services/1.yaml:2:10: error: service: globex/order-api and acme/order-api (services/1.yaml:2) are both the ECS service `order-api` in cluster `acme` of 222222222222/ap-northeast-1; write another `ecs_service` for one of them [same-ecs-service]",
        ],
    );
}

#[test]
fn two_services_do_not_have_one_name() {
    check(
        FLEET,
        &[SERVICE, SERVICE],
        &[
            "services/2.yaml:2:10: error: service: `order-api` is also the service of services/1.yaml:2; give one of them another name [duplicate-service]",
        ],
    );
}

#[test]
fn a_path_that_two_environments_read_is_meant_to_be_shared() {
    let fleet = FLEET
        .replace("333333333333", "222222222222")
        .replace("us-east-1, cluster: globex", "ap-northeast-1, cluster: globex");
    let service =
        |shared: &str| format!("{SERVICE}parameters: [{{path: /order-api/, into: app{shared}}}]\n");
    check(
        &fleet,
        &[&service("")],
        &[
            "services/1.yaml:5:21: warning: parameters[0].path: globex/order-api and acme/order-api both read `/order-api/` in 222222222222/ap-northeast-1; put {environment} into it, or write shared: true if that is meant [shared-path]",
        ],
    );
    check(&fleet, &[&service(", shared: true")], &[]);
}
