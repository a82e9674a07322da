"""Playbooks, run by Ansible."""
