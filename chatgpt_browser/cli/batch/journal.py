"""The jobs of a batch in the job store. After a kill, the next run reads from them which prompts may have been sent.

The id of the batch contains the path of its output file. A job is deleted when its row is on disk. The job of an uncertain row
stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chatgpt_browser._store.job_record import question_hash
from chatgpt_browser._store.job_store import JobStore

from ..output.consoles import print_note
from .old_journal import read_old_journal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatgpt_browser import BatchMessage, BatchResult

    from .result_file import Outcome

#: The states of jobs that are deleted when their rows are on disk.
_ENDED = ("done", "failed", "cancelled")


class BatchJournal:
    """The jobs of the batch that writes to ``output``.

    :raises JobStoreError: the job store cannot be used.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._store = JobStore()
        #: The id of the batch in the job store.
        self.batch_id: str = f"file:{output.resolve()}"

    def clean_up(self, outcomes: Mapping[str, Outcome]) -> None:
        """Add jobs for the prompts in the journal file of an older version. Then delete each ended job that has a row."""
        read_old_journal(self._output, self._store, self.batch_id, outcomes)
        for record in self._store.of_batch(self.batch_id):
            outcome = outcomes.get((record.batch_key or "").removeprefix("id:"))
            if outcome is not None and question_hash(outcome.prompt) == record.text_hash:
                self._store.discard(record.id, _ENDED)

    def note_other_prompts(self, messages: list[BatchMessage]) -> None:
        """Print a line for each job of an earlier run whose prompt is not in the file of prompts any more."""
        known = {question_hash(message.text) for message in messages}
        for record in self._store.of_batch(self.batch_id):
            if record.text_hash not in known:
                print_note(
                    f"an earlier run was sending a prompt that is not in the input any more; its job is {record.id}: "
                    "`jobs wait` fetches the reply, `jobs forget` deletes the job"
                )

    def note_written(self, result: BatchResult) -> None:
        """Delete the job of a result that was written to the output. The job of an uncertain message stays."""
        if result.job_id is not None:
            self._store.discard(result.job_id, _ENDED)
