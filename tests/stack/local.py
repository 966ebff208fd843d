"""A hub with the fleet of examples/fleet on this machine, until Ctrl-C: what `make local` runs."""

import json
import os
import shlex
import signal
import sys
import uuid
from pathlib import Path

import fleet
from stack import ROOT, Binaries, Emulator, clients, deploy_hub

#: The image that the commands below push; in order-api's range, and newer than what runs.
NEXT_TAG = "1.4.2"

HELP = """
A hub and six environments are running, each with {service} {first_tag}. In another terminal:

{exports}

  {funade} status

Push a newer image and tell the hub, as EventBridge would:

  {python} {script} push {next_tag}
  {funade} status

The functions' log: {log}
Ctrl-C here ends it all.
"""


def serve() -> int:
    binaries = Binaries.built()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Emulator() as emulator:
        print("making the fleet and the hub …", flush=True)
        fleet.make_fleet(emulator.client)
        hub = deploy_hub(emulator, binaries)
        applied = hub.funade("apply", str(fleet.FLEET.relative_to(ROOT)))
        print(applied.stdout, applied.stderr, sep="", end="", flush=True)
        if applied.returncode != 0:
            return applied.returncode
        exports = hub.environment | {
            "FUNADE_LOCAL_URL": emulator.url,
            "FUNADE_LOCAL_IMAGE_PUSH": hub.outputs["ImagePushFunction"],
        }
        print(
            HELP.format(
                service=fleet.SERVICE,
                first_tag=fleet.FIRST_TAG,
                next_tag=NEXT_TAG,
                exports="\n".join(f"  export {name}={shlex.quote(value)}" for name, value in exports.items()),
                funade=_shown(binaries.funade),
                python=_shown(sys.executable),
                script=_shown(__file__),
                log=emulator.log,
            ),
            flush=True,
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("ending …")
    return 0


def push(tag: str) -> int:
    """Push an image to the registry of the stack that `serve` runs, and send its event."""
    client = clients(os.environ["FUNADE_LOCAL_URL"])
    event = json.loads((ROOT / "events" / "ecr-push.json").read_text())
    event["id"] = str(uuid.uuid4())
    event["detail"] |= {"image-tag": tag, "image-digest": fleet.push_image(client, tag)}
    answer = client("lambda").invoke(
        FunctionName=os.environ["FUNADE_LOCAL_IMAGE_PUSH"], Payload=json.dumps(event).encode()
    )
    print(answer["Payload"].read().decode())
    return 1 if "FunctionError" in answer else 0


def _shown(path: str | Path) -> str:
    """A path as one would type it from the repository's root."""
    path = Path(path).absolute()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(serve())
        case ["push", tag]:
            sys.exit(push(tag))
        case _:
            sys.exit(f"usage: {sys.argv[0]} [push TAG]")
