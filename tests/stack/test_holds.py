"""A held target is left alone by the real functions, and goes on once the hold is lifted."""

import json

import fleet
from steps import changes, come_to_rest, push, runs, send, wait_until_runs
from waiting import wait_until

TARGET = f"acme/{fleet.SERVICE}"


def said(finished) -> str:
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_a_held_target_is_left_alone_until_the_hold_is_lifted(hub):
    (acme,) = [place for place in fleet.places() if place.environment == "acme"]
    others = [place for place in fleet.places() if place != acme]
    come_to_rest(hub)

    # Without an end: one with an end would leave a look at it in the queue, a quarter of an hour ahead.
    held = said(hub.funade("hold", TARGET, "--reason", "a migration runs", "--by", "dana"))
    assert f"funade unhold {TARGET}" in held
    try:
        release = push(hub)
        mark = hub.emulator.recorder.mark()
        send(hub, release.event)
        wait_until_runs(hub, release, others)
        wait_until_held(hub, acme)

        assert changes(hub, mark, acme) == []
        assert not runs(hub, release, acme)
        (hold,) = json.loads(said(hub.funade("holds", "--format", "json")))
        assert (hold["on"], hold["by"], hold["reason"]) == (f"target/{TARGET}", "dana", "a migration runs")
        assert hold["until"] is None
        (status,) = [
            row for row in json.loads(said(hub.funade("status", "--format", "json"))) if row["target"] == TARGET
        ]
        assert status["code"] == "held"
        assert f"dana holds {TARGET}: a migration runs" in said(hub.funade("plan", TARGET))
    finally:
        lifted = hub.funade("unhold", TARGET, "--by", "erin")
    assert "is held no more" in said(lifted)

    wait_until_runs(hub, release, [acme])
    assert changes(hub, mark, acme) == ["RegisterTaskDefinition", "UpdateService"]
    assert json.loads(said(hub.funade("holds", "--format", "json"))) == []


def test_what_is_not_there_cannot_be_held_or_lifted(hub):
    unknown = hub.funade("hold", "acme/payments", "--reason", "x")
    assert (unknown.returncode, "has no target/acme/payments" in unknown.stdout) == (1, True)
    free = hub.funade("unhold", "globex/order-api")
    assert (free.returncode, "is not held" in free.stdout) == (1, True)
    malformed = hub.funade("hold", TARGET, "--reason", "x", "--for", "soon")
    assert malformed.returncode == 2
    assert "as in 90s, 20m or 1h30m" in malformed.stderr


def wait_until_held(hub, place) -> None:
    """Wait until this place's target was looked at and told to wait."""
    def is_held() -> bool:
        rows = json.loads(said(hub.funade("status", "--format", "json")))
        return any(row["target"] == f"{place.environment}/{fleet.SERVICE}" and row["code"] == "held" for row in rows)

    wait_until(f"{place.environment} is held", is_held, 60)
