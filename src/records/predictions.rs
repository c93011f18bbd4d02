//! Writing predictions and refusals.

use std::io::{self, Write};

use super::refusal::Refusal;
use super::table::{Cell, Column, ColumnKind, OutputFormat, TableWriter, Tone};

/// The columns of a file of predictions: `id, label, confidence, p_<label>…, model`, where the
/// model has a prior, costs or a threshold also `most_likely, needs_human`, then those that were
/// kept from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionColumns {
    /// The ids of the labels, in the order of the probabilities.
    pub labels: Vec<String>,
    /// How grave each label is, where that is known, in the same order.
    pub tones: Vec<Option<Tone>>,
    /// Whether the most likely label, and whether a human should look, are columns.
    pub decisions: bool,
    /// The fields kept from the input.
    pub kept: Vec<String>,
}

impl PredictionColumns {
    /// All names in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.columns().into_iter().map(|column| column.name).collect()
    }

    fn columns(&self) -> Vec<Column> {
        let labels = self.labels.iter().cloned().zip(self.tones.iter().copied());
        let tones = labels.filter_map(|(label, tone)| tone.map(|tone| (label, tone))).collect();
        let mut columns = vec![
            Column::new("id", ColumnKind::Text, 20),
            Column::new("label", ColumnKind::Text, 12).with_tones(tones),
            Column::new("confidence", ColumnKind::Number, 12),
        ];
        columns.extend(
            self.labels
                .iter()
                .map(|label| Column::new(format!("p_{label}"), ColumnKind::Number, 12)),
        );
        columns.push(Column::new("model", ColumnKind::Text, 20));
        if self.decisions {
            columns.push(Column::new("most_likely", ColumnKind::Text, 12));
            columns.push(Column::new("needs_human", ColumnKind::Text, 12));
        }
        columns.extend(self.kept.iter().map(|kept| Column::new(kept, ColumnKind::Text, 20)));
        columns
    }
}

/// One prediction to be written.
#[derive(Debug, Clone, Copy)]
pub struct PredictionRow<'a> {
    /// The record's id.
    pub id: &'a str,
    /// The id of the predicted label.
    pub label: &'a str,
    /// The probability of the predicted label.
    pub confidence: f64,
    /// The probability of each label, in the order of the columns.
    pub probabilities: &'a [f64],
    /// The model, as `name/version`.
    pub model: &'a str,
    /// The id of the most likely label, whatever prior and costs say.
    pub most_likely: &'a str,
    /// Whether a human should look: written `yes` or `no`.
    pub needs_human: bool,
    /// The values kept from the input, in the order of the columns.
    pub kept: &'a [String],
}

/// Writes predictions. Numbers are written with as many digits as give the same bits back.
pub struct PredictionWriter<W: Write + Send> {
    table: TableWriter<W>,
    columns: PredictionColumns,
    written: u64,
}

impl<W: Write + Send> PredictionWriter<W> {
    /// A writer of the given columns. The header is written at once.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn new(
        output: W,
        format: impl Into<OutputFormat>,
        columns: PredictionColumns,
    ) -> io::Result<Self> {
        let table = TableWriter::new(output, format, columns.columns())?;
        Ok(Self { table, columns, written: 0 })
    }

    /// Writes one prediction.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn write(&mut self, row: &PredictionRow<'_>) -> io::Result<()> {
        let mut cells = Vec::with_capacity(self.table.columns().len());
        cells.extend([Cell::Text(row.id), Cell::Text(row.label), Cell::Number(row.confidence)]);
        cells.extend(row.probabilities.iter().copied().map(Cell::Number));
        cells.push(Cell::Text(row.model));
        if self.columns.decisions {
            cells.push(Cell::Text(row.most_likely));
            cells.push(Cell::Text(if row.needs_human { "yes" } else { "no" }));
        }
        cells.extend(row.kept.iter().map(|kept| Cell::Text(kept)));
        self.table.write(&cells)?;
        self.written += 1;
        Ok(())
    }

    /// How many predictions were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The columns it writes.
    #[must_use]
    pub fn columns(&self) -> &PredictionColumns {
        &self.columns
    }

    /// Ends writing and gives the output back.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        self.table.into_inner()
    }
}

/// Writes refusals: `input, line, id, reason, detail`. There is no text of a comment in them.
pub struct RefusalWriter<W: Write + Send> {
    table: TableWriter<W>,
    written: u64,
}

impl<W: Write + Send> RefusalWriter<W> {
    /// A writer of refusals. The header is written at once.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn new(output: W, format: impl Into<OutputFormat>) -> io::Result<Self> {
        let columns = vec![
            Column::new("input", ColumnKind::Text, 30),
            Column::new("line", ColumnKind::Count, 10),
            Column::new("id", ColumnKind::Text, 20),
            Column::new("reason", ColumnKind::Text, 18),
            Column::new("detail", ColumnKind::Text, 60),
        ];
        Ok(Self { table: TableWriter::new(output, format, columns)?, written: 0 })
    }

    /// Writes one refusal.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn write(&mut self, refusal: &Refusal) -> io::Result<()> {
        let detail = refusal.reason.to_string();
        self.table.write(&[
            Cell::Text(&refusal.input),
            Cell::Count(refusal.line),
            refusal.id.as_deref().map_or(Cell::Missing, Cell::Text),
            Cell::Text(refusal.reason.code()),
            Cell::Text(&detail),
        ])?;
        self.written += 1;
        Ok(())
    }

    /// How many refusals were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends writing and gives the output back.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        self.table.into_inner()
    }
}
