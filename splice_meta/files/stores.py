"""Object stores: addresses such as ``s3://bucket/folder``, used in the way of paths.

The rows of tables go through Polars. What it does not offer (listing, looking up, removing, small
objects) goes through obstore, which is built on the same Rust library and takes the same
environment variables. An object appears when its upload is complete; folders are what the names of
objects have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from splice_meta.errors import InputError, OutputError, StoreError, UsageError

_ADDRESS = re.compile(r"(?P<bucket>(?:s3|gs|az)://[^/]+)/*(?P<key>.*)", re.DOTALL)
_MADE_PATH = re.compile(r"(?:s3|gs|az):/")

_METADATA_SERVER = re.compile(r"/latest/api/token|/computeMetadata/|/metadata/identity/")
"""What is asked, as the last resort, where the environment has no credentials."""

TIMEOUT = timedelta(seconds=30)
"""How long a request is tried again; where nothing answers, four attempts end much earlier."""
AT_ONCE = 16
"""Small objects that are read at once."""


@dataclass(frozen=True, order=True)
class ObjectPath:
    """An object, or a folder of objects; names shared with :class:`pathlib.Path` mean the same.

    Args:
        bucket: Scheme and bucket (container), such as ``s3://bucket``.
        key: The name in it, without slashes at its ends; empty for the bucket itself.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(self.bucket, f"{self.key}/{name}" if self.key else name)

    @property
    def name(self) -> str:
        """The last piece of the name."""
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The last suffix of the name."""
        return Path(self.name).suffix

    @property
    def parent(self) -> ObjectPath:
        """The folder it lies in."""
        return ObjectPath(self.bucket, self.key.rpartition("/")[0])

    def absolute(self) -> ObjectPath:
        """Itself: an address means the same everywhere."""
        return self

    def exists(self) -> bool:
        """Whether there is an object of this name, or any below it."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Whether there is an object of this name."""
        return self.state() is not None

    def is_dir(self) -> bool:
        """Whether there are objects below it."""
        with self._plain():
            return any(_store(self.bucket).list(self.key or None))

    def state(self) -> dict[str, Any] | None:
        """``bytes`` and ``etag``, which gives one content from another; None if there is none."""
        if not self.key:
            return None
        with self._plain():
            try:
                found = _store(self.bucket).head(self.key)
            except FileNotFoundError:
                return None
        return {"bytes": found["size"], "etag": found["e_tag"] or str(found["last_modified"])}

    def iterdir(self) -> list[ObjectPath]:
        """The folders and objects that lie directly in it, sorted by name."""
        with self._plain():
            found = _store(self.bucket).list_with_delimiter(self.key or None)
        folders = [ObjectPath(self.bucket, name) for name in found["common_prefixes"]]
        return sorted([*folders, *self._named(found["objects"])])

    def objects(self) -> list[ObjectPath]:
        """The objects that lie directly in it, sorted by name."""
        with self._plain():
            found = _store(self.bucket).list_with_delimiter(self.key or None)
        return self._named(found["objects"])

    def files(self) -> list[ObjectPath]:
        """Every object below it, sorted by name."""
        with self._plain():
            pages = list(_store(self.bucket).list(self.key or None))
        return self._named([each for page in pages for each in page])

    def _named(self, listed: Sequence[dict[str, Any]]) -> list[ObjectPath]:
        return sorted(ObjectPath(self.bucket, each["path"]) for each in listed)

    def read_bytes(self) -> bytes:
        """The content.

        Raises:
            InputError: If there is no such object.
        """
        with self._plain():
            try:
                return bytes(_store(self.bucket).get(self.key).bytes())
            except FileNotFoundError:
                raise InputError(f"There is no object {self}.", "Check the address.") from None

    def read_end(self, count: int) -> bytes:
        """The last so many bytes of the content, or all of it where that is shorter.

        Raises:
            InputError: If there is no such object.
        """
        size = (self.state() or {}).get("bytes", 0)
        with self._plain():
            try:
                found = _store(self.bucket).get_range(
                    self.key, start=max(size - count, 0), end=size
                )
            except FileNotFoundError:
                raise InputError(f"There is no object {self}.", "Check the address.") from None
        return bytes(found)

    def read_text(self) -> str:
        """The content as text."""
        return self.read_bytes().decode()

    def write_bytes(self, data: bytes) -> None:
        """Put an object, in place of one that is there."""
        with self._plain():
            _store(self.bucket).put(self.key, data)

    def create(self, data: bytes) -> bool:
        """Put an object that must not be there yet; of several who try at once, one succeeds.

        Returns:
            Whether it is there with this content now.
        """
        from obstore.exceptions import AlreadyExistsError

        with self._plain():
            try:
                _store(self.bucket).put(self.key, data, mode="create")
            except AlreadyExistsError:
                # Ours, if the answer to a first attempt was lost.
                return self.read_bytes() == data
        return True

    @contextmanager
    def _plain(self) -> Iterator[None]:
        """Say in plain words what a store answers."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            variables = _SETTINGS[self.bucket.partition(":")[0]]
            raise StoreError(
                f"{self} cannot be used: {reason_of(error)}.",
                f"Check the address, the network and the environment: {variables}.",
            ) from None


Place: TypeAlias = Path | ObjectPath
"""Where something lies: here, or in an object store."""

_SETTINGS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL (of http:// with "
    "AWS_ALLOW_HTTP=true)",
    "gs": "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
}
"""Environment variables that say where a store is and who asks."""

_LOCAL = (
    "Only run --output-dir and score --output take addresses (in Python, as text); write this to a "
    "local disk, and copy it when it is complete."
)


def object_at(address: str | Path) -> ObjectPath | None:
    """The object or folder of an address; None for what is not an address of an object store.

    Raises:
        UsageError: If it is one, and obstore is not installed.
    """
    found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is None:
        return None
    try:
        import obstore  # noqa: F401
    except ImportError:
        raise UsageError(
            f"Addresses such as {address} need obstore, which is not installed.",
            "Install it: pip install 'splice_meta[cloud]'.",
        ) from None
    return ObjectPath(found["bucket"], found["key"].rstrip("/"))


def place_of(target: str | Path) -> Place:
    """A local path, or an address of an object store.

    Raises:
        UsageError: If it is an address of another kind, or a ``Path`` made from an address.
    """
    found = object_at(target)
    if found is not None:
        return found
    if isinstance(target, str) and "://" in target:
        raise UsageError(
            f"{target} is not an address that can be used here.",
            "Give a folder, or an address that starts with s3://, gs:// or az://.",
        )
    refuse_address(Path(target))
    return Path(target)


def local_path(target: str | Path) -> Path:
    """A local path.

    Raises:
        OutputError: If it is an address.
    """
    place = place_of(target)
    if isinstance(place, ObjectPath):
        raise OutputError(f"{place} is not a local folder.", _LOCAL)
    return place


def refuse_address(path: Path) -> None:
    """Refuse a ``Path`` that was made from an address, and would be a folder called ``s3:``.

    Raises:
        OutputError: If it is one.
    """
    if _MADE_PATH.match(str(path)):
        raise OutputError(f"{path} is not in the file system.", _LOCAL)


def refuse_pipe(path: Path) -> None:
    """Refuse an input that is not a file: who opens a pipe may wait for ever.

    Args:
        path: A file or folder, or nothing at all.

    Raises:
        InputError: If it is a pipe, a device or a socket.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(
            f"{path} is a pipe or device, not a file.",
            "Write it to a file first: it is read more than once.",
        )


