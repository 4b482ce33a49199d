"""A hub's state as one file: whole while the hub writes, proved before anything is made of it, and nothing else harmed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub import audit, cli
from hub.db import Database
from hub.keys import Keys
from hub.migrations import form_of, upgrade
from hub.opening import open_directory

RunOf = tuple[Path, Path]


def run(*command: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(one) for one in command])


def refused(*command: str | Path) -> str:
    found = run(*command)
    assert found.exit_code == 1, f"{command}: {found.output}"
    assert isinstance(found.exception, SystemExit), f"a traceback: {found.exception!r}"
    assert found.stderr.startswith("error: "), found.stderr
    assert found.stderr.count("\n") == 1, f"one line: {found.stderr}"
    return found.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunOf:
    """(a hub's directory, a backup of it)."""
    place = tmp_path_factory.mktemp("backup")
    directory, out = place / "hub", place / "one.tar.gz"
    assert run("migrate", "--dir", directory).exit_code == 0
    (directory / "hub.json").write_text('{"port": 8099}')
    for name in ("snapshots/ab/x.jpg", "broker/dynamic-security.json", "broker/mosquitto.log", "keys/half.0a1b.part"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(name)
    found = run("backup", out, "--dir", directory)
    assert found.exit_code == 0, found.output
    assert "keep it as closed as the hub" in found.output
    return directory, out


def entries(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {one.name: source.read() for one in tar if (source := tar.extractfile(one))}


def packed(file: Path, content: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(data), kind if name == "extra" else tarfile.REGTYPE, "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
    return file


def test_a_hub_comes_back_with_its_keys_settings_and_brokers_accounts(made: RunOf, tmp_path: Path) -> None:
    directory, backup = made
    back = tmp_path / "a new place" / "hub"
    found = run("restore", backup, "--dir", back)
    assert found.exit_code == 0, found.output
    for words in ("must not run any more", f"verify-audit --dir {back}", "never absence"):
        assert words in found.output, "what to do next is said"
    assert Keys(back / "keys").public_key == Keys(directory / "keys").public_key
    for name in ("hub.json", "broker/dynamic-security.json", "keys/blind.key"):
        assert (back / name).read_bytes() == (directory / name).read_bytes(), name
    kept = {path.relative_to(back).as_posix() for path in back.rglob("*") if path.is_file()}
    assert not {one for one in kept if one.startswith("snapshots") or one.endswith((".log", ".part", ".lock"))}, kept
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (back, *back.rglob("*"), backup)}
    assert not any(mode & 0o077 for mode in modes), "nobody else reads keys or people"
    audit.verify(open_directory(back))


def test_who_takes_a_copy_of_everybody_stands_on_the_audit_trail(made: RunOf, tmp_path: Path) -> None:
    run("restore", made[1], "--dir", tmp_path / "hub")
    with closing(sqlite3.connect(tmp_path / "hub/hub.sqlite")) as database:
        rows = [row[0] for row in database.execute("SELECT changes FROM audit")]
    assert any("hub.backed_up" in row and "one.tar.gz" in row for row in rows), (
        f"the backup holds its own making: {rows}"
    )


def test_pictures_go_along_where_they_are_asked_for(made: RunOf, tmp_path: Path) -> None:
    found = run("backup", tmp_path / "with.tar.gz", "--pictures", "--dir", made[0])
    assert "1 of them pictures" in found.output
    assert entries(tmp_path / "with.tar.gz")["snapshots/ab/x.jpg"] == b"snapshots/ab/x.jpg"


def test_a_backup_is_one_moment_while_the_hub_writes(tmp_path: Path) -> None:
    directory = tmp_path / "hub"
    run("migrate", "--dir", directory)
    hub, stop, began = open_directory(directory), threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with hub.db.unit_of_work("test", "writes all the time") as uow:
                uow.record("session.opened", f"{number}")
            number += 1
            began.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert began.wait(30)
        made = [run("backup", tmp_path / f"{number}.tar.gz", "--dir", directory) for number in range(3)]
    finally:
        stop.set()
        writer.join()
        hub.db.close()
    assert [one.exit_code for one in made] == [0, 0, 0], [one.output for one in made]
    for number in range(3):
        assert run("restore", tmp_path / f"{number}.tar.gz", "--dir", tmp_path / f"back{number}").exit_code == 0
        audit.verify(open_directory(tmp_path / f"back{number}"))  # a torn moment breaks the chain


def test_one_flipped_byte_anywhere_and_nothing_is_made(made: RunOf, tmp_path: Path) -> None:
    whole = made[1].read_bytes()
    spare, ends = 0, range(len(whole) - 40, len(whole))  # the padding, and the check sum of all
    for at in (*range(12, len(whole), len(whole) // 97), *ends):
        damaged = tmp_path / "damaged.tar.gz"
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        found = run("restore", damaged, "--dir", tmp_path / "hub")
        if found.exit_code == 0:  # the bits between two blocks of the packing mean nothing
            assert entries(damaged) == entries(made[1]), f"byte {at} of {len(whole)}"
            shutil.rmtree(tmp_path / "hub")
            spare += 1
            continue
        said = found.stderr
        assert found.exit_code == 1, found.output
        assert "damaged" in said or "no backup" in said or "breaks off" in said, f"byte {at}: {said}"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.tar.gz"], f"byte {at}: something was left"
    assert spare <= 3, f"{spare} changes were taken"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9999])
def test_a_backup_that_breaks_off(made: RunOf, tmp_path: Path, share: float) -> None:
    whole = made[1].read_bytes()
    (tmp_path / "half").write_bytes(whole[: int(share * len(whole))])
    assert "breaks off" in refused("restore", tmp_path / "half", "--check")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keys/ca.pem": b"another"}, "keys/ca.pem is not as it was"),
        ({"keys/ca.pem": None}, "keys/ca.pem is not as it was"),
        ({"hub.sqlite": b"no database"}, "hub.sqlite is not as it was"),
        ({"more": b"slipped in"}, "more is not as it was"),
        ({"../out": b"outside"}, "it holds '../out'"),
        ({"/tmp/out": b"outside"}, "it holds '/tmp/out'"),
        ({"extra": b""}, "it holds 'extra'"),
        ({"manifest.json": b"{}"}, "cannot be read"),
        ({"manifest.json": b'{"format": 9, "made_at": "", "form": "", "parts": {}}'}, "another release"),
        ({"manifest.json": b'{"format": 1, "made_at": "", "form": "", "parts": {}}'}, "is not as it was"),
    ],
)
def test_what_is_no_backup_or_another_one(
    made: RunOf, tmp_path: Path, change: dict[str, bytes | None], said: str
) -> None:
    content = entries(made[1])
    manifest = content.pop("manifest.json")
    changed = {**content, **change, "manifest.json": change.get("manifest.json") or manifest}
    file = packed(tmp_path / "b", {name: data for name, data in changed.items() if data is not None}, tarfile.SYMTYPE)
    assert said in refused("restore", file, "--dir", tmp_path / "hub")
    assert [path.name for path in tmp_path.iterdir()] == ["b"], "nothing is made"


def test_a_damaged_database_is_known_though_its_backup_is_whole(made: RunOf, tmp_path: Path) -> None:
    directory = tmp_path / "hub"
    shutil.copytree(made[0], directory)
    with (directory / "hub.sqlite").open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xff" * 4096 * 20)
    content = entries(made[1])
    content["hub.sqlite"] = (directory / "hub.sqlite").read_bytes()
    manifest = json.loads(content.pop("manifest.json"))
    digest = hashlib.sha256(content["hub.sqlite"]).hexdigest()
    manifest["parts"]["hub.sqlite"] = {"bytes": len(content["hub.sqlite"]), "sha256": digest}
    file = packed(tmp_path / "b", {**content, "manifest.json": json.dumps(manifest).encode()})
    assert "its database is damaged" in refused("restore", file, "--check")


def test_a_directory_that_holds_something_is_left_alone(made: RunOf, tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub/hub.sqlite").write_text("another hub's")
    assert "is not empty" in refused("restore", made[1], "--dir", tmp_path / "hub")
    assert (tmp_path / "hub/hub.sqlite").read_text() == "another hub's"


def test_places_that_cannot_be(made: RunOf, tmp_path: Path) -> None:
    directory, backup = made
    assert "is there already" in refused("backup", backup, "--dir", directory)
    assert "would be lost with it" in refused("backup", directory / "b.tar.gz", "--dir", directory)
    assert "make it first" in refused("backup", tmp_path / "none/b.tar.gz", "--dir", directory)
    assert "there is no hub in" in refused("backup", tmp_path / "b.tar.gz", "--dir", tmp_path / "mistyped")
    assert run("restore", backup).exit_code == 2, "either a directory or --check"
    assert run("backup", tmp_path / "b.tar.gz", "--keep", "3", "--dir", directory).exit_code == 2
    assert not list(tmp_path.iterdir()), "nothing was made"


def test_the_newest_are_kept_in_a_folder(made: RunOf, tmp_path: Path) -> None:
    for name in ("hub-20260101T000000Z.tar.gz", "hub-20260102T000000Z.tar.gz", "hub-notes.tar.gz", "aaa"):
        (tmp_path / name).touch()
    found = run("backup", tmp_path, "--keep", "2", "--dir", made[0])
    assert found.exit_code == 0, found.output
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left[:1] + left[-1:] == ["aaa", "hub-notes.tar.gz"], "what is no backup of ours stays"
    assert left[1] == "hub-20260102T000000Z.tar.gz", left
    assert len(left) == 4, left


@pytest.mark.parametrize("room", [100_000, 2_000_000], ids=["for no database", "for the database alone"])
def test_a_full_disk_leaves_nothing_behind(made: RunOf, tmp_path: Path, room: int) -> None:
    shutil.copytree(made[0], tmp_path / "hub")
    (tmp_path / "hub/broker/mosquitto.db").write_bytes(random.Random(1).randbytes(3_000_000))
    (tmp_path / "out").mkdir()

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = [sys.executable, "-m", "hub.cli", "backup", str(tmp_path / "out/b"), "--dir", str(tmp_path / "hub")]
    ran = subprocess.run(command, capture_output=True, text=True, preexec_fn=small, check=False)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.startswith("error: "), ran.stderr
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert not list((tmp_path / "out").iterdir())


def test_before_an_upgrade_the_older_database_is_saved_as_it_is(tmp_path: Path) -> None:
    directory = tmp_path / "hub"
    directory.mkdir()
    db = Database(f"sqlite:///{directory / 'hub.sqlite'}")
    upgrade(db, "0035")
    db.close()
    found = run("backup", tmp_path / "b.tar.gz", "--dir", directory)
    assert found.exit_code == 0, found.output
    assert "form 0035" in found.output
    run("restore", tmp_path / "b.tar.gz", "--dir", tmp_path / "back")
    for place in (directory, tmp_path / "back"):
        db = Database(f"sqlite:///{place / 'hub.sqlite'}")
        assert form_of(db) == ("0035", False), "the command that saves brings nothing to another form"
        db.close()


def test_postgresql_goes_into_the_file_and_into_an_empty_database(
    tmp_path: Path, postgres_database: str, second_database: str
) -> None:
    directory, url = tmp_path / "hub", postgres_database
    directory.mkdir()
    (directory / "hub.json").write_text(json.dumps({"database_url": url}))
    assert run("migrate", "--dir", directory).exit_code == 0
    assert run("api-key", "lease", "--dir", directory).exit_code == 0
    found = run("backup", tmp_path / "b.tar.gz", "--dir", directory)
    assert found.exit_code == 0, found.output
    assert "PostgreSQL" in found.output
    back = tmp_path / "back"
    assert "holds" in refused("restore", tmp_path / "b.tar.gz", "--dir", back, "--database-url", url)
    assert "give the address" in refused("restore", tmp_path / "b.tar.gz", "--dir", back, "--database-url", "sqlite://")
    assert not back.exists()
    found = run("restore", tmp_path / "b.tar.gz", "--dir", back, "--database-url", second_database)
    assert found.exit_code == 0, found.output
    assert json.loads((back / "hub.json").read_text())["database_url"] == second_database
    audit.verify(open_directory(back))
    assert not list(back.glob("*.pgdump"))


def test_gzip_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(b"a letter"))
    assert "damaged or breaks off" in refused("restore", tmp_path / "x", "--check")
