"""Digests of the code that a job runs, so that a change of meaning reruns it and a comment does not.

Snakemake tracks neither the modules that a script imports nor a script called from ``shell:``. Each rule therefore
carries the digest of its script, and of every project module that the script imports, as a parameter. The digest is
taken of the syntax tree without docstrings: comments, blank lines and formatting do not count. Data in a YAML file next
to a module, with its name, belong to the module.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path


class CodeDigest:
    """Digests of scripts below ``root``, the folder that absolute imports of the project start from."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @cache  # noqa: B019  one object lives as long as the process
    def of(self, *scripts: str) -> str:
        """Digest of ``scripts`` (paths relative to the root) and of the project modules they import, directly or not.

        Raises:
            FileNotFoundError: a script is not there.
        """
        digest = hashlib.sha256()
        for path in sorted(self._closure(scripts)):
            digest.update(str(path.relative_to(self._root)).encode() + b"\0")
            digest.update(self._meaning(path).encode() + b"\0")
        return digest.hexdigest()[:16]

    def files(self, *scripts: str) -> list[Path]:
        """The files that :meth:`of` reads for ``scripts``, relative to the root."""
        return sorted(path.relative_to(self._root) for path in self._closure(scripts))

    def _closure(self, scripts: tuple[str, ...]) -> set[Path]:
        waiting = {self._root / script for script in scripts}
        found: set[Path] = set()
        while waiting:
            path = waiting.pop()
            found.add(path)
            waiting |= set(self._imports(path)) - found
        return found

    @cache  # noqa: B019
    def _tree(self, path: Path) -> ast.Module:
        """The syntax tree without docstrings."""
        tree = ast.parse(path.read_bytes(), filename=str(path))
        for node in (tree, *_statements(tree)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = [child for child in node.body if not _is_bare_string(child)]
        return tree

    @cache  # noqa: B019
    def _meaning(self, path: Path) -> str:
        data = path.with_suffix(".yaml")
        return ast.dump(self._tree(path)) + (data.read_text(encoding="utf-8") if data.is_file() else "")

    @cache  # noqa: B019
    def _imports(self, path: Path) -> tuple[Path, ...]:
        modules: list[Path] = []
        for node in _statements(self._tree(path)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    modules += self._module_files(self._root, alias.name)
            elif isinstance(node, ast.ImportFrom):
                base = path.parents[node.level - 1] if node.level else self._root
                start = node.module or ""
                modules += self._module_files(base, start)
                for alias in node.names:
                    modules += self._module_files(base, f"{start}.{alias.name}".lstrip("."))
        return tuple(modules)

    def _module_files(self, base: Path, dotted: str) -> Iterator[Path]:
        """The file of a project module and the ``__init__`` of each package above it; nothing for a library."""
        folder = base
        for part in filter(None, dotted.split(".")):
            folder = folder / part
            if (folder / "__init__.py").is_file():
                yield folder / "__init__.py"
        module = folder.with_suffix(".py")
        if dotted and module.is_file():
            yield module


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below ``node``. Most nodes belong to expressions, which hold none and are passed over."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, field, ()):
            yield child
            yield from _statements(child)


def _is_bare_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
