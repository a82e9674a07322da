"""One execution: its plan, what happens in it, and what that comes to."""
