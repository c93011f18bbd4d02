//! The fields of a record, by format.

use std::str::{self, Utf8Error};
use std::sync::Arc;

use serde_json::Value;

use super::input::InputError;
use super::reader::{FieldNames, Review};
use super::refusal::{Refusal, RefusalReason};

/// A record that is no review: its id, where that could be read, and the reason.
pub(super) struct Undecodable {
    pub(super) id: Option<String>,
    pub(super) reason: RefusalReason,
}

impl From<RefusalReason> for Undecodable {
    fn from(reason: RefusalReason) -> Self {
        Self { id: None, reason }
    }
}

impl Undecodable {
    /// The refusal of the record at `line` of `input`.
    pub(super) fn refusal(self, input: &Arc<str>, line: u64) -> Refusal {
        Refusal { input: Arc::clone(input), line, id: self.id, reason: self.reason }
    }
}

/// Builds a review from whatever gives a field's value by position: first the id, then the text,
/// the required and the optional fields.
pub(super) fn build_review(
    line: u64,
    fields: &FieldNames,
    mut value: impl FnMut(usize, &str) -> Result<String, RefusalReason>,
) -> Result<Review, Undecodable> {
    let Some(id_field) = &fields.id else {
        let review = build_fields(line, fields, |position, name| value(position, name))?;
        return Ok(Review { id: line.to_string(), ..review });
    };
    let id = value(0, id_field).and_then(|id| not_empty(id_field, id))?;
    match build_fields(line, fields, |position, name| value(position + 1, name)) {
        Ok(review) => Ok(Review { id, ..review }),
        Err(reason) => Err(Undecodable { id: Some(id), reason }),
    }
}

/// A review without its id.
fn build_fields(
    line: u64,
    fields: &FieldNames,
    mut value: impl FnMut(usize, &str) -> Result<String, RefusalReason>,
) -> Result<Review, RefusalReason> {
    let text = value(0, &fields.text)?;
    let mut required = Vec::with_capacity(fields.required.len());
    for name in &fields.required {
        let found = value(1 + required.len(), name)?;
        required.push(not_empty(name, found)?);
    }
    let mut optional = Vec::with_capacity(fields.optional.len());
    for name in &fields.optional {
        optional.push(value(1 + required.len() + optional.len(), name)?);
    }
    Ok(Review { line, id: String::new(), text, required, optional })
}

/// A value that may be null, which a comment may not.
pub(super) fn nullable(
    field: &str,
    is_text: bool,
    value: Option<String>,
) -> Result<String, RefusalReason> {
    match value {
        Some(value) => Ok(value),
        None if is_text => Err(RefusalReason::MissingField(field.to_owned())),
        None => Ok(String::new()),
    }
}

/// The column of each field, in the order in which [`build_review`] asks for them.
pub(super) fn columns_of(
    input: &str,
    names: &[String],
    fields: &FieldNames,
) -> Result<Vec<usize>, InputError> {
    let wanted =
        (fields.id.iter()).chain([&fields.text]).chain(&fields.required).chain(&fields.optional);
    wanted
        .map(|field| {
            let mut places = (0..names.len()).filter(|&column| names[column] == *field);
            match (places.next(), places.next()) {
                (Some(column), None) => Ok(column),
                (Some(_), Some(_)) => {
                    Err(InputError::header(input, &format!("two columns are called `{field}`")))
                }
                (None, _) => Err(InputError::Column {
                    input: input.to_owned(),
                    field: field.clone(),
                    found: names.join(", "),
                }),
            }
        })
        .collect()
}

fn not_empty(field: &str, value: String) -> Result<String, RefusalReason> {
    if value.trim().is_empty() {
        Err(RefusalReason::MissingField(field.to_owned()))
    } else {
        Ok(value)
    }
}

fn utf8<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, RefusalReason> {
    str::from_utf8(bytes).map_err(|error| not_utf8(what, error))
}

/// `what` is not UTF-8.
pub(super) fn not_utf8(what: &str, error: Utf8Error) -> RefusalReason {
    RefusalReason::Encoding { what: what.to_owned(), byte: error.valid_up_to() + 1 }
}

