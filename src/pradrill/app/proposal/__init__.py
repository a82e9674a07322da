"""Propose a first drill for a service, from where its backups are and what the newest holds."""
