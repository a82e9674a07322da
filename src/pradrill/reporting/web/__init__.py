"""What a browser shows: pages made of the same views and words as reports."""
