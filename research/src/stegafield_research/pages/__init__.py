"""Pages of the docs that commands write."""
