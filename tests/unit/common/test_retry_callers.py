"""The calls that are retried: those that may arrive twice; a new one is added here with the reason why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import collector
import common
import health
import signaler

PACKAGES = (common, collector, signaler, health)
MAY_ARRIVE_TWICE = {
    # The collector's GET requests: they change nothing at Upbit.
    "self._fetch_page",
    "self.ping",
    # The signaler's question changes nothing at Gemini but what it costs, and each try is counted first.
    "self._attempt_once",
    # Health's notice: only where it was surely not taken; one that may have been raises a PermanentError.
    "self._post",
}
USES = 3


def retried_in(tree: ast.AST) -> Iterator[str]:
    """Yield what is given to a decorator that `with_retry(...)` made, and what is decorated with it."""
    makers = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _makes_retry(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (
            _makes_retry(node.func) or (isinstance(node.func, ast.Name) and node.func.id in makers)
        ):
            yield ast.unparse(node.args[0])
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            yield from (node.name for decorator in node.decorator_list if _makes_retry(decorator))


def _makes_retry(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "with_retry"


def test_only_calls_that_may_arrive_twice_are_retried() -> None:
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in Path(package.__path__[0]).rglob("*.py")
    ]
    assert {name for tree in trees for name in retried_in(tree)} == MAY_ARRIVE_TWICE
    # A use in a form that is not understood here would be one too many.
    assert sum(_makes_retry(node) for tree in trees for node in ast.walk(tree)) == USES


def test_every_form_of_a_retried_call_is_found() -> None:
    source = """
again = with_retry(max_retries=1)
first = again(self.read)
second = retry.with_retry()(self.write)
@with_retry()
async def third(): ...
"""
    assert sorted(retried_in(ast.parse(source))) == ["self.read", "self.write", "third"]
