"""The side of a server in Python that faces the benchmark: see bench/words.ts for what is said."""

import asyncio
import json
import os
import sys
import time


def plan():
    return json.loads(sys.argv[1])


def say(**reply):
    print(json.dumps(reply, separators=(",", ":")), flush=True)


def stand(port, version):
    """Says where the server is, and answers orders until there are no more."""
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), obey)
    say(type="ready", port=port, version=version)


def obey():
    lines = os.read(sys.stdin.fileno(), 65536).decode().splitlines()
    if not lines:
        os._exit(0)
    for line in lines:
        order = json.loads(line)["type"]
        if order == "mark":
            say(type="mark", atSeconds=time.monotonic(), cpuSeconds=time.process_time(), done=0)
        if order == "weigh":
            say(type="weight", heapBytes=0, rssBytes=resident_bytes())


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
