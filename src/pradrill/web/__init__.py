"""A page for browsers: looks at the state as commands do, and changes nothing of it."""
