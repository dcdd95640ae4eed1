"""Limits of children in seconds of a processor."""

import signal
import sys

from hw.command.children import call


def test_a_child_that_has_had_its_time_of_a_processor_is_ended():
    done = call([sys.executable, "-c", "print(1, flush=True)\nwhile True: pass"], processor=1,
                timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGXCPU, "1\n")


def test_one_that_waits_is_not():
    words = ["a b", "$0", "*"]
    done = call([sys.executable, "-c", "import sys, time; time.sleep(1.3); print(sys.argv[1:])",
                 *words], processor=1, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{words}\n")
