"""Runs on disk: begun, entered, sealed, found again."""
