"""The dossier of a period."""
