"""The last bits of samples as carriers: matching, replacement, and the reader that both share."""
