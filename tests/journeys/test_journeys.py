"""The journeys of a whole estate on real processes, brokers, sockets and devices; told in their order in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from journeys_support import devices_by_code, passes_of, present_card, record_of, shown_by_phone_only, truth_of
from patience import PATIENCE_S

pytestmark = pytest.mark.timeout(1200)


def test_every_device_holds_what_it_should(running: Any, eventually: Any) -> None:
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]

    eventually(lambda: settled(manager, estate), "no credential pending on any device")
    for code, device in devices_by_code(manager, estate).items():
        if code.startswith("face-"):
            held = len(running.control.get(f"/devices/{code}").json()["persons"])
            one = device["list"]
            assert one["wanted"] == one["confirmed"] + one["assumed"] + one["refused"], f"{code}: {one}"
            passed_on = shown_by_phone_only(running, device["id"])  # the terminal shows them to the edge, which decides
            said = f"{code}: the hub says {one}, the terminal holds {held}, {passed_on} are decided at the edge"
            assert one["confirmed"] <= held + passed_on <= one["wanted"], said
            assert one["refused"] >= 1, f"{code} took a photo without a face: {one}"


def test_a_pass_is_on_the_live_stream(running: Any, eventually: Any) -> None:
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    record = record_of(running, state="active")
    card = record["members"][0]["cards"][0]
    with manager.client.stream("GET", "/api/v1/stream", params={"estate": estate}) as stream:
        lines = stream.iter_lines()
        assert any("hello" in line for line in lines), "the stream does not say hello"
        present_card(running, "door-b1", card)
        for line in lines:
            if line.startswith("data:") and '"passes"' in line and record["dwelling_code"][-4:] in line:
                break
        else:
            pytest.fail("the pass never came over the stream")


def test_ending_a_tenancy_takes_the_credential_off_every_device(running: Any, eventually: Any) -> None:
    official = running.sign_in("housing_official")
    record = record_of(running, state="active", skip=3)
    dwelling = f"{record['dwelling_code']}"
    card = record["members"][0]["cards"][0]
    assert present_card(running, "door-b1", card, PATIENCE_S), "a member of a live tenancy must pass before"
    decision = {"number": "青房退〔2026〕12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-15",
                "kind": "surrender", "signed_by": "王主任"}  # fmt: skip
    before = len(running.control.get("/devices/face-g1").json()["persons"])
    reply = running.back_office.post("/control/end-tenancy", json={"id": record["id"], "decision": decision})
    assert reply.status_code == 200, reply.text
    members = len(record["members"])

    def gone() -> bool:
        return len(running.control.get("/devices/face-g1").json()["persons"]) < before

    eventually(gone, f"face-g1 to hold fewer than {before} ({members} members left)")
    eventually(lambda: not present_card(running, "door-b1", card), "the block door to refuse the card")
    page = official.get(f"/dwellings/{dwelling_id(official, dwelling)}")
    assert page["tenancy"] is None or page["tenancy"]["state"] == "ended", page["tenancy"]


def test_an_empty_feed_removes_nothing_and_says_why(running: Any, eventually: Any) -> None:
    administrator = running.sign_in("administrator")
    estate = administrator.me["estates"][0]["id"]
    before = {c: d["list"]["wanted"] for c, d in devices_by_code(administrator, estate).items() if d["list"]}
    running.back_office.post("/control/feed", json={"mode": "empty"})
    try:
        source = administrator.get("/tenancy/sources")["items"][0]["source"]
        administrator.send("POST", f"/tenancy/sources/{source}/run?full=true", {})

        def said() -> Any:
            item = administrator.get("/tenancy/sources")["items"][0]
            return item["held"] or item["last_error_zh"]

        eventually(said, "the page to say why the empty feed was refused")
        after = {c: d["list"]["wanted"] for c, d in devices_by_code(administrator, estate).items() if d["list"]}
        assert after == before, "an empty feed must take off nothing"
    finally:
        running.back_office.post("/control/feed", json={"mode": "normal"})


def test_edge_killed_and_back_loses_and_doubles_nothing(running: Any, eventually: Any) -> None:
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    record = record_of(running, state="active", skip=6)
    card, dwelling = record["members"][0]["cards"][0], dwelling_id(manager, record["dwelling_code"])
    since = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()

    def count() -> int:
        return len(passes_of(manager, estate, dwelling, since))

    assert present_card(running, "door-b1", card, PATIENCE_S)
    eventually(lambda: count() == 1, "the first pass on the page")
    for pid in running.child_pids("edge_agent.start", "run"):
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: (
            not manager.get(f"/estates/{estate}/summary")["edges"][0]["online"]
            or running.child_pids("edge_agent.start", "run")
        ),
        "the hub to see the edge offline, or the edge back already",
    )
    # The terminal goes on alone and keeps its records until the edge is back.
    token = next(iter(manager.get(f"/dwellings/{dwelling}")["household"][0]["credentials"]))["token"]
    running.control.post("/devices/face-g1/present", json={"face": token})
    eventually(lambda: manager.get(f"/estates/{estate}/summary")["edges"][0]["online"], "the edge online again")
    eventually(lambda: count() == 2, "the terminal's pass, once")
    assert present_card(running, "door-b1", card, PATIENCE_S), "the door works after the restart"
    eventually(lambda: count() == 3, "the last pass, once")
    board = next(d for c, d in devices_by_code(manager, estate).items() if c == "door-b1")

    def coverage() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = manager.get(f"/devices/{board['id']}")["coverage"]
        return found

    eventually(lambda: any(c["state"] == "down" for c in coverage()), "that the board was not watched for a while")


def test_leads_name_the_vacant_and_the_sublet_and_a_decision_reaches_the_lease_system(
    running: Any, eventually: Any
) -> None:
    official = running.sign_in("housing_official")
    cases = official.get("/cases")["items"]
    truth = {d["dwelling_code"]: d for d in truth_of(running)}
    kinds = {c["kind"] for c in cases}
    assert "vacancy" in kinds, f"no vacancy among {cases}"
    assert any(k.startswith("sublet") for k in kinds), (
        f"no sublet among {[(c['kind'], c['dwelling_code']) for c in cases]}"
    )
    declared = [code for code, d in truth.items() if d.get("group") == "hospital_declared"]
    assert not [c for c in cases if c["dwelling_code"] in declared], "a declared hospital stay is no lead"
    for stage in ("red",):
        for case in (c for c in cases if c["stage"] == stage):
            finding = official.get(f"/cases/{case['id']}")["finding"]
            assert len(finding["families"]) >= 2, f"red needs two families: {finding}"
    case = next(c for c in cases if c["kind"] == "vacancy")
    page = official.get(f"/cases/{case['id']}")
    assert page["finding"]["because"], "a lead must say why"
    assert page["finding"]["against"], "a lead must say what speaks against it"
    action = next(a for a in page["actions"] if a["action"] == "recheck")
    without = official.send(
        "POST", f"/cases/{case['id']}/decisions", {"action": "recheck", "reason_code": "", "opinion": ""}
    )
    assert without.status_code == 422, "a decision needs a reason and an opinion"
    body = {
        "action": "recheck",
        "reason_code": action["reason_codes"][0]["code"],
        "opinion": "长期无人通行，转复核。",
    }
    done = official.send("POST", f"/cases/{case['id']}/decisions", body)
    assert done.status_code == 200, done.text

    def delivered() -> bool:
        items = running.back_office.get("/api/inbox").json()["items"]
        return any(case["number"] in str(item["body"]) for item in items)

    eventually(delivered, "the decision in the lease system's inbox, its signature accepted")


def test_a_manager_sees_no_cases_and_no_full_names(running: Any) -> None:
    manager = running.sign_in("estate_manager")
    assert manager.client.get("/api/v1/cases").status_code == 403
    record = record_of(running, state="active", skip=2)
    page = manager.get(f"/dwellings/{dwelling_id(manager, record['dwelling_code'])}")
    names = {m["name"] for m in record["members"]}
    text = str(page)
    assert not [n for n in names if n in text], "full names must be masked"
    assert not [m["id_number"] for m in record["members"] if m["id_number"] in text], "ID numbers must be masked"


def test_a_command_on_the_demos_directory_prints_an_address_that_opens(running: Any) -> None:
    command = [sys.executable, "-m", "hub.cli", "sign-in-link", "manager", "--dir", str(running.directory / "hub")]
    link = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout.strip()
    with httpx.Client(follow_redirects=True, timeout=PATIENCE_S, trust_env=False) as client:
        client.post(link)
        assert client.get(f"{running.url}/api/v1/me").json()["role"] == "estate_manager", link


def test_a_hub_from_a_backup_goes_on_with_its_boxes(running: Any, eventually: Any, tmp_path: Path) -> None:
    """Its disk is gone: what the backup holds goes on, what the box knows since then comes, and nobody waits for ever."""
    command = [sys.executable, "-m", "hub.cli"]
    hub = running.directory / "hub"
    subprocess.run([*command, "backup", str(tmp_path), "--dir", str(hub)], check=True, timeout=PATIENCE_S)
    (backup,) = tmp_path.glob("hub-*.tar.gz")
    record = record_of(running, state="active", skip=8)
    card, manager = record["members"][0]["cards"][0], running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    dwelling = dwelling_id(manager, record["dwelling_code"])
    since = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()

    def count() -> int:
        return len(passes_of(manager, estate, dwelling, since))

    assert present_card(running, "door-b1", card, PATIENCE_S)
    eventually(lambda: count() == 1, "a pass that the hub acknowledged, and that is in no backup")
    running.stop()
    hub.rename(tmp_path / "lost")
    subprocess.run([*command, "restore", str(backup), "--dir", str(hub)], check=True, timeout=PATIENCE_S)
    running.start()
    manager = running.sign_in("estate_manager")
    eventually(lambda: manager.get(f"/estates/{estate}/summary")["edges"][0]["online"], "the box online again")
    assert present_card(running, "door-b1", card, PATIENCE_S), "the door opens"
    eventually(lambda: count() == 2, "the pass of now, and the acknowledged one from the box's journal, each once")
    eventually(lambda: settled(manager, estate), "no credential pending on any device")


def test_stop_and_start_goes_on(running: Any) -> None:
    """Last: stops the demo that the others use, and brings it back on the same directory."""
    status = running.stop()
    assert status == 0, f"SIGTERM must end it cleanly, not {status}:\n" + "".join(running.lines[-20:])
    assert not running.child_pids(), "processes were left behind"
    running.start()
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    assert manager.get(f"/estates/{estate}/passes-daily", days=150)["days"], "the history is still there"


def dwelling_id(person: Any, code: str) -> str:
    estate = person.me["estates"][0]["id"]
    for block in person.get(f"/estates/{estate}/blocks")["blocks"]:
        for dwelling in block["dwellings"]:
            if dwelling["code"] == code:
                return str(dwelling["id"])
    pytest.fail(f"no dwelling {code}")


def settled(person: Any, estate: str) -> bool:
    lists = [d["list"] for d in person.get(f"/estates/{estate}/devices")["items"] if d["list"]]
    return bool(lists) and all(one["pending"] == 0 for one in lists)
