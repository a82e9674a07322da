"""Whether all is what was recorded."""
