"""Hosts, looked at over SSH."""
