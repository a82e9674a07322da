"""What of a drill must fit the plan, the inventory and itself."""
