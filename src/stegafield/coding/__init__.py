"""Bits to codes and back, exactly: the ladder of rates, coders, prices, sampler and bound."""
