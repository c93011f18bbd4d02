//! `postloan batch`, as an operator meets it: nothing lost, nothing doubled, nothing half.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::process::Stdio;

use common::{Folder, Run, postloan, run, run_with_input};
use serde_json::Value;

fn csv_rows(path: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn the_sample_day_is_classified_whole_and_in_order() {
    let folder = Folder::new();
    let output = folder.path("predictions.csv");
    let Run { code, stdout, stderr } =
        run(&["batch", "data/sample-day.csv", "--output", &output, "--keep", "loan_type"]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.starts_with("7000 records read, 0 refused, 7000 classified"), "{stderr}");
    let day = csv_rows("data/sample-day.csv");
    let rows = csv_rows(&output);
    assert_eq!(
        rows[0],
        ["id", "label", "confidence", "p_normal", "p_watch", "p_risky", "model", "loan_type"]
    );
    assert_eq!(rows.len(), 7001);
    for (row, record) in rows.iter().zip(&day).skip(1) {
        assert_eq!((&row[0], &row[7]), (&record[0], &record[1]));
        assert_eq!(row[6], "post-loan-risk/1");
        let probabilities: Vec<f64> = row[3..6].iter().map(|p| p.parse().unwrap()).collect();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let highest = probabilities.iter().copied().fold(0.0, f64::max);
        assert_eq!(row[2].parse::<f64>().unwrap(), highest);
    }
    assert_eq!(folder.names(), ["predictions.csv", "predictions.rejects.csv"]);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = Folder::new();
    let outputs: BTreeSet<Vec<u8>> = ["1", "2", "7"]
        .iter()
        .map(|threads| {
            let output = folder.path(&format!("{threads}.jsonl"));
            let done =
                run(&["batch", "data/sample-day.csv", "--output", &output, "--threads", threads]);
            assert_eq!(done.code, 0, "{}", done.stderr);
            fs::read(output).unwrap()
        })
        .collect();
    assert_eq!(outputs.len(), 1);
}

#[test]
fn records_that_cannot_be_classified_are_listed_with_line_and_reason_and_stop_nothing() {
    let folder = Folder::new();
    let long = "长".repeat(32_768);
    let mut day =
        b"\xef\xbb\xbfid,text\r\n1,\xe6\xad\xa3\xe5\xb8\xb8\r\n2,\r\n3, \xe3\x80\x80 \r\n".to_vec();
    day.extend_from_slice(b"4,\xff\xfe\r\n5,a,b\r\n,x\r\n7,\"open\r\n");
    day.extend_from_slice(format!("8,{long}\r\n9,\"逾期,\n失联\"\r\n1,再次\r\n").as_bytes());
    let input = folder.file("day.csv", &day);
    let (output, rejects) = (folder.path("out.csv"), folder.path("refused.jsonl"));
    let done = run(&["batch", &input, "--output", &output, "--rejects", &rejects, "--json"]);
    assert_eq!(done.code, 6, "{}", done.stderr);

    let ids: Vec<String> =
        csv_rows(&output).into_iter().skip(1).map(|row| row[0].clone()).collect();
    assert_eq!(ids, ["1", "9", "1"]);
    let refused: Vec<Value> = fs::read_to_string(&rejects)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(u64, &str, Option<&str>)> = refused
        .iter()
        .map(|r| (r["line"].as_u64().unwrap(), r["reason"].as_str().unwrap(), r["id"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (3, "empty_comment", Some("2")),
            (4, "empty_comment", Some("3")),
            (5, "encoding", Some("4")),
            (6, "malformed", None),
            (7, "missing_field", None),
            (8, "malformed", None),
            (9, "comment_too_long", Some("8")),
        ]
    );
    assert!(refused.iter().all(|r| r["input"] == input.as_str()));
    let summary: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&summary["read"], &summary["classified"], &summary["refused"]),
        (&10.into(), &3.into(), &7.into())
    );
    assert_eq!(summary["refused_by_reason"]["empty_comment"], 2);
    assert_eq!(summary["duplicate_ids"]["count"], 1);
    assert_eq!(summary["duplicate_ids"]["first"][0]["line"], 12);
    assert!(
        done.stderr.contains("line 12: id `1` stands in an earlier record, too"),
        "{}",
        done.stderr
    );
}

