"""The direction of imports, no import cycle, pure modules stay pure, libraries only where they are declared.

The rules are those of the README's package table. Each check is a function of sources (path -> text), tried here on the
real tree and on a small wrong one it must catch.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("device_drivers", "edge_agent", "hub", "simulators")
Sources = Mapping[str, str]

MAY_IMPORT = {
    "device_drivers": ("device_drivers",),
    "edge_agent": ("edge_agent", "device_drivers"),
    "hub": ("hub", "device_drivers.contract", "device_drivers.mqtt"),
    "simulators": ("simulators",),
}

HUB_NEVER = {"aiohttp", "cv2", "insightface", "numpy", "onnxruntime", "onvif", "pymodbus", "serial", "zeep"}

PART_OF = {"fastapi": "starlette", "opencv-python": "numpy"}
"""What a library hands out as its own: FastAPI's requests and errors are Starlette's, OpenCV's pictures NumPy arrays."""

PURE: dict[str, set[str]] = {
    "device_drivers/contract/*.py": {"msgspec"},
    "device_drivers/plan.py": {"msgspec"},
    "device_drivers/face_terminal/codec.py": {"msgspec"},
    "device_drivers/card_number.py": set(),
    "device_drivers/door_watch.py": {"msgspec"},
    "device_drivers/keypad.py": set(),
    "device_drivers/modbus_frames.py": set(),
    "device_drivers/register_action.py": {"msgspec"},
    "device_drivers/onvif_event*.py": {"lxml", "msgspec", "xml"},
    "edge_agent/decide.py": {"msgspec"},
    "edge_agent/modes.py": {"msgspec"},
    "hub/access/capabilities.py": {"msgspec"},
    "hub/access/compose.py": {"msgspec", "pydantic"},
    "hub/access/entitle.py": {"msgspec", "pydantic"},
    "hub/access/merge.py": {"msgspec"},
    "hub/access/*_rules.py": {"msgspec", "pydantic"},
    "hub/access/schedules.py": {"msgspec", "pydantic"},
    "hub/cases/workflow.py": {"chinese_calendar", "msgspec", "pydantic"},
    "hub/consents.py": set(),
    "hub/lease/feed.py": {"msgspec", "pydantic"},
    "hub/occupancy/absence_signs.py": {"numpy"},
    "hub/occupancy/course.py": {"numpy", "pydantic"},
    "hub/occupancy/door_maps.py": set(),
    "hub/occupancy/unheard.py": set(),
    "hub/occupancy/detect.py": {"msgspec", "numpy", "pydantic"},
    "hub/occupancy/likely.py": {"numpy", "pydantic"},
    "hub/occupancy/life.py": {"msgspec", "pydantic"},
    "hub/occupancy/memory.py": {"msgspec", "numpy", "pydantic"},
    "hub/occupancy/outcomes.py": {"numpy", "pydantic"},
    "hub/occupancy/presence.py": {"msgspec", "pydantic"},
    "hub/occupancy/rhythm.py": set(),
    "hub/occupancy/signs.py": {"numpy"},
    "hub/occupancy/told.py": {"numpy", "pydantic"},
    "hub/occupancy/trees.py": {"numpy"},
    "hub/occupancy/trial.py": {"msgspec", "numpy", "pydantic"},
    "hub/tenancy/diff.py": {"msgspec", "pydantic"},
    "hub/welfare/rules.py": {"msgspec", "pydantic"},
    "simulators/residents.py": {"numpy", "random"},
}
"""Pure modules, and the libraries they may use beside the pure part of the standard library."""

PURE_STDLIB = frozenset(
    re.split(
        r"\s+",
        """__future__ abc base64 binascii bisect calendar collections copy dataclasses datetime decimal difflib
        enum fractions functools graphlib hashlib heapq hmac itertools json math operator re statistics string
        struct textwrap types typing unicodedata uuid zlib zoneinfo""",
    )
)

IMPURE_CALLS = re.compile(
    r"^(open|print|input|exec|eval|(.*\.)?(utcnow|now|today|uuid1|uuid4|read_text|write_text|read_bytes|write_bytes)"
    r"|random\.(?!Random$)\w+|(np|numpy)\.random\.(?!default_rng$|Generator$)\w+)$"
)
"""Clock, chance and I/O that need no telltale import. A seeded ``random.Random(seed)`` is a value."""


