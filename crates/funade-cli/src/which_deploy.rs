//! A deploy as a person names it: by its number on a target, or by its whole id.

use std::str::FromStr;

use funade::facts::names::TargetId;

/// `7`, or `acme/order-api/7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WhichDeploy {
    target: Option<TargetId>,
    number: u64,
}

impl WhichDeploy {
    /// Its number on this target, or why it is not one of that target's.
    pub(crate) fn on(&self, id: &TargetId) -> Result<u64, String> {
        match &self.target {
            Some(target) if target != id => Err(format!(
                "deploy {target}/{} is one of {target}, not of {id}; funade history {id} lists \
                 those",
                self.number
            )),
            Some(_) | None => Ok(self.number),
        }
    }
}

impl FromStr for WhichDeploy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (target, number) = match text.rsplit_once('/') {
            Some((target, number)) => {
                (Some(target.parse().map_err(|error| format!("{error}"))?), number)
            }
            None => (None, text),
        };
        match number.parse() {
            Ok(number) if number > 0 => Ok(Self { target, number }),
            Ok(_) | Err(_) => Err(format!(
                "`{number}` is not a deploy's number; write it as funade history lists it: 7, or \
                 acme/order-api/7"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> TargetId {
        text.parse().expect("a target")
    }

    #[test]
    fn a_number_is_of_any_target_and_an_id_of_its_own() {
        let on = |text: &str, id: &str| {
            text.parse::<WhichDeploy>().expect("well-formed").on(&target(id))
        };
        assert_eq!(on("7", "acme/order-api"), Ok(7));
        assert_eq!(on("acme/order-api/7", "acme/order-api"), Ok(7));
        let other = on("acme/order-api/7", "globex/order-api").expect_err("another's");
        assert!(other.contains("not of globex/order-api"), "{other}");
    }

    #[test]
    fn what_is_no_deploy_is_told_what_one_looks_like() {
        for text in ["", "0", "-1", "seven", "acme/order-api/", "acme/order-api/x", "acme/7"] {
            assert!(text.parse::<WhichDeploy>().is_err(), "{text}");
        }
    }
}
