"""Damaged files at every verb: `make fuzz`, or `python -m tests.fuzz --help`.

    seed of a case -> a good file, mutated where its format has fields -> a verb in a forked child
                   -> exit code, processor seconds, memory

A case is its number alone, so `python -m tests.fuzz --case 1234` repeats one. What may come of one:
a result or a sentence. A traceback, an exit code that is not of the list in docs/cli.md, a crash of
a C library, more than 20 seconds of processor time, or more memory than `target.memory` allows is a
fault.
"""
