"""What the literature does, for comparison; one method a file, never on the default path."""