pub(super) fn decode_json(
    record: &[u8],
    line: u64,
    fields: &FieldNames,
) -> Result<Review, Undecodable> {
    let text = utf8(record, "the line")?;
    let value = serde_json::from_str(text).map_err(|error| {
        // The error's own line is always 1; its words hold nothing of the record's text.
        RefusalReason::Malformed(format!("not valid JSON at column {}", error.column()))
    })?;
    let Value::Object(object) = value else {
        let found = json_type(&value);
        return Err(
            RefusalReason::Malformed(format!("expected a JSON object, found {found}")).into()
        );
    };
    build_review(line, fields, |_, name| {
        let is_text = name == fields.text;
        match object.get(name) {
            None | Some(Value::Null) => nullable(name, is_text, None),
            Some(Value::String(value)) => Ok(value.clone()),
            Some(Value::Number(value)) if !is_text => Ok(value.to_string()),
            Some(Value::Bool(value)) if !is_text => Ok(value.to_string()),
            Some(other) => {
                Err(RefusalReason::FieldType { field: name.to_owned(), found: json_type(other) })
            }
        }
    })
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Splits CSV records into the fields that were asked for.
#[derive(Debug)]
pub(super) struct CsvDecoder {
    fields: FieldNames,
    /// The column of each field, in the order in which `build_review` asks for them.
    columns: Vec<usize>,
    width: usize,
    splitter: CsvSplitter,
}

impl CsvDecoder {
    pub(super) fn new(name: &str, header: &[u8], fields: &FieldNames) -> Result<Self, InputError> {
        let mut splitter = CsvSplitter::default();
        splitter.split(header);
        let names = (0..splitter.len())
            .map(|column| str::from_utf8(splitter.field(column)).map(|name| name.trim().to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| InputError::header(name, "the header is not valid UTF-8"))?;
        let columns = columns_of(name, &names, fields)?;
        let width = names.len();
        Ok(Self { fields: fields.clone(), columns, width, splitter })
    }

    pub(super) fn decode(&mut self, record: &[u8], line: u64) -> Result<Review, Undecodable> {
        self.splitter.split(record);
        if self.splitter.len() != self.width {
            return Err(RefusalReason::Malformed(format!(
                "expected {} fields as in the header, found {}",
                self.width,
                self.splitter.len()
            ))
            .into());
        }
        build_review(line, &self.fields, |position, name| {
            let bytes = self.splitter.field(self.columns[position]);
            utf8(bytes, &format!("field `{name}`")).map(str::to_owned)
        })
    }
}

/// The fields of one CSV record, unquoted.
#[derive(Debug)]
struct CsvSplitter {
    core: csv_core::Reader,
    unquoted: Vec<u8>,
    /// Where each field ends in `unquoted`.
    ends: Vec<usize>,
    fields: usize,
}

impl Default for CsvSplitter {
    fn default() -> Self {
        Self {
            // The framer has taken the line break off; a carriage return elsewhere is text.
            core: csv_core::ReaderBuilder::new()
                .terminator(csv_core::Terminator::Any(b'\n'))
                .build(),
            unquoted: vec![0; 1024],
            ends: vec![0; 32],
            fields: 0,
        }
    }
}

impl CsvSplitter {
    /// Splits `record`, which is one whole record.
    fn split(&mut self, record: &[u8]) {
        use csv_core::ReadRecordResult as Step;
        self.core.reset();
        let (mut input, mut written, mut fields) = (record, 0, 0);
        loop {
            let (step, read, wrote, ended) = self.core.read_record(
                input,
                &mut self.unquoted[written..],
                &mut self.ends[fields..],
            );
            input = &input[read..];
            written += wrote;
            fields += ended;
            match step {
                // At the end of the record: an empty input tells the reader so.
                Step::InputEmpty => input = &[],
                Step::OutputFull => self.unquoted.resize(2 * self.unquoted.len(), 0),
                Step::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                Step::Record | Step::End => break,
            }
        }
        self.fields = fields;
    }

    fn len(&self) -> usize {
        self.fields
    }

    fn field(&self, column: usize) -> &[u8] {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.unquoted[start..self.ends[column]]
    }
}
