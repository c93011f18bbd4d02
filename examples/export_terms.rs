//! Prints the plain words of each labelled comment, a JSON object a line, for other programs to work
//! on the same words: `cargo run --release --example export_terms data/reviews.jsonl`.

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use postloan::records::{FieldNames, InputOptions, ReviewCollection};
use postloan::text::{
    AnalyzedText, Analyzer, Segmenter, StopWords, TextSettings, UserDictionary, readable,
};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let fields = FieldNames {
        id: Some("id".to_owned()),
        text: "text".to_owned(),
        required: vec!["label".to_owned()],
        optional: vec!["author".to_owned(), "phenomenon".to_owned()],
    };
    let collection = ReviewCollection::read(&paths, &InputOptions::default(), &fields)?;
    let segmenter = Segmenter::new(&UserDictionary::banking()?);
    // What `train --without all` takes.
    let settings = TextSettings { privacy: true, ..TextSettings::PLAIN };
    let analyzer = Analyzer::new(segmenter, StopWords::default(), settings);
    let mut analyzed = AnalyzedText::default();
    let mut output = BufWriter::new(io::stdout().lock());
    for review in &collection.reviews {
        analyzer.analyze(&review.text, &mut analyzed);
        let line = serde_json::json!({
            "id": review.id,
            "label": review.required[0],
            "author": review.optional[0],
            "phenomenon": review.optional[1],
            "terms": analyzed.words().map(readable).collect::<Vec<_>>(),
        });
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    Ok(())
}
