//! `postloan nightly` on SQLite and on PostgreSQL: nothing lost, nothing doubled, whatever happens.

mod common;
#[path = "common/night.rs"]
mod night;
#[macro_use]
#[path = "common/on_both.rs"]
mod on_both;
#[path = "common/postgres.rs"]
mod postgres;

use std::sync::atomic::{AtomicBool, Ordering};

use common::Folder;
use night::{DATE, Night, open};
use postloan::nightly::{Event, NightlyError};
use postloan::records::database::Value;
use serde_json::Value as Json;

on_both! { Night:
    a_date_is_done_once_and_again_only_when_asked
    every_row_of_the_source_is_classified_or_refused
    a_second_copy_is_told_who_is_running_and_a_stale_lock_is_taken_over
    a_copy_that_lost_its_lock_commits_nothing_more
    rows_that_come_too_late_are_an_error_and_the_next_start_is_a_fresh_run
    a_run_goes_on_where_it_failed_but_never_with_another_model
    an_empty_source_is_no_failure_and_may_fill_later
    reasons_and_files_are_written_when_asked_for
    tables_of_a_later_release_are_left_alone
}

fn json(run: &common::Run) -> Json {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{} {}", run.stdout, run.stderr))
}

fn a_date_is_done_once_and_again_only_when_asked(new: fn(&str) -> Night) {
    let night = new("page = 50");
    night.add_day(DATE, 400);
    night.add_day("2026-11-19", 8);
    let first = night.run(&[]);
    assert_eq!(first.code, 6, "{}", first.stderr);
    let summary = json(&first);
    assert_eq!((&summary["read"], &summary["refused"]), (&400.into(), &100.into()));
    let labels: Vec<u64> = summary["by_label"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["count"].as_u64().unwrap())
        .collect();
    assert_eq!(labels.iter().sum::<u64>(), 300);
    let contents = night.contents();

    let again = night.run(&[]);
    assert_eq!((again.code, &json(&again)["status"]), (6, &"already_done".into()));
    assert_eq!(night.contents(), contents);

    let rerun = night.run(&["--rerun"]);
    assert_eq!((rerun.code, &json(&rerun)["run"]), (6, &2.into()));
    assert_eq!(
        night.query("SELECT run_id, is_current FROM postloan_run ORDER BY run_id"),
        [["1", "0"], ["2", "1"]]
    );
    let current = "SELECT count(*), min(run_id) FROM postloan_current_result";
    assert_eq!(night.query(current), [["300", "2"]]);

    let other_day = night.run(&["--date", "2026-11-19"]);
    assert_eq!(json(&other_day)["read"], 8);
    assert_eq!(night.query("SELECT count(*) FROM postloan_result"), [["606"]]);
}

fn every_row_of_the_source_is_classified_or_refused(new: fn(&str) -> Night) {
    let night = new("page = 3");
    let text = |text: &str| Value::from(text);
    let long = "长".repeat(32_768);
    let mut rows = vec![
        (text("007"), text("按时还款，经营正常。")),
        (text("0007"), text("逾期失联")),
        (text("a'b\"c"), text("流水下降\n\"关注\"\t😀")),
        (text("㐀"), text("")),
        (text("x1"), Value::Null),
        (text("x2"), text(&long)),
        (text(" "), text("没有编号")),
        (Value::Null, text("没有编号")),
        (Value::Null, text("没有编号")),
        (Value::Null, text("没有编号")),
        (Value::Null, text("没有编号")),
    ];
    // One id more often than a page has rows.
    rows.extend((0..7).map(|number| (text("again"), text(&format!("重复{number}")))));
    night.add(DATE, &rows);
    let done = night.run(&[]);
    assert_eq!(done.code, 6, "{}", done.stderr);
    let summary = json(&done);
    assert_eq!((&summary["read"], &summary["classified"]), (&18.into(), &4.into()));
    assert_eq!(
        summary["refused_by_reason"],
        serde_json::json!({
            "comment_too_long": 1, "empty_comment": 1, "missing_field": 6, "repeated_id": 6
        })
    );
    let mut ids: Vec<String> = night.query("SELECT review_id FROM postloan_result").concat();
    ids.sort();
    assert_eq!(ids, ["0007", "007", "a'b\"c", "again"]);
    let contents = night.contents();
    assert!(!format!("{contents:?} {} {}", done.stdout, done.stderr).contains("没有编号"));

    // Numbers as ids, in the order of numbers.
    let night = new("page = 2");
    night
        .open_source()
        .run("DROP TABLE review; CREATE TABLE review (id INTEGER, day DATE, comment TEXT)")
        .unwrap();
    let numbers: Vec<_> = (1..=12).map(|n| (Value::Integer(n), text("按时还款"))).collect();
    night.add(DATE, &numbers);
    assert_eq!(night.run(&[]).code, 0);
    let keys = night.query("SELECT count(*), max(source_key) FROM postloan_result");
    assert_eq!(keys[0][0], "12");
}

