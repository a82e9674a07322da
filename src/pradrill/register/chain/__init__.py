"""The chain of entries: written, read, walked."""
