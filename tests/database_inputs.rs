//! `train`, `evaluate`, `audit`, `predict` and `batch` on a database: what they make of a file with
//! the same records, on SQLite and on PostgreSQL.

mod common;
#[macro_use]
#[path = "common/on_both.rs"]
mod on_both;
#[path = "common/postgres.rs"]
mod postgres;

use std::fs;

use common::{Folder, Run, SHIPPED_MODEL, labelled, postloan, run};
use postloan::records::database::{DatabaseAddress, Value, connect};
use postloan::records::{FieldNames, InputMeter, InputOptions, ReviewReader};
use serde_json::Value as Json;

/// A database with labelled comments, and the same comments in a file.
struct Bank {
    folder: Folder,
    url: String,
    file: String,
}

const QUERY: &str = "SELECT id, comment AS text, label, author FROM review ORDER BY place;";

impl Bank {
    fn new(folder: Folder, url: String) -> Self {
        let lines = labelled(&["normal", "watch", "risky"], 12);
        let file = folder.file("data.jsonl", &lines);
        let bank = Self { folder, url, file };
        bank.run(
            "CREATE TABLE review (place INTEGER, id TEXT, comment TEXT, label TEXT, author TEXT)",
        );
        let mut database = connect(&DatabaseAddress::parse(&bank.url).unwrap()).unwrap();
        for (place, line) in (1_i64..).zip(lines.lines()) {
            let record: Json = serde_json::from_str(line).unwrap();
            let mut values = vec![Value::Integer(place)];
            let fields = ["id", "text", "label", "author"];
            values.extend(fields.map(|field| Value::from(record[field].as_str().unwrap())));
            let insert = "INSERT INTO review VALUES ($1, $2, $3, $4, $5)";
            database.execute(insert, &values).unwrap();
        }
        bank
    }

    fn sqlite() -> Self {
        let folder = Folder::new();
        let url = format!("sqlite:{}", folder.path("bank.db"));
        Self::new(folder, url)
    }

    fn postgres() -> Self {
        Self::new(Folder::new(), postgres::shared().new_database())
    }

    fn run(&self, statements: &str) {
        let address = DatabaseAddress::parse(&self.url).unwrap();
        connect(&address).unwrap().run(statements).unwrap();
    }

    /// Classifies what `query` gives and gives the run, the predictions and the refusals.
    fn batch(&self, query: &str) -> (Run, Vec<Json>, String) {
        let output = self.folder.path("batch.jsonl");
        let arguments = ["batch", &self.url, "--query", query, "--output", &output];
        let done = run(&arguments);
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let lines = read(&output);
        let predictions = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (done, predictions, read(&self.folder.path("batch.rejects.csv")))
    }
}

on_both! { Bank:
    every_command_makes_of_a_query_what_it_makes_of_a_file
    records_that_cannot_be_used_are_refused_by_their_place_and_reason
    what_is_wrong_with_a_query_is_said
    a_query_cannot_write
    rows_are_taken_from_the_database_no_faster_than_they_are_read
}

fn succeeds(arguments: &[&str]) -> Run {
    let done = run(arguments);
    assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
    done
}

fn every_command_makes_of_a_query_what_it_makes_of_a_file(new: fn() -> Bank) {
    let bank = new();
    let Bank { folder, url, file } = &bank;
    let database = [url.as_str(), "--query", QUERY];
    let both = [vec![file.as_str()], database.to_vec()];

    let models = both.each_ref().map(|input| {
        let model = folder.path(if input.len() == 1 { "of-file" } else { "of-query" });
        let options = ["--model", &model, "--folds", "3", "--group-field", "author"];
        succeeds(&[&["train"], &input[..], &options].concat());
        format!("{model}/1")
    });
    let [of_file, of_query] =
        models.each_ref().map(|model| fs::read(format!("{model}/weights.safetensors")).unwrap());
    assert!(of_file == of_query, "the weights differ");
    let manifest = fs::read_to_string(format!("{}/manifest.json", models[1])).unwrap();
    let manifest: Json = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["data"]["rows"], 36);
    for name in ["manifest.json", "MODEL_CARD.md"] {
        let text = fs::read_to_string(format!("{}/{name}", models[1])).unwrap();
        assert!(!text.contains(url) && !text.contains("s3cret") && !text.contains("127.0.0.1"));
    }

    let evaluations = both.each_ref().map(|input| {
        let options = ["--model", &models[1], "--by", "author", "--json"];
        let done = succeeds(&[&["evaluate"], &input[..], &options].concat());
        serde_json::from_str::<Json>(&done.stdout).unwrap()
    });
    assert_eq!(evaluations[0]["metrics"], evaluations[1]["metrics"]);
    assert_eq!(evaluations[0]["by"], evaluations[1]["by"]);
    assert_eq!(evaluations[0]["seen_in_training"], false);
    // The same query of the same records, though other columns of it are asked for.
    assert_eq!(evaluations[1]["seen_in_training"], true);

    let findings = both.each_ref().map(|input| {
        let output = folder.path("findings.jsonl");
        let options = ["--output", &output, "--folds", "3", "--similarity", "0.5"];
        succeeds(&[&["audit"], &input[..], &options].concat());
        fs::read_to_string(output).unwrap()
    });
    assert!(findings[0].lines().count() > 1);
    assert_eq!(findings[0], findings[1]);

    let predicted = both.each_ref().map(|input| {
        let options = ["--model", SHIPPED_MODEL, "--json", "--file"];
        succeeds(&[&["predict"], &options[..], &input[..]].concat()).stdout
    });
    assert_eq!(predicted[0].lines().count(), 36);
    assert_eq!(predicted[0], predicted[1]);

    let predictions = both.each_ref().map(|input| {
        let output = folder.path("predictions.jsonl");
        let options = ["--output", &output, "--keep", "author"];
        succeeds(&[&["batch"], &input[..], &options].concat());
        fs::read_to_string(output).unwrap()
    });
    assert_eq!(predictions[0].lines().count(), 36);
    assert_eq!(predictions[0], predictions[1]);
}

