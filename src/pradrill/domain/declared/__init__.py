"""What people write: the plan, the drills, and all that stands in them."""
