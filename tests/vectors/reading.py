"""What a golden file is: the key that opens it, and what its header names."""

from stegafield import Key
from stegafield.coding.ladder import LADDER
from stegafield.core import lattice, options
from stegafield.errors import FormatError
from stegafield.regions import bootstrap

KEYS = {"file": Key(bytes(range(32))), "passphrase": Key.passphrase("correct horse")}


def covers(registry, data):
    """Each candidate cover of a file, with the name of the channel that reads it."""
    for channel in registry.all("channel"):
        try:
            for cover in channel().read(data):
                for form in lattice.forms(cover):
                    yield channel.name, form
        except FormatError:
            continue


def variants(registry):
    """{tag: (extractor, options)} of all that a header may name."""
    return {
        options.tag(found.name, chosen): (found.name, chosen.model_dump(mode="json"))
        for found in registry.all("extractor")
        for chosen in options.variants(found.Options)
    }


def facts(registry, data, key):
    """Channel, rung, extractor and options, from the file alone."""
    named = variants(registry)
    for channel, cover in covers(registry, data):
        found = bootstrap.opened(cover, key)
        header = found and found.header
        if header:
            extractor, chosen = named[header.tag]
            return {
                "channel": channel,
                "rung": LADDER.index(header.profile.rung),
                "extractor": extractor,
                "options": chosen,
            }
    raise AssertionError("no cover of this file has a header for this key")
