"""Trained networks of the literature, and what optimises a cover against them."""
