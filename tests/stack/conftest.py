"""Fixtures: the emulator, the hub's stack on it, and the fleet with its configuration applied."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fleet as fleet_module  # noqa: E402
import stores  # noqa: E402
from stack import Binaries, Emulator, Hub, deploy_hub  # noqa: E402

_running: list[Emulator] = []


@pytest.fixture(scope="session")
def emulator():
    with Emulator() as emulator:
        _running.append(emulator)
        yield emulator
        _running.clear()


@pytest.fixture(scope="session")
def configuration(tmp_path_factory) -> Path:
    """The directory with what is applied: examples/fleet, made fit for tests."""
    return fleet_module.write_configuration(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="session")
def hub(emulator, configuration) -> Hub:
    """The hub's stack and the fleet's services, with the configuration applied."""
    binaries = Binaries.built()
    fleet_module.make_fleet(emulator.client)
    stores.make_stores(emulator.client)
    hub = deploy_hub(emulator, binaries)
    applied = hub.funade("apply", str(configuration))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    return hub


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the functions logged beside a failure."""
    report = yield
    if report.failed and _running:
        report.sections.append(("the emulator's log", _running[0].log_tail()))
    return report
