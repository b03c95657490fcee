"""docs/cli.md lists every argument of `hide`, as its request describes them.

`python -m tests.docs.test_request` makes the table anew.
"""

from tests.docs import made

PAGE, MARK = "cli.md", "request"
OTHERWISE = {
    "message": "`--message`, `--message-file`",
    "key": "`--key-file`, `--passphrase-file`",
    "format": "the suffix of `--out`",
    "rng": "Python alone",
}
"""Arguments whose options have other names: `cli.commands.hide` fills them in by itself."""


def arguments() -> str:
    """The table: argument, option and meaning of each field of `Request`."""
    from stegafield.pipeline.request import Request

    rows = []
    for name, field in Request.model_fields.items():
        option = OTHERWISE.get(name, f"`--{name.replace('_', '-')}`")
        rows.append([f"`{name}`", option, " ".join((field.description or "").split())])
    return made.table(["argument", "option", "meaning"], rows)


def test_the_page_has_every_argument_of_hide():
    assert made.between(PAGE, MARK) == arguments(), "run python -m tests.docs.test_request"


def test_the_command_fills_in_what_the_table_says():
    from stegafield.cli.commands import app

    hide = next(one for one in app.registered_commands if one.callback.__name__ == "hide")
    assert set(hide.callback.asks[1]) == set(OTHERWISE)


if __name__ == "__main__":
    made.rebuild(PAGE, MARK, arguments())
