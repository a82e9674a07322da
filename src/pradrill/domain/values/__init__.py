"""The smallest words: durations, instants, secrets, severities."""
