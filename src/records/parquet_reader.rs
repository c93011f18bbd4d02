//! Reading Parquet, a row group after another.

use std::fs::File;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use super::decoding::{build_review, columns_of, not_utf8, nullable};
use super::input::InputError;
use super::reader::{FieldNames, ReviewItem};
use super::refusal::RefusalReason;

/// Gives the reviews of a Parquet file.
pub(super) struct ParquetReader {
    name: Arc<str>,
    fields: FieldNames,
    /// Where in a row the value of each field stands, in the order in which `build_review` asks
    /// for them.
    places: Vec<usize>,
    rows: RowIter<'static>,
    row: u64,
    failed: bool,
}

impl ParquetReader {
    pub(super) fn new(name: Arc<str>, file: File, fields: FieldNames) -> Result<Self, InputError> {
        let file_error = |error: ParquetError| {
            InputError::header(&name, &format!("not readable Parquet: {error}"))
        };
        let reader = SerializedFileReader::new(file).map_err(file_error)?;
        let schema = reader.metadata().file_metadata().schema();
        let names: Vec<String> =
            schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
        let columns = columns_of(&name, &names, &fields)?;
        // Only the columns that are asked for are read from the file.
        let mut wanted = columns.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let projection = Type::group_type_builder(schema.name())
            .with_fields(wanted.iter().map(|&column| schema.get_fields()[column].clone()).collect())
            .build()
            .map_err(file_error)?;
        let places = columns
            .iter()
            .map(|column| wanted.iter().take_while(|&other| other < column).count())
            .collect();
        let rows = RowIter::from_file_into(Box::new(reader))
            .project(Some(projection))
            .map_err(file_error)?;
        Ok(Self { name, fields, places, rows, row: 0, failed: false })
    }

    fn review(&self, row: &Row) -> ReviewItem {
        let values: Vec<&Field> = row.get_column_iter().map(|(_, value)| value).collect();
        let review = build_review(self.row, &self.fields, |position, field| {
            let value = text_of(field, values[self.places[position]])?;
            nullable(field, field == self.fields.text, value)
        });
        Ok(review.map_err(|failed| failed.refusal(&self.name, self.row)))
    }
}

/// A value as text; `None` for a null.
fn text_of(field: &str, value: &Field) -> Result<Option<String>, RefusalReason> {
    Ok(Some(match value {
        Field::Null => return Ok(None),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.to_owned(),
            Err(error) => return Err(not_utf8(&format!("field `{field}`"), error)),
        },
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => {
            return Err(RefusalReason::FieldType {
                field: field.to_owned(),
                found: "a list or a group",
            });
        }
        // A fraction of zero is left out: 7.0 is the id 7.
        Field::Double(number) => number.to_string(),
        Field::Float(number) => number.to_string(),
        other => other.to_string(),
    }))
}

impl Iterator for ParquetReader {
    type Item = ReviewItem;

    fn next(&mut self) -> Option<ReviewItem> {
        if self.failed {
            return None;
        }
        match self.rows.next()? {
            Ok(row) => {
                self.row += 1;
                Some(self.review(&row))
            }
            Err(error) => {
                self.failed = true;
                let (input, line) = (self.name.to_string(), self.row + 1);
                let source = std::io::Error::other(error);
                Some(Err(InputError::Read { input, line, source }))
            }
        }
    }
}
