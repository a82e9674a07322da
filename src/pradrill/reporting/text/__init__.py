"""What a terminal, a mail and a log show."""
