"""Kinds of standby, one module or folder each."""
