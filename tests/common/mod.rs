//! What the end-to-end tests share: the program, and small data to give it.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

/// The shipped model.
pub const SHIPPED_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/post-loan-risk");

/// The shipped corpus.
pub const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/reviews.jsonl");

/// The program under test, started in the repository, with no model in its environment.
pub fn postloan() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("postloan"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("POSTLOAN_MODEL");
    command
}

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Run {
    run_with_input(arguments, "")
}

/// Runs the program to its end with the given standard input.
pub fn run_with_input(arguments: &[&str], input: impl Into<Vec<u8>>) -> Run {
    let Output { status, stdout, stderr } =
        postloan().args(arguments).write_stdin(input.into()).output().unwrap();
    Run {
        code: status.code().expect("an exit code"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A folder that goes away with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder in memory, where there is one: a commit waits for no disk in it. A process that is
    /// killed leaves there what it leaves on a disk.
    pub fn in_memory() -> Self {
        Self(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// The names in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Labelled comments, `per_label` of each label, by three authors in turn.
pub fn labelled(labels: &[&str], per_label: usize) -> String {
    let signs = ["按时还款正常", "流水下降关注", "逾期失联查封", "转让股权", "更换法人"];
    let mut lines = String::new();
    for number in 0..per_label {
        for (position, label) in labels.iter().enumerate() {
            let text = format!("客户{}，第{number}次检查。", signs[position % signs.len()]);
            let author = ["a", "b", "c"][number % 3];
            lines += &serde_json::json!({
                "id": format!("{label}-{number}"), "text": text, "label": label, "author": author,
            })
            .to_string();
            lines.push('\n');
        }
    }
    lines
}

/// A copy of the shipped model's version folder, to be broken.
pub fn copied_model(folder: &Folder) -> PathBuf {
    let copy = PathBuf::from(folder.path("1"));
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(Path::new(SHIPPED_MODEL).join("1")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    copy
}