def remove_tree(folder: ObjectPath) -> None:
    """Remove every object below a folder."""
    remove_objects(folder.files())


def remove_objects(objects: Sequence[ObjectPath]) -> None:
    """Remove objects that are there, many with one request."""
    for bucket in {each.bucket for each in objects}:
        with ObjectPath(bucket, "")._plain():
            _store(bucket).delete([each.key for each in objects if each.bucket == bucket])


def read_objects(objects: Sequence[ObjectPath]) -> list[bytes]:
    """The contents of small objects, in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ObjectPath.read_bytes, objects))


def reason_of(error: Exception) -> str:
    """What an object store says, on one line: its own words where it has any."""
    text = str(error)
    if _METADATA_SERVER.search(text):
        return "no credentials are given, and this machine has none of its own"
    said = re.search(r"<Code>(\w+)</Code>\s*<Message>(.*?)</Message>", text, re.DOTALL)
    line = f"{said[2].strip()} ({said[1]})" if said else (text.strip().splitlines() or [""])[0]
    return line[:300].rstrip(".: ")


@cache
def _store(bucket: str) -> Any:
    """The store behind a bucket; its settings come from the environment."""
    from obstore.store import from_url

    return from_url(bucket, retry_config={"max_retries": 4, "retry_timeout": TIMEOUT})
