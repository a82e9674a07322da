"""Recovery drills: proof, on a schedule and on paper, that a recovery plan works."""

__version__ = "0.1.0"
