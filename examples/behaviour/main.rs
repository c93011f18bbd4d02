//! How often a model obeys the laws of [`laws`], as a table.
//!
//! ```sh
//! cargo run --release --example behaviour            # the shipped model
//! cargo run --release --example behaviour -- MODEL   # another one
//! cargo run --release --example behaviour -- MODEL --violations 3
//! ```
//!
//! `--data FILE` takes the comments that are changed from another file than the corpus: a model
//! knows by heart what it was trained on, and obeys more easily there. With `--violations N` the
//! first N violations of each law are shown, too, with the comments they were found on.

use std::error::Error;

use postloan::model::RiskClassifier;

mod cases;
mod laws;

fn main() -> Result<(), Box<dyn Error>> {
    let mut model = "models/post-loan-risk".to_owned();
    let mut data = "data/reviews.jsonl".to_owned();
    let mut violations = 0;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--violations" => violations = arguments.next().unwrap_or_default().parse()?,
            "--data" => data = arguments.next().unwrap_or_default(),
            _ => model = argument,
        }
    }
    let classifier = RiskClassifier::open(model)?;
    let corpus = cases::corpus(&data)?;
    println!("| law | expected | cases | obeyed |\n|---|---|--:|--:|");
    let (mut all, mut obeyed) = (0, 0);
    for law in laws::laws(&corpus) {
        let broken = law.violations(&classifier)?;
        let (cases, kept) = (law.cases.len(), law.cases.len() - broken.len());
        let share = 100.0 * kept as f64 / cases as f64;
        println!("| {} | {} | {cases} | {share:.1} % |", law.name, law.expectation.words());
        for violation in broken.iter().take(violations) {
            println!("    {} → {}", violation.before, violation.after);
            println!("        {}\n        {}", violation.case.before, violation.case.after);
        }
        all += cases;
        obeyed += kept;
    }
    println!("| all | | {all} | {:.1} % |", 100.0 * f64::from(obeyed as u32) / all as f64);
    Ok(())
}
