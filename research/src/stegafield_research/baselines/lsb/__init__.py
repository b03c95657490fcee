"""Methods that use the last bit of elements: matching, replacement, and the reader that both share."""
