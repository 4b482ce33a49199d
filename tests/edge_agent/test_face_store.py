"""Faces at rest: sealed a row, bound to person, estate and model, only for listed credentials, gone without a trace."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from device_drivers.faces.match import NotComparable, Template
from edge_agent.face_store import FaceStore, KeyUnsafe, NotListed

MODEL = "toy:1"


class Lists:
    """The credentials that are on a current list, as the box knows them."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = set(tokens)

    def __call__(self) -> set[str]:
        return self.tokens


def template(seed: int, model: str = MODEL) -> Template:
    return Template.of(np.random.default_rng(seed).standard_normal(512), model)


def opened(folder: Path, lists: Lists, *, estate: str = "estate-1", model: str = MODEL) -> FaceStore:
    store = FaceStore(folder / "faces.db", folder / "faces.key", estate, model, lists)
    store.open()
    return store


def on_disk(folder: Path) -> bytes:
    """All bytes of the database, its log too."""
    return b"".join(p.read_bytes() for p in sorted(folder.glob("faces.db*")))


def sealed(folder: Path, token: str) -> bytes:
    with sqlite3.connect(folder / "faces.db") as db:
        content = db.execute("SELECT sealed FROM faces WHERE token = ?", (token,)).fetchone()[0]
    assert isinstance(content, bytes)
    return content


def test_a_face_is_found_again_after_a_restart(tmp_path: Path) -> None:
    lists = Lists("a", "b")
    store = opened(tmp_path, lists)
    store.put("a", template(1), "f" * 64)
    store.put("b", template(2))
    store.close()
    store = opened(tmp_path, lists)
    gallery = store.gallery()
    assert gallery.estate == "estate-1"
    nearest = gallery.nearest(template(1))
    assert nearest is not None
    assert nearest.token == "a"
    assert nearest.score > 0.999
    assert store.photos() == {"a": "f" * 64, "b": ""}
    assert "a" not in store.gallery(without="a")
    store.close()


def test_a_new_photograph_replaces_the_old_face(tmp_path: Path) -> None:
    store = opened(tmp_path, Lists("a"))
    store.put("a", template(1))
    store.put("a", template(2))
    assert len(store.gallery()) == 1
    assert store.gallery().score("a", template(2)) > 0.999
    store.close()


