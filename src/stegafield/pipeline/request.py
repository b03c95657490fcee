"""The arguments of `hide` and `capacity`, resolved to a plan: every mistake of the caller surfaces here."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from ..core import options
from ..core.blame import blamed
from ..core.carrier import Carrier
from ..core.extractor import Extractor, supports
from ..core.registry import Registry
from ..errors import ConfigError
from .embed import Effort
from .plan import Plan

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "paper": {
        "extractor": "cnn",
        "method": "optimize",
        "optimizer": "paper",
        "set": {"effort.loss": "bce-normal", "effort.finish": False, "effort.least_psnr": 20},
    },
}
"""Named sets of keyword arguments of `hide`; what the caller gives himself wins."""
DEFAULT_OPTIMIZER = "lbfgs"
"""Where an extractor optimises and no optimizer is named."""
PLANNED = (
    *("carrier", "size", "format", "as_function", "bpp", "bps", "extractor", "method"),
    *("optimizer", "preset", "set", "max_risk"),
)
"""The arguments of `hide` that make a plan."""


def make_plan(registry: Registry, device: str, *, preset: str = "default", **given: Any) -> Plan:
    """Resolve names and options, as `hide` takes them; every mistake of the caller surfaces here."""
    if preset not in PRESETS:
        raise ConfigError(
            "preset", f"{preset!r} is unknown.", f"Known: {', '.join(sorted(PRESETS))}."
        )
    if unknown := given.keys() - set(PLANNED):
        raise TypeError(f"unexpected arguments: {', '.join(sorted(unknown))}")
    given = {name: value for name, value in given.items() if value is not None}
    asked: dict[str, Any] = dict.fromkeys(PLANNED) | PRESETS[preset] | given
    parts = _parts({**PRESETS[preset].get("set", {}), **(asked["set"] or {})})
    if asked["method"] is not None:
        parts["effort"]["method"] = asked["method"]
    carrier_class = registry.get("carrier", asked["carrier"])
    for name in ("size", "format", "as_function"):
        if asked[name] is None or asked[name] is False:
            continue
        if name not in carrier_class.Options.model_fields:
            problem = f"the carrier {carrier_class.name!r} has none to choose."
            if name == "as_function":
                problem = f"the carrier {carrier_class.name!r} fits no function to a cover."
            raise ConfigError(name, problem)
        if name == "format" and parts["carrier"].get(name, asked[name]) != asked[name]:
            problem = f"{asked[name]} is asked for, and carrier.format={parts['carrier'][name]}."
            raise ConfigError(name, problem, "Give one of them.")
        parts["carrier"][name] = asked[name]
    extractor = registry.get("extractor", asked["extractor"] or "phase")
    extractor_options = options.parse(extractor.Options, parts["extractor"], "extractor")
    if extractor_options not in list(options.variants(extractor.Options)):
        raise ConfigError(
            "extractor", "these options cannot be named in a file header.", "Keep their defaults."
        )
    optimizer, named = None, asked["optimizer"]
    if named is None and _only_optimizes(extractor, parts["effort"].get("method")):
        named = DEFAULT_OPTIMIZER if DEFAULT_OPTIMIZER in registry.names("optimizer") else None
    if named is not None:
        optimizer_class = registry.get("optimizer", named)
        chosen = options.parse(optimizer_class.Options, parts["optimizer"], "optimizer")
        with blamed(optimizer_class):
            optimizer = optimizer_class(chosen, device=device)
    elif parts["optimizer"]:
        raise ConfigError(
            "optimizer", "options were given for it, but no name.", "Use --optimizer NAME."
        )
    chosen = options.parse(carrier_class.Options, parts["carrier"], "carrier")
    with blamed(carrier_class):
        carrier = carrier_class(chosen)
    return Plan(
        carrier,
        extractor,
        extractor_options,
        options.parse(Effort, parts["effort"], "effort"),
        optimizer,
        _rate(carrier_class, asked["bpp"], asked["bps"]),
        _risk(asked["max_risk"]),
    )


def _only_optimizes(extractor: type[Extractor], method: Any) -> bool:
    """Whether an extractor embeds by optimising, because that was asked for or because it can do nothing else."""
    others = supports(extractor, "project") or supports(extractor, "draw")
    return supports(extractor, "objective") and (method == "optimize" or not others)


def _rate(carrier: type[Carrier], bpp: Any, bps: Any) -> tuple[str, float] | None:
    """The unit and number of the rate that was asked for."""
    if bpp is not None and bps is not None:
        raise ConfigError("bpp", f"{bpp} and bps {bps} exclude each other.", "Give one of them.")
    if bpp is not None and carrier.rate_unit != "bpp":
        hint = "Give bits per sample (bps)."
        raise ConfigError("bpp", f"the carrier {carrier.name!r} has no pixels.", hint)
    for unit, rate in (("bpp", bpp), ("bps", bps)):
        if rate is not None:
            if isinstance(rate, bool) or not isinstance(rate, Real):
                raise ConfigError(unit, f"{rate!r} is not a number.")
            return unit, float(rate)
    return None


def _risk(asked: Any) -> float | None:
    """The least P_E that was asked for."""
    if asked is None:
        return None
    if isinstance(asked, bool) or not isinstance(asked, Real) or not 0 <= float(asked) <= 0.5:
        hint = "0.5 is a warden who guesses, 0 one who is always right."
        raise ConfigError("max_risk", f"{asked!r} is not a P_E from 0 to 0.5.", hint)
    return float(asked)


def _parts(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{"carrier.variable": "t2m"} as {"carrier": {"variable": "t2m"}, ...}."""
    parts: dict[str, dict[str, Any]] = {
        p: {} for p in ("carrier", "extractor", "optimizer", "effort")
    }
    for path, value in settings.items():
        part, dot, option = path.partition(".")
        if part not in parts or not dot:
            raise ConfigError(
                "set", f"{path!r} is not PART.OPTION.", f"PART is {', '.join(parts)}."
            )
        parts[part][option] = value
    return parts
