//! `funade deploy SERVICE --tag TAG`

use anyhow::{Result, bail};
use funade::facts::names::{ServiceName, Tag};
use funade::shell::{RequestError, request_deploy};
use funade::world::World;
use funade_aws::AwsWorld;
use serde_json::json;

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json};

pub(super) async fn run(
    world: &AwsWorld,
    service: &ServiceName,
    tag: &Tag,
    by: &str,
    format: Format,
) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let id = format!("request-{}-{}", world.now().as_millisecond(), std::process::id());
    match request_deploy(world, &config, service, tag, by, &id).await {
        Ok(request) => {
            let digest = request.release.digest;
            match format {
                Format::Json => print_json(&json!({
                    "request": id, "service": service.as_str(),
                    "tag": tag.as_str(), "digest": digest.as_str(),
                })),
                Format::Text => println!(
                    "Asked for {service} {tag} ({digest}) as {id}.\n\
                     Follow it with: funade watch {service}"
                ),
            }
            Ok(Answer::Yes)
        }
        Err(RequestError::Call(error)) => bail!("nothing was asked for: {}", error.in_full()),
        Err(RequestError::NotWoken(error)) => bail!(
            "{service} {tag} is asked for, but the service was not woken; type this again: {}",
            error.in_full()
        ),
        Err(error @ (RequestError::UnknownService(_) | RequestError::NoSuchImage { .. })) => {
            match format {
                Format::Json => print_json(&json!({"request": null, "why": error.to_string()})),
                Format::Text => println!("{error}."),
            }
            Ok(Answer::No)
        }
    }
}
