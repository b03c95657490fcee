"""Which carrier takes a cover, where none is requested: its bytes tell.

Request without a carrier -> every carrier that opens covers looks -> Request with one
"""

import os
import stat
from typing import Any, TypeVar

from ..core.artefact import Artefact
from ..core.blame import entering, third_party
from ..core.carrier import draws, formats, opens
from ..core.registry import Registry
from ..errors import ConfigError, FormatError, StegafieldError
from .candidates import told
from .request import CoverRequest

RequestT = TypeVar("RequestT", bound=CoverRequest)


def with_carrier(registry: Registry, request: RequestT) -> RequestT:
    """The request with the carrier of its cover, where it names none."""
    if request.carrier is not None:
        return request
    if request.cover is None:
        drawing = [found.name for found in registry.all("carrier") if draws(found)]
        example = "era5" if "era5" in drawing else next(iter(drawing), "NAME")
        hint = f'Name one that draws covers, as in carrier="{example}", or give a cover=...'
        raise ConfigError("carrier", "is missing, and there is no cover to tell it from.", hint)
    carrier, cover = carrier_of(registry, request.cover)
    return request.model_copy(update={"carrier": carrier, "cover": cover})


def carrier_of(registry: Registry, source: Any) -> tuple[str, Any]:
    """The name of the carrier that takes a cover, and the cover, which may be read only once.

    Raises:
        ConfigError: where several would take it, or it has no bytes to tell from.
        FormatError: where none does.
    """
    artefact = Artefact.of(source)
    if artefact is None:
        problem = f"does not follow from a {type(source).__name__}."
        raise ConfigError("carrier", problem, 'Name it, as in carrier="image".')
    data = artefact.data
    for clash, claimants in registry.contested("carrier"):
        if any(opens(one) and identified(one, data) for one in claimants):
            raise clash
    opening = [one for one in registry.all("carrier") if opens(one)]
    found = _ours([one for one in opening if identified(one, data)])
    if not found and artefact.suffix:  # it may be damaged: its carrier says so
        found = _ours([one for one in opening if artefact.suffix.lower() in _suffixes(one)])
    if len(found) > 1:
        problem = f"could be {' or '.join(found)} for this cover."
        raise ConfigError("carrier", problem, f'Choose, as in carrier="{found[0]}".')
    if not found:
        known = ", ".join(one.name for one in opening)
        problem = f"{_called(source)} is no file that a carrier takes as a cover ({known} do)"
        raise FormatError(f"{problem}{told(registry, data)}", artefact.suffix)
    return found[0], source if _lasts(source) else data


def _called(source: Any) -> str:
    """What a source is called in an error."""
    return os.fspath(source) if isinstance(source, str | os.PathLike) else "these bytes"


def _ours(found: list[Any]) -> list[str]:
    """The names of carriers that take a file: of plugins only where none of ours does."""
    return [one.name for one in found if not third_party(one)] or [one.name for one in found]


def identified(carrier: Any, data: bytes) -> str:
    """What a carrier calls the format of a file; "" for another medium's, and where it fails."""
    try:
        with entering(carrier):
            return str(carrier.identify(data) or "")
    except StegafieldError:  # `entering` makes one of whatever a third party's raises
        return ""


def _suffixes(carrier: Any) -> set[str]:
    return {suffix for channel in formats(carrier) for suffix in channel.suffixes}


def _lasts(source: Any) -> bool:
    """Whether a source can be read again: all but pipes and file objects."""
    if isinstance(source, str | os.PathLike):
        return stat.S_ISREG(os.stat(source).st_mode)
    return not hasattr(source, "read")
