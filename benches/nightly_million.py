"""A night of a million comments: time, memory, and the share of time outside classification.

    cargo build --release --locked
    python3 benches/nightly_million.py [--rows 1000000] [--runs 3] [--program BEFORE --program AFTER]
        [--postgres postgres://USER:PASSWORD@HOST/DATABASE] [--setting 'page = 4000']

Without --postgres, source and sink are files of SQLite. The comments are those of the sample day,
each many times. For comparison `postloan batch` classifies the same comments from a CSV. Several
programs take turns, so that what else the machine does falls on all of them.

Two shares are printed: that of the time in which the classifying threads did not classify, which the
job measures itself and which other programs on the machine disturb; and that of the processor's time
which other threads than the classifying ones took, which they disturb little. It leaves the server
of PostgreSQL out, whose own is printed beside it where it runs on this machine.
"""

import argparse
import contextlib
import csv
import json
import os
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTLOAN = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "postloan"
TABLES = ["result", "rejected", "run", "run_label", "lock", "schema", "told"]


def cpu_seconds(stat, first):
    """The user and system seconds of a /proc/…/stat, which begin at this field after the name."""
    user, system = stat.read_text().rsplit(")", 1)[1].split()[first : first + 2]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def watch_threads(process, threads, ended):
    """Notes the processor's seconds of each thread until the process ends."""
    while not ended.wait(0.1):
        for stat in Path(f"/proc/{process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                threads[stat.parent.name] = cpu_seconds(stat, 11)


def run(*arguments):
    """Runs a program and gives what it printed and what it took."""
    start = time.monotonic()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE)
    threads, ended = {}, threading.Event()
    watcher = threading.Thread(target=watch_threads, args=(process, threads, ended))
    watcher.start()
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    watcher.join()
    assert os.waitstatus_to_exitcode(status) == 0, arguments
    cpu = usage.ru_utime + usage.ru_stime
    classifying = sum(sorted(threads.values())[-os.cpu_count() :])
    return json.loads(printed), {
        "seconds": time.monotonic() - start,
        "cpu": cpu,
        "outside": 1 - classifying / cpu,
        "memory": usage.ru_maxrss / 1024,
    }


def server_seconds(address):
    """The processor's seconds of all connections to a server on this machine that have ended."""
    shown = subprocess.run(["psql", "-At", address, "-c", "SHOW data_directory"], capture_output=True)
    try:
        process = (Path(shown.stdout.decode().strip()) / "postmaster.pid").read_text().split()[0]
        return cpu_seconds(Path(f"/proc/{process}/stat"), 13)
    except OSError:
        return float("nan")


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
    parser.add_argument("--without-batch", action="store_true")
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
                if not arguments.without_batch:
                    output = folder / "out.parquet"
                    _, batch = run(program, "batch", folder / "day.csv", "--output", output, "--json")
                    print(
                        f"{program}: batch, CSV to Parquet: {batch['seconds']:.1f} s "
                        f"({batch['cpu']:.1f} s of CPU)"
                    )
                empty_sink(arguments, folder)
                before = server_seconds(arguments.postgres) if arguments.postgres else 0
                night, took = run(
                    program, "nightly", "--config", settings, "--json", "--date", "2026-11-20"
                )
                server = server_seconds(arguments.postgres) - before if arguments.postgres else 0
                assert night["classified"] == night["read"] == arguments.rows
                print(
                    f"{program}: nightly: {took['seconds']:.1f} s "
                    f"({took['cpu']:.1f} s of CPU, and {server:.1f} s of the server's), "
                    f"{arguments.rows / took['seconds']:.0f} comments/s, {took['memory']:.0f} MiB, "
                    f"outside classification {night['share_outside_classification']:.1%} of the time "
                    f"and {took['outside']:.1%} of the CPU",
                    flush=True,
                )



main()
