//! The demo's story.

use std::process::Command;

fn story() -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_funade"));
    let output = command.args(["demo", "--speed", "0"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The story reads the same each time: the simulator has no chance in it.
#[test]
fn the_demo_tells_its_story() {
    let story = story();
    let mut rest = story.as_str();
    for line in [
        "waits for the replica",
        "6 calls of RegisterTaskDefinition and 6 of UpdateService",
        "it is deployed once there has been no further change",
        "1 call of UpdateService for both writes, and none in any other environment",
        "0 calls that change anything",
        "`2.0.0` is outside >=1.4, <2",
        "1.4.1 is older than 1.4.2",
        "1.4.3 on 0 of 3 tasks; 1 exited",
        "1.4.3 failed; back to acme-order-api:3",
        "acme-order-api:3 runs again; 1.4.3 is held",
        "acme/order-api is blocked (rolled-back)",
        "a container exits",
        "app exited with code 78",
        "The event of the bad image comes again",
        "0 calls that change anything",
        "funade holds lists 6 targets",
        "1.4.4 as acme-order-api:5",
        "funade holds lists 0 targets",
        "acme/order-api/4",
        "rolled-back",
        "An image is pushed, and its event is lost: shop/order-api:1.4.5",
        "6m later acme/order-api runs acme-order-api:5 still",
        "missed-image",
        "Woken, to be put right: order-api.",
        "1.4.5 as acme-order-api:6",
        "Somebody deploys shop/order-api:1.4.4 to acme/order-api by hand",
        "changed-by-hand",
        "assumed-role/admin/erin",
        "Over: order-api (missed-image)",
        "0 calls that change anything",
        "Over: acme/order-api (changed-by-hand)",
        "Looked at 13 targets and 3 services: no finding.",
        "funade sweep --report FILE",
    ] {
        let Some((_, after)) = rest.split_once(line) else {
            panic!("{line} is not in what follows:\n{rest}");
        };
        rest = after;
    }
}

#[test]
fn the_story_reads_the_same_each_time() {
    assert_eq!(story(), story());
}
