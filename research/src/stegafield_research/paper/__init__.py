"""The tables and figures of the paper (arXiv 2406.01918), measured again, beside ours."""
