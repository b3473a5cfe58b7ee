"""Rules about the project as a whole that no linter knows."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MODULES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__") for path in SOURCES
)
# These need torch, or more, which no test installs but those of vLLM: `tests/watermark/test_processors.py`.
ELSEWHERE = {"forebay.watermark.tensors", "forebay.watermark.transformers", "forebay.watermark.vllm"}
# And these Ray, which is in `.venv-ray` alone: `tests/rayserve/test_cluster.py`.
ELSEWHERE |= {
    f"forebay.rayserve.{each}" for each in ("bridge", "cluster", "deployments", "engine", "gateway", "router")
}
ELSEWHERE |= {"forebay.cli.deploy.onto_ray"}
IMPORT_SECONDS = 0.3

# Put together here, so that this file does not contain what it forbids.
INDEX_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "debian" + ".org")
FORBIDDEN = re.compile(
    "|".join([*(re.escape(host) for host in INDEX_HOSTS), r"(?<![\w./~-])/(?:root|work|home/\w+|Users/\w+)(?![\w-])"])
)

TIME_IMPORT = """
import json, sys, time
start = time.perf_counter()
import forebay
print(json.dumps([time.perf_counter() - start, sorted(sys.modules)]))
"""

# Reports what a module of ours does while it is imported. What a library does at its own import is not ours:
# the nearest module body on the stack tells whose it is.
WATCH_IMPORT = """
import importlib, json, os, sys

root, modules = sys.argv[1], sys.argv[2:]
seen = []
WORK = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.mkdir", "os.remove",
        "os.rename", "os.putenv", "shutil.", "tempfile.", "urllib.", "sqlite3.connect", "_thread.start_new_thread")

def is_work(event, args):
    if event == "open":
        return not str(args[0]).endswith((".py", ".pyc", ".so"))
    return event.startswith(WORK)

def watch(event, args):
    if not is_work(event, args):
        return
    frame = sys._getframe(1)
    while frame and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    if frame and frame.f_code.co_filename.startswith(root):
        seen.append(f"{frame.f_code.co_filename}:{frame.f_lineno}: {event} {args[:2]}")

sys.dont_write_bytecode = True  # that is Python's work, not the module's
sys.addaudithook(watch)
for module in modules:
    try:
        importlib.import_module(module)
    except (ImportError, SyntaxError) as error:
        seen.append(f"{module} cannot be imported: {error}")
print(json.dumps(seen))
"""


def python(code: str, *arguments: str) -> str:
    """What ``code`` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-", *arguments], check=False, input=code, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked_texts() -> list[tuple[str, str]]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split("\0")
    texts = []
    for name in filter(None, names):
        path = ROOT / name
        data = path.read_bytes() if path.is_file() else b""
        if b"\0" not in data:
            texts.append((name, data.decode(errors="replace")))
    return texts


@pytest.mark.parametrize("text", ["https://" + INDEX_HOSTS[0], "cd /" + "work/main", "(/" + "root)", "/home/" + "me/x"])
def test_the_rule_about_machines_bites(text: str) -> None:
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("text", ["framework", "GET /workers", "docs/work/x", "https://example.com/work", "./root/x"])
def test_the_rule_about_machines_bites_nothing_else(text: str) -> None:
    assert not FORBIDDEN.search(text)


@pytest.mark.needs("git")
def test_no_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert not found, "\n".join(found)


def test_importing_forebay_is_quick_and_brings_nothing_heavy() -> None:
    runs = [json.loads(python(TIME_IMPORT)) for _ in range(3)]
    assert min(seconds for seconds, _ in runs) < IMPORT_SECONDS
    heavy = {"torch", "openvino", "openvino_genai", "openvino_tokenizers", "uvicorn", "numpy"}
    assert not heavy & set(runs[0][1])


def test_the_watch_over_imports_sees_work(tmp_path: Path) -> None:
    (tmp_path / "eager.py").write_text("import socket\nopen(__file__ + '.txt', 'w').close()\nsocket.socket().close()\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{WATCH_IMPORT}"
    seen = json.loads(python(code, str(tmp_path), "eager"))
    assert [re.sub(r".*:(\d+): (\S+) .*", r"\1 \2", line) for line in seen] == ["2 open", "3 socket.__new__"]


def test_no_module_works_at_import() -> None:
    seen = json.loads(python(WATCH_IMPORT, str(ROOT / "src"), *(each for each in MODULES if each not in ELSEWHERE)))
    assert not seen, "\n".join(seen)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    first = docstring.split("\n\n")[0]
    assert len(first.split()) >= 3, "the module needs a docstring of at least one sentence"
    assert first.rstrip().endswith((".", ":", "?")), f"not a sentence: {first!r}"


def locked(name: str) -> dict[str, list[Version]]:
    """Every version that a lock file has of each package; which of them counts depends on the machine."""
    versions: dict[str, list[Version]] = {}
    text = (ROOT / "requirements" / name).read_text()
    for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE):
        versions.setdefault(package.lower().replace("_", "-"), []).append(Version(version))
    return versions


def wanted(group: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    serve = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["engine"]
    return [Requirement(line) for line in serve + (project["dependency-groups"]["dev"] if group == "dev" else [])]


def test_no_vllm_loads_the_watermark_unasked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [group for group in project["entry-points"] if group.startswith("vllm.")], "see docs/watermark.md"


@pytest.mark.parametrize("group", ["serve", "dev"])
def test_the_lock_files_hold_what_the_project_asks_for(group: str) -> None:
    versions = locked(f"{group}.txt")
    stale = [
        str(requirement)
        for requirement in wanted(group)
        if not any(version in requirement.specifier for version in versions.get(requirement.name.lower(), []))
    ]
    assert not stale, f"run make lock: {stale}"


def test_both_lock_files_agree() -> None:
    dev = locked("dev.txt")
    assert {name: dev.get(name) for name in locked("serve.txt")} == locked("serve.txt")
