"""What postloan writes, as other programs read it."""

import json
import os
import pathlib
import subprocess

import openpyxl
import pyarrow.parquet
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
POSTLOAN = ROOT / "target" / os.environ.get("POSTLOAN_PROFILE", "debug") / "postloan"
GOLDEN = ROOT / "tests" / "golden" / "formats"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The golden records, classified and kept, in each format."""
    folder = tmp_path_factory.mktemp("formats")
    for ending in ["xlsx", "parquet", "jsonl"]:
        done = subprocess.run(
            [POSTLOAN, "batch", GOLDEN / "gb18030.csv", "--output", folder / f"day.{ending}",
             "--id-field", "编号", "--text-field", "评价", "--keep", "评价,机构"],
            cwd=ROOT, check=False,
        )
        assert done.returncode == 6  # one comment is empty
    return folder


def expected():
    records = [tuple(record) for record in json.loads((GOLDEN / "records.json").read_text())]
    records.append(("14", "长" * 32767, "最长的单元格"))
    return [record for record in records if record[1]]


def test_openpyxl_reads_strings_where_strings_were_written(written):
    sheet = openpyxl.load_workbook(written / "day.xlsx").active
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert all(sheet.column_dimensions[letter].width >= 10 for letter in "ABCDEFGHI")
    rows = list(sheet.iter_rows(min_row=2))
    assert [(row[0].value, row[7].value, row[8].value or "") for row in rows] == expected()
    assert {cell.data_type for row in rows for cell in (row[0], row[1], row[7])} == {"s"}
    assert {cell.data_type for row in rows for cell in row[2:6]} == {"n"}
    fills = {row[1].value: row[1].fill.start_color.rgb for row in rows}
    assert fills["risky"] == "FFF8CBAD"
    assert fills["normal"] == "FFE2F0D9"


def test_pyarrow_reads_what_was_written(written):
    table = pyarrow.parquet.read_table(written / "day.parquet").to_pylist()
    assert [(row["id"], row["评价"], row["机构"]) for row in table] == expected()
    lines = (written / "day.jsonl").read_text().splitlines()
    assert table == [json.loads(line) for line in lines]
