"""Methods that use the last bit of elements: matching, replacement, and their common reader."""
