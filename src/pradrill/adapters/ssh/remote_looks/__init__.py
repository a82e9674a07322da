"""Looks at a standby, each at some kinds; sent there with remote_inventory.py as one text."""
