//! What a model folder must be, and what is said of one that is not.

mod common;

use std::fs;
use std::path::Path;

use common::{CORPUS, Folder, SHIPPED_MODEL, copied_model, labelled, run};
use postloan::model::{
    Manifest, ModelBundle, ModelError, RiskClassifier, resolve_version, sha256_hex,
};
use postloan::text::{Analyzer, Segmenter};
use postloan::training::{
    CalibrationMethod, LabelledComments, SolverSettings, TrainingSettings, train,
};
use serde_json::{Value, json};

/// Rewrites a file of a model and its entry in the manifest, so that only its contents are wrong.
fn replace(model: &Path, file: &str, contents: &[u8]) {
    fs::write(model.join(file), contents).unwrap();
    edit_manifest(model, |manifest| {
        manifest["files"][file] = json!({"bytes": contents.len(), "sha256": sha256_hex(contents)});
    });
}

fn edit_manifest(model: &Path, edit: impl FnOnce(&mut Value)) {
    let path = model.join(Manifest::FILE);
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(&path, manifest.to_string()).unwrap();
}

/// Breaks a copy of the shipped model and gives the sentence that opening it ends with.
fn broken(breaking: impl FnOnce(&Path)) -> String {
    let folder = Folder::new();
    let model = copied_model(&folder);
    breaking(&model);
    let error = RiskClassifier::open(&model).unwrap_err();
    error.to_string().replace(&folder.path(""), "")
}

