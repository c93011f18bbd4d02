//! The report and the message after a night.

mod common;
#[path = "common/night.rs"]
mod night;
#[macro_use]
#[path = "common/on_both.rs"]
mod on_both;
#[path = "common/postgres.rs"]
mod postgres;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use night::{DATE, Night};
use serde_json::Value;

/// A webhook that answers with these statuses and bodies in turn, and keeps what it was sent.
fn webhook(answers: Vec<(u16, &'static str)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/send?key=s3cret", listener.local_addr().unwrap().port());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    thread::spawn(move || {
        for (status, answer) in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push(String::from_utf8(body).unwrap());
            let mut stream = stream;
            let size = answer.len();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{answer}"
            )
            .unwrap();
        }
    });
    (url, received)
}

fn settings(url: &str, more: &str) -> String {
    format!(
        "page = 50\n\n[report]\nfolder = \"reports\"\nlink = \"https://intranet/{{file}}\"\n\
         [notify]\nurl = \"{url}\"\n{more}"
    )
}

fn run(night: &Night, arguments: &[&str]) -> Value {
    let done = night.run(arguments);
    assert_eq!(done.code, 6, "{}", done.stderr);
    assert!(!done.stderr.contains("s3cret"), "{}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap()
}

fn the_report_has_the_numbers_of_the_sink_and_the_message_the_ids(new: fn(&str) -> Night) {
    let (url, received) =
        webhook(vec![(500, ""), (200, "{\"errcode\":0}"), (200, "{\"errcode\":0}")]);
    let night = new(&settings(&url, ""));
    night.add_day("2026-11-19", 80);
    night.add_day(DATE, 400);
    let first = run(&night, &["--date", "2026-11-19"]);
    assert_eq!(first["notified"], "sent", "after one retry");
    let second = run(&night, &["--with-text"]);
    let page = std::fs::read_to_string(second["report"].as_str().unwrap()).unwrap();
    let json = second["report"].as_str().unwrap().replace(".html", ".json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    for label in second["by_label"].as_array().unwrap() {
        assert!(page.contains(&format!("<strong>{}</strong>", label["count"])), "{label}");
    }
    assert_eq!(json["summary"]["by_label"], second["by_label"]);
    assert_eq!(json["past"][0]["date"], "2026-11-19");
    let histogram = json["confidence_histogram"].as_array().unwrap();
    assert_eq!(histogram.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 300);
    let riskiest = json["riskiest"].as_array().unwrap();
    assert_eq!(riskiest.len(), 20);
    assert!(riskiest[0]["text"].as_str().unwrap().contains("逾期九十天"));
    assert!(riskiest[0]["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()));
    assert!(page.contains(riskiest[0]["id"].as_str().unwrap()));
    assert!(!page.contains("<script") && page.contains("贷后检查夜间分类报告"));
    // Without --with-text there is no comment on the page.
    let plain = std::fs::read_to_string(first["report"].as_str().unwrap()).unwrap();
    assert!(!plain.contains("逾期九十天，借款人失联"));

    let received = received.lock().unwrap();
    assert_eq!(received.len(), 3);
    let message: Value = serde_json::from_str(&received[2]).unwrap();
    assert_eq!(message["msgtype"], "markdown");
    let content = message["markdown"]["content"].as_str().unwrap();
    assert!(content.len() <= 4096 && content.contains(riskiest[0]["id"].as_str().unwrap()));
    assert!(content.contains("https://intranet/2026-11-20-run-2.html"), "{content}");
    assert!(content.contains("近期平均") && !content.contains("借款人失联"), "{content}");
}

on_both! { Night:
    the_report_has_the_numbers_of_the_sink_and_the_message_the_ids
    a_job_killed_before_its_message_was_sent_sends_it_at_the_next_start
    a_report_that_could_not_be_written_is_written_at_the_next_start
    nothing_is_told_again_of_runs_of_an_earlier_release
}

#[test]
fn a_webhook_that_fails_does_not_fail_the_run_and_a_refusal_is_not_repeated() {
    let (refusing, received) = webhook(vec![(200, "{\"errcode\":93000}"), (200, "{}")]);
    let night = Night::sqlite(&settings(&refusing, "format = \"json\"\nlanguage = \"en\""));
    night.add_day(DATE, 40);
    assert_eq!(run(&night, &[])["notified"], "the webhook answers with errcode 93000");
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 1);
    let message: Value = serde_json::from_str(&received[0]).unwrap();
    assert_eq!(message["summary"]["read"], 40);

    let night = Night::sqlite(&settings("http://127.0.0.1:1/?key=s3cret", "attempts = 2"));
    night.add_day(DATE, 40);
    assert_eq!(run(&night, &[])["notified"], "the webhook cannot be reached");
    let english = run(&night, &["--rerun", "--lang", "en"]);
    let page = std::fs::read_to_string(english["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("lang=\"en\"") && page.contains("The riskiest reviews"));
}

fn a_job_killed_before_its_message_was_sent_sends_it_at_the_next_start(new: fn(&str) -> Night) {
    // It takes the call, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", silent.local_addr().unwrap());
    let night = new(&settings(&address, "timeout_seconds = 600"));
    night.add_day(DATE, 40);
    let mut job = night.start(DATE);
    let call = silent.accept().unwrap();
    job.kill().unwrap();
    job.wait().unwrap();
    drop(call);
    let state = "SELECT status, is_current, report_due, message_due FROM postloan_run";
    assert_eq!(night.query(state), [["done", "1", "0", "1"]]);
    let page = night.folder.path(&format!("reports/{DATE}-run-1.html"));
    assert!(std::fs::read_to_string(&page).unwrap().contains("贷后检查夜间分类报告"));
    std::fs::write(&page, "as it was").unwrap();

    let (url, received) = webhook(vec![(200, "{\"errcode\":0}"), (200, "{}")]);
    night.configure(&settings(&url, ""));
    let again = run(&night, &[]);
    assert_eq!((&again["status"], &again["notified"]), (&"already_done".into(), &"sent".into()));
    assert_eq!(again["report"], Value::Null);
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "as it was");
    assert!(received.lock().unwrap()[0].contains("https://intranet/2026-11-20-run-1.html"));
    // And once only.
    assert_eq!(run(&night, &[])["notified"], Value::Null);
    assert_eq!(received.lock().unwrap().len(), 1);
    assert_eq!(night.query("SELECT count(*) FROM postloan_run"), [["1"]]);
    assert!(night.query("SELECT owner FROM postloan_lock").is_empty());
}

fn a_report_that_could_not_be_written_is_written_at_the_next_start(new: fn(&str) -> Night) {
    let (url, received) = webhook(vec![(500, ""), (200, "{}")]);
    let night = new(&settings(&url, "attempts = 1\nformat = \"json\""));
    night.add_day(DATE, 40);
    let in_the_way = night.folder.file("reports", "no folder");
    let failed = night.run(&[]);
    assert_eq!(failed.code, 5, "{}", failed.stderr);
    assert!(failed.stderr.contains(&in_the_way), "{}", failed.stderr);
    let state = "SELECT status, report_due, message_due FROM postloan_run";
    assert_eq!(night.query(state), [["done", "1", "1"]]);
    std::fs::remove_file(&in_the_way).unwrap();

    let written = run(&night, &[]);
    assert_eq!(written["status"], "already_done");
    assert_eq!(written["notified"], "the webhook answers with status 500");
    let json = written["report"].as_str().unwrap().replace(".html", ".json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    // It tells of the run, not of the start that told.
    assert_eq!(json["summary"]["status"], "done");
    assert_eq!(json["summary"]["read"], 40);
    assert_eq!(night.query(state), [["done", "0", "1"]]);
    assert_eq!(run(&night, &[])["notified"], "sent");
    assert_eq!(night.query(state), [["done", "0", "0"]]);
    assert!(received.lock().unwrap()[1].contains("\"status\":\"done\""));
}

fn nothing_is_told_again_of_runs_of_an_earlier_release(new: fn(&str) -> Night) {
    let night = new("page = 50");
    night.add_day(DATE, 40);
    run(&night, &[]);
    // As the first version of the tables had it.
    night
        .open_sink()
        .run(
            "ALTER TABLE postloan_run DROP COLUMN report_due;
             ALTER TABLE postloan_run DROP COLUMN message_due;
             DELETE FROM postloan_schema WHERE version = 2",
        )
        .unwrap();
    let results = "SELECT review_id, label, job FROM postloan_current_result ORDER BY review_id";
    let before = night.query(results);
    let (url, received) = webhook(vec![(200, "{}")]);
    night.configure(&settings(&url, ""));
    let again = run(&night, &[]);
    assert_eq!((&again["report"], &again["notified"]), (&Value::Null, &Value::Null));
    assert!(received.lock().unwrap().is_empty());
    assert_eq!(night.query("SELECT max(version) FROM postloan_schema"), [["2"]]);
    let after = night.query(results);
    assert!(!before.is_empty() && before == after);
}
