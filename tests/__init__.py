"""Tests of stegafield. `check` checks types while they run; `--jaxtyping-packages` names it.

It needs a name: where a type checker is written there with options, jaxtyping takes one package.
"""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