#[test]
fn the_shipped_model_is_whole() {
    let verified = run(&["models", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stdout.starts_with("post-loan-risk/1 is whole"));
}

/// With the settings it keeps, which need not be those of today's `train`.
#[test]
fn the_shipped_model_is_what_the_corpus_gives() {
    let shipped = ModelBundle::read(&Path::new(SHIPPED_MODEL).join("1")).unwrap();
    let data = shipped.manifest.data.clone();
    let corpus = fs::read(CORPUS).unwrap();
    assert_eq!(data.files[0].digest.sha256, sha256_hex(&corpus));
    let reviews: Vec<Value> = String::from_utf8(corpus)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let labels = shipped.manifest.labels.clone();
    let rows: Vec<(&str, usize)> = reviews
        .iter()
        .map(|review| {
            let class = labels.class_of(review["label"].as_str().unwrap()).unwrap();
            (review["text"].as_str().unwrap(), class)
        })
        .collect();
    let analyzer = Analyzer::new(
        Segmenter::new(&shipped.user_dictionary),
        shipped.stop_words.clone(),
        shipped.text,
    );
    let labelled = LabelledComments::analyze(&analyzer, labels, &rows, Vec::new()).unwrap();
    let kept = &shipped.manifest.training;
    let c = kept["solver"]["c"].as_f64().unwrap();
    let settings = TrainingSettings {
        features: shipped.features,
        solver: SolverSettings { c, ..SolverSettings::default() },
        c: vec![c],
        idf_powers: Vec::new(),
        min_chi2: kept["min_chi2"].as_f64().unwrap(),
        second_stage: kept["second_stage"] == true,
        calibration: CalibrationMethod::None,
        class_weights: None,
        folds: None,
    };
    let words = (&analyzer, shipped.user_dictionary.clone(), shipped.stop_words.clone());
    let ours = train(&labelled, &settings, data, words, || {}).unwrap().bundle;
    let terms = |bundle: &ModelBundle| -> Vec<String> {
        (0..bundle.vectorizer.len())
            .map(|id| bundle.vectorizer.term(id as u32).to_owned())
            .collect()
    };
    assert!(terms(&ours) == terms(&shipped));
    // Another processor's exp and ln may differ in their last bits.
    let pairs = ours.linear.weights().iter().zip(shipped.linear.weights());
    assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn a_missing_file_is_named() {
    let said = broken(|model| fs::remove_file(model.join("weights.safetensors")).unwrap());
    assert_eq!(said, "`1/weights.safetensors` is missing");
    let said = broken(|model| fs::remove_file(model.join("manifest.json")).unwrap());
    assert_eq!(said, "`1/manifest.json` is missing");
}

#[test]
fn a_file_cut_short_is_named_with_both_sizes() {
    let mut size = 0;
    let said = broken(|model| {
        let path = model.join("vocabulary.tsv");
        let contents = fs::read(&path).unwrap();
        size = contents.len();
        fs::write(&path, &contents[..1000]).unwrap();
    });
    let expected = format!("`1/vocabulary.tsv` has 1000 bytes, and the manifest says {size}:");
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn a_changed_byte_is_found_by_its_digest() {
    let said = broken(|model| {
        let path = model.join("weights.safetensors");
        let mut contents = fs::read(&path).unwrap();
        *contents.last_mut().unwrap() ^= 1;
        fs::write(&path, contents).unwrap();
    });
    assert!(said.starts_with("`1/weights.safetensors` has SHA-256 "), "{said}");
}

#[test]
fn a_format_version_of_the_future_is_refused_by_its_number() {
    let said =
        broken(|model| edit_manifest(model, |manifest| manifest["format_version"] = json!(99)));
    assert_eq!(said, "`1/manifest.json` has format version 99; this program reads up to 4");
}

#[test]
fn a_manifest_that_is_none_is_refused() {
    let said = broken(|model| fs::write(model.join("manifest.json"), "{").unwrap());
    assert!(said.starts_with("`1/manifest.json`: EOF while parsing"), "{said}");
    let said = broken(|model| edit_manifest(model, |m| m["labels"] = json!([])));
    assert!(said.contains("expected 2 to 50 labels, found 0"), "{said}");
}

#[test]
fn a_manifest_names_files_of_its_own_folder_only() {
    let said = broken(|model| {
        edit_manifest(model, |m| {
            m["files"]["../1/pipeline.json"] = json!({"bytes": 1, "sha256": ""})
        });
    });
    assert_eq!(said, "`1/manifest.json`: `../1/pipeline.json` is not a plain file name");
    let said = broken(|model| {
        edit_manifest(model, |m| {
            drop(m["files"].as_object_mut().unwrap().remove("vocabulary.tsv"))
        });
    });
    assert_eq!(said, "`1/manifest.json`: it lists no `vocabulary.tsv`");
}

#[test]
fn a_weight_that_is_no_number_is_named_by_its_term() {
    let said = broken(|model| {
        let mut contents = fs::read(model.join("weights.safetensors")).unwrap();
        let place = contents.len() - size_of::<f32>();
        contents[place..].copy_from_slice(&f32::NAN.to_le_bytes());
        replace(model, "weights.safetensors", &contents);
    });
    assert!(
        said.contains("the weight of term `") && said.ends_with("for class 2 is NaN"),
        "{said}"
    );
}

#[test]
fn a_weight_that_its_term_makes_too_large_is_named_by_its_term() {
    let said = broken(|model| {
        let pipeline = fs::read(model.join("pipeline.json")).unwrap();
        let mut pipeline: Value = serde_json::from_slice(&pipeline).unwrap();
        pipeline["features"]["idf_power"] = json!(60.0);
        replace(model, "pipeline.json", pipeline.to_string().as_bytes());
    });
    assert!(said.contains("the weights of term `") && said.ends_with("are out of range"), "{said}");
}

#[test]
fn sizes_that_do_not_agree_are_named() {
    let said = broken(|model| {
        let vocabulary = fs::read_to_string(model.join("vocabulary.tsv")).unwrap();
        let fewer: String = vocabulary.lines().skip(1).map(|line| format!("{line}\n")).collect();
        replace(model, "vocabulary.tsv", fewer.as_bytes());
    });
    assert!(
        said.contains("expected tensor `weights` of F32 or F64 [") && said.contains("found F32 ["),
        "{said}"
    );
    let said = broken(|model| {
        edit_manifest(model, |m| drop(m["labels"].as_array_mut().unwrap().pop()));
    });
    assert!(said.contains("expected tensor `weights`"), "{said}");
}

#[test]
fn contents_that_make_no_sense_are_named_by_file_and_line() {
    for (file, contents, expected) in [
        ("vocabulary.tsv", "a\t1\nb 2\n", "line 2: expected `term<tab>document frequency`"),
        ("vocabulary.tsv", "a\t1\na\t1\n", "term 2 stands at an earlier position, too"),
        ("weights.safetensors", "short", "header"),
        ("user-dictionary.txt", "逾期\n", "line 1: expected `word frequency [tag]`"),
        ("stop-words.txt", "的 了\n", "line 1: the word has nothing visible in it, or white space"),
        ("character-vocabulary.tsv", "停产\t1\n停\n", "line 2: expected `term<tab>"),
        ("pipeline.json", "{}", "missing field `segmenter_fingerprint`"),
    ] {
        let said = broken(|model| replace(model, file, contents.as_bytes()));
        assert!(said.starts_with(&format!("`1/{file}`: ")), "{said}");
        assert!(said.to_lowercase().contains(expected), "{said}");
    }
}

#[test]
fn a_model_of_another_segmenter_is_refused() {
    let said =
        broken(|model| replace(model, "user-dictionary.txt", "未发现逾 9999999\n".as_bytes()));
    assert!(said.contains("was trained with a segmenter of fingerprint"), "{said}");
}

#[test]
fn a_broken_model_ends_a_command_with_exit_code_4() {
    let folder = Folder::new();
    let model = copied_model(&folder);
    fs::remove_file(model.join("pipeline.json")).unwrap();
    let model = model.to_str().unwrap();
    for arguments in [
        vec!["predict", "--model", model, "x"],
        vec!["models", "verify", "--model", model],
        vec!["batch", "data/sample-day.csv", "--output", "-", "--model", model],
        vec!["evaluate", CORPUS, "--model", model],
    ] {
        let failed = run(&arguments);
        assert_eq!(failed.code, 4, "{arguments:?}");
        assert_eq!(failed.stderr.lines().count(), 1);
        assert!(failed.stderr.contains("pipeline.json` is missing"), "{}", failed.stderr);
    }
    let none = run(&["predict", "--model", "no/such", "x"]);
    assert_eq!(none.code, 4);
    assert!(none.stderr.starts_with("postloan: no model at `no/such`"), "{}", none.stderr);
}

#[test]
fn a_folder_of_the_first_format_still_loads_as_plain_words() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&["normal", "risky"], 6));
    let store = folder.path("risk");
    let trained = run(&["train", &data, "--model", &store, "--folds", "0", "--without", "all"]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let model = Path::new(&store).join("1");
    let answer = || run(&["predict", "--json", "--model", &store, "客户逾期62天"]).stdout;
    let before = answer();
    // The first format had no settings of text understanding.
    let mut pipeline: Value =
        serde_json::from_slice(&fs::read(model.join("pipeline.json")).unwrap()).unwrap();
    assert!(pipeline.as_object_mut().unwrap().remove("text").is_some());
    replace(&model, "pipeline.json", pipeline.to_string().as_bytes());
    edit_manifest(&model, |manifest| manifest["format_version"] = json!(1));
    assert_eq!(answer(), before);
}

#[test]
fn versions_count_up_and_the_production_file_decides_which_is_used() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&["normal", "risky"], 6));
    let store = folder.path("risk");
    for version in ["1", "2", "3"] {
        let trained = run(&["train", &data, "--model", &store, "--folds", "0"]);
        assert!(trained.stdout.ends_with(&format!("risk/{version}\n")), "{}", trained.stdout);
    }
    let used = |path: &str| {
        resolve_version(Path::new(path)).map(|used| used.file_name().unwrap().to_owned())
    };
    assert_eq!(used(&store).unwrap(), "3");
    assert_eq!(used(&format!("{store}/1")).unwrap(), "1");
    fs::write(format!("{store}/production"), "2\n").unwrap();
    assert_eq!(used(&store).unwrap(), "2");
    let list = run(&["models", "list", &folder.path("")]).stdout;
    assert!(
        list.lines()
            .any(|line| line.contains("risk") && line.contains(" 2 ") && line.contains('*')),
        "{list}"
    );
    fs::write(format!("{store}/production"), "7").unwrap();
    assert!(matches!(used(&store), Err(ModelError::Production { .. })));
    // Nothing but versions and the production file is left behind.
    let mut names: Vec<_> = fs::read_dir(&store).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1", "2", "3", "production"]);
}

#[test]
fn a_model_keeps_its_name_wherever_its_folder_is_copied() {
    let folder = Folder::new();
    let model = copied_model(&folder);
    let elsewhere = folder.path("copy-of-it");
    fs::rename(model, &elsewhere).unwrap();
    assert_eq!(RiskClassifier::open(&elsewhere).unwrap().id().to_string(), "post-loan-risk/1");
}