@functools.cache
def real_sources() -> dict[str, str]:
    """Every module of our packages, by its path in the repository."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def module_name(path: str) -> str:
    """``hub/access/__init__.py`` -> ``hub.access``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _statements(tree: ast.AST, for_types: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Of a module, at any depth: an import is nowhere else. With each, whether only the type checker reads it."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(tree, name, ()):
            within = for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            if isinstance(child, ast.stmt):
                yield child, within
            yield from _statements(child, within)


@functools.cache
def _imports(text: str) -> tuple[tuple[ast.Import | ast.ImportFrom, bool], ...]:
    """Of a module, parsed once: several checks ask for the same ones."""
    statements = _statements(ast.parse(text))
    return tuple((node, for_types) for node, for_types in statements if isinstance(node, ast.Import | ast.ImportFrom))


def imports(path: str, text: str, known: set[str], with_type_checking: bool = True) -> Iterator[tuple[int, str]]:
    """(line, module) of each import, also those inside functions; ``from a import b`` is ``a.b`` if that is a module."""
    package = module_name(path).split(".")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for node, for_types in _imports(text):
        if for_types and not with_type_checking:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *((node.module or "").split(".") if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in known else base


def _within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def wrong_directions(sources: Sources) -> list[str]:
    """Imports of ours from a package that may not have them."""
    known = {module_name(path) for path in sources}
    return [
        f"{path}:{line} imports {module}; {package} may import of ours only {', '.join(MAY_IMPORT[package])}"
        for path, text in sources.items()
        if (package := path.split("/")[0]) in MAY_IMPORT
        for line, module in imports(path, text, known)
        if module.split(".")[0] in (*PACKAGES, "tests", "tools") and not _within(module, MAY_IMPORT[package])
    ]


def import_cycle(sources: Sources, depth: int | None = None) -> list[str]:
    """One cycle as a path of modules, or nothing. With a depth, names are cut to it: cycles between packages.

    Modules that stand directly in a package stay on their own: ``hub.app`` and ``hub.db`` are not one node.
    """
    known = {module_name(path) for path in sources}
    graph: dict[str, set[str]] = {}
    for path, text in sources.items():
        here = ".".join(module_name(path).split(".")[:depth])
        for _, module in imports(path, text, known, with_type_checking=False):
            there = ".".join(module.split(".")[:depth])
            if module in known and there != here:
                graph.setdefault(here, set()).add(there)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))  # graphlib tells it from the imported to the importing
    return []


def impurities(sources: Sources) -> list[str]:
    """What pure modules, and those of ours they import, do that a pure function cannot."""
    known = {module_name(path): path for path in sources}
    found: list[str] = []
    for pattern, libraries in PURE.items():
        waiting = [path for path in sources if fnmatch(path, pattern)]
        seen: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            because = "" if fnmatch(path, pattern) else f" (imported by the pure {pattern})"
            for line, module in imports(path, sources[path], set(known), with_type_checking=False):
                if module in known:
                    waiting.append(known[module])
                elif module.split(".")[0] not in PURE_STDLIB | libraries:
                    found.append(f"{path}:{line} imports {module}{because}")
            code = _impure_code(sources[path], declarations_count=not because)
            found += [f"{path}:{line} {what}{because}" for line, what in code]
    return found


@functools.cache
def _impure_code(text: str, declarations_count: bool) -> tuple[tuple[int, str], ...]:
    """(line, what). A protocol's ``async def f(self) -> X: ...`` only declares: what a pure module imports may have it."""
    return tuple(_impure_lines(text, declarations_count))


def _impure_lines(text: str, declarations_count: bool) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AsyncFunctionDef) and not declarations_count and _only_declares(node):
            continue
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith):
            yield node.lineno, "is async"
        elif isinstance(node, ast.Call) and IMPURE_CALLS.match(ast.unparse(node.func)):
            yield node.lineno, f"calls {ast.unparse(node.func)}()"


def _only_declares(function: ast.AsyncFunctionDef) -> bool:
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in function.body)


def _distribution(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group(0)).lower()


def allowed_distributions(path: str, project: Mapping[str, object]) -> set[str]:
    """The libraries a module may import: the base dependencies and its package's extras."""
    extras = project["optional-dependencies"]
    base = project["dependencies"]
    assert isinstance(extras, dict)
    assert isinstance(base, list)
    shared_with_hub = path == "device_drivers/mqtt.py" or path.startswith("device_drivers/contract/")
    if path.startswith("device_drivers/contract/"):
        return {"msgspec"}
    mine = {"hub": ["hub", "backtest"], "simulators": ["sim"]}.get(path.split("/")[0], ["edge", "face"])
    wanted = [*base, *(line for extra in ([] if shared_with_hub else mine) for line in extras[extra])]
    names = {_distribution(line) for line in wanted}
    return names | {part for whole, part in PART_OF.items() if whole in names}


