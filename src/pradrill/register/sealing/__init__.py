"""Who signs, stamps, attests and publishes."""