fn a_second_copy_is_told_who_is_running_and_a_stale_lock_is_taken_over(new: fn(&str) -> Night) {
    let night = new("stale_lock_seconds = 60");
    night.add_day(DATE, 20);
    night.run(&["--date", "2026-01-01"]);
    let lock = |age: i64| {
        let now = if night.sink.starts_with("sqlite") {
            "CAST(strftime('%s', 'now') AS INTEGER)"
        } else {
            "CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)"
        };
        night
            .open_sink()
            .run(&format!(
                "DELETE FROM postloan_lock; INSERT INTO postloan_lock \
             (job, owner, acquired_at, heartbeat_at) \
             VALUES ('post-loan', 'another-host process 7', 0, {now} - {age})"
            ))
            .unwrap();
    };
    lock(30);
    let locked = night.run(&[]);
    assert_eq!(locked.code, 8, "{}", locked.stderr);
    assert!(locked.stderr.contains("another-host process 7"), "{}", locked.stderr);
    assert_eq!(night.query("SELECT count(*) FROM postloan_result"), [["0"]]);
    lock(90);
    let stolen = night.run(&[]);
    assert_eq!(stolen.code, 6, "{}", stolen.stderr);
    assert!(stolen.stderr.contains("took over the lock"), "{}", stolen.stderr);
    assert!(night.query("SELECT owner FROM postloan_lock").is_empty());

    // A living copy on this machine.
    let night = new("page = 5");
    night.add_day(DATE, 200);
    let told = std::sync::Arc::new(AtomicBool::new(false));
    let (seen, config) = (told.clone(), night.config.clone());
    night
        .watch(move |event| {
            if matches!(event, Event::Committed { rows: 10 }) {
                let second = common::run(&["nightly", "--config", &config, "--date", DATE]);
                assert_eq!(second.code, 8, "{}", second.stderr);
                seen.store(true, Ordering::Relaxed);
            }
        })
        .unwrap();
    assert!(told.load(Ordering::Relaxed));
}

fn a_copy_that_lost_its_lock_commits_nothing_more(new: fn(&str) -> Night) {
    let night = new("page = 10");
    night.add_day(DATE, 200);
    let sink = night.sink.clone();
    let lost = night.watch(move |event| {
        if matches!(event, Event::Committed { rows: 50 }) {
            open(&sink).run("UPDATE postloan_lock SET owner = 'another'").unwrap();
        }
    });
    assert!(matches!(lost, Err(NightlyError::LockLost)), "{lost:?}");
    assert_eq!(night.query("SELECT read_count FROM postloan_run"), [["50"]]);
    assert_eq!(night.query("SELECT owner FROM postloan_lock"), [["another"]]);
    night.open_sink().run("DELETE FROM postloan_lock").unwrap();
    let resumed = night.run(&[]);
    let summary = json(&resumed);
    assert_eq!((&summary["read"], &summary["starts"]), (&200.into(), &2.into()));
}

fn rows_that_come_too_late_are_an_error_and_the_next_start_is_a_fresh_run(new: fn(&str) -> Night) {
    let night = new("page = 10");
    night.add_day(DATE, 100);
    let source = night.source.clone();
    let failed = night.watch(move |event| {
        if matches!(event, Event::Committed { rows: 50 }) {
            let late = "INSERT INTO review (id, day, comment) VALUES ('000000b', $1, '正常')";
            open(&source).execute(late, &[DATE.into()]).unwrap();
        }
    });
    assert!(matches!(failed, Err(NightlyError::Unreconciled { source_rows: 101, read: 100, .. })));
    assert_eq!(
        night.query("SELECT status, is_current, exit_code FROM postloan_run"),
        [["unreconciled", "0", "9"]]
    );
    let fresh = night.run(&[]);
    assert_eq!((&json(&fresh)["run"], &json(&fresh)["read"]), (&2.into(), &101.into()));
}

