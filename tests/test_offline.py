"""Ask, end to end, in a process whose sockets cannot leave this machine: nothing even tries."""

import json
import os
import subprocess
import sys

PROGRAM = """
import json, socket, sys
tried = []
connect, look_up = socket.socket.connect, socket.getaddrinfo
def watched(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        tried.append(str(address))
        raise OSError("refused")
    return connect(self, address)
def watched_look_up(host, *rest, **options):
    if host not in (None, "127.0.0.1", "::1", "localhost"):
        tried.append(str(host))
        raise OSError("refused")
    return look_up(host, *rest, **options)
socket.socket.connect, socket.getaddrinfo = watched, watched_look_up

from coach.coach import Coach, ingest_library
from coach.settings import load_settings
settings = load_settings(backend=sys.argv[1])
ingest_library(settings)
import chromadb, streamlit, langchain_core, openvino
coach = Coach.load(settings)
reply = coach.answer("How many interview rounds are typical?").result()
print(json.dumps({"text": reply.text, "mode": reply.mode, "tried": tried}))
"""


def test_nothing_tries_to_leave_the_machine(library, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "none"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COACH_HOME": str(library), "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["tried"] == []
    assert "5-7 rounds" in result["text"]


def test_usage_reports_of_the_vendors_are_off():
    import coach  # noqa: F401  (importing it sets the switches)

    assert os.environ["ANONYMIZED_TELEMETRY"] == "False"
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    from coach.backends.openvino import _openvino

    _openvino()
    assert sys.modules["openvino_telemetry"] is None
    import tomllib
    from pathlib import Path

    config = tomllib.loads(
        (Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    )
    assert config["browser"]["gatherUsageStats"] is False