#[test]
fn bad_json_lines_are_refused_one_by_one() {
    let input = b"{\"id\": 1, \"text\": \"\xe6\xad\xa3\xe5\xb8\xb8\"}\n{\n\n{\"id\": 2}\n{\"id\": 3, \"text\": 4}\n\xff\n{\"text\": \"x\"}\n";
    let done = run_with_input(&["batch", "-", "--output", "-"], input);
    assert_eq!(done.code, 6);
    assert_eq!(done.stdout.lines().count(), 1);
    let prediction: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&prediction["id"], &prediction["label"]), (&"1".into(), &"normal".into()));
    // With predictions on standard output, refusals go to standard error, before the summary.
    let refused: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("-,")).collect();
    assert_eq!(refused.len(), 5, "{}", done.stderr);
    assert!(refused[0].starts_with("-,2,,malformed,not valid JSON at column"), "{}", refused[0]);
    assert!(done.stderr.contains("6 records read, 5 refused"), "{}", done.stderr);
}

#[test]
fn no_text_of_a_comment_is_written_anywhere_but_where_it_was_asked_for() {
    let folder = Folder::new();
    let secret = "涉密客户李四光";
    let lines = [
        format!("{{\"id\": 1, \"text\": \"{secret}正常\"}}"),
        format!("{{\"id\": 2, \"text\": [\"{secret}\"]}}"),
        format!("{{\"id\": 3, \"text\": \"{secret}"),
        format!("\"{secret}\""),
        format!("{{\"id\": 4, \"text\": \"{}\"}}", secret.repeat(6000)),
    ];
    let input = folder.file("day.jsonl", lines.join("\n"));
    let output = folder.path("out.csv");
    let done = run(&["batch", &input, "--output", &output, "--json"]);
    assert_eq!(done.code, 6);
    let written = done.stdout
        + &done.stderr
        + &fs::read_to_string(&output).unwrap()
        + &fs::read_to_string(folder.path("out.rejects.csv")).unwrap();
    assert!(!written.contains("涉密"), "{written}");
    assert_eq!(csv_rows(&folder.path("out.rejects.csv")).len(), 5);
}

