//! Every format, both ways, with content that formats trip over.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use calamine::{Reader, Xlsx, open_workbook};
use common::{Folder, SHIPPED_MODEL, run, run_with_input};
use postloan::records::{
    FieldNames, InputMeter, InputOptions, RecordFormat, Refusal, Review, ReviewReader, TextEncoding,
};
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/formats");
const FILES: [&str; 5] =
    ["utf8.csv", "gb18030.csv", "lines.jsonl.gz", "book.xlsx", "groups.parquet"];

/// The names of the files' fields.
const CHINESE: [&str; 4] = ["--id-field", "编号", "--text-field", "评价"];

fn golden(name: &str) -> String {
    format!("{GOLDEN}/{name}")
}

/// What `make_formats.py` wrote into every file.
fn records() -> Vec<(String, String, String)> {
    let json = fs::read_to_string(golden("records.json")).unwrap();
    let mut records: Vec<(String, String, String)> = serde_json::from_str(&json).unwrap();
    records.push(("14".to_owned(), "长".repeat(32_767), "最长的单元格".to_owned()));
    records
}

fn fields() -> FieldNames {
    FieldNames {
        id: Some("编号".to_owned()),
        text: "评价".to_owned(),
        required: vec![],
        optional: vec!["机构".to_owned()],
    }
}

fn read(path: &str, options: &InputOptions) -> Vec<Result<Review, Refusal>> {
    let reader =
        ReviewReader::open(Path::new(path), options, fields(), &InputMeter::new()).unwrap();
    reader.collect::<Result<_, _>>().unwrap()
}

fn triples(path: &str) -> Vec<(String, String, String)> {
    let records = read(path, &InputOptions::default()).into_iter();
    records
        .map(|record| {
            let mut review = record.unwrap();
            (review.id, review.text, review.optional.remove(0))
        })
        .collect()
}

#[test]
fn files_of_other_programs_give_the_same_records_in_every_format() {
    for name in FILES {
        assert!(triples(&golden(name)) == records(), "{name}");
    }
}

#[test]
fn refusals_and_ids_tell_the_row_of_the_sheet_below_its_title_and_merged_header() {
    let book = read(&golden("book.xlsx"), &InputOptions::default());
    assert_eq!(book[0].as_ref().unwrap().line, 4);
    let sheet = InputOptions { sheet: Some("没有".to_owned()), ..InputOptions::default() };
    let path = golden("book.xlsx");
    let error = |options: &InputOptions| {
        ReviewReader::open(Path::new(&path), options, fields(), &InputMeter::new())
            .unwrap_err()
            .to_string()
    };
    assert!(error(&sheet).contains("there is no sheet `没有`; its sheets are: 检查, 空表"));
    let empty = InputOptions { sheet: Some("空表".to_owned()), ..InputOptions::default() };
    assert!(error(&empty).contains("has no column `编号`"), "{}", error(&empty));
}

/// The golden records as the program writes them: predictions that keep the comment and a field.
fn written(folder: &Folder, output: &str, more: &[&str]) -> String {
    let path = folder.path(output);
    let input = golden("utf8.csv");
    let options = ["--keep", "评价,机构", "--model", SHIPPED_MODEL];
    let arguments = [&["batch", &input, "--output", &path], &CHINESE[..], &options, more];
    let done = run(&arguments.concat());
    assert_eq!(done.code, 6, "one comment is empty: {}", done.stderr);
    path
}

fn read_written(path: &str) -> Vec<(String, String, String)> {
    let fields = FieldNames { id: Some("id".to_owned()), ..fields() };
    let options = InputOptions::default();
    let reader = ReviewReader::open(Path::new(path), &options, fields, &InputMeter::new()).unwrap();
    reader
        .map(|record| {
            let mut review = record.unwrap().unwrap();
            (review.id, review.text, review.optional.remove(0))
        })
        .collect()
}

