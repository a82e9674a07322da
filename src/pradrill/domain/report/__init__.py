"""What a report on one run says beside its record."""
