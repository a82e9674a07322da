"""The ports put together, and what several commands do."""