fn records_that_cannot_be_used_are_refused_by_their_place_and_reason(new: fn() -> Bank) {
    let bank = new();
    bank.run(&format!(
        "DELETE FROM review; INSERT INTO review (place, id, comment) VALUES \
         (1, '007', '按时还款'), (2, NULL, '逾期失联'), (3, ' ', '逾期失联'), (4, 'd', NULL), \
         (5, 'e', ''), (6, 'f', '{}'), (7, 'g', '{}')",
        "长".repeat(32_768),
        "长".repeat(400_000),
    ));
    let (done, predictions, rejects) =
        bank.batch("SELECT id, comment AS text FROM review ORDER BY place");
    assert_eq!(done.code, 6, "{}", done.stderr);
    assert_eq!(predictions.len(), 1);
    assert_eq!(predictions[0]["id"], "007");
    let mut rows = csv::Reader::from_reader(rejects.as_bytes());
    let rows: Vec<[String; 3]> = rows
        .records()
        .map(|row| row.unwrap())
        .map(|row| [1, 2, 3].map(|column| row[column].to_owned()))
        .collect();
    let expected = [
        ["2", "", "missing_field"],
        ["3", "", "missing_field"],
        ["4", "d", "missing_field"],
        ["5", "e", "empty_comment"],
        ["6", "f", "comment_too_long"],
        ["7", "", "record_too_long"],
    ];
    assert_eq!(rows, expected);
    assert!(!rejects.contains("失联") && !rejects.contains("s3cret"));

    // An id may be a number, a date or anything else that can be written out.
    let ids = "SELECT place AS id, '按时还款' AS text FROM review WHERE place = 7 \
               UNION ALL SELECT 8, '逾期失联' ORDER BY id";
    let (done, predictions, _) = bank.batch(ids);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!([&predictions[0]["id"], &predictions[1]["id"]], ["7", "8"]);
}