#[test]
fn what_is_written_in_any_format_reads_back_to_the_character() {
    let folder = Folder::new();
    let mut expected = records();
    expected.retain(|(_, text, _)| !text.is_empty());
    for (name, more) in [
        ("out.csv", vec![]),
        ("gb18030.csv", vec!["--output-encoding", "gb18030"]),
        ("out.jsonl", vec![]),
        ("out.csv.gz", vec![]),
        ("out.jsonl.zst", vec![]),
        ("out.xlsx", vec![]),
        ("out.parquet", vec![]),
    ] {
        let path = written(&folder, name, &more);
        assert!(read_written(&path) == expected, "{name}");
    }
    let gb18030 = fs::read(folder.path("gb18030.csv")).unwrap();
    assert_eq!(TextEncoding::detect(&gb18030), TextEncoding::Gb18030);
    assert_eq!(fs::read(folder.path("out.csv.gz")).unwrap()[..2], [0x1F, 0x8B]);
    // One name for the rejects whatever the output is compressed with.
    assert!(folder.names().contains(&"out.rejects.csv".to_owned()), "{:?}", folder.names());
}

#[test]
fn no_cell_of_a_written_workbook_is_a_formula() {
    let folder = Folder::new();
    let path = written(&folder, "out.xlsx", &[]);
    let mut workbook: Xlsx<_> = open_workbook(&path).unwrap();
    let sheet = workbook.sheet_names()[0].clone();
    assert!(workbook.worksheet_formula(&sheet).unwrap().is_empty());
    let range = workbook.worksheet_range(&sheet).unwrap();
    assert_eq!(range.get_value((1, 0)), Some(&calamine::Data::String("007".to_owned())));
}

