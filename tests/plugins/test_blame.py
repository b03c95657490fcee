"""Whose fault it is: a third party's, our own, or the user's; told once, by the place (B10, D5)."""

import io
import types

import numpy as np
import pytest

from stegafield.carriers.image import ImageCarrier
from stegafield.channels.picture.png import PngChannel
from stegafield.core.registry import Registry
from stegafield.errors import BrokenPlugin, DuplicatePlugin, FormatError, NoMessage
from stegafield.extractors.phase import Phase
from stegafield.pipeline.engine import Engine
from stegafield.plugins import builtin, discovery
from tests.attacks.conftest import noise, png

PICTURE = noise(40, 40, 3)
HARBOUR = """
import numpy as np
from stegafield.carriers.image import ImageCarrier
from stegafield.core import Carrier, Channel, Cover, GridSpec, Extractor
from stegafield.channels.picture.png import PngChannel
from stegafield.errors import FormatError
from stegafield.extractors.phase import Phase

MAGIC = b"harbour"

class HarbourChannel(Channel):
    name, suffixes = "harbour", (".harbour",)

    def read(self, data):
        if not data.startswith(MAGIC):
            raise FormatError("not a harbour")
        codes = np.frombuffer(data[7:], np.uint8).astype(np.int32)[None]
        yield Cover(codes, 0, 255, np.ones(codes.shape, bool), GridSpec(("t",), (False,), "line"))

    def write(self, cover, codes):
        return MAGIC + codes.astype(np.uint8).tobytes()

class HarbourCarrier(Carrier):
    name, channel = "harbour", HarbourChannel

    def covers(self, count, rng):
        codes = rng.integers(0, 256, (count, 1, 3000)).astype(np.int32)
        free, spec = np.ones((1, 3000), bool), GridSpec(("t",), (False,), "line")
        return [Cover(one, 0, 255, free, spec) for one in codes]

    def open(self, source):
        return next(self.channel().read(source.read()))

class Pictures(ImageCarrier):
    name = "pictures"

class Sums(Phase):
    name = "sums"
"""


def _harbour(more=""):
    """A third party's module, of a package of its own."""
    module = types.ModuleType("harbour")
    exec(compile(HARBOUR + more, "harbour.py", "exec"), vars(module))
    return module


def _engine(module):
    registry = Registry()
    for kind, one in (
        ("channel", PngChannel),
        ("extractor", Phase),
        ("carrier", ImageCarrier),
        ("carrier", module.HarbourCarrier),
        ("channel", module.HarbourChannel),
        ("carrier", module.Pictures),
        ("extractor", module.Sums),
    ):
        registry.add(kind, one, "test")
    return Engine(registry, device="cpu")


def _fails(*_, **__):
    raise RuntimeError("ours")


OURS = {
    "the extractor": (Phase, "project", {"carrier": "harbour"}),
    "how it is read": (Phase, "read", {"carrier": "harbour"}),
    "an inherited carrier": (ImageCarrier, "open", {"carrier": "pictures", "cover": PICTURE}),
    "its channel": (PngChannel, "write", {"carrier": "pictures", "cover": PICTURE}),
    "an inherited extractor": (
        Phase,
        "project",
        {"carrier": "image", "cover": PICTURE, "extractor": "sums"},
    ),
}


@pytest.mark.parametrize("what", OURS)
def test_our_own_fault_stays_ours(key, monkeypatch, what):
    """B10: with a third party's part in the plan."""
    owner, method, given = OURS[what]
    engine = _engine(_harbour())
    monkeypatch.setattr(owner, method, _fails)
    with pytest.raises(RuntimeError, match="ours"):
        engine.hide(b"m", key=key, **given)


def test_a_fault_between_the_parts_stays_ours(key, monkeypatch):
    """B10."""
    engine = _engine(_harbour())
    monkeypatch.setattr("stegafield.regions.payload.to_bits", _fails)
    with pytest.raises(RuntimeError, match="ours"):
        engine.hide(b"m", key=key, carrier="harbour")
    with pytest.raises(RuntimeError, match="ours"):
        engine.hide_many([b"m"], key=key, carrier="harbour")


def test_what_the_users_messages_raise_is_the_users(key):
    module = _harbour("\ndef messages():\n    yield b'm'\n    raise RuntimeError('mine')\n")
    with pytest.raises(RuntimeError, match="mine"):
        _engine(module).hide_many(module.messages(), key=key, carrier="harbour")


class Slipping(io.BytesIO):
    """A user's file that fails when it is read."""

    def read(self, *_):
        """Fails."""
        raise RuntimeError("my disk")


class Loaded(np.random.Generator):
    """A user's generator that fails when it is used."""

    def integers(self, *_, **__):
        """Fails."""
        raise RuntimeError("my dice")


def test_a_users_own_file_and_generator_are_the_users(key):
    engine = _engine(_harbour())
    with pytest.raises(RuntimeError, match="my disk"):
        engine.hide(b"m", key=key, carrier="harbour", cover=Slipping())
    with pytest.raises(RuntimeError, match="my dice"):
        engine.hide(b"m", key=key, carrier="harbour", rng=Loaded(np.random.PCG64(1)))
    shut = io.BytesIO(b"harbour")
    shut.close()
    with pytest.raises(ValueError, match="closed file"):
        engine.hide(b"m", key=key, carrier="harbour", cover=shut)


