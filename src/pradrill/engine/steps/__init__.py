"""What each kind of step does: one module for those that go together."""
