"""Folders of dumps, here or behind SFTP."""
