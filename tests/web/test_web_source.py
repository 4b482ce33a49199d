"""The console's source: words in one place, types from the hub's schema, nothing from a foreign host."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from hub.app import create_app
from hub.cases.steps import ACTIONS_ZH
from hub.config import Config
from hub.services import open_hub

WEB = Path(__file__).resolve().parents[2] / "web"
SOURCES = sorted(path for path in WEB.glob("src/**/*.ts*"))
CJK = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e]")


def test_every_chinese_word_stands_in_its_file() -> None:
    generated = WEB / "src" / "api" / "schema.d.ts"  # quotes the hub's own descriptions
    words = [
        WEB / "src" / "i18n" / name for name in ("zh.ts", "zh.pass.ts", "zh.cases.ts", "zh.care.ts", "zh.audit.ts")
    ]
    spread = [
        f"{path.relative_to(WEB)}:{number}: {line.strip()[:80]}"
        for path in SOURCES
        if path not in (*words, generated)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CJK.search(line) and not line.lstrip().startswith(("*", "/**", "//"))
    ]
    assert not spread, f"words for the screen belong in src/i18n/zh.ts, or zh.*.ts beside it: {spread}"


def test_no_address_of_another_host_in_the_source() -> None:
    named = [
        f"{path.relative_to(WEB)}: {address}"
        for path in [*SOURCES, WEB / "index.html", *WEB.glob("src/**/*.css")]
        for address in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+", path.read_text(encoding="utf-8"))
    ]
    assert not named, f"the console must not ask other hosts: {named}"


def test_the_lock_names_no_registry() -> None:
    lock = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved": "http' not in lock, "run npm with web/.npmrc: it leaves registry addresses out of the lock"


def test_the_committed_schema_is_the_hubs(tmp_path: Path) -> None:
    schema = create_app(open_hub(Config(dir=tmp_path))).openapi()
    committed = json.loads((WEB / "openapi.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(schema)), (
        "the hub's API changed: run `.venv/bin/python web/dev/schema.py && npm --prefix web run types`, then fix the pages"
    )


def _recorded() -> tuple[set[str], set[str]]:
    """What the hub writes to the audit trail, as its source says it: kinds of change, and names of fields."""
    kinds, fields = set[str](), {"subject"}
    for path in (WEB.parent / "hub").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "record":
                said = {part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)}
                kinds |= {word for word in said if isinstance(word, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", word)}
                fields |= {keyword.arg for keyword in call.keywords if keyword.arg}
    return kinds, fields


def test_every_kind_of_change_and_every_field_of_the_audit_log_has_words() -> None:
    kinds, fields = _recorded()
    assert len(kinds) > 100
    for name in ("zh.audit.ts", "en.audit.ts"):
        text = (WEB / "src" / "i18n" / name).read_text(encoding="utf-8")
        what, _, field = text.partition("  field: {")
        wordless = sorted(kinds - set(re.findall(r'"([a-z_.]+)": "', what)))
        wordless += sorted(fields - set(re.findall(r"\b(\w+): ", field.partition("  value: {")[0])))
        assert not wordless, f"{name} has no words for {wordless}"
    labels = (WEB / "src" / "i18n" / "zh.audit.ts").read_text(encoding="utf-8").partition("  action: {")[2]
    assert dict(re.findall(r'(\w+): "([^"]+)"', labels)) == ACTIONS_ZH
