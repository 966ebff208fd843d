"""A hub with the fleet of examples/fleet on this machine, until Ctrl-C: what `make local` runs."""

import json
import os
import shlex
import signal
import sys
from pathlib import Path

import fleet
import steps
import stores
from stack import ROOT, Binaries, Clients, Emulator, clients, deploy_hub

#: The image that the commands below push; in order-api's range, and newer than what runs.
NEXT_TAG = "1.4.2"

#: Where the commands below change a parameter.
ENVIRONMENT = "acme"

HELP = """
A hub and six environments are running, each with {service} {first_tag}. In another terminal:

{exports}

  {funade} status

Push a newer image and tell the hub, as EventBridge would:

  {python} {script} push {next_tag}
  {funade} status

Once it runs, change a parameter in one environment and tell the hub. It waits for a minute without
another change, and deploys to that environment alone:

  {python} {script} parameter {environment} LOG_LEVEL debug
  {funade} params {environment}/{service}

Tell the hub that a deployment is completed, as ECS would. It looks at that target:

  {python} {script} deployment {environment}

Whatever nobody tells it of, it finds by itself: every minute it looks at everything.

The functions' log: {log}
Ctrl-C here ends it all.
"""


def serve() -> int:
    binaries = Binaries.built()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Emulator("INFO") as emulator:
        print("making the fleet and the hub …", flush=True)
        fleet.make_fleet(emulator.client)
        stores.make_stores(emulator.client)
        hub = deploy_hub(emulator, binaries, on_schedule=True)
        applied = hub.funade("apply", str(fleet.FLEET.relative_to(ROOT)))
        print(applied.stdout, applied.stderr, sep="", end="", flush=True)
        if applied.returncode != 0:
            return applied.returncode
        exports = hub.environment | {
            "FUNADE_LOCAL_URL": emulator.url,
            "FUNADE_LOCAL_IMAGE_PUSH": hub.outputs["ImagePushFunction"],
            "FUNADE_LOCAL_PARAMETER_CHANGE": hub.outputs["ParameterChangeFunction"],
            "FUNADE_LOCAL_SERVICE_EVENT": hub.outputs["ServiceEventFunction"],
        }
        print(
            HELP.format(
                service=fleet.SERVICE,
                first_tag=fleet.FIRST_TAG,
                next_tag=NEXT_TAG,
                environment=ENVIRONMENT,
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
    digest = fleet.push_image(client, tag)
    event = steps.event("ecr-push.json", image_tag=tag, image_digest=digest)
    return _send(client, "FUNADE_LOCAL_IMAGE_PUSH", event)


def change_parameter(environment: str, name: str, value: str) -> int:
    """Write a parameter of order-api in the stack that `serve` runs, and send its event."""
    client = clients(os.environ["FUNADE_LOCAL_URL"])
    place = _place(environment)
    stores.put_parameter(client, place, name, value)
    return _send(client, "FUNADE_LOCAL_PARAMETER_CHANGE", steps.parameter_event(place, name))


def tell_of_deployment(environment: str) -> int:
    """Send the event that order-api's deployment is completed, as ECS does."""
    client = clients(os.environ["FUNADE_LOCAL_URL"])
    place = _place(environment)
    return _send(client, "FUNADE_LOCAL_SERVICE_EVENT", steps.deployment_event(client, place))


def _place(environment: str) -> fleet.Place:
    """The environment of this name; ends the program where there is none."""
    places = {place.environment: place for place in fleet.places()}
    if environment not in places:
        sys.exit(f"no environment {environment}; there are {', '.join(places)}")
    return places[environment]


def _send(client: Clients, function: str, event: dict) -> int:
    """Hand an event to the function that this variable names, and show its answer."""
    answer = client("lambda").invoke(FunctionName=os.environ[function], Payload=json.dumps(event).encode())
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
        case ["parameter", environment, name, value]:
            sys.exit(change_parameter(environment, name, value))
        case ["deployment", environment]:
            sys.exit(tell_of_deployment(environment))
        case _:
            sys.exit(f"usage: {sys.argv[0]} [push TAG | parameter ENVIRONMENT NAME VALUE | deployment ENVIRONMENT]")
