"""The bundle and the sealed PDF: any changed, cut or added byte is found, and named."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hub.cli import app
from hub.evidence import bundle, seal
from hub.evidence.archive import Entry, packed
from hub.evidence.bundle import MANIFEST, SIGNATURE
from hub.evidence.verify import WRITTEN_ANEW, Verdict, verify

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
ENTRIES = [
    Entry("README.txt", "证据包\n".encode()),
    Entry("case.json", bundle.canonical({"number": "E001-2026-0001", "name": "张*𠮷"})),
    Entry("papers/paper-1-a.pdf", b"%PDF-1.7 paper"),
    Entry("empty.bin", b""),
    Entry("log.json", bundle.canonical({"entries": []})),
]
ABOUT = {"case": "E001-2026-0001", "masked": True}
BUNDLE = bundle.bundle(ENTRIES, ABOUT, KEY.sign, PUBLIC)
PAGES = b"%PDF-1.7\n" + bytes(range(256)) * 50 + b"\nxref\n0 1\ntrailer\n<<>>\nstartxref\n12809\n%%EOF"
SEALED = seal.seal(PAGES, ABOUT, KEY.sign, PUBLIC)


def _owner(at: int) -> str:
    """Whose byte it is, counted here a second time with another reader of zip files."""
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as opened:
        for info in opened.infolist():
            end = info.header_offset + 30 + len(info.filename.encode()) + info.file_size
            if info.header_offset <= at < end:
                return info.filename
        if at < len(BUNDLE) - 22:
            place = opened.start_dir
            for info in opened.infolist():
                place += 46 + len(info.filename.encode())
                if at < place:
                    return info.filename
    return "end of the zip file"


def _flipped(data: bytes, at: int, mask: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= mask
    return bytes(changed)


def test_what_was_signed_holds() -> None:
    for data, entries in ((BUNDLE, len(ENTRIES)), (SEALED, 1)):
        verdict = verify(data, PUBLIC)
        assert verdict == Verdict((), PUBLIC, True, ABOUT, entries)
        assert verify(data) == Verdict((), PUBLIC, False, ABOUT, entries)


def test_every_single_flipped_byte_of_a_bundle_is_found_and_its_entry_named() -> None:
    for at in range(len(BUNDLE)):
        problems = verify(_flipped(BUNDLE, at, 1 << at % 8)).problems
        assert problems, f"byte {at} may be changed unseen"
        assert any(_owner(at) in problem for problem in problems), f"byte {at} is of {_owner(at)}: {problems}"


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(BUNDLE) - 1), mask=st.integers(1, 255))
@example(at=0, mask=255)
@example(at=len(BUNDLE) - 1, mask=128)
def test_any_flipped_bits_of_a_bundle_are_found(at: int, mask: int) -> None:
    problems = verify(_flipped(BUNDLE, at, mask)).problems
    assert any(_owner(at) in problem for problem in problems)


def test_every_single_flipped_byte_of_a_pdf_is_found() -> None:
    start, end = SEALED.index(seal.MARK), SEALED.index(b"\n", SEALED.index(seal.MARK))
    for at in range(len(SEALED)):
        problems = verify(_flipped(SEALED, at, 1 << at % 8)).problems
        assert problems, f"byte {at} may be changed unseen"
        wanted = "seal" if start <= at <= end else "pages: bytes"
        assert any(wanted in problem for problem in problems), f"byte {at}: {problems}"


@settings(max_examples=300, deadline=None)
@given(data=st.sampled_from([BUNDLE, SEALED]), cut=st.data())
def test_what_is_cut_off_added_or_doubled_is_found(data: bytes, cut: st.DataObject) -> None:
    at = cut.draw(st.integers(0, len(data) - 1))
    extra = cut.draw(st.binary(min_size=1, max_size=40))
    assert verify(data[:at]).problems
    assert verify(data[:at] + extra + data[at:]).problems
    assert verify(data + extra).problems
    assert verify(data[:at] + data[at + 1 :]).problems


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_never_a_crash(data: bytes) -> None:
    for start in (b"", b"PK\3\4", b"%PDF-1.7", seal.MARK, BUNDLE[:60]):
        assert verify(start + data).problems


def test_entries_cannot_be_swapped_left_out_or_taken_from_elsewhere() -> None:
    manifest = bundle.canonical(bundle.manifest_of(ENTRIES, ABOUT))
    signature = bundle.signature_of(manifest, KEY.sign, PUBLIC)
    head = [Entry("manifest.json", manifest), signature]
    assert verify(packed([*head, *ENTRIES])).holds
    assert not verify(packed([*head, *reversed(ENTRIES)])).holds
    assert not verify(packed([*head, *ENTRIES[1:]])).holds
    assert not verify(packed([*head, *ENTRIES, Entry("more.txt", b"x")])).holds
    other = bundle.canonical(bundle.manifest_of(ENTRIES, {"case": "other"}))
    assert "manifest.json" in verify(packed([Entry("manifest.json", other), signature, *ENTRIES])).problems[0]


def test_another_key_and_another_kind_of_signature_prove_nothing() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    forged = bundle.bundle(ENTRIES, ABOUT, other.sign, other.public_key().public_bytes_raw())
    assert verify(forged).holds, "by itself it holds: so the fingerprint is printed"
    assert "another key" in verify(forged, PUBLIC).problems[0]
    bare = bundle.bundle(ENTRIES, ABOUT, lambda message: KEY.sign(message.removeprefix(bundle.DOMAIN)), PUBLIC)
    assert verify(bare).problems == ("signature.json: the signature does not hold",)


# --- the command --------------------------------------------------------------------------------------------------------


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify-evidence", *arguments])
    return result.exit_code, result.output


def test_the_command(tmp_path: Path) -> None:
    good, bad, pdf, key = (tmp_path / name for name in ("good.zip", "bad.zip", "report.pdf", "hub.key"))
    good.write_bytes(BUNDLE)
    pdf.write_bytes(SEALED)
    at = BUNDLE.index(b'"number":"E001') + 12
    bad.write_bytes(_flipped(BUNDLE, at, 1))
    key.write_text(base64.b64encode(PUBLIC).decode() + "\n")
    for given_key in (PUBLIC.hex(), base64.b64encode(PUBLIC).decode(), str(key)):
        status, said = _run(str(good), "--key", given_key)
        assert (status, "compare" in said) == (0, False)
    status, said = _run(str(pdf))
    assert status == 0
    assert bundle.fingerprint(PUBLIC) in said
    assert PUBLIC.hex() in said, "as the case's page shows it"
    assert "compare it with the hub's" in said
    status, said = _run(str(bad))
    assert status == 1
    assert "DOES NOT HOLD" in said
    assert "case.json: changed" in said
    assert _run(str(good), "--key", "00" * 32)[0] == 1
    assert _run(str(good), "--key", "nonsense")[0] == 2
    assert _run(str(tmp_path / "nothing.zip"))[0] == 2


def test_it_needs_nothing_but_the_command(tmp_path: Path) -> None:
    """A machine with the base dependencies alone: every library of a hub is missing, and there is no network."""
    file = tmp_path / "good.zip"
    file.write_bytes(BUNDLE)
    program = f"""
