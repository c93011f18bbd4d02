//! The results of a finished run, as a file.

use std::io;
use std::path::Path;

use super::connection::Connection;
use super::error::NightlyError;
use crate::batch::tones;
use crate::model::RiskClassifier;
use crate::records::database::{Row, Value};
use crate::records::{
    OutputFile, PredictionColumns, PredictionRow, PredictionWriter, RecordFormat,
};

/// Rows read at once.
const PAGE: u64 = 5000;

/// Writes the results of `run` to `path`, in the order of their ids. The file appears whole or
/// not at all.
pub(super) fn export(
    connection: &mut Connection,
    run: i64,
    classifier: &RiskClassifier,
    path: &Path,
) -> Result<(), NightlyError> {
    let failed =
        |source: io::Error| NightlyError::Write { path: path.display().to_string(), source };
    let format = RecordFormat::of_path(path).unwrap_or(RecordFormat::Csv);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let labels: Vec<String> = classifier.labels().ids().into_iter().map(str::to_owned).collect();
    let columns = PredictionColumns {
        labels: labels.clone(),
        tones: tones(classifier.labels()),
        decisions: classifier.policy().is_set(),
        kept: Vec::new(),
    };
    let file = OutputFile::create(path).map_err(failed)?;
    let mut writer = PredictionWriter::new(file, format, columns).map_err(failed)?;
    let mut after = Value::from("");
    loop {
        let statement = "SELECT review_id, label, confidence, probabilities, model, \
                         most_likely, needs_human FROM postloan_result WHERE run_id = $1 AND review_id > $2 \
                         ORDER BY review_id LIMIT $3";
        let parameters = [run.into(), after.clone(), PAGE.into()];
        let rows = connection
            .retry(|database| database.query(statement, &parameters))
            .map_err(NightlyError::Sink)?;
        let Some(last) = rows.last() else { break };
        after = last[0].clone();
        for row in rows {
            write(&mut writer, row, &labels).map_err(failed)?;
        }
    }
    let file = writer.into_inner().map_err(failed)?;
    file.commit().map_err(failed)
}

fn write(writer: &mut PredictionWriter<OutputFile>, row: Row, labels: &[String]) -> io::Result<()> {
    let mut values = row.into_iter();
    let mut text = || values.next().and_then(Value::into_text).unwrap_or_default();
    let (id, label, _) = (text(), text(), text());
    let probabilities: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text())?;
    let probability = |label: &String| probabilities.get(label).and_then(|p| p.as_f64());
    let (model, most_likely, needs_human) = (text(), text(), text() == "1");
    let probabilities: Vec<f64> =
        labels.iter().map(|label| probability(label).unwrap_or(f64::NAN)).collect();
    let confidence = probability(&label).unwrap_or(f64::NAN);
    writer.write(&PredictionRow {
        id: &id,
        label: &label,
        confidence,
        probabilities: &probabilities,
        model: &model,
        most_likely: &most_likely,
        needs_human,
        kept: &[],
    })
}
