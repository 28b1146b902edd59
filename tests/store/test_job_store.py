"""The job store: states, owners, migrations, and files that cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser._core.errors import JobNotFoundError, JobStoreError
from chatgpt_browser._store import owner
from chatgpt_browser._store.job_record import question_hash
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser._store.schema import MIGRATIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORIGIN = "https://chat.example"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store in a folder that does not exist yet."""
    return tmp_path / "data" / "jobs.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[JobStore]:
    """Yield a store in a new file."""
    store = JobStore(path)
    yield store
    store.close()


def run_python(code: str, *arguments: object) -> str:
    """Run code in another process and return its output. The process is expected to kill itself or to end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()


def test_create_from_several_threads_has_one_owner(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    start, lock_path = threading.Barrier(4), owner._lock_path

    def find_slowly(path: Path, name: str) -> Path:
        time.sleep(0.05)  # so that the other threads run meanwhile
        return lock_path(path, name)

    def create(_: int) -> str | None:
        start.wait(30)
        return store.create(origin=ORIGIN, text="question").owner

    monkeypatch.setattr(owner, "_lock_path", find_slowly)
    with ThreadPoolExecutor(4) as pool:
        owners = set(pool.map(create, range(4)))
    assert owners == {store._owner.name}


CRASH = """
import os, signal, sys
from pathlib import Path
from chatgpt_browser._store.job_store import JobStore
store = JobStore(Path(sys.argv[1]))
job = store.create(origin="https://chat.example", text="question")
if sys.argv[2] != "queued":
    store.change(job.id, state=sys.argv[2], question_id="q1")
print(job.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_create_new_file_is_private_and_keeps_no_text(store: JobStore, path: Path) -> None:
    job = store.create(origin=ORIGIN, text="my secret question")

    assert (job.state, job.text, job.text_hash) == ("queued", None, question_hash("my  secret question\n"))
    assert store.get(job.id) == job
    if os.name == "posix":
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not any(b"my secret" in file.read_bytes() for file in path.parent.iterdir())


def test_create_keep_text_stores_the_text(store: JobStore) -> None:
    job = store.create(origin=ORIGIN, text="a question", keep_text=True, options={"model": "m"})

    assert (store.get(job.id).text, store.get(job.id).options) == ("a question", {"model": "m"})


def test_lone_surrogates_of_the_site_are_stored_as_replacement_characters(
    store: JobStore, path: Path
) -> None:
    job = store.create(origin=ORIGIN, text="half \ud83d", keep_text=True)
    store.change(job.id, conversation_id="c\udfff", reply={"text": "an answer \udfff \U0001f600"})

    stored = JobStore(path).get(job.id)

    assert (stored.text, stored.conversation_id) == ("half \ufffd", "c\ufffd")
    assert stored.reply == {"text": "an answer \ufffd \U0001f600"}


def test_change_state_that_does_not_match_changes_nothing(store: JobStore) -> None:
    job = store.create(origin=ORIGIN, text="a")

    assert store.change(job.id, before=("sending",), state="running") is None
    changed = store.change(job.id, before=("queued",), state="sending")
    assert changed is not None
    assert (changed.state, changed.sending_at) == ("sending", changed.updated_at)
    assert store.owns(changed)
    done = store.change(job.id, state="done", reply={"text": "x"})
    assert done is not None
    assert (done.owner, done.reply) == (None, {"text": "x"})
    assert store.change(job.id, state="failed") is None


def test_claim_job_of_a_living_owner_is_refused(store: JobStore, path: Path) -> None:
    job = store.create(origin=ORIGIN, text="a")
    other = JobStore(path)

    assert other.claim(job) is None
    code = (
        "import sys; from pathlib import Path; from chatgpt_browser._store.job_store import JobStore\n"
        "s = JobStore(Path(sys.argv[1])); print(s.claim(s.get(sys.argv[2])))"
    )
    assert run_python(code, path, job.id) == "None"
    assert store.get(job.id).state == "queued"


@pytest.mark.parametrize(
    ("state", "expected"), [("queued", "failed"), ("sending", "sending"), ("running", "running")]
)
def test_claim_job_of_a_killed_process_is_taken_once(
    store: JobStore, path: Path, state: str, expected: str
) -> None:
    job = store.get(run_python(CRASH, path, state))
    second = JobStore(path)

    claimed = store.claim(job)
    assert claimed is not None
    assert claimed.state == expected
    assert second.claim(job) is None
    assert second.claim(second.get(job.id)) is None
    assert not path.with_name(f"{path.name}-owner-{job.owner}").exists()


def test_claim_disowned_or_closed_job_is_taken(store: JobStore, path: Path) -> None:
    other = JobStore(path)
    first, second = (other.create(origin=ORIGIN, text="a") for _ in range(2))
    other.change(first.id, state="running")
    other.change(second.id, state="running")

    other.disown(first.id)
    assert store.claim(store.get(first.id)) is not None
    assert store.claim(store.get(second.id)) is None
    other.close()
    assert store.claim(store.get(second.id)) is not None


def test_forget_deletes_only_ended_jobs(store: JobStore) -> None:
    job = store.create(origin=ORIGIN, text="a")

    with pytest.raises(JobStoreError, match="still queued"):
        store.forget(job.id)
    store.change(job.id, state="cancelled")
    store.forget(job.id)
    for call in (store.get, store.forget):
        with pytest.raises(JobNotFoundError, match=job.id):
            call(job.id)


def test_threads_and_stores_on_one_file_lose_no_change(path: Path) -> None:
    def work() -> None:
        store = JobStore(path)
        for _ in range(5):
            job = store.create(origin=ORIGIN, text="a", batch="b")
            store.change(job.id, state="running")
        store.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    store = JobStore(path)
    assert [job.state for job in store.of_batch("b")] == ["running"] * 20
    assert len(store.list_jobs()) == 20


def test_open_second_store_in_one_process_keeps_the_locks_of_the_first(store: JobStore, path: Path) -> None:
    store.create(origin=ORIGIN, text="a")
    second = JobStore(path)
    second.list_jobs()

    code = "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT 1 FROM jobs').fetchall()); c.close()"
    assert run_python(code, path) == "[(1,)]"
    # Without a lock, the other process would have been the last user of the file, and would have deleted the log.
    assert path.with_name(f"{path.name}-wal").exists()


# ---- versions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_open_older_version_migrates_and_keeps_jobs(path: Path, version: int) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        for statement in (statement for migration in MIGRATIONS[:version] for statement in migration):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute(
            "INSERT INTO jobs (id, state, origin, created_at, updated_at, text_hash) VALUES ('j1', 'running', 'o', 1, 1, 'h')"
        )
    connection.close()

    store = JobStore(path)
    assert store.get("j1").state == "running"
    assert store.database.query("PRAGMA user_version")[0][0] == SCHEMA_VERSION
    assert store.database.query("SELECT * FROM sends") == []


