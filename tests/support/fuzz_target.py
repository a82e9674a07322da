"""A process of its own in which Atheris looks for an input that breaks one property.

    python -m tests.support.fuzz_target FILE PROPERTY PACKAGE [an option of libFuzzer's]...

Hypothesis makes the property's values of the bytes that Atheris tries, so what is mutated are the
choices of its strategies; which of them came upon statements and comparisons of the package that no
one before came upon, Atheris sees. An input that breaks the property lies in Hypothesis's database
afterwards: the property's own test tries it first.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, FunctionType, ModuleType

import atheris

LONGEST = 2_048
"""How many bytes Atheris makes up; zeros follow, which are each strategy's simplest value."""
_REST = bytes(16 * LONGEST)
SECONDS = 20
"""How long one input may take, on a busy machine; the slowest takes a tenth of a second."""
_PLAYBOOKS = str(Path(__file__).parents[2] / "playbooks")


def main(file: str, name: str, package: str, *options: str) -> None:
    """Fuzz a property of a file's until it breaks or the options' limit is reached."""
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    assert isinstance(spec, ModuleSpec)
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with atheris.instrument_imports(include=[package], enable_loader_override=False):
        spec.loader.exec_module(module)
    for function in _scripts(module):
        atheris.instrument_func(function)

    break_it = getattr(module, name).hypothesis.fuzz_one_input

    def one_input(choices: bytes) -> None:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        break_it(choices + _REST)
        signal.setitimer(signal.ITIMER_REAL, 0)

    signal.signal(signal.SIGALRM, _too_slow)
    limits = ["-timeout=0", f"-max_len={LONGEST}", "-len_control=0", "-use_value_profile=1"]
    atheris.Setup([sys.argv[0], *limits, *options], one_input)
    atheris.Fuzz()


def _scripts(module: ModuleType) -> list[FunctionType]:
    """Return the functions of playbooks' scripts that a file has read: no import brought them."""
    scripts = (each for each in vars(module).values() if isinstance(each, ModuleType))
    functions = (each for script in scripts for each in vars(script).values())
    return [
        each
        for each in functions
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(_PLAYBOOKS)
    ]


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"one input took longer than {SECONDS} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
