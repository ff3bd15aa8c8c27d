"""An S3 bucket on 127.0.0.1, by moto, for studies whose files lie in object storage."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from workspace import LEFT_OUT, Workspace

NEEDED = ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_s3", "boto3", "moto", "flask_cors")
# Made up; the server takes any.
KEY = "made-up"


def why_not() -> str:
    """What is missing for a bucket; empty if nothing is."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    return f"{', '.join(missing)} not installed: see docs/scale.md and requirements/dev.in" if missing else ""


class Bucket:
    """A bucket of a running server, with one study below one prefix."""

    name, prefix = "bucket", "study"

    def __init__(self, url: str) -> None:
        import boto3

        self.url = url
        resource = boto3.resource(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=KEY
        )
        self._bucket = resource.create_bucket(Bucket=self.name)

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which the storage plugin finds the bucket, keys as a user gives them."""
        settings = {"ENDPOINT_URL": self.url, "ACCESS_KEY": KEY, "SECRET_KEY": KEY}
        return {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in settings.items()}

    @property
    def arguments(self) -> list[str]:
        """Snakemake's arguments for a study whose files lie in the bucket."""
        return ["--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{self.name}/{self.prefix}"]

    def take_inputs(self, workspace: Workspace) -> None:
        """Move the text that a study reads into the bucket."""
        for path in (workspace.folder / "text").iterdir():
            self._bucket.upload_file(str(path), f"{self.prefix}/text/{path.name}")
        shutil.rmtree(workspace.folder / "text")

    def results(self) -> dict[str, bytes]:
        """Every result in the bucket that must repeat byte for byte, see :meth:`Workspace.results`."""
        folder = f"{self.prefix}/results/"
        names = {item.key.removeprefix(folder): item for item in self._bucket.objects.filter(Prefix=folder)}
        return {
            name: item.get()["Body"].read() for name, item in sorted(names.items()) if not re.search(LEFT_OUT, name)
        }


@contextmanager
def s3_bucket() -> Iterator[Bucket]:
    """An empty bucket on its own server on a free port; the server ends with the block."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Bucket(f"http://{host}:{port}")
    finally:
        server.stop()
