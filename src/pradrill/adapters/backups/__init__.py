"""Kinds of backups, one module or folder each."""
