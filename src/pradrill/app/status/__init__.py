"""How the services stand, read from the state directory, the plan and its drills."""
