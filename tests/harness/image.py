"""The steps of a Dockerfile, carried out without a container engine: each stage in a root folder of its own.

A command sees only that folder (chroot, in a mount namespace that goes with it): `/usr` of the base read-only,
a copy of its `/etc`, and what the Dockerfile's own steps have made. It takes root and `unshare`. What an engine
adds is not shown by it: layers, the official base image, a network namespace.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

STEP_S = 900.0
_FOLDERS = ("usr", "etc", "tmp", "proc", "dev", "opt", "root", "run", "var")
_LINKED = ("bin", "sbin", "lib", "lib64")
_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf")


@dataclass(frozen=True)
class Instruction:
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of the JSON form, or split as a shell would."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


def read_dockerfile(path: Path) -> list[Instruction]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        Instruction(name.upper(), text.strip())
        for name, _, text in (line.partition(" ") for line in joined.splitlines() if line.strip())
    ]


def stages_of(instructions: list[Instruction]) -> list[list[Instruction]]:
    """From each `FROM` to the next; what comes before the first (`ARG`) is left out."""
    begins = [number for number, one in enumerate(instructions) if one.name == "FROM"]
    return [instructions[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]


def is_in_context(path: str, ignore: list[str]) -> bool:
    """Does `.dockerignore` leave this file in? The last line that matches it or a folder above it decides."""
    places = [path[: match.start()] for match in re.finditer("/", path)] + [path]
    is_in = True
    for line in ignore:
        pattern = line.removeprefix("!")
        if any(_matches(place, pattern) for place in places):
            is_in = line.startswith("!")
    return is_in


def _matches(place: str, pattern: str) -> bool:
    written = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
    return re.fullmatch(written, place) is not None


def read_ignore(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@dataclass
class Stage:
    """`base`: a folder with a Debian; `python`: an installation of Python, which is found at its own place.

    `borrowed`: folders of this machine that commands may read (certificates, a package registry in a folder).
    """

    root: Path
    base: Path = Path("/")
    python: Path | None = None
    borrowed: tuple[Path, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in _FOLDERS:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in _LINKED:
            if (self.base / name).exists():
                (self.root / name).symlink_to(f"usr/{name}")
        shutil.rmtree(self.root / "etc")
        shutil.copytree(self.base / "etc", self.root / "etc", symlinks=True)
        for name in _NETWORK:
            if Path("/etc", name).exists():
                (self.root / "etc" / name).unlink(missing_ok=True)
                shutil.copy(Path("/etc", name), self.root / "etc" / name)
        (self.root / "tmp").chmod(0o1777)

    @property
    def path(self) -> str:
        """Where programs are, as long as the Dockerfile says nothing else."""
        own = [f"{self.python}/bin"] if self.python else []
        return ":".join([*own, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"])

    def run(self, words: list[str], more: dict[str, str] | None = None, *, is_read_only: bool = False) -> str:
        """As a build step or in the finished container. Raises: `RuntimeError` with what it printed."""
        command = self.enclose(words, more, is_read_only=is_read_only)
        done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_S)
        if done.returncode:
            raise RuntimeError(f"{words}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def enclose(self, words: list[str], more: dict[str, str] | None = None, *, is_read_only: bool = False) -> list[str]:
        """The command that runs `words` in this root; `is_read_only` leaves only the volumes and /tmp to write."""
        root = shlex.quote(str(self.root))
        mounts = [
            f"mount --bind {root} {root}",
            f"mount --rbind /proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            *(f"mount --bind {shlex.quote(str(source))} {root}{target}" for source, target in self._read_only()),
            *(f"mount -o remount,bind,ro {root}{target}" for _, target in self._read_only()),
        ]
        if is_read_only:
            mounts += [f"mount --bind {root}{volume} {root}{volume}" for volume in self.volumes]
            mounts += [f"mount -t tmpfs tmpfs {root}/tmp", f"mount -o remount,bind,ro {root}"]
        variables = (
            {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"} | self.environment | (more or {})
        )
        inner = ["chroot", f"--userspec={self.user}", str(self.root), "/usr/bin/env", "-i", f"--chdir={self.workdir}"]
        inner += [f"{name}={value}" for name, value in variables.items()]
        script = " && ".join([*mounts, f"exec {shlex.join([*inner, *words])}"])
        return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script]

    def _read_only(self) -> list[tuple[Path, str]]:
        found = [(self.base / "usr", "/usr")]
        if self.python is not None:
            (self.root / str(self.python)[1:]).mkdir(parents=True, exist_ok=True)
            found.append((self.python, str(self.python)))
        for folder in self.borrowed:
            (self.root / str(folder)[1:]).mkdir(parents=True, exist_ok=True)
            found.append((folder, str(folder)))
        return found


class ImageBuild:
    """`build()` gives the last stage, as a container of it would find it."""

    def __init__(self, context: Path, folder: Path, build_environment: dict[str, str] | None = None) -> None:
        self.context = context
        self.folder = folder
        self._ignore = read_ignore(context / ".dockerignore")
        self._build_environment = build_environment or {}
        self._stages: dict[str, Stage] = {}

    def build(self, **base: object) -> Stage:
        """`base`: `base`, `python` and `borrowed` of every `Stage`."""
        stage = None
        for number, instructions in enumerate(stages_of(read_dockerfile(self.context / "Dockerfile"))):
            stage = Stage(self.folder / f"stage-{number}", **base)  # type: ignore[arg-type]  # named by the caller
            begin = instructions[0].words
            self._stages[begin[2] if len(begin) == 3 else str(number)] = stage
            for instruction in instructions[1:]:
                self._carry_out(stage, instruction)
        assert stage is not None, "a Dockerfile without FROM"
        return stage

    def _carry_out(self, stage: Stage, instruction: Instruction) -> None:
        match instruction.name:
            case "RUN":
                stage.run(["/bin/sh", "-c", instruction.text], self._build_environment)
            case "COPY":
                self._copy(stage, instruction.words)
            case "ENV":
                for assignment in instruction.words:
                    name, _, value = assignment.partition("=")
                    stage.environment[name] = value.replace("$PATH", stage.path)
            case "WORKDIR":
                stage.workdir = instruction.text
                (stage.root / instruction.text[1:]).mkdir(parents=True, exist_ok=True)
            case "USER":
                stage.user = instruction.text
            case "VOLUME":
                stage.volumes += instruction.words
            case "ENTRYPOINT" | "CMD":
                stage.command += instruction.words
            case "HEALTHCHECK":
                stage.health = Instruction("CMD", instruction.text.partition(" CMD ")[2].strip()).words
            case "LABEL" | "STOPSIGNAL":
                pass
            case other:
                raise NotImplementedError(f"{other} is not carried out here")

    def _copy(self, stage: Stage, words: list[str]) -> None:
        options = dict(word[2:].split("=") for word in words if word.startswith("--"))
        *sources, target = [word for word in words if not word.startswith("--")]
        origin = self._stages[options["from"]].root if "from" in options else self.context
        place = stage.root / os.path.join(stage.workdir, target)[1:]
        for source in sources:
            found = origin / source.lstrip("/")
            is_folder = found.is_dir() or target.endswith(("/", "./"))
            to = place / found.name if found.is_file() and is_folder else place
            to.parent.mkdir(parents=True, exist_ok=True)
            self._copy_one(found, to, is_context="from" not in options)
            if "chmod" in options:
                to.chmod(int(options["chmod"], 8))

    def _copy_one(self, source: Path, target: Path, *, is_context: bool) -> None:
        if source.is_file():
            if is_context and not is_in_context(source.relative_to(self.context).as_posix(), self._ignore):
                raise FileNotFoundError(f".dockerignore leaves {source.name} out")
            shutil.copy2(source, target)
            return

        def left_out(folder: str, names: list[str]) -> list[str]:
            places = {name: (Path(folder) / name).relative_to(self.context).as_posix() for name in names}
            return [name for name, place in places.items() if not is_in_context(place, self._ignore)]

        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=left_out if is_context else None)
