"""House rules a reader could forget: broad handlers, commits, naive times, sleeping tests, words, registry hosts."""

from __future__ import annotations

import ast
import functools
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("device_drivers", "edge_agent", "hub", "simulators", "tools")

BROAD_HANDLERS_ALLOWED = {
    "edge_agent/parts.py",
    "edge_agent/worker.py",
    "hub/jobs.py",
    "device_drivers/mqtt.py",
    "hub/broker.py",
}
"""The worker loop and what begins an edge's parts anew, the job runner, the broker's handler (in one of the last two)."""

COMMITS_ALLOWED = {"hub/db.py", "edge_agent/store.py"}
"""The hub's one door for writes; the edge's own journal."""

VENDOR_WORDS = ("device_drivers/face_terminal/*", "simulators/face_*", "tests/*face*")
"""Where a device's own protocol says ``whitelist``."""

WORDS_NOT_WRITTEN = {
    r"(?i)white_?list|black_?list": "access list, allowed or refused",
    r"^(Unit|Flat|Building|Apartment)$|^[A-Z]\w*(?<!Business)(Building|Flat|Apartment)$": "Dwelling, Block",
    r"^(Dwelling|Housing|Estate|Rental)Unit$": "Dwelling",
    r"^(Swipe|CardSwipe|EntryLog|AccessLog)$": "AccessGranted, AccessTaken or AccessEvent",
    r"^(Badge|UserBadge)$": "Credential",
    r"^(Apartment|Rental)Contract$": "Lease",
}
"""Identifiers that have another word in the glossary, with that word."""

REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
        ("npmmirror", "com"), ("deb", "debian"), ("security", "debian"), ("snapshot", "debian"), ("ftp", "debian"),
        ("tuna", "tsinghua"), ("mirrors", "aliyun"), ("mirrors", "ustc"), ("crates", "io"), ("proxy", "golang"),
        ("docker", "io"), ("ghcr", "io"), ("unpkg", "com"), ("jsdelivr", "net"),
    )
)  # fmt: skip
"""In parts, so that this file does not name them either."""

_A_REGISTRY_HOST = re.compile(rf"(?i)\b(?:{'|'.join(map(re.escape, REGISTRY_HOSTS))})\b")

Check = Callable[[str, str], Iterator[tuple[int, str]]]
"""(path, text) -> (line, what is wrong)"""


def tracked(*patterns: str) -> list[str]:
    """Paths of the files git keeps, by shell patterns; all without one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [path for path in listed.decode().split("\0") if path and (ROOT / path).is_file()]
    return [path for path in paths if not patterns or any(fnmatch(path, pattern) for pattern in patterns)]


def python_files(*folders: str) -> list[str]:
    """Python modules below these folders, tracked or not yet."""
    return [p.relative_to(ROOT).as_posix() for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]


LOOKED_AT = (ast.Attribute, ast.Call, ast.ExceptHandler, ast.ImportFrom)
SKIPPING = ("skip", "xfail", "importorskip", "skipif")


@functools.lru_cache(maxsize=1)
def _nodes(text: str) -> tuple[ast.AST, ...]:
    """Those of a module at which a check looks; kept for the next check of the same one."""
    return tuple(node for node in ast.walk(ast.parse(text)) if isinstance(node, LOOKED_AT))


def _last_name(expression: ast.expr) -> str:
    """``c`` of ``a.b.c``: quicker to ask for than the whole, which takes long to write out."""
    return expression.attr if isinstance(expression, ast.Attribute) else getattr(expression, "id", "")


def broad_handlers(path: str, text: str) -> Iterator[tuple[int, str]]:
    """``except Exception``, bare ``except`` and ``suppress(Exception)``; not one that tidies up and raises again."""
    for node in _nodes(text):
        caught: list[ast.expr] = []
        if isinstance(node, ast.ExceptHandler):
            if isinstance(last := node.body[-1], ast.Raise) and last.exc is None:
                continue
            if node.type is None:
                yield node.lineno, "bare except"
                continue
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Call) and _last_name(node.func) == "suppress":
            caught = node.args if ast.unparse(node.func) in ("suppress", "contextlib.suppress") else []
        for one in caught:
            if ast.unparse(one) in ("Exception", "BaseException", "builtins.Exception", "builtins.BaseException"):
                yield one.lineno, f"catches {ast.unparse(one)}: name what is expected, wrap it where it is raised"


def commits(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Calls of ``.commit()``."""
    for node in _nodes(text):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield node.lineno, "commits by itself: use `with unit_of_work(actor, reason)`"


