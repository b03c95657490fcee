"""One pool of threads: order, errors, nesting, forks."""

import os
import threading
import time

import pytest

from stegafield.core import parallel


def test_results_are_in_order_and_on_several_threads(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)

    def work(number):
        time.sleep(0.002 * (5 - number % 5))
        return number, threading.current_thread().name

    found = parallel.each(work, range(40))
    assert [number for number, _ in found] == list(range(40))
    assert all(name.startswith("stegafield") for _, name in found)


def test_the_first_error_is_raised_once_nothing_is_under_way(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    running = []

    def work(number):
        running.append(number)
        time.sleep(0.01)
        running.remove(number)
        if number in (3, 5):
            raise KeyError(number)

    with pytest.raises(KeyError, match="3"):
        parallel.each(work, range(30))
    assert running == []


def test_work_within_work_does_not_wait_for_itself(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)

    def outer(number):
        return sum(parallel.each(lambda x: x + number, range(5)))

    assert parallel.each(outer, range(8)) == [10 + 5 * number for number in range(8)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_pool_of_its_own(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    assert parallel.each(abs, [-1, -2]) == [1, 2]
    child = os.fork()
    if child == 0:
        os._exit(0 if parallel.each(abs, [-3, -4]) == [3, 4] else 1)
    for _ in range(200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    assert done and os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_cores_are_those_of_the_process():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert parallel.cores() == 1
    finally:
        os.sched_setaffinity(0, before)