LEAVES = {
    "raise SystemExit(0)": "SystemExit: 0",
    "import sys; sys.exit('bye')": "SystemExit: bye",
    "return self.open(source)": "RecursionError",
    "assert False, 'never'": "AssertionError: never",
    "raise StopIteration": "StopIteration",
}


@pytest.mark.parametrize("code", LEAVES)
def test_what_leaves_a_plugin_is_named(key, code):
    module = _harbour(f"\ndef open_(self, source):\n    {code}\nHarbourCarrier.open = open_\n")
    with pytest.raises(BrokenPlugin, match=rf"harbour.*{LEAVES[code]}.*harbour.py, line"):
        _engine(module).hide(b"m", key=key, carrier="harbour", cover=b"x")


def test_what_a_plugin_does_to_numpys_errors_ends_with_it(key):
    module = _harbour(
        "\ncovers = HarbourCarrier.covers\ndef noisy(self, count, rng):\n"
        "    np.seterr(all='raise')\n    return covers(self, count, rng)\n"
        "HarbourCarrier.covers = noisy\n"
    )
    before = np.geterr()
    _engine(module).hide(b"m", key=key, carrier="harbour")
    assert np.geterr() == before


READS = {
    "raises": ("raise ZeroDivisionError('boom')", "ZeroDivisionError: boom.*harbour.py, line"),
    "refuses": ("raise FormatError('not mine')", r"read\(\) refuses the file.*not mine"),
    "returns a cover": ("return first(self, data)", r"read\(\) returned a Cover"),
    "returns None": ("return None", r"read\(\) returned a NoneType"),
    "yields nothing": ("return iter(())", r"read\(\) yields no cover"),
    "yields codes": ("return iter([next(reads(self, data)).codes])", "returned a ndarray"),
    "forgets": (
        "return iter([next(reads(self, data)).with_codes(next(reads(self, data)).codes * 0)])",
        "other codes than",
    ),
    "leaves": ("raise SystemExit(0)", "SystemExit"),
}


@pytest.mark.parametrize("what", READS)
def test_a_channel_that_does_not_read_its_own_file_is_named_at_once(key, what):
    """D5: not "another cover may work" after four attempts."""
    code, told = READS[what]
    module = _harbour(
        "\nreads = HarbourChannel.read\nfirst = lambda self, data: next(reads(self, data))\n"
        f"def read(self, data):\n    {code}\nHarbourChannel.read = read\n"
    )
    with pytest.raises(BrokenPlugin, match=rf"(?s)harbour.*{told}"):
        _engine(module).hide(b"m", key=key, carrier="harbour")


def test_a_channel_that_nobody_registered_is_named(key):
    """D5: its files could not be read by anyone."""
    module = _harbour()
    registry = Registry()
    registry.add("carrier", module.HarbourCarrier, "test")
    registry.add("extractor", Phase, "test")
    with pytest.raises(BrokenPlugin, match=r"not registered.*register_channels\(\)"):
        Engine(registry, device="cpu").hide(b"m", key=key, carrier="harbour")


def _thief(kind, base):
    return type("Thief", (base,), {"__module__": "thief", "name": base.name}), kind


def _with(*claims):
    registry = Registry()
    discovery.register(registry, builtin, "stegafield")
    for found, kind in claims:
        registry.add(kind, found, "thief")
    return Engine(registry, device="cpu")


def test_only_names_that_are_requested_are_looked_up(key, tmp_path):
    """D3: a plugin that claims `image` stops nobody else."""
    (tmp_path / "hostname").write_text("localhost\n")
    claims = _thief("carrier", ImageCarrier), _thief("channel", PngChannel)
    engine = _with(*claims)
    with pytest.raises(FormatError, match="no installed channel"):
        engine.reveal(tmp_path / "hostname", key=key)
    with pytest.raises(NoMessage):
        engine.reveal(_with().hide(b"m", carrier="era5", size=(19, 36)).data, key=key)
    sound = engine.hide(b"m", carrier="audio", cover=noise(3000).astype(np.int16), key=key)
    assert engine.reveal(sound.data, key=key) == b"m"
    for wish in ({"carrier": "image"}, {"carrier": "celeba"}):
        cover = {"cover": PICTURE} if wish["carrier"] == "image" else {"size": (64, 64)}
        with pytest.raises(DuplicatePlugin, match="stegafield and thief"):
            engine.hide(b"m", key=key, **wish, **cover)


def test_a_contested_format_or_extractor_is_named_where_it_is_needed(key):
    """D3: by the files that need it, and by no others."""
    stego = _with().hide(b"m", carrier="image", cover=PICTURE, key=key).data
    with pytest.raises(DuplicatePlugin, match="channel 'png'"):
        _with(_thief("channel", PngChannel)).reveal(stego, key=key)
    with pytest.raises(DuplicatePlugin, match="extractor 'phase'"):
        _with(_thief("extractor", Phase)).reveal(stego, key=key)
    with pytest.raises(NoMessage):
        _with(_thief("extractor", Phase)).reveal(png(PICTURE), key=key)


def test_memory_that_runs_out_in_a_plugin_is_a_sentence(key):
    """The command line says so, with an exit code; Python gets the MemoryError."""
    from stegafield.cli import program

    module = _harbour("\ndef covers(self, *_): raise MemoryError\nHarbourCarrier.covers = covers\n")
    engine = _engine(module)
    with pytest.raises(MemoryError):
        engine.hide(b"m", key=key, carrier="harbour")
    assert "not enough memory" in program._sentence(MemoryError())
    assert dict(program._EXITS)[MemoryError] == 7
