"""YAML and inventories in, models and problems out."""