#[test]
fn an_empty_day_is_no_failure() {
    let folder = Folder::new();
    let input = folder.file("day.csv", "id,text\n");
    let output = folder.path("out.csv");
    let done = run(&["batch", &input, "--output", &output]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(csv_rows(&output).len(), 1);
    assert!(done.stderr.starts_with("0 records read"), "{}", done.stderr);
}

#[test]
fn several_inputs_follow_one_another_and_refusals_name_theirs() {
    let folder = Folder::new();
    let one = folder.file("one.csv", "id,text\n1,正常\n2,\n");
    let two = folder.file("two.jsonl", "{\"id\": 3, \"text\": \"逾期\"}\n{}\n");
    let output = folder.path("out.csv");
    let done = run(&["batch", &one, &two, "--output", &output]);
    assert_eq!(done.code, 6);
    let ids: Vec<String> =
        csv_rows(&output).into_iter().skip(1).map(|row| row[0].clone()).collect();
    assert_eq!(ids, ["1", "3"]);
    let rejects = csv_rows(&folder.path("out.rejects.csv"));
    assert_eq!(rejects[0], ["input", "line", "id", "reason", "detail"]);
    assert_eq!((&rejects[1][0], &rejects[1][1]), (&one, &"3".to_owned()));
    assert_eq!((&rejects[2][0], &rejects[2][1]), (&two, &"2".to_owned()));
}

#[test]
fn other_field_names_can_be_given() {
    let folder = Folder::new();
    let input = folder.file("day.csv", "编号,评价,机构\n001,逾期失联,=城东支行\n");
    let output = folder.path("out.jsonl");
    let done = run(&[
        "batch",
        &input,
        "--output",
        &output,
        "--id-field",
        "编号",
        "--text-field",
        "评价",
        "--keep",
        "机构",
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let text = fs::read_to_string(&output).unwrap();
    assert!(text.starts_with("{\"id\":\"001\",\"label\":\""), "{text}");
    assert!(text.contains("\"机构\":\"=城东支行\""));
}

#[test]
fn inputs_that_cannot_be_used_leave_no_output() {
    let folder = Folder::new();
    let no_text = folder.file("no_text.csv", "id,comment\n1,x\n");
    let utf16 = folder.file("utf16.csv", b"\xff\xfei\0d\0");
    let nothing = folder.file("nothing.csv", "");
    let good = folder.file("good.csv", "id,text\n1,正常\n");
    let output = folder.path("out.csv");
    for (inputs, code, sentence) in [
        (vec!["no/such.csv"], 3, "cannot open `no/such.csv`"),
        (vec![&good, "no/such.csv"], 3, "cannot open `no/such.csv`"),
        (vec!["README.md"], 3, "cannot tell the format of `README.md`"),
        (vec![&no_text], 3, "has no column `text`; its columns are: id, comment"),
        (vec![&utf16], 3, "it is UTF-16; expected UTF-8"),
        (vec![&nothing], 3, "the input is empty"),
    ] {
        let mut arguments = vec!["batch", "--output", &output];
        arguments.extend(inputs);
        let failed = run(&arguments);
        assert_eq!(failed.code, code, "{}", failed.stderr);
        assert!(failed.stderr.contains(sentence), "{}", failed.stderr);
    }
    assert_eq!(folder.names(), ["good.csv", "no_text.csv", "nothing.csv", "utf16.csv"]);
}

#[test]
fn outputs_that_cannot_be_written_are_known_before_any_work() {
    let folder = Folder::new();
    let input = folder.file("day.csv", "id,text\n1,正常\n");
    let inside = folder.path("no/such/out.csv");
    for (output, code, sentence) in [
        (inside.as_str(), 5, "No such file or directory"),
        ("/proc/out.csv", 5, "cannot write `/proc/out.csv`"),
        ("out.txt", 2, "cannot tell the format of `out.txt`"),
        (input.as_str(), 2, "is an input; the output must be another file"),
    ] {
        let failed = run(&["batch", &input, "--output", output]);
        assert_eq!(failed.code, code, "{}", failed.stderr);
        assert!(failed.stderr.contains(sentence), "{}", failed.stderr);
    }
    let output = folder.path("out.csv");
    let same = run(&["batch", &input, "--output", &output, "--rejects", &output]);
    assert_eq!(same.code, 2, "{}", same.stderr);
    let kept = run(&["batch", &input, "--output", &output, "--keep", "id"]);
    assert!(kept.stderr.contains("there is such a column already"), "{}", kept.stderr);
    let missing = run(&["batch", &input, "--output", &output, "--keep", "branch"]);
    assert_eq!(missing.code, 3);
    assert!(missing.stderr.contains("has no column `branch`"), "{}", missing.stderr);
    assert_eq!(folder.names(), ["day.csv"]);
}

#[test]
fn an_earlier_output_stands_until_the_new_one_is_whole() {
    let folder = Folder::new();
    let output = folder.file("out.csv", "yesterday");
    let bad = folder.file("day.csv", "id,comment\n");
    assert_eq!(run(&["batch", &bad, "--output", &output]).code, 3);
    assert_eq!(fs::read_to_string(&output).unwrap(), "yesterday");
    let good = folder.file("day.csv", "id,text\n1,正常\n");
    assert_eq!(run(&["batch", &good, "--output", &output]).code, 0);
    assert_eq!(csv_rows(&output).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_killed_job_leaves_the_earlier_output_and_the_next_run_goes_through() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let output = folder.file("out.csv", "yesterday");
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("postloan"));
    let mut child = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["batch", "-", "--output", &output])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It waits for input with its drafts open.
    for _ in 0..1000 {
        if folder.names().len() == 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(folder.names().len(), 3, "no drafts after ten seconds");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(&output).unwrap(), "yesterday");
    assert_eq!(run(&["batch", "data/sample-day.csv", "--output", &output]).code, 0);
    assert_eq!(csv_rows(&output).len(), 7001);
    let mode = fs::metadata(&output).unwrap().permissions().mode() & 0o777;
    let plain = fs::metadata(folder.file("plain", "")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, plain, "an output has the rights of any new file");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("postloan"));
    let mut child = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["batch", "data/sample-day.csv", "--output", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn help_lists_the_exit_codes_and_every_flag_says_what_it_does() {
    for command in ["train", "evaluate", "predict", "batch", "models"] {
        let help = run(&[command, "--help"]);
        assert_eq!(help.code, 0);
        assert!(help.stdout.contains("Exit codes:"), "{command}");
        assert!(help.stdout.contains("6  done, but some records were refused"));
    }
    assert_eq!(run(&["batch"]).code, 2);
    assert_eq!(run(&["nonsense"]).code, 2);
    assert!(postloan().arg("--version").output().unwrap().status.success());
}
