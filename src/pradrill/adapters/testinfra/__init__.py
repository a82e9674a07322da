"""Checks, run by pytest and testinfra."""