fn a_run_goes_on_where_it_failed_but_never_with_another_model(new: fn(&str) -> Night) {
    let night = new("page = 10\nattempts = 1");
    night.add_day(DATE, 100);
    let source = night.source.clone();
    let failed = night.watch(move |event| {
        if matches!(event, Event::Committed { rows: 30 }) {
            open(&source).run("ALTER TABLE review RENAME TO gone").unwrap();
        }
    });
    // How much was read ahead by then is the threads' affair.
    if failed.is_ok() {
        panic!("the source went away");
    }
    assert!(matches!(failed, Err(NightlyError::Source(_))), "{failed:?}");
    let before = night.query("SELECT status, exit_code FROM postloan_run");
    assert_eq!(before, [["failed", "3"]]);
    night.open_source().run("ALTER TABLE gone RENAME TO review").unwrap();

    let other = common::copied_model(&night.folder);
    let manifest = other.join("manifest.json");
    let renamed =
        std::fs::read_to_string(&manifest).unwrap().replace("\"post-loan-risk\"", "\"another\"");
    std::fs::write(&manifest, renamed).unwrap();
    night.configure_with(other.to_str().unwrap(), "page = 10");
    let fresh = night.run(&[]);
    assert_eq!(fresh.code, 6, "{}", fresh.stderr);
    assert_eq!((&json(&fresh)["run"], &json(&fresh)["starts"]), (&2.into(), &1.into()));
    assert_eq!(
        night.query("SELECT run_id, status, is_current FROM postloan_run ORDER BY run_id"),
        [["1", "abandoned", "0"], ["2", "done", "1"]]
    );
    let models = night.query("SELECT DISTINCT model FROM postloan_current_result");
    assert_eq!(models, [["another/1"]]);
}

fn an_empty_source_is_no_failure_and_may_fill_later(new: fn(&str) -> Night) {
    let night = new("");
    let empty = night.run(&[]);
    assert_eq!((empty.code, &json(&empty)["status"]), (10, &"source_empty".into()));
    assert_eq!(night.run(&[]).code, 10);
    night.add_day(DATE, 3);
    assert_eq!(night.run(&[]).code, 0);
    assert_eq!(night.query("SELECT count(*), min(status) FROM postloan_run"), [["1", "done"]]);
}

fn reasons_and_files_are_written_when_asked_for(new: fn(&str) -> Night) {
    let night = new("page = 7\n\nwith_reasons = true\nreasons = 2\nfile = \"out/{date}.jsonl\"");
    night.add_day(DATE, 40);
    let done = night.run(&[]);
    assert_eq!(done.code, 6, "{}", done.stderr);
    let rows = night.query("SELECT reasons FROM postloan_result WHERE label = 'risky'");
    let reasons: Json = serde_json::from_str(&rows[0][0]).unwrap();
    assert_eq!(reasons.as_array().unwrap().len(), 2);
    assert!(
        reasons[0]["words"].as_str().is_some_and(|words| "逾期九十天，借款人失联".contains(words))
    );
    let file = night.folder.path(&format!("out/{DATE}.jsonl"));
    let lines: Vec<Json> = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let table =
        night.query("SELECT review_id, label, confidence FROM postloan_result ORDER BY review_id");
    assert_eq!(lines.len(), table.len());
    for (line, row) in lines.iter().zip(&table) {
        assert_eq!((line["id"].as_str(), line["label"].as_str()), (Some(&*row[0]), Some(&*row[1])));
        assert_eq!(line["confidence"].as_f64(), row[2].parse().ok());
    }
    // A file that was lost is written again without another run.
    std::fs::remove_file(&file).unwrap();
    night.run(&[]);
    assert!(std::path::Path::new(&file).exists());
    assert_eq!(night.query("SELECT count(*) FROM postloan_run"), [["1"]]);
}

