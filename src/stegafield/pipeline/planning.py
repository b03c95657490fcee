"""A request to a plan: names become parts, options become values."""

from collections.abc import Mapping
from typing import Any

from ..core import options
from ..core.blame import entering
from ..core.carrier import Carrier
from ..core.registry import Registry
from ..errors import ConfigError
from .effort import Effort
from .methods import OPTIMIZE
from .plan import Plan
from .request import CapacityRequest, CoverRequest

DEFAULT_EXTRACTOR = "phase"
DEFAULT_OPTIMIZER = "lbfgs"
"""Where an extractor optimises and no optimizer is named."""
_PARTS = ("carrier", "extractor", "optimizer", "effort")


def make_plan(registry: Registry, device: str, request: CoverRequest) -> Plan:
    """The plan of a request; every mistake that does not depend on a cover surfaces here."""
    how = request
    assert request.carrier is not None  # `with_carrier` has seen to it
    if not isinstance(how, CapacityRequest):  # of `sample`: all else is as by default
        how = CapacityRequest(carrier=request.carrier)
    parts = _parts(request.set)
    _agree(parts["effort"], "method", how.method, "effort")
    carrier_class = registry.get("carrier", request.carrier)
    _choose_cover(request, carrier_class, parts["carrier"])
    extractor = registry.get("extractor", how.extractor or DEFAULT_EXTRACTOR)
    with entering(extractor):
        extractor_options = options.parse(extractor.Options, parts["extractor"], "extractor")
        known = list(options.variants(extractor.Options))
    if extractor_options not in known:
        problem = "these options cannot be named in a file header."
        raise ConfigError("extractor", problem, "Keep their defaults.")
    optimizer, named = None, how.optimizer
    if named is None and OPTIMIZE.alone(extractor, parts["effort"].get("method")):
        named = DEFAULT_OPTIMIZER if DEFAULT_OPTIMIZER in registry.names("optimizer") else None
    if named is not None:
        optimizer_class = registry.get("optimizer", named)
        with entering(optimizer_class):
            chosen = options.parse(optimizer_class.Options, parts["optimizer"], "optimizer")
            optimizer = optimizer_class(chosen, device=device)
    elif parts["optimizer"]:
        problem = "options were given for it, but no name."
        raise ConfigError("optimizer", problem, "Name one: optimizer=...")
    with entering(carrier_class):
        chosen = options.parse(carrier_class.Options, parts["carrier"], "carrier")
        carrier = carrier_class(chosen)
    if how.bpp is not None and carrier.rate_unit != "bpp":
        problem = f"the carrier {carrier.name!r} has no pixels."
        raise ConfigError("bpp", problem, "Give bits per element (bps).")
    effort = options.parse(Effort, parts["effort"], "effort")
    return Plan(
        request,
        carrier,
        extractor,
        extractor_options,
        effort,
        optimizer,
        how.rate,
        how.max_risk,
    )


def _choose_cover(request: CoverRequest, carrier: type[Carrier], given: dict[str, Any]) -> None:
    """Hand size, format and the like to the carrier's options, where it has them."""
    wishes = {"size": request.size, "format": request.format, "as_function": request.as_function}
    wishes["strip_metadata"] = getattr(request, "strip_metadata", False)  # of `hide` alone
    for name, wish in wishes.items():
        if wish is None or wish is False:
            continue
        if name not in carrier.Options.model_fields:
            problem = f"the carrier {carrier.name!r} has none to choose."
            if name == "as_function":
                problem = f"the carrier {carrier.name!r} cannot resample a cover as a function."
            if name == "strip_metadata":
                problem = f"the carrier {carrier.name!r} takes nothing along that could be dropped."
            raise ConfigError(name, problem)
        _agree(given, name, wish, "carrier")


def _agree(given: dict[str, Any], name: str, wish: Any, part: str) -> None:
    """Add a wish to the options of a part; `ConfigError` where they say something else."""
    if wish is None:
        return
    there = given.setdefault(name, wish)
    if options.plain(there) != options.plain(wish):
        problem = f"{wish!r} is requested, and {part}.{name} is {there!r}."
        raise ConfigError(name, problem, "Give one of them.")


def _parts(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{"carrier.variable": "t2m"} as {"carrier": {"variable": "t2m"}, ...}."""
    parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for path, value in settings.items():
        part, dot, option = path.partition(".")
        if part not in parts or not dot:
            known = ", ".join(parts)
            raise ConfigError("set", f"{path!r} is not PART.OPTION.", f"PART is {known}.")
        parts[part][option] = value
    return parts
