"""The contracts (cover, carrier, channel, extractor, optimizer, detector) and the straight line from hide to file."""