def test_nothing_readable_lies_on_the_disk(tmp_path: Path) -> None:
    store = opened(tmp_path, Lists("a", "b"))
    face = template(1)
    store.put("a", face)
    store.put("b", face)
    content = on_disk(tmp_path)
    for start in range(0, 1024, 128):
        assert face.to_bytes()[start : start + 16] not in content, "a face lies open on the disk"
    assert (tmp_path / "faces.key").read_bytes() not in content
    assert sealed(tmp_path, "a") != sealed(tmp_path, "b"), "equal faces must not look equal"
    for name in ("faces.db", "faces.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    store.close()


def test_a_face_without_a_listed_credential_is_not_kept(tmp_path: Path) -> None:
    store = opened(tmp_path, Lists("a"))
    with pytest.raises(NotListed):
        store.put("stranger", template(1))
    assert store.photos() == {}
    store.close()


def test_a_credential_that_is_taken_off_while_its_face_is_written_leaves_none(tmp_path: Path) -> None:
    answers = iter([{"a"}, set[str]()])
    store = FaceStore(tmp_path / "faces.db", tmp_path / "faces.key", "estate-1", MODEL, lambda: next(answers))
    store.open()
    with pytest.raises(NotListed):
        store.put("a", template(1))
    assert store.photos() == {}
    store.close()


def test_a_face_goes_with_its_credential_and_leaves_nothing(tmp_path: Path) -> None:
    lists = Lists("a", "b")
    store = opened(tmp_path, lists)
    store.put("a", template(1))
    store.put("b", template(2))
    mine, other = sealed(tmp_path, "a"), sealed(tmp_path, "b")
    pieces = [mine[n : n + 32] for n in range(0, len(mine) - 32, 32)]
    assert all(piece in on_disk(tmp_path) for piece in pieces)
    assert store.forget("a") == 1
    assert store.forget("a") == 0
    content = on_disk(tmp_path)
    assert not any(piece in content for piece in pieces), "a forgotten face is still in the file"
    assert other in content
    assert store.gallery().tokens == ("b",)
    store.close()


def test_what_is_off_the_list_is_not_matched_and_then_forgotten(tmp_path: Path) -> None:
    lists = Lists("a", "b", "c")
    store = opened(tmp_path, lists)
    for n, token in enumerate("abc"):
        store.put(token, template(n))
    gone = sealed(tmp_path, "a")
    lists.tokens = {"b"}
    assert store.gallery().tokens == ("b",), "a revoked credential must not be found, also before the clean-up"
    assert store.keep_listed() == 2
    assert set(store.photos()) == {"b"}
    assert gone[:32] not in on_disk(tmp_path)
    assert store.keep_listed() == 0
    store.close()


def test_a_row_cannot_be_given_to_another_person(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lists = Lists("a", "b")
    store = opened(tmp_path, lists)
    store.put("a", template(1))
    store.put("b", template(2))
    store.close()
    with sqlite3.connect(tmp_path / "faces.db") as db:
        db.execute(
            "UPDATE faces SET (nonce, sealed) = (SELECT nonce, sealed FROM faces WHERE token='a') WHERE token='b'"
        )
    store = opened(tmp_path, lists)
    assert store.gallery().tokens == ("a",)
    assert set(store.photos()) == {"a"}, "a row that cannot be opened is forgotten"
    assert "1 rows cannot be opened" in caplog.text
    store.close()


@pytest.mark.parametrize("column", ["nonce", "sealed"])
@pytest.mark.parametrize("value", [b"", b"x", bytes(28), None])
def test_a_damaged_row_is_forgotten_and_the_others_stay(tmp_path: Path, column: str, value: bytes | None) -> None:
    lists = Lists("a", "b")
    store = opened(tmp_path, lists)
    store.put("a", template(1))
    store.put("b", template(2))
    with sqlite3.connect(tmp_path / "faces.db") as db:
        db.execute(f"UPDATE faces SET {column} = ? WHERE token = 'a'", ("text" if value is None else value,))
    db.close()
    assert store.gallery().tokens == ("b",)
    assert set(store.photos()) == {"b"}
    store.close()


def test_another_estate_cannot_open_the_faces(tmp_path: Path) -> None:
    lists = Lists("a")
    store = opened(tmp_path, lists)
    store.put("a", template(1))
    store.close()
    store = opened(tmp_path, lists, estate="estate-2")
    assert len(store.gallery()) == 0
    store.close()


def test_faces_of_another_model_are_dropped_and_refused(tmp_path: Path) -> None:
    lists = Lists("a")
    store = opened(tmp_path, lists)
    with pytest.raises(NotComparable):
        store.put("a", template(1, "toy:2"))
    store.put("a", template(1))
    old = sealed(tmp_path, "a")
    store.close()
    store = opened(tmp_path, lists, model="toy:2")
    assert store.photos() == {}
    assert old[:32] not in on_disk(tmp_path)
    store.close()


def test_a_lost_key_loses_the_faces_and_nothing_else(tmp_path: Path) -> None:
    lists = Lists("a")
    store = opened(tmp_path, lists)
    store.put("a", template(1))
    store.close()
    (tmp_path / "faces.key").unlink()
    store = opened(tmp_path, lists)
    assert len(store.gallery()) == 0
    store.put("a", template(1))
    assert len(store.gallery()) == 1
    store.close()


@pytest.mark.parametrize("how", ["readable", "short", "link", "directory"])
def test_an_unsafe_key_is_not_used(tmp_path: Path, how: str) -> None:
    key = tmp_path / "faces.key"
    if how == "directory":
        key.mkdir()
    elif how == "link":
        (tmp_path / "elsewhere").write_bytes(os.urandom(32))
        key.symlink_to(tmp_path / "elsewhere")
    else:
        key.write_bytes(os.urandom(32 if how == "readable" else 16))
        key.chmod(0o640 if how == "readable" else 0o600)
    with pytest.raises(KeyUnsafe) as unsafe:
        opened(tmp_path, Lists("a"))
    assert "faces.key" in str(unsafe.value)
    assert not (tmp_path / "faces.db").exists()


def test_a_damaged_file_is_deleted_and_begun_anew(tmp_path: Path) -> None:
    lists = Lists("a")
    store = opened(tmp_path, lists)
    store.put("a", template(1))
    store.close()
    (tmp_path / "faces.db").write_bytes(b"not a database" * 500)
    store = opened(tmp_path, lists)
    assert len(store.gallery()) == 0
    store.put("a", template(1))
    assert [p.name for p in tmp_path.glob("*corrupt*")] == [], "faces must not lie about in a set-aside file"
    store.close()
