"""Who is told of what, and what waits to be told."""