def naive_times(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Datetimes without a zone."""
    for node in _nodes(text):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name = node.func.attr
        zone = any(keyword.arg == "tz" for keyword in node.keywords)
        naive = {
            "utcnow": True,
            "utcfromtimestamp": True,
            "today": True,
            "now": not node.args and not zone,
            "fromtimestamp": len(node.args) < 2 and not zone,
        }
        if naive.get(name) and re.fullmatch(r"(\w+\.)?datetime", owner := ast.unparse(node.func.value)):
            yield node.lineno, f"{owner}.{name}() gives a time without a zone: datetime.now(UTC)"


def sleeps(path: str, text: str) -> Iterator[tuple[int, str]]:
    """``time.sleep``, also when imported by name."""
    for node in _nodes(text):
        if isinstance(node, ast.Call) and _last_name(node.func) == "sleep":
            if re.fullmatch(r"(\w*time\w*\.)?sleep", ast.unparse(node.func)):
                yield node.lineno, "sleeps and hopes: use the wait_until fixture"
        elif isinstance(node, ast.ImportFrom) and node.module == "time" and any(a.name == "sleep" for a in node.names):
            yield node.lineno, "imports sleep: use the wait_until fixture"


SHARED = re.compile(r"\b(time|os|threading|selectors)\.\w+")


def shared_clocks(path: str, text: str) -> Iterator[tuple[int, str]]:
    """``setattr`` on ``time`` and its like: it is the whole process's. A hub of other tests that read such a clock for a
    millisecond set its next look two hundred thousand years ahead, and never stopped."""
    for node in _nodes(text):
        if not (isinstance(node, ast.Call) and _last_name(node.func) in ("setattr", "patch") and node.args):
            continue
        at = node.args[0]
        named = str(at.value) if isinstance(at, ast.Constant) else f"{ast.unparse(at)}.x"
        if SHARED.search(named):
            yield node.lineno, f"replaces {named} for every thread of the process: hand the object its clock"


def skipped_tests(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Tests that are skipped or expected to fail."""
    for node in _nodes(text):
        if not isinstance(node, ast.Attribute) or node.attr not in SKIPPING:
            continue
        name = ast.unparse(node)
        if re.fullmatch(r"pytest\.(skip|xfail|importorskip|mark\.(skip|skipif|xfail))", name):
            yield node.lineno, f"{name}: a test runs or does not exist"


def unwanted_words(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Identifiers for which the glossary has another word."""
    if any(fnmatch(path, pattern) for pattern in VENDOR_WORDS):
        return
    if not any(map(_better_word, set(re.findall(r"\w+", text)))):
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and (better := _better_word(token.string)):
            yield token.start[0], f"{token.string}: the glossary says {better}"


@functools.cache
def _better_word(name: str) -> str | None:
    return next((better for pattern, better in WORDS_NOT_WRITTEN.items() if re.search(pattern, name)), None)


def registry_hosts(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Hosts of package registries: machines have their own, and a lock must work there."""
    for named in _A_REGISTRY_HOST.finditer(text):
        yield text.count("\n", 0, named.start()) + 1, f"names the registry host {named.group().lower()}"


AST_CHECKS = (broad_handlers, commits, naive_times, sleeps, shared_clocks, skipped_tests)


@functools.cache
def _told_of(path: str) -> dict[Check, list[str]]:
    """What each check that reads the syntax tree says of a file: parsed once for all of them."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return {check: [f"{path}:{line} {what}" for line, what in check(path, text)] for check in AST_CHECKS}


def found(check: Check, paths: Iterable[str]) -> str:
    """Everything a check has to say about these files, one a line."""
    told: list[str] = []
    for path in paths:
        if check in AST_CHECKS:
            told += _told_of(path)[check]
        else:
            text = (ROOT / path).read_text(encoding="utf-8")
            told += [f"{path}:{line} {what}" for line, what in check(path, text)]
    return "\n  ".join(["", *told]) if told else ""


def test_broad_handlers_stand_in_three_places_only() -> None:
    paths = [path for path in python_files(*PACKAGES) if path not in BROAD_HANDLERS_ALLOWED]
    assert not (told := found(broad_handlers, paths)), told


def test_writes_go_through_one_door() -> None:
    paths = [path for path in python_files("hub", "edge_agent", "device_drivers") if path not in COMMITS_ALLOWED]
    assert not (told := found(commits, paths)), told


def test_times_have_a_zone() -> None:
    assert not (told := found(naive_times, python_files(*PACKAGES, "tests"))), told


def test_tests_wait_for_states_and_never_sleep() -> None:
    assert not (told := found(sleeps, python_files("tests"))), told


def test_no_test_replaces_what_all_threads_share() -> None:
    assert not (told := found(shared_clocks, python_files("tests"))), told


def test_no_test_is_skipped() -> None:
    assert not (told := found(skipped_tests, python_files("tests"))), told


def test_words_are_the_glossarys() -> None:
    assert not (told := found(unwanted_words, python_files(*PACKAGES))), told


def test_no_file_names_a_package_registry() -> None:
    told = []
    for path in tracked():
        data = (ROOT / path).read_bytes()
        if b"\0" not in data[:4096]:
            text = data.decode("utf-8", errors="replace")
            told += [f"{path}:{line} {what}" for line, what in registry_hosts(path, text)]
    assert not told, "\n  ".join(["", *told, "npm: set omit-lockfile-registry-resolved=true before `npm install`"])


def test_test_files_have_names_of_their_own() -> None:
    names = [Path(path).name for path in python_files("tests")]
    twice = sorted({name for name in names if names.count(name) > 1 and name.startswith("test_")})
    assert not twice, f"pytest cannot tell these test files apart: {twice}"


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (broad_handlers, "try:\n    f()\nexcept Exception:\n    pass"),
        (broad_handlers, "try:\n    f()\nexcept Exception as e:\n    raise ValueError from e"),
        (broad_handlers, "try:\n    f()\nexcept:\n    g()"),
        (broad_handlers, "try:\n    f()\nexcept (OSError, BaseException) as e:\n    g(e)"),
        (broad_handlers, "with contextlib.suppress(Exception):\n    f()"),
        (commits, "session.commit()"),
        (naive_times, "x = datetime.utcnow()"),
        (naive_times, "x = datetime.datetime.now()"),
        (naive_times, "x = datetime.fromtimestamp(0)"),
        (sleeps, "import time\ntime.sleep(1)"),
        (sleeps, "from time import sleep as pause"),
        (shared_clocks, "monkeypatch.setattr('edge_agent.services.time.monotonic', lambda: 1e12)"),
        (shared_clocks, "monkeypatch.setattr(time, 'time', lambda: 0.0)"),
        (skipped_tests, "@pytest.mark.skipif(True, reason='x')\ndef test(): pass"),
        (skipped_tests, "def test():\n    pytest.skip('x')"),
        (unwanted_words, "class Flat:\n    pass"),
        (unwanted_words, "push_whitelist = 1"),
        (unwanted_words, "class HousingUnit:\n    pass"),
        (registry_hosts, "url = 'https://registry." + "npmjs" + ".org/x'"),
        (registry_hosts, "deb http://deb." + "debian" + ".org/debian bookworm main"),
    ],
)
def test_each_check_sees_what_it_is_for(check: Check, wrong: str) -> None:
    assert list(check("hub/x.py", wrong)), f"{check.__name__} does not see:\n{wrong}"


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (broad_handlers, "try:\n    f()\nexcept (OSError, ValueError):\n    pass"),
        (commits, "with unit_of_work(actor, reason) as uow:\n    uow.add(x)"),
        (naive_times, "x = datetime.now(UTC)\ny = datetime.fromtimestamp(0, tz=UTC)\nz = clock.now()"),
        (sleeps, "wait_until(lambda: x, 'x')\nawait asyncio.sleep(0)"),
        (shared_clocks, "monkeypatch.setattr('edge_agent.services.MAX_SERVED', 3)\nmonkeypatch.setattr(hub, 'now', f)"),
        (unwanted_words, "class UnitOfWork:\n    pass"),
        (registry_hosts, "npm ci\npip install\n# debian 12"),
    ],
)
def test_no_check_blames_what_is_right(check: Check, right: str) -> None:
    assert not list(check("hub/x.py", right)), f"{check.__name__} blames:\n{right}"


def test_the_checks_look_at_files() -> None:
    assert len(python_files(*PACKAGES)) >= len(PACKAGES), "no source was found: the checks above look at nothing"
    assert "pyproject.toml" in tracked(), "git lists no file: the registry check looks at nothing"
