"""What is entered about runs, and what people add to them."""
