"""How commands end: right, refused in one sentence, or interrupted in one line."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from hw.command.faults import Fault
from hw.command.kinds import whole
from hw.command.parser import Parser
from hw.command.run import run
from tests.commands import ROOT, alive, descendants, start, wait_for


def command(work, argv=(), extra=""):
    parser = Parser("python -m x.y", "", extra=extra)
    parser.option("--n", kind=whole(1, 9), default=1, help="n")
    run(parser, work, argv)


def failing(error):
    def work(arguments):
        raise error
    return work


def missing(arguments):
    import no_such_package  # noqa: F401


@pytest.mark.parametrize(("work", "message"), [
    (failing(ValueError("n must be 1, not 2\nmore")), "n must be 1, not 2"),
    (failing(Fault("CXX must name a compiler, not 'c'\nlog")), "CXX must name a compiler, not 'c'"),
    (failing(PermissionError(13, "Permission denied", "a/b")),
     "files must be readable and writable, not fail at 'a/b' (Permission denied)"),
    (failing(OSError(28, "No space left on device")), (
        "standard output and files must take what is written, not fail "
        "(No space left on device)")),
    (failing(TimeoutError("results must come within 9 cycles")),
     "results must come within 9 cycles"),
    (failing(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")),
     ("text must be UTF-8, not other bytes ('utf-8' codec can't decode byte 0xff in position 0: "
      "invalid start byte)")),
    (failing(FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")),
     (f"TMPDIR must be a directory that can be written, not {os.environ.get('TMPDIR', '')!r} "
      "(No usable temporary directory found in ['/tmp'])")),
    (failing(BrokenProcessPool("A process in the process pool was terminated abruptly")),
     "workers must run to their end, not be killed, as for lack of memory"),
    (failing(MemoryError()),
     "memory must hold what is asked for, not run out: ask for less at a time"),
    (missing, "no_such_package must be installed, not missing: pip install 'nmforge[sim,model]'"),
    (failing(ModuleNotFoundError("datasets must be installed for it", name="datasets")),
     "datasets must be installed for it"),
])
def test_faults_are_one_sentence(work, message, capsys):
    with pytest.raises(SystemExit) as caught:
        command(work, extra="sim,model")
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "usage: python -m x.y [options]", f"python -m x.y: error: {message}"]


def hidden(arguments):
    """As transformers does, which imports on first use."""
    try:
        missing(arguments)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Could not import module 'BertModel'.") from error


def test_a_missing_package_is_named_where_a_library_hides_it(capsys):
    with pytest.raises(SystemExit):
        command(hidden, extra="model")
    assert capsys.readouterr().err.splitlines()[-1] == (
        "python -m x.y: error: no_such_package must be installed, not missing: "
        "pip install 'nmforge[model]'")


def test_defects_of_the_program_keep_their_traceback():
    with pytest.raises(AssertionError, match=r"^a defect$"):
        command(failing(AssertionError("a defect")))
    with pytest.raises(ModuleNotFoundError, match=r"hw\.nothing"):
        command(failing(ModuleNotFoundError("No module named 'hw.nothing'", name="hw.nothing")))


@pytest.mark.parametrize(("code", "ended"), [(None, None), (0, 0), (1, 1)])
def test_the_code_of_the_work_is_that_of_the_command(code, ended):
    if ended is None:
        assert command(lambda arguments: code) is None
        return
    with pytest.raises(SystemExit) as caught:
        command(lambda arguments: code)
    assert caught.value.code == ended


@pytest.mark.parametrize(("name", "code", "word"), [
    ("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated"), ("SIGHUP", 129, "hung up")])
def test_signals_are_one_line_and_handlers_are_put_back(name, code, word, capsys):
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as caught:
            command(lambda arguments: signal.raise_signal(number))
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert caught.value.code == code
    assert capsys.readouterr().err == f"python -m x.y: {word}\n"


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        command(lambda arguments: signal.raise_signal(signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)


WORK = '''
import atexit, gc, hashlib, pathlib, subprocess, sys, threading, time
from amaranth.hdl import Fragment, Module
sys.path.insert(0, {root!r})
from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import temporary
from hw.command.interrupts import unfinished
from hw.command.parser import Parser
from hw.command.run import run


def sleep():
    try:
        call(["sh", "-c", "sleep 600; true"])
    except Fault:
        pass  # the signal came before the call knew what it had started


def work(arguments):
    sys.stdout.flush()
    with unfinished(pathlib.Path("partial")) as partial, temporary(pathlib.Path(".")) as folder:
        partial.mkdir()
        (partial / "file").write_text("half")
        threads = [threading.Thread(target=sleep) for _ in range(2)]
        for thread in threads:
            thread.start()
        pathlib.Path("ready").write_text("")
        {wait}


if __name__ == "__main__":
    run(Parser("python -m work", ""), work)
'''

WAITS = {
    "python": "time.sleep(600)",
    "threads": "[thread.join() for thread in threads]",
    # Half of a design, which warns when it is dropped, as garbage at some time before the end.
    "hardware": "[atexit.register(gc.collect), Fragment.get(Module(), None), Module(), "
                "time.sleep(600)]",
    # Started by a library, or not yet known when the signal came.
    "stray": "[subprocess.Popen(['sleep', '600']), time.sleep(600)]",
    # A long call into a library, which never looks whether there was a signal.
    "library": "hashlib.pbkdf2_hmac('sha256', b'', b'', 10 ** 9)",
}


@pytest.mark.parametrize(("wait", "number"), [
    ("python", signal.SIGINT), ("python", signal.SIGTERM), ("threads", signal.SIGINT),
    ("hardware", signal.SIGTERM), ("stray", signal.SIGINT), ("library", signal.SIGINT),
    ("library", signal.SIGTERM)])
def test_interrupted_soon_with_one_line_and_nothing_left(tmp_path, wait, number):
    (tmp_path / "work.py").write_text(WORK.format(root=str(ROOT), wait=WAITS[wait]))
    process = start(["work"], cwd=tmp_path)
    try:
        wait_for((tmp_path / "ready").exists)
        shells = 4  # two of them, and what they run
        wait_for(lambda: len(descendants(process.pid)) >= shells + (wait == "stray"))
        children = descendants(process.pid)
        begin = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert time.monotonic() - begin < 8, "a second or two, and more on a busy machine"
    word = "interrupted" if number == signal.SIGINT else "terminated"
    said = [line for line in err.splitlines() if line]
    assert (process.returncode, out, said) == (128 + number, "", [f"python -m work: {word}"])
    wait_for(lambda: not any(map(alive, children)), 10)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "ready", "work.py"]


SLOW = """
import pathlib, time
pathlib.Path("ready").write_text("")
time.sleep(600)
"""


@pytest.mark.parametrize(("name", "word"), [
    ("SIGINT", "interrupted"), ("SIGTERM", "terminated"), ("SIGHUP", "hung up")])
def test_signals_while_modules_are_imported_are_one_line(tmp_path, name, word):
    (tmp_path / "argparse.py").write_text(SLOW)  # in the place of what the parser imports
    number = getattr(signal, name)
    process = start(["hw.header"], cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    try:
        wait_for((tmp_path / "ready").exists)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (128 + number, "", f"python -m hw.header: {word}\n")


WORKER = """
import hashlib, sys
sys.path.insert(0, {root!r})
from hw.command.children import as_worker
as_worker()
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 10 ** 9)
"""


def test_a_worker_ends_in_the_middle_of_a_long_call():
    process = subprocess.Popen([sys.executable, "-c", WORKER.format(root=str(ROOT))], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        process.terminate()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (143, "", "")


PRINT = '''
import sys
sys.path.insert(0, {root!r})
from hw.command.parser import Parser
from hw.command.run import run

if __name__ == "__main__":
    run(Parser("python -m work", ""), lambda arguments: print("x" * {count}))
'''


@pytest.mark.parametrize("count", [1, 100_000])
@pytest.mark.parametrize(("kind", "reason"), [
    ("full", "No space left on device"), ("pipe", "Broken pipe"), ("help", "Broken pipe")])
def test_output_that_goes_nowhere_is_one_sentence(tmp_path, kind, reason, count):
    (tmp_path / "work.py").write_text(PRINT.format(root=str(ROOT), count=count))
    words = [sys.executable, "-m", "work", *["--help"] * (kind == "help")]
    if kind == "full":
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, output = os.pipe()
        os.close(reading)
    done = subprocess.run(words, cwd=tmp_path, stdout=output, stderr=subprocess.PIPE, text=True,
                          check=False)
    os.close(output)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "python -m work: error: standard output and files must take what is written, not fail "
        f"({reason})")
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_a_closed_output_is_refused_and_a_closed_error_is_not(tmp_path, closed):
    (tmp_path / "work.py").write_text(PRINT.format(root=str(ROOT), count=1))
    words = " ".join(f"{number}>&-" if number else "0<&-" for number in closed)
    done = subprocess.run(f"exec {sys.executable} -m work {words}", shell=True, cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    if 1 in closed:
        last = "python -m work: error: standard output must be open, not closed"
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1:] == ([] if 2 in closed else [last])
    else:
        assert (done.returncode, done.stdout, done.stderr) == (0, "x\n", "")
