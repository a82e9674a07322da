"""How the services stand, for Prometheus."""
