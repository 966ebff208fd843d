//! `funade schema`

use std::path::Path;

use anyhow::{Context, Result};
use funade::config::{fleet_schema, service_schema};
use serde_json::json;

use crate::output::{Answer, print_json};

pub(super) fn run(write: Option<&Path>) -> Result<Answer> {
    let Some(dir) = write else {
        print_json(&json!({"fleet": fleet_schema(), "service": service_schema()}));
        return Ok(Answer::Yes);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let files = [("fleet.schema.json", fleet_schema()), ("service.schema.json", service_schema())];
    for (name, schema) in files {
        let path = dir.join(name);
        std::fs::write(&path, format!("{schema:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(Answer::Yes)
}