fn what_is_wrong_with_a_query_is_said(new: fn() -> Bank) {
    let bank = new();
    let shown = bank.url.replace("s3cret%2Fpass%3Aword%401", "");
    let shown = shown.replace(":@", "@").replace("?sslmode=disable", "");
    for (query, sentence) in [
        ("SELECT id, text FROM no_such_table", "no_such_table"),
        ("SELECT id, no_such_column FROM review", "no_such_column"),
        ("SELECT id, comment FROM review", "has no column `text`; its columns are: id, comment"),
        ("SELECT id, id, comment AS text FROM review", "two columns are called `id`"),
        ("SELECT id, comment AS text FROM review WHERE id = $1", "arameters"),
        ("SELEKT id", "syntax error"),
    ] {
        let (failed, predictions, _) = bank.batch(query);
        assert_eq!((failed.code, predictions.len()), (3, 0), "{}", failed.stderr);
        assert!(failed.stderr.contains(sentence), "{sentence} not in {}", failed.stderr);
        assert!(failed.stderr.contains(&shown), "{shown} not in {}", failed.stderr);
        assert!(!failed.stderr.contains("cret"), "{}", failed.stderr);
    }
    let failed = run(&["train", &bank.url, "--model", &bank.folder.path("model")]);
    assert_eq!(failed.code, 3);
    assert!(failed.stderr.contains("is a database: --query must say"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("cret"), "{}", failed.stderr);
}

fn a_query_cannot_write(new: fn() -> Bank) {
    let bank = new();
    let (failed, ..) = bank.batch("DELETE FROM review RETURNING id, comment AS text");
    assert_eq!(failed.code, 3, "{}", failed.stderr);
    let (whole, predictions, _) = bank.batch("SELECT id, comment AS text FROM review");
    assert_eq!((whole.code, predictions.len()), (0, 36));
}

fn rows_are_taken_from_the_database_no_faster_than_they_are_read(new: fn() -> Bank) {
    let bank = new();
    // Read ahead of whoever takes its rows, it would never end, or fill the memory.
    let endless = match bank.url.starts_with("sqlite") {
        true => {
            "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) \
             SELECT id, 'x' AS text FROM n"
        }
        false => "SELECT generate_series(1, 1000000000000) AS id, 'x' AS text",
    };
    let options = InputOptions { query: Some(endless.to_owned()), ..InputOptions::default() };
    let fields = FieldNames {
        id: Some("id".to_owned()),
        text: "text".to_owned(),
        required: vec![],
        optional: vec![],
    };
    let meter = InputMeter::new();
    let mut reader = ReviewReader::open(bank.url.as_ref(), &options, fields, &meter).unwrap();
    let ids: Vec<String> =
        reader.by_ref().take(3000).map(|review| review.unwrap().unwrap().id).collect();
    assert_eq!((ids[0].as_str(), ids[2999].as_str()), ("1", "3000"));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let ahead = meter.bytes();
    assert!(ahead < 100_000, "{ahead} bytes were read for 3,000 rows");
}

#[test]
fn the_digest_of_the_same_records_is_the_same_in_both_databases() {
    let digests = [Bank::sqlite(), Bank::postgres()].map(|bank| {
        let model = bank.folder.path("model");
        succeeds(&["train", &bank.url, "--query", QUERY, "--model", &model, "--folds", "0"]);
        let manifest = fs::read_to_string(format!("{model}/1/manifest.json")).unwrap();
        let manifest: Json = serde_json::from_str(&manifest).unwrap();
        manifest["data"]["files"][0].clone()
    });
    assert_eq!(digests[0]["name"], "sqlite:bank.db");
    assert!(digests[1]["name"].as_str().unwrap().starts_with("postgres:test_"));
    assert_eq!(digests[0]["sha256"], digests[1]["sha256"]);

    // It is what anybody can make of the records.
    let mut lines = "[\"id\",\"text\",\"label\",\"author\"]\n".to_owned();
    for line in labelled(&["normal", "watch", "risky"], 12).lines() {
        let record: Json = serde_json::from_str(line).unwrap();
        let values = ["id", "text", "label", "author"].map(|field| record[field].clone());
        lines += &format!("{}\n", Json::from(values.to_vec()));
    }
    use sha2::{Digest, Sha256};
    let expected: String =
        Sha256::digest(&lines).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digests[0]["sha256"], expected);
    assert_eq!(digests[0]["bytes"], lines.len());
}

#[test]
fn a_database_that_is_not_there_is_said_and_not_made() {
    let folder = Folder::new();
    let output = folder.path("out.csv");
    let fails = |input: &str, code: i32, sentence: &str| {
        let failed = run(&["batch", input, "--query", "SELECT 1", "--output", &output]);
        assert_eq!(failed.code, code, "{}", failed.stderr);
        assert!(failed.stderr.contains(sentence), "{sentence} not in {}", failed.stderr);
        assert!(!failed.stderr.contains("s3cret"), "{}", failed.stderr);
    };
    fails(&format!("sqlite:{}", folder.path("no.db")), 3, "unable to open database file");
    fails("postgres://u:s3cret@127.0.0.1:1/d", 3, "postgres://u@127.0.0.1:1/d: Connection refused");
    fails("mysql://u:s3cret@h/d", 3, "expected a database as sqlite:PATH");
    fails("postgres://u:s3cret@h:port/d", 3, "port that cannot be");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    let failed = run(&["batch", "data/sample-day.csv", "--output", "postgres://u:s3cret@h/d"]);
    assert_eq!(failed.code, 2);
    assert!(!failed.stderr.contains("s3cret"), "{}", failed.stderr);
}

#[test]
fn a_password_can_come_from_the_environment() {
    let bank = Bank::postgres();
    let without = bank.url.replace(":s3cret%2Fpass%3Aword%401", "");
    let batch = |password: Option<&str>| {
        let mut command = postloan();
        command.args(["batch", &without, "--output", "-", "--password-env", "BANK_PASSWORD"]);
        command.args(["--query", "SELECT id, comment AS text FROM review"]);
        command.env_remove("BANK_PASSWORD");
        if let Some(password) = password {
            command.env("BANK_PASSWORD", password);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(batch(Some(postgres::PASSWORD)).0, Some(0));
    let (code, said) = batch(Some("wrong-s3cret"));
    assert!(code == Some(3) && said.contains("password") && !said.contains("s3cret"), "{said}");
    let (code, said) = batch(None);
    assert_eq!((code, said.contains("`BANK_PASSWORD` is not set")), (Some(3), true), "{said}");
}

#[test]
fn text_of_a_database_that_is_not_utf_8_is_refused() {
    let bank = Bank::sqlite();
    let query = "SELECT id, CAST(x'61ff' AS TEXT) AS text FROM review WHERE place = 1 \
                 UNION ALL SELECT 'blob', CAST('按时还款' AS BLOB)";
    let (done, predictions, rejects) = bank.batch(query);
    assert_eq!((done.code, predictions.len()), (6, 1), "{}", done.stderr);
    assert_eq!(predictions[0]["id"], "blob");
    assert!(rejects.contains("normal-0,encoding"), "{rejects}");
}
