"""A night of a million comments: time, memory, and the share of time outside classification.

    cargo build --release --locked
    python3 benches/nightly_million.py [--rows 1000000] [--runs 3] [--program BEFORE --program AFTER]
        [--postgres postgres://USER:PASSWORD@HOST/DATABASE] [--setting 'page = 4000']

Without --postgres, source and sink are files of SQLite. The comments are those of the sample day,
each many times. For comparison `postloan batch` classifies the same comments from a CSV. Several
programs take turns, so that what else the machine does falls on all of them.
"""

import argparse
import csv
import json
import os
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTLOAN = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "postloan"
TABLES = ["result", "rejected", "run", "run_label", "lock", "schema", "told"]


def run(*arguments):
    """Runs a program and gives what it printed, its seconds, CPU seconds and peak memory in MiB."""
    start = time.monotonic()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, arguments
    seconds = time.monotonic() - start
    return json.loads(printed), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def rows(count):
    with open(ROOT / "data" / "sample-day.csv", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    for number in range(count):
        yield f"{number:09}", texts[number % len(texts)]


def psql(address, commands):
    subprocess.run(["psql", "-q", address], input=commands.encode(), check=True)


def fill_source(arguments, folder):
    """Makes the table of the comments and gives the addresses of source and sink."""
    if arguments.postgres:
        psql(
            arguments.postgres,
            "DROP TABLE IF EXISTS million; CREATE TABLE million (id text PRIMARY KEY, text text);\n"
            f"\\copy million FROM '{folder / 'day.csv'}' CSV HEADER\n",
        )
        return arguments.postgres, arguments.postgres
    database = sqlite3.connect(folder / "source.db")
    database.execute("CREATE TABLE million (id TEXT PRIMARY KEY, text TEXT)")
    database.executemany("INSERT INTO million VALUES (?, ?)", rows(arguments.rows))
    database.commit()
    database.close()
    return f"sqlite:{folder / 'source.db'}", f"sqlite:{folder / 'sink.db'}"


def empty_sink(arguments, folder):
    if arguments.postgres:
        drop = "".join(f"DROP TABLE IF EXISTS postloan_{table} CASCADE;\n" for table in TABLES)
        psql(arguments.postgres, "SET client_min_messages = warning;\n" + drop + "CHECKPOINT;\n")
    else:
        for file in folder.glob("sink.db*"):
            file.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--program", type=Path, action="append")
    parser.add_argument("--setting", action="append", default=[], help="a line of [limits]")
    parser.add_argument("--postgres")
    arguments = parser.parse_args()
    programs = arguments.program or [POSTLOAN]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        with open(folder / "day.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(rows(arguments.rows))
        source, sink = fill_source(arguments, folder)
        settings = folder / "nightly.toml"
        settings.write_text(
            f'model = "{ROOT / "models" / "post-loan-risk"}"\n'
            f'[source]\ndatabase = "{source}"\n'
            'query = "select id, text from million where cast(:date as text) is not null"\n'
            f'[sink]\ndatabase = "{sink}"\n[limits]\n' + "\n".join(arguments.setting) + "\n"
        )
        for _ in range(arguments.runs):
            for program in programs:
                _, seconds, cpu, _ = run(
                    program, "batch", folder / "day.csv", "--output", folder / "out.parquet", "--json"
                )
                print(f"{program}: batch, CSV to Parquet: {seconds:.1f} s ({cpu:.1f} s of CPU)")
                empty_sink(arguments, folder)
                night, seconds, cpu, memory = run(
                    program, "nightly", "--config", settings, "--json", "--date", "2026-11-20"
                )
                assert night["classified"] == night["read"] == arguments.rows
                print(
                    f"{program}: nightly: {seconds:.1f} s ({cpu:.1f} s of CPU), "
                    f"{arguments.rows / seconds:.0f} comments/s, {memory:.0f} MiB, "
                    f"outside classification {night['share_outside_classification']:.1%}",
                    flush=True,
                )


main()
