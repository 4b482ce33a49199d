"""Reads off the source what a program may say: the texts that an expression of a module can come to. For tests of words."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType

from hub.english.phrases import CHINESE

SLOT = "\N{OBJECT REPLACEMENT CHARACTER}"
AT = datetime(2026, 11, 28, 10, 5, tzinfo=UTC)


class Unknown(Exception):
    """The words of this expression cannot be read off the source."""


@dataclass(frozen=True)
class Reader:
    """Reads what an expression of one function may say; a value inside a sentence is SLOT."""

    module: ModuleType
    body: ast.AST

    def texts(self, node: ast.AST) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return ["".join(one) for one in itertools.product(*map(self.part, parts))]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [a + b for a, b in itertools.product(self.texts(left), self.texts(right))]
            case ast.IfExp(body=yes, orelse=no):
                return self.texts(yes) + self.texts(no)
            case ast.Name(id=name):
                return self.named(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if isinstance(
                vars(self.module).get(name), ModuleType
            ):
                return strings(vars(vars(self.module)[name]).get(attr))
            case (
                ast.Subscript(value=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"))
            ) if name:
                return self.values_of(name)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(), attr="join"),
                args=[ast.GeneratorExp(elt=elt) | ast.ListComp(elt=elt)],
            ):
                return self.texts(elt)
            case ast.Call(func=func):
                return returned(self.found(func))
        raise Unknown

    def all_texts(self, node: ast.AST) -> list[str]:
        try:
            return self.texts(node)
        except Unknown:
            return []

    def part(self, node: ast.AST) -> list[str]:
        """Of an f-string: words it takes from elsewhere, or a slot."""
        if not isinstance(node, ast.FormattedValue):
            return self.texts(node)
        if node.format_spec is not None and CHINESE.search(ast.unparse(node.format_spec)):
            spec = ast.literal_eval(ast.unparse(node.format_spec).removeprefix("f"))
            return [format(AT, spec)]
        try:
            texts = self.texts(node.value)
        except Unknown:
            return [SLOT]
        return texts if any(CHINESE.search(one) for one in texts) else [SLOT]

    def named(self, name: str) -> list[str]:
        """A variable: all that the function puts into it; else a constant of the module."""
        given = [value for target, value in assigned(self.body) if target == name]
        if not given:
            return strings(vars(self.module).get(name))
        texts = [text for value in given for text in self.texts(value)]
        added = [
            text
            for node in ast.walk(self.body)
            if isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") == name
            for text in self.texts(node.value)
        ]
        return texts + [a + b for a, b in itertools.product(texts, added)]

    def values_of(self, name: str) -> list[str]:
        """All values of a table of words."""
        for target, value in assigned(self.body):
            if target == name and isinstance(value, ast.Dict):
                return [text for one in value.values for text in self.texts(one)]
        table = vars(self.module).get(name)
        if not isinstance(table, dict):
            raise Unknown
        return [text for one in table.values() for text in strings(one)]

    def found(self, func: ast.AST) -> object:
        """What a name or `module.name` stands for in the module."""
        if isinstance(func, ast.Name):
            return vars(self.module).get(func.id)
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            held = vars(self.module).get(func.value.id)
            return vars(held).get(func.attr) if isinstance(held, ModuleType) else None
        return None


def strings(value: object) -> list[str]:
    if not isinstance(value, str):
        raise Unknown
    return [value]


def returned(function: object) -> list[str]:
    """All that a function of ours may return."""
    if not inspect.isfunction(function) or not function.__module__.startswith(("hub.", "edge_agent.")):
        raise Unknown
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    reader = Reader(importlib.import_module(function.__module__), tree)
    gives = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    return [text for value in gives for text in reader.texts(value)]


def assigned(body: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(body):
        if isinstance(node, ast.Assign):
            yield from ((one.id, node.value) for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def inside(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST]]:
    """(the innermost function around it, or the module; each node)."""

    def visit(node: ast.AST, around: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        yield around, node
        inner = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else around
        for one in ast.iter_child_nodes(node):
            yield from visit(one, inner)

    return visit(tree, tree)
