"""How bits get into a cover: drawn with it, by the nearest codes, or by an optimizer.

Each method is one object; nothing else asks for a method's name.
"""

from ...core.cover import Cover
from ...core.extractor import Extractor
from ...errors import ConfigError
from ..effort import MethodName
from .method import Method
from .optimize import Optimize
from .project import Project
from .sample import Sample

OPTIMIZE = Optimize()
METHODS: tuple[Method, ...] = (Sample(), Project(), OPTIMIZE)
"""In the order in which they are preferred."""


def choose(cover: Cover, extractor: type[Extractor], requested: MethodName | None) -> Method:
    """The requested method, or the first possible one; `ConfigError` where it is impossible."""
    possible = [method for method in METHODS if method.possible(cover, extractor)]
    for method in possible:
        if requested in (None, method.name):
            return method
    problem = f"the extractor {extractor.name!r} cannot {requested or 'embed'} in this cover."
    names = ", ".join(method.name for method in possible) or "none"
    raise ConfigError("method", problem, f"Possible here: {names}.")
