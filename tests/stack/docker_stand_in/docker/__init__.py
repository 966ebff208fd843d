"""A stand-in for the `docker` module, for the emulator only: containers without Docker.

With a `docker` module on its PYTHONPATH the emulator starts a container for each container of a task,
and its ECS replaces tasks step by step, counts those that fail, and rolls back. Without one, each
deployment is completed at once. What is here is what its ECS calls, and no more.

No container does anything: each has a fate. Fates are a JSON object in the file that FATES_VARIABLE
names, read anew whenever a container is started: from a text to a fate. The first whose text stands in
the image's name (so a digest will do), or is one of the container's variables as NAME=value, is the
container's. The fates:

* `exits CODE`: it exits with that code soon after it was started;
* `cannot be pulled`: its image is nowhere;
* `runs`: it runs until it is stopped, as does each container that the file does not mention.
"""

import hashlib
import json
import os
import threading
import time
import uuid

from . import errors

__all__ = ["errors", "from_env"]

#: The environment variable with the path of the file of fates.
FATES_VARIABLE = "STAND_IN_FATES"

#: How long one that exits runs before. The emulator believes that a task runs when it has run for a second.
EXITS_AFTER_SECONDS = 0.5

#: How long a registry takes to say no. A task that fails is replaced at once, so without this the
#: emulator would do nothing else any more.
REFUSED_AFTER_SECONDS = 0.5

_RUNS = "runs"
_EXITS = "exits "
_CANNOT_BE_PULLED = "cannot be pulled"


def from_env(**_) -> "_Client":
    """The one client; settings such as a time limit mean nothing here."""
    return _CLIENT


def _fate(image: str, variables: dict[str, str] | None = None) -> str:
    path = os.environ.get(FATES_VARIABLE)
    if not path or not os.path.exists(path):
        return _RUNS
    with open(path) as file:
        fates = json.load(file)
    assignments = {f"{name}={value}" for name, value in (variables or {}).items()}
    return next((fate for text, fate in fates.items() if text in image or text in assignments), _RUNS)


class _Container:
    def __init__(self, exit_code: int | None, labels: dict[str, str]):
        self.id = uuid.uuid4().hex * 2
        self.labels = labels
        self.attrs = {"NetworkSettings": {"Networks": {}}}
        self._exit_code = exit_code
        self._exits_at = None if exit_code is None else time.monotonic() + EXITS_AFTER_SECONDS

    @property
    def status(self) -> str:
        has_exited = self._exits_at is not None and self._exits_at <= time.monotonic()
        return "exited" if has_exited else "running"

    def reload(self) -> None:
        """Nothing is kept that could be out of date."""

    def wait(self) -> dict[str, int]:
        return {"StatusCode": self._exit_code or 0}

    def logs(self, **_) -> bytes:
        return b""

    def stop(self, **_) -> None:
        self._exits_at = time.monotonic()

    def remove(self, **_) -> None:
        _CLIENT.containers.forget(self.id)


class _Containers:
    def __init__(self):
        self._lock = threading.Lock()
        self._by_id: dict[str, _Container] = {}

    def run(self, image: str, environment=None, labels=None, **_) -> _Container:
        fate = _fate(image, environment)
        code = int(fate.removeprefix(_EXITS)) if fate.startswith(_EXITS) else None
        container = _Container(code, labels or {})
        with self._lock:
            self._by_id[container.id] = container
        return container

    def get(self, container_id: str) -> _Container:
        with self._lock:
            if container_id in self._by_id:
                return self._by_id[container_id]
        raise errors.NotFound(f"no such container: {container_id}")

    def list(self, **_) -> list[_Container]:
        with self._lock:
            return [*self._by_id.values()]

    def forget(self, container_id: str) -> None:
        with self._lock:
            self._by_id.pop(container_id, None)


class _Image:
    """An image in a registry or, pulled, in the local store: either way `id` is its digest."""

    def __init__(self, name: str):
        self.id = name.split("@")[1] if "@" in name else "sha256:" + hashlib.sha256(name.encode()).hexdigest()

    def tag(self, *_, **__) -> bool:
        return True


class _Images:
    def get_registry_data(self, name: str, **_) -> _Image:
        return self.pull(name)

    def pull(self, name: str, **_) -> _Image:
        if _fate(name) == _CANNOT_BE_PULLED:
            time.sleep(REFUSED_AFTER_SECONDS)
            raise errors.ImageNotFound(f"manifest for {name} not found: manifest unknown")
        return _Image(name)

    def get(self, name: str) -> _Image:
        """Nothing is ever in the local store: what cannot be pulled cannot be run."""
        raise errors.ImageNotFound(f"no such image: {name}")


class _Client:
    def __init__(self):
        self.containers = _Containers()
        self.images = _Images()


_CLIENT = _Client()
