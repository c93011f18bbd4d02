"""A night of a million comments: time, memory, and the share of time outside classification.

    cargo build --release
    python3 benches/nightly_million.py [--rows 1000000] [--postgres postgres://USER:PASSWORD@HOST/DATABASE]

Without --postgres, source and sink are files of SQLite. The comments are those of the sample day,
each many times. For comparison `postloan batch` classifies the same comments from a CSV.
"""

import argparse
import csv
import json
import os
import resource
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTLOAN = ROOT / "target" / os.environ.get("POSTLOAN_PROFILE", "release") / "postloan"


def run(*arguments):
    """Runs the program and gives what it printed, its seconds and its peak memory in MiB."""
    start = time.monotonic()
    process = subprocess.Popen([POSTLOAN, *arguments], cwd=ROOT, stdout=subprocess.PIPE)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return json.loads(printed), time.monotonic() - start, usage.ru_maxrss / 1024


def rows(count):
    with open(ROOT / "data" / "sample-day.csv", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    for number in range(count):
        yield f"{number:09}", texts[number % len(texts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgres")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with open(folder / "day.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(rows(arguments.rows))
        if arguments.postgres:
            source = sink = arguments.postgres
            commands = (
                "DROP TABLE IF EXISTS million; CREATE TABLE million (id text PRIMARY KEY, text text);\n"
                f"\\copy million FROM '{folder / 'day.csv'}' CSV HEADER\n"
            )
            subprocess.run(["psql", "-q", source], input=commands.encode(), check=True)
        else:
            source, sink = f"sqlite:{folder / 'source.db'}", f"sqlite:{folder / 'sink.db'}"
            database = sqlite3.connect(folder / "source.db")
            database.execute("CREATE TABLE million (id TEXT PRIMARY KEY, text TEXT)")
            database.executemany("INSERT INTO million VALUES (?, ?)", rows(arguments.rows))
            database.commit()
            database.close()
        (folder / "nightly.toml").write_text(
            f'model = "{ROOT / "models" / "post-loan-risk"}"\n'
            f'[source]\ndatabase = "{source}"\n'
            'query = "select id, text from million where cast(:date as text) is not null"\n'
            f'[sink]\ndatabase = "{sink}"\n'
        )
        _, batch, _ = run("batch", folder / "day.csv", "--output", folder / "out.parquet", "--json")
        night, seconds, memory = run(
            "nightly", "--config", folder / "nightly.toml", "--json", "--date", "2026-11-20", "--rerun"
        )
        assert night["classified"] == arguments.rows
        print(f"nightly: {seconds:.1f} s, {arguments.rows / seconds:.0f} comments/s, {memory:.0f} MiB")
        print(f"batch, from CSV to Parquet: {batch:.1f} s")
        print(f"threads not classifying: {night['share_outside_classification']:.1%}")


main()
