"""The command line: one module for each command; the only part that prints and exits."""

from pradrill.cli.entry import main

__all__ = ["main"]
