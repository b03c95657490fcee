"""The engine that users import: the core's, with the discovered registry."""

from ..core.registry import Registry
from ..pipeline.engine import Engine as CoreEngine
from .discovery import registry as discovered


class Engine(CoreEngine):
    """Hides messages in fields and reveals them, with every installed plugin (or with the registry
    it is given)."""

    def __init__(self, registry: Registry | None = None, *, device: str = "auto") -> None:
        super().__init__(discovered() if registry is None else registry, device=device)
