"""What a change costs and whether the message is there: plain functions of arrays."""