#[test]
fn the_same_predictions_come_of_every_format_of_input_and_output() {
    let folder = Folder::new();
    let predictions = |input: &str, output: &str| {
        let path = folder.path(output);
        let input = if Path::new(input).exists() { input.to_owned() } else { golden(input) };
        let done = run(&[&["batch", &input, "--output", &path], &CHINESE[..]].concat());
        assert_eq!(done.code, 6, "{}", done.stderr);
        fs::read(path).unwrap()
    };
    let first = predictions("utf8.csv", "0.jsonl");
    for name in &FILES[1..] {
        assert!(predictions(name, &format!("{name}.jsonl")) == first, "{name}");
    }
    // Through a Parquet of numbers and back, to the last bit.
    let fields = FieldNames {
        id: Some("id".to_owned()),
        text: "label".to_owned(),
        required: vec!["confidence".to_owned(), "p_risky".to_owned()],
        optional: vec![],
    };
    predictions("utf8.csv", "0.parquet");
    let path = PathBuf::from(folder.path("0.parquet"));
    let options = InputOptions::default();
    let reader = ReviewReader::open(&path, &options, fields, &InputMeter::new()).unwrap();
    let lines = std::str::from_utf8(&first).unwrap().lines();
    for (record, line) in reader.zip(lines) {
        let (review, line) =
            (record.unwrap().unwrap(), serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(review.id, line["id"].as_str().unwrap());
        assert_eq!(review.text, line["label"].as_str().unwrap());
        for (number, name) in review.required.iter().zip(["confidence", "p_risky"]) {
            assert_eq!(number.parse::<f64>().unwrap(), line[name].as_f64().unwrap());
        }
    }
}

#[test]
fn train_evaluate_and_predict_read_every_format() {
    let folder = Folder::new();
    let labelled = common::labelled(&["normal", "watch", "risky"], 12);
    let jsonl = folder.file("labelled.jsonl", &labelled);
    let mut reports = Vec::new();
    // `batch` keeps the labels as a field: a converter between formats by the way.
    let mut inputs = vec![jsonl.clone()];
    for format in ["xlsx", "parquet", "csv.zst"] {
        let path = folder.path(&format!("labelled.{format}"));
        let done = run(&["batch", &jsonl, "--output", &path, "--keep", "text,author"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        inputs.push(path);
    }
    for input in &inputs[1..] {
        let model = folder.path("model");
        let trained = run(&["train", input, "--model", &model, "--min-df", "1", "--folds", "3"]);
        assert_eq!(trained.code, 0, "{input}: {}", trained.stderr);
        let evaluated = run(&["evaluate", input, "--json", "--model", SHIPPED_MODEL]);
        assert_eq!(evaluated.code, 0, "{input}: {}", evaluated.stderr);
        let report: Value = serde_json::from_str(&evaluated.stdout).unwrap();
        reports.push(report["metrics"].to_string());
    }
    assert!(reports.windows(2).all(|pair| pair[0] == pair[1]));
    for name in FILES {
        let file = golden(name);
        let predicted = run(&[&["predict", "--file", &file, "--json"], &CHINESE[..]].concat());
        assert_eq!(predicted.code, 6, "{name}: {}", predicted.stderr);
        let lines: Vec<Value> =
            predicted.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 7, "{name}");
        assert_eq!(lines[0]["id"], "007");
        assert!(predicted.stderr.contains("id 13: the comment is empty"), "{}", predicted.stderr);
    }
}

#[test]
fn a_stream_is_read_in_any_format() {
    for name in ["book.xlsx", "groups.parquet", "gb18030.csv"] {
        let format = name.rsplit('.').next().unwrap();
        let arguments = ["batch", "-", "--output", "-", "--input-format", format];
        let arguments = [&arguments, &CHINESE[..]].concat();
        let done = run_with_input(&arguments, fs::read(golden(name)).unwrap());
        assert_eq!(done.code, 6, "{name}: {}", done.stderr);
        assert_eq!(done.stdout.lines().count(), 7, "{name}");
    }
}

#[test]
fn broken_files_are_refused_in_a_sentence_that_names_them() {
    let folder = Folder::new();
    let parquet = fs::read(golden("groups.parquet")).unwrap();
    let gzip = fs::read(golden("lines.jsonl.gz")).unwrap();
    for (name, contents, sentence) in [
        ("a.xlsx", b"not a zip".to_vec(), "not a readable workbook"),
        ("a.parquet", b"not parquet at all".to_vec(), "not readable Parquet"),
        ("b.parquet", parquet[..parquet.len() / 2].to_vec(), "not readable Parquet"),
        ("a.csv.gz", b"id,text\n1,a\n".to_vec(), "cannot read"),
        ("b.jsonl.gz", gzip[..gzip.len() - 20].to_vec(), "cannot read"),
        ("a.csv.zst", b"id,text\n1,a\n".to_vec(), "cannot read"),
    ] {
        let path = folder.file(name, contents);
        let output = folder.path("out.csv");
        let done = run(&[&["batch", &path, "--output", &output], &CHINESE[..]].concat());
        assert_eq!(done.code, 3, "{name}: {}", done.stderr);
        assert!(done.stderr.contains(sentence) && done.stderr.contains(&path), "{}", done.stderr);
        assert!(!Path::new(&output).exists());
    }
}

#[test]
fn the_wrong_encoding_can_be_overruled() {
    let options = InputOptions { encoding: Some(TextEncoding::Gb18030), ..InputOptions::default() };
    let named = read(&golden("gb18030.csv"), &options);
    assert_eq!(named.len(), records().len());
    let utf8 = InputOptions { encoding: Some(TextEncoding::Utf8), ..InputOptions::default() };
    let path = golden("gb18030.csv");
    let failed = ReviewReader::open(Path::new(&path), &utf8, fields(), &InputMeter::new());
    assert!(failed.unwrap_err().to_string().contains("the header is not valid UTF-8"));
}

#[test]
fn the_digest_of_an_input_is_that_of_its_file() {
    use sha2::{Digest, Sha256};
    for name in FILES {
        let meter = InputMeter::with_digest();
        let path = golden(name);
        let options = InputOptions::default();
        let reader = ReviewReader::open(Path::new(&path), &options, fields(), &meter).unwrap();
        assert_eq!(reader.count(), records().len());
        let expected: [u8; 32] = Sha256::digest(fs::read(&path).unwrap()).into();
        assert_eq!(meter.sha256(), Some(expected), "{name}");
        assert_eq!(meter.bytes(), fs::metadata(&path).unwrap().len(), "{name}");
    }
    assert_eq!(RecordFormat::of_path(Path::new("a.CSV.GZ")), Some(RecordFormat::Csv));
}