import sys
MISSING = {{"sqlalchemy", "fastapi", "httpx", "alembic", "typst", "fontTools", "numpy", "pyarrow", "sklearn",
           "apscheduler", "uvicorn", "openpyxl", "jsonschema", "psycopg", "starlette", "argon2"}}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
def offline(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise OSError("there is no network here")
sys.addaudithook(offline)
sys.argv = ["estate-hub", "verify-evidence", {str(file)!r}]
from hub.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "good.zip: holds" in done.stdout


def test_a_zip_written_by_another_program_is_found_and_what_was_done_to_it_named() -> None:
    def again(**changes: bytes | None) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(BUNDLE)) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            for name in {**dict.fromkeys(good.namelist()), **changes}:
                content = changes[name] if name in changes else good.read(name)
                if content is not None:
                    new.writestr(name, content)
        return out.getvalue()

    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as good:
        first = next(name for name in good.namelist() if name not in (MANIFEST, SIGNATURE))
        changed = good.read(first) + b" "
    assert verify(again()).problems == (WRITTEN_ANEW,), "unpacked and packed again it is whole, and not the hub's file"
    assert f"{first}: missing" in verify(again(**{first: None})).problems
    assert f"{first}: changed" in verify(again(**{first: changed})).problems
    assert "extra.txt: not in the manifest, added by somebody" in verify(again(**{"extra.txt": b"x"})).problems
    assert verify(again(**{MANIFEST: b"{}"})).problems == (f"{MANIFEST}: not the one that was signed",)
