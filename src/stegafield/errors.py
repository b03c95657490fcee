"""Every error that stegafield raises on purpose.

Messages say what was given, what was expected and what to do next.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches


class StegafieldError(Exception):
    """The root: `except StegafieldError` catches everything this package raises on purpose."""


class ConfigError(StegafieldError, ValueError):
    """An option has a value that cannot be used.

    `field` names the option (as in ``carrier.variable``), `hint` says what would work.
    """

    def __init__(self, field: str, problem: str, hint: str = "") -> None:
        super().__init__(f"{field}: {problem}" + (f" {hint}" if hint else ""))
        self.field, self.hint = field, hint


class PluginError(StegafieldError):
    """Something is wrong with what is installed, not with what was requested."""


class UnknownPlugin(PluginError, LookupError):
    """No installed plugin has this name.

    Carries `kind`, `name`, the `known` names and the `broken` plugins.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        broken: Mapping[str, Exception],
        note: str = "",
    ) -> None:
        self.kind, self.name = kind, name
        self.known, self.broken = sorted(known), dict(broken)
        close = get_close_matches(name, self.known, n=1)
        parts = [f"there is no {kind} named {name!r}{note}"]
        parts += [f"; did you mean {close[0]!r}?" if close else "."]
        parts += [f" Installed: {', '.join(self.known) or 'none'}."]
        parts += [f" Broken: {plugin} ({cause})." for plugin, cause in self.broken.items()]
        super().__init__("".join(parts))


class DuplicatePlugin(PluginError):
    """Two classes claim one name; neither is used until one of their distributions is removed."""

    def __init__(self, kind: str, name: str, owners: Iterable[str]) -> None:
        self.kind, self.name, self.owners = kind, name, list(owners)
        super().__init__(
            f"two plugins register the {kind} {name!r}: {' and '.join(self.owners)}. "
            "Uninstall one of them, or choose with STEGAFIELD_PLUGINS."
        )


class BrokenPlugin(PluginError):
    """A plugin could not be loaded or breaks its contract.

    `__cause__` holds the original error, if there is one.
    """


class CapacityError(StegafieldError, ValueError):
    """The message does not fit.

    `needed` and `available` are bytes of message: what this one takes, and what fits at the
    requested rate. `most` is what fits at any rate. Negative: not even an empty message.
    """

    def __init__(
        self, needed: int, available: int, hint: str = "", most: int | None = None
    ) -> None:
        self.needed, self.available = needed, available
        self.most = available if most is None else max(most, available)
        wish = f"the message needs {needed} bytes and " if needed > 0 else ""
        holds = str(available) if available >= 0 else "none, not even an empty message"
        if self.most > available:
            holds += f", at this rate, and {self.most} at most"
        super().__init__(f"{wish}this cover holds {holds}" + (f" ({hint})" if hint else ""))


class EmbeddingFailed(StegafieldError):
    """No attempt produced a file that reads back; `report` says what was tried."""

    def __init__(self, problem: str, report: object) -> None:
        super().__init__(problem)
        self.report = report


class FormatError(StegafieldError, ValueError):
    """These bytes are not a file of this medium.

    `suffix` is the suffix of its file names, if one is known. `convert` tells that the problem says
    what the bytes are instead, and how to convert them.
    """

    def __init__(self, problem: str, suffix: str = "", convert: bool = False) -> None:
        super().__init__(problem)
        self.suffix, self.convert = suffix, convert


class NoMessage(StegafieldError):
    """No message was found with this key.

    A wrong key, a damaged file and an innocent file are the same event, on purpose.
    """

    def __init__(self) -> None:
        super().__init__("no message was found with this key")
