"""Revealing: chance headers, and the same work whatever is found."""

import itertools
import sys
from collections import Counter

import numpy as np
import pytest

from stegafield import Engine, Key
from stegafield.carriers.image import ImageCarrier
from stegafield.channels.picture.png import PngChannel
from stegafield.core.registry import Registry
from stegafield.errors import NoMessage, UnknownPlugin
from stegafield.extractors.phase import Phase
from stegafield.pipeline.engine import Engine as CoreEngine
from stegafield.pipeline.revealing import reveal
from stegafield.regions import bootstrap

PICTURE = np.random.default_rng(0).integers(50, 200, (64, 64), dtype=np.uint8)


class Another(Phase):
    """An extractor that only the sender has."""

    name = "another"


def _engine(*extractors, channel=PngChannel):
    registry = Registry()
    for extractor in extractors:
        registry.add("extractor", extractor, "test")
    registry.add("carrier", ImageCarrier, "test")
    registry.add("channel", channel, "test")
    return CoreEngine(registry, device="cpu")


@pytest.mark.parametrize("constant_time", [False, True])
def test_b14_a_header_of_no_extractor_hides_no_message_further_on(key, constant_time):
    """B14: only where every candidate has failed is an extractor said to be missing."""
    first = _engine(Phase, Another).hide(
        b"x", carrier="image", cover=PICTURE, extractor="another", key=key
    )
    reader = _engine(Phase)
    with pytest.raises(UnknownPlugin):
        reader.reveal(first.data, key=key, constant_time=constant_time)
    second = _engine(Phase).hide(b"y", carrier="image", cover=PICTURE[::-1], key=key)

    class Both(PngChannel):
        """Sees what hides nothing that can be read, and then what does."""

        name = "both"

        def read(self, data):
            yield from super().read(first.data)
            yield from super().read(second.data)

    both = _engine(Phase, channel=Both)
    assert both.reveal(first.data, key=key, constant_time=constant_time) == b"y"


def _work(call):
    """How often our code is entered, and how often it calls a function of C."""
    counts = Counter()

    def note(frame, event, argument):
        ours = str(frame.f_globals.get("__name__")).startswith("stegafield")
        if ours and event in ("call", "c_call"):
            name = frame.f_code.co_qualname if event == "call" else argument.__qualname__
            counts[name] += 1

    sys.setprofile(note)
    try:
        with pytest.raises(NoMessage):
            call()
    finally:
        sys.setprofile(None)
    return counts


def test_c10_the_same_work_is_done_whatever_the_outcome(key):
    """C10: a service that answers for files told by its time that a header was right."""
    engine = Engine(device="cpu")
    stego = engine.hide(b"", carrier="image", cover=PICTURE, key=key)
    codes = stego.codes.copy()
    payload = bootstrap.opened(stego.cover.with_codes(codes), key).at.payload
    codes[payload] ^= 1
    damaged = stego.channel.write(stego.cover, codes)
    cases = {
        "wrong key": (stego.data, Key.generate()),
        "no message": (stego.channel.write(stego.cover, stego.cover.codes), key),
        "damaged": (damaged, key),
    }
    for constant_time in (True, False):
        work = {}
        for name, (data, one) in 2 * tuple(cases.items()):  # the first time warms caches
            work[name] = _work(
                lambda data=data, one=one, constant_time=constant_time: reveal(
                    engine.registry, data, one, constant_time=constant_time
                )
            )
        apart = [
            ((one - other) + (other - one)).total()
            for one, other in itertools.combinations(work.values(), 2)
        ]
        # A header that is right is one object more.
        assert max(apart) <= 4 if constant_time else max(apart) > 20, apart
