"""Carry out each kind of step: one module for those that go together."""