def test_open_newer_version_is_refused_and_unchanged(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE other (x)")
    connection.close()

    with pytest.raises(JobStoreError, match="version 99"):
        JobStore(path).list_jobs()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]
    connection.close()


# ---- files that cannot be used -------------------------------------------------------------------------------------------


def test_open_file_that_is_no_store_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)

    with pytest.raises(JobStoreError, match="damaged or is not a job store") as caught:
        JobStore(path).list_jobs()
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"not a database" * 100


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_open_folder_in_place_of_the_file_is_refused_and_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(JobStoreError, match="not a regular file"):
        JobStore(tmp_path).list_jobs()

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_open_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JobStoreError, match="cannot be used"):
        JobStore(tmp_path / "file" / "jobs.sqlite3").create(origin=ORIGIN, text="a")


def error_without_privileges(call: Callable[[], object]) -> str:
    """Return the message of the ``JobStoreError`` that a call raises if the user may not write everywhere."""
    if os.geteuid() != 0:
        with pytest.raises(JobStoreError) as caught:
            call()
        return str(caught.value)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        message = "no error"
        try:
            os.setuid(65534)
            call()
        except BaseException as error:
            message = f"{type(error).__name__}: {error}"
        os.write(writing, message.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return pipe.read()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
@pytest.mark.parametrize("exists", [False, True])
def test_open_read_only_folder_is_refused_and_loses_nothing(*, exists: bool) -> None:
    # pytest's own folders are private, so another user cannot enter them.
    with tempfile.TemporaryDirectory() as name:
        path, store = Path(name, "jobs.sqlite3"), JobStore(Path(name, "jobs.sqlite3"))
        if exists:
            store.create(origin=ORIGIN, text="kept")
            store.close()
            path.chmod(0o644)
        path.parent.chmod(0o555)
        message = error_without_privileges(lambda: JobStore(path).create(origin=ORIGIN, text="a"))
        path.parent.chmod(0o700)
        assert str(path) in message
        assert "read-only" in message
        assert len(store.list_jobs()) == exists
        store.close()


def test_write_read_only_connection_is_refused(store: JobStore) -> None:
    job = store.create(origin=ORIGIN, text="a")
    store.database.query("PRAGMA query_only = ON")

    with pytest.raises(JobStoreError, match="read-only"):
        store.change(job.id, state="sending")
    assert store.get(job.id).state == "queued"


def test_write_full_disk_raises_and_keeps_the_old_state(store: JobStore, path: Path) -> None:
    job = store.create(origin=ORIGIN, text="a")
    pages = store.database.query("PRAGMA page_count")[0][0]
    store.database.query(f"PRAGMA max_page_count = {pages}")
    reply: dict[str, Any] = {"text": "x" * 100_000}

    with pytest.raises(JobStoreError, match="The disk is full"):
        store.change(job.id, state="done", reply=reply)
    assert JobStore(path).get(job.id).state == "queued"
    store.database.query(f"PRAGMA max_page_count = {pages + 100}")
    assert store.change(job.id, state="done", reply=reply) is not None


def test_open_torn_write_keeps_the_committed_jobs(path: Path) -> None:
    job_id = run_python(CRASH, path, "running")  # The killed process leaves its write-ahead log.
    wal = path.with_name(f"{path.name}-wal")
    committed = wal.read_bytes()
    wal.write_bytes(committed + committed[-4120:-2000])  # half a frame

    assert JobStore(path).get(job_id).state == "running"


def test_open_log_cut_at_any_byte_has_whole_states_only(path: Path, tmp_path: Path) -> None:
    run_python(CRASH, path, "running")
    main, wal = path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()

    for number, length in enumerate(range(0, len(wal), len(wal) // 10)):
        copy = tmp_path / f"{number}.sqlite3"
        copy.write_bytes(main)
        copy.with_name(f"{copy.name}-wal").write_bytes(wal[:length])
        assert {job.state for job in JobStore(copy).list_jobs()} <= {"queued", "running"}