def undeclared_libraries(sources: Sources, project: Mapping[str, object]) -> list[str]:
    """Imports of libraries the module's package does not declare in pyproject.toml."""
    provided_by = packages_distributions()
    known = {module_name(path) for path in sources}
    found = []
    for path, text in sources.items():
        allowed = allowed_distributions(path, project)
        for line, module in imports(path, text, known, with_type_checking=False):
            top = module.split(".")[0]
            if top in sys.stdlib_module_names or top in PACKAGES:
                continue
            if not allowed & {_distribution(name) for name in provided_by.get(top, [])}:
                found.append(f"{path}:{line} imports {module}, which its package's extra does not declare")
            elif (
                path.startswith("hub/")
                and top in HUB_NEVER
                and not (top == "numpy" and path.startswith("hub/occupancy/"))
            ):
                found.append(f"{path}:{line} imports {module}: drivers and images are the edge's work")
    return found


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _told(found: list[str]) -> str:
    return "\n  ".join(["", *found])


def test_imports_go_one_way() -> None:
    assert not (found := wrong_directions(real_sources())), _told(found)


@pytest.mark.parametrize(("depth", "between"), [(None, "modules"), (2, "packages"), (1, "top packages")])
def test_no_import_cycle(depth: int | None, between: str) -> None:
    cycle = import_cycle(real_sources(), depth)
    assert not cycle, f"import cycle between {between}: {' -> '.join(cycle)}"


def test_pure_modules_stay_pure() -> None:
    assert not (found := impurities(real_sources())), _told(found)


def test_libraries_are_declared_where_they_are_used() -> None:
    assert not (found := undeclared_libraries(real_sources(), PROJECT)), _told(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("hub/app.py", "from device_drivers import driver"),
        ("hub/app.py", "import device_drivers.modbus_meter"),
        ("hub/app.py", "def f():\n    from edge_agent import agent"),
        ("hub/access/publish.py", "from ...device_drivers import plan"),
        ("edge_agent/agent.py", "import hub.tables"),
        ("device_drivers/plan.py", "from edge_agent.store import Store"),
        ("simulators/site.py", "from device_drivers.contract import access"),
    ],
)
def test_a_wrong_direction_is_seen(path: str, text: str) -> None:
    assert wrong_directions({path: text, "device_drivers/driver.py": "", "device_drivers/plan.py": ""} | {path: text})


def test_allowed_directions_are_not_blamed() -> None:
    sources = {"hub/broker.py": "from device_drivers import mqtt", "device_drivers/mqtt.py": "", "edge_agent/a.py": ""}
    sources["edge_agent/a.py"] = "from device_drivers import driver\nfrom . import store"
    assert wrong_directions(sources) == []


@pytest.mark.parametrize("depth", [None, 2])
def test_a_cycle_is_seen(depth: int | None) -> None:
    sources = {"hub/a/x.py": "from hub.b import y", "hub/b/y.py": "def f():\n    import hub.c.z"}
    assert import_cycle(sources | {"hub/c/z.py": ""}, depth) == []
    assert import_cycle(sources | {"hub/c/z.py": "from ..a import x"}, depth), "a cycle of three was not seen"


def test_a_cycle_between_packages_without_one_between_modules_is_seen() -> None:
    sources = {"hub/a/x.py": "import hub.b.y", "hub/b/y.py": "", "hub/b/z.py": "import hub.a.w", "hub/a/w.py": ""}
    assert import_cycle(sources) == []
    assert set(import_cycle(sources, 2)) == {"hub.a", "hub.b"}


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "import time",
        "from sqlalchemy import select",
        "from datetime import datetime, UTC\nx = datetime.now(UTC)",
        "import datetime as dt\nx = dt.date.today()",
        "async def f(): pass",
        "def f(): return open('x')",
        "import uuid\nx = uuid.uuid4()",
        "from hub import clock",
    ],
)
def test_an_impurity_is_seen(text: str) -> None:
    assert impurities({"hub/access/entitle.py": text, "hub/clock.py": "import time"})


def test_a_seeded_generator_is_allowed_to_the_simulated_residents_only() -> None:
    text = "import random\ndef f(chance: random.Random) -> float:\n    return chance.random()"
    assert impurities({"simulators/residents.py": text}) == []
    assert impurities({"simulators/residents.py": "import random\nx = random.random()"})
    assert impurities({"hub/occupancy/detect.py": text})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("hub/app.py", "import zeep"),
        ("hub/app.py", "import cv2"),
        ("edge_agent/agent.py", "import sqlalchemy"),
        ("simulators/site.py", "import fastapi"),
        ("device_drivers/mqtt.py", "import aiohttp"),
        ("device_drivers/contract/access.py", "import cryptography"),
        ("device_drivers/plan.py", "import hypothesis"),
    ],
)
def test_an_undeclared_library_is_seen(path: str, text: str) -> None:
    assert undeclared_libraries({path: text}, PROJECT)


def test_every_package_is_looked_at() -> None:
    assert {path.split("/")[0] for path in real_sources()} == set(PACKAGES), "the checks above look at nothing"
