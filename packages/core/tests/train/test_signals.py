"""Signals as requests between steps."""

import signal
import threading

import pytest
from ms_core.train.signals import StopRequested, StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_the_second_ends_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignals() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_at_once_interrupts_the_block() -> None:
    with StopSignals() as stop:
        with pytest.raises(StopRequested), stop.at_once():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(StopRequested), stop.at_once():
            pytest.fail("an earlier request is honoured before the block begins")


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def use() -> None:
        with StopSignals() as stop:
            seen.append((stop.requested, signal.getsignal(signal.SIGTERM) is before))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [(False, True)]
