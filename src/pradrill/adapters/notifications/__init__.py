"""Ways to tell somebody, one module each."""
