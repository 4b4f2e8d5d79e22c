"""DVC's data in a bucket: pushed, pulled by another clone, and imported, by a server of S3's language."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.pictures import write_class_folders
from tests.workspace import Workspace

pytestmark = pytest.mark.long

# Of nobody: the server takes any.
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture(scope="module")
def space(server: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with prepared data, and a remote as docs/object_storage.md adds one."""
    client(server).create_bucket(Bucket="scans")
    made = Workspace(tmp_path_factory.mktemp("bucket") / "first")
    made.run("dvc", "repro", "prepare")
    made.run("dvc", "remote", "add", "--default", "store", "s3://scans/brainmri")
    made.run("dvc", "remote", "modify", "store", "endpointurl", server)
    made.commit("A remote")
    return made


def client(server: str):
    return boto3.client(
        "s3",
        endpoint_url=server,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106 - of nobody
        region_name="us-east-1",
    )


def test_what_one_pushes_another_pulls(space: Workspace, server: str, tmp_path: Path) -> None:
    assert "pushed" in space.run("dvc", "push", "prepare", "phantom", **KEYS)
    kept = client(server).list_objects_v2(Bucket="scans", Prefix="brainmri/")
    assert kept["KeyCount"] > 10
    clone = tmp_path / "second"
    subprocess.run(["git", "clone", "-q", str(space.folder), str(clone)], check=True)
    other = space.clone(tmp_path / "copied")
    other.folder = clone
    other.run("dvc", "pull", "prepare", "phantom", **KEYS)
    for name in ("data/prepared/images.npy", "data/prepared/slices.csv", "data/phantom/scans.csv"):
        assert (space.folder / name).read_bytes() == (clone / name).read_bytes()
    status = other.run("dvc", "status", "prepare", **KEYS)
    assert "up to date" in status


def test_scans_in_a_bucket_become_the_raw_data(space: Workspace, server: str, tmp_path: Path) -> None:
    write_class_folders(tmp_path / "scans", 8)
    for path in sorted((tmp_path / "scans").rglob("*.*")):
        name = f"raw/{path.relative_to(tmp_path / 'scans').as_posix()}"
        client(server).upload_file(str(path), "scans", name)
    other = space.clone(tmp_path / "other")
    other.run("dvc", "remote", "add", "bucket", "s3://scans")
    other.run("dvc", "remote", "modify", "bucket", "endpointurl", server)
    other.run("dvc", "import-url", "remote://bucket/raw", "data/scans", **KEYS)
    assert (other.folder / "data" / "scans.dvc").exists()
    other.change("params.yaml", {"raw: data/phantom": "raw: data/scans", "positive: tumor": "positive: yes"})
    other.run("dvc", "repro", "prepare", **KEYS)
    slices = (other.folder / "data" / "prepared" / "slices.csv").read_text()
    assert slices.count("\n") == 17
    # A scan that is added there is one more here, when asked for: an import is frozen.
    client(server).upload_file(str(next((tmp_path / "scans").rglob("*.*"))), "scans", "raw/yes/again.png")
    other.run("dvc", "update", "data/scans.dvc", **KEYS)
    assert (other.folder / "data" / "scans" / "yes" / "again.png").exists()


def test_no_bucket_there_is_an_error_and_another_is_pushed_to_as_before(
    space: Workspace, tmp_path: Path
) -> None:
    other = space.clone(tmp_path / "other")
    other.run("dvc", "remote", "modify", "store", "url", "s3://nobody/there")
    said = other.run("dvc", "push", "prepare", **KEYS, code=255)
    assert "The specified bucket does not exist" in said
    other.run("dvc", "remote", "modify", "store", "url", "s3://scans/later")
    assert "pushed" in other.run("dvc", "push", "prepare", **KEYS)
