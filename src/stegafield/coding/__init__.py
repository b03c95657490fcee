"""Bits to codes and back, exactly: the ladder of rates, its coders, prices, the sampler and its bound."""
