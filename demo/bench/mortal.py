"""`vlm serve` whose engine can be killed, for the bench: SIGUSR1 throws an exception into its thread.

python -m demo.bench.mortal MODEL

It strikes wherever the thread is then, as no fault of the program could be placed.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading

from demo.serving.options import Settings
from demo.serving.run import serve
from vlm.assistant import load


def kill_engine(*_: object) -> None:
    for thread in threading.enumerate():
        if thread.name == "engine" and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


def main() -> int:
    signal.signal(signal.SIGUSR1, kill_engine)
    return serve(lambda: load(sys.argv[1]), Settings(port=0))


if __name__ == "__main__":
    sys.exit(main())
