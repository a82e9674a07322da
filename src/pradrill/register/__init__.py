"""Runs on disk: journals as they happen, sealed records, locks."""
