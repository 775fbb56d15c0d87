"""Where `make bench-peers` puts the peers, and why one of them cannot be run.

`python -m bench.peers.installed` installs them: npm packages by bench/peers/node/package-lock.json,
each Python peer into an environment of its own by its file of pinned hashes. One that cannot be
installed is named, and the others go on.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PLACE = Path("build").absolute() / "peers"
OWN = Path(__file__).parent.absolute()
NODE = PLACE / "node"
PYTHON_PEERS = ("dlt", "singer-tap", "singer-target", "spyne")


def missing(*names: str) -> str:
    """Why not all of these peers can be run; nothing where they can."""
    for name in names:
        if name == "node" and shutil.which("node") is None:
            return "node is not on this machine"
        if not (PLACE / name / ".installed").exists():
            why = PLACE / name / ".failed"
            told = why.read_text("utf-8").strip() if why.exists() else "run make bench-peers"
            return f"{name} is not installed: {told}"
    return ""


def binary(peer: str, name: str) -> str:
    """A program out of a Python peer's environment."""
    return str(PLACE / peer / "bin" / name)


def environment(**more: str) -> dict[str, str]:
    """The environment of a peer: nothing of the hub's, and nobody is rung up."""
    own = {n: told for n, told in os.environ.items() if not n.startswith(("HUB_", "PYTHON"))}
    return own | {"NODE_ENV": "production", "NO_UPDATE_NOTIFIER": "1"} | more


def _install(name: str, commands: list[list[str]]) -> bool:
    place = PLACE / name
    place.mkdir(parents=True, exist_ok=True)
    for mark in (".installed", ".failed"):
        (place / mark).unlink(missing_ok=True)
    for command in commands:
        try:
            subprocess.run(command, check=True, cwd=place, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            why = f"{Path(command[0]).name}: {error}".replace(str(PLACE), "build/peers")
            (place / ".failed").write_text(why, "utf-8")
            print(f"{name}: not installed: {why}")
            return False
    (place / ".installed").touch()
    print(f"{name}: installed")
    return True


def main() -> None:
    """Install all of them; exit 1 where one could not be."""
    NODE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(OWN / "node" / name, NODE / name)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = [_install("node", [npm])]
    for name in PYTHON_PEERS:
        pins = str(OWN / f"{name}.txt")
        python = str(PLACE / name / "bin" / "python")
        pip = [python, "-m", "pip", "install", "-qq", "--require-hashes", "-r", pins]
        done.append(_install(name, [[sys.executable, "-m", "venv", "--clear", "."], pip]))
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
