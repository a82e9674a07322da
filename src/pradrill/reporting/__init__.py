"""Everything that people read, derived from the sealed record alone."""