fn tables_of_a_later_release_are_left_alone(new: fn(&str) -> Night) {
    let night = new("");
    night.run(&[]);
    night.open_sink().run("INSERT INTO postloan_schema (version) VALUES (99)").unwrap();
    let refused = night.run(&[]);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains("are of version 99; this release knows"), "{}", refused.stderr);
}

#[test]
fn what_is_missing_or_wrong_has_its_own_exit_code_and_sentence() {
    let night = Night::sqlite("attempts = 2");
    night.add_day(DATE, 4);
    let closed = "postgres://u:s3cret@127.0.0.1:1/d";
    let night_of = |source: &str, sink: &str| {
        let other = Night {
            folder: Folder::new(),
            source: source.to_owned(),
            sink: sink.to_owned(),
            config: String::new(),
        };
        let config = other.folder.path("nightly.toml");
        let other = Night { config, ..other };
        other.configure("attempts = 2");
        other
    };
    let source_down = night_of(closed, &night.sink).run(&[]);
    assert_eq!(source_down.code, 3, "{}", source_down.stderr);
    assert!(source_down.stderr.contains("trying again in 0.2 s"), "{}", source_down.stderr);
    assert!(source_down.stderr.contains("postgres://u@127.0.0.1:1/d: Connection refused"));
    let sink_down = night_of(&night.source, closed).run(&[]);
    assert_eq!(sink_down.code, 5, "{}", sink_down.stderr);
    assert!(!format!("{}{}", source_down.stderr, sink_down.stderr).contains("s3cret"));

    for (text, sentence) in [
        (
            "model = \"m\"\n[source]\ndatabase = \"postgres://u:s3cret@h/d\"\nquery = 7",
            "line 4: invalid type: integer",
        ),
        (
            "model = \"m\"\n[source]\ndatabase = \"mysql://u:s3cret@h\"\nquery = \"select :date\"",
            "expected a database as sqlite:PATH",
        ),
        (
            "model = \"m\"\n[source]\ndatabase = \"sqlite:x\"\nquery = \"select 1\"",
            "does not use :date",
        ),
        (
            "model = \"m\"\nmodle = 1\n[source]\ndatabase = \"sqlite:x\"\nquery = \"select :date\"",
            "unknown field `modle`",
        ),
        (
            "model = \"m\"\n[source]\ndatabase = \"sqlite:x\"\nquery = \"select :date\"\npassword_env = \"POSTLOAN_NO_SUCH\"\n",
            "the model",
        ),
    ] {
        night.folder.file("nightly.toml", text);
        let bad = night.run(&[]);
        let code = if sentence == "the model" { 4 } else { 2 };
        assert_eq!(bad.code, code, "{}", bad.stderr);
        assert!(sentence == "the model" || bad.stderr.contains(sentence), "{}", bad.stderr);
        assert!(!bad.stderr.contains("s3cret"), "{}", bad.stderr);
    }
    assert_eq!(common::run(&["nightly", "--config", "no/such.toml"]).code, 2);
    assert_eq!(common::run(&["nightly", "--config", &night.config, "--date", "20.11."]).code, 2);
    assert_eq!(common::run(&["nightly"]).code, 2);
}

#[test]
fn a_million_comments_of_one_date_can_be_taken_for_a_wrong_query() {
    let night = Night::sqlite("comments = 10");
    night.add_day(DATE, 11);
    let refused = night.run(&[]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("has 11 comments of this date; the limit is 10"));
}

#[test]
fn the_demo_runs_five_nights_in_one_command() {
    let folder = Folder::new();
    let demo = folder.path("demo");
    let done = common::run(&["nightly", "demo", "--folder", &demo]);
    assert_eq!(done.code, 6, "{}", done.stderr);
    let sink = format!("sqlite:{demo}/results.db");
    let runs = open(&sink).query("SELECT count(*) FROM postloan_run WHERE status = 'done'", &[]);
    assert_eq!(runs.unwrap(), [[Value::Integer(5)]]);
    assert_eq!(std::fs::read_dir(format!("{demo}/results")).unwrap().count(), 5);
    assert_eq!(common::run(&["nightly", "demo", "--folder", &demo]).code, 6);
}
