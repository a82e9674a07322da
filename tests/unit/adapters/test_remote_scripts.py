"""What is sent to a host is one text, made of what a script imports of ours."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from pradrill.adapters.ssh import interpreter
from pradrill.adapters.ssh.interpreter import source

SSH = Path(interpreter.__file__).parent
SCRIPTS = sorted(path.name for path in SSH.glob("remote_*.py"))
LONGEST_WORD = 131_072  # bytes that Linux takes as one word: a script calls sudo with itself
OLDEST = (3, 8)


def names(tree: ast.Module) -> Counter[str]:
    """Count how often each name is given to a value or a function of a module."""
    counts: Counter[str] = Counter()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            counts[node.name] += 1
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            nodes = [each for target in targets for each in ast.walk(target)]
            counts.update(each.id for each in nodes if isinstance(each, ast.Name))
    return counts


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_whole_where_it_is_run(script: str) -> None:
    """Nothing of ours is imported there, no part takes a name of another, and sudo can have it."""
    text = source(script)
    tree = ast.parse(text, feature_version=OLDEST)
    imports = [ast.unparse(each) for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    assert not [each for each in imports if "pradrill" in each]
    assert {name for name, count in names(tree).items() if count > 1} <= {"TYPE_CHECKING"}
    assert len(text.encode()) < LONGEST_WORD
    compile(text, script, "exec")
