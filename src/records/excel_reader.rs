//! Reading a sheet of an Excel workbook: whole, for that is how workbooks are made.

use std::io::{Read, Seek};
use std::sync::Arc;
use std::vec;

use calamine::{DataRef, Reader, Xlsx, XlsxError, open_workbook_from_rs};

use super::decoding::{build_review, columns_of};
use super::input::InputError;
use super::reader::{FieldNames, ReviewItem};
use super::refusal::RefusalReason;

/// A workbook is read whole into memory; so no sheet of more rows is read.
pub const MAX_EXCEL_ROWS: usize = 200_000;

/// The header is looked for in so many rows: titles often stand above it.
const HEADER_ROWS: usize = 20;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(String),
    /// A formula's error, such as `#N/A`.
    Error,
}

/// A row: its number in the sheet from 1, and its cells by column, from 0.
type Row = (u64, Vec<(usize, Cell)>);

/// Gives the reviews of a sheet.
#[derive(Debug)]
pub(super) struct ExcelReader {
    name: Arc<str>,
    fields: FieldNames,
    /// The column of each field, in the order in which `build_review` asks for them.
    columns: Vec<usize>,
    rows: vec::IntoIter<Row>,
}

impl ExcelReader {
    /// Reads `sheet`, or the first one, of the workbook in `input`.
    pub(super) fn new<R: Read + Seek>(
        name: Arc<str>,
        input: R,
        sheet: Option<&str>,
        fields: FieldNames,
    ) -> Result<Self, InputError> {
        let workbook_error = |error: XlsxError| {
            InputError::header(&name, &format!("not a readable workbook: {error}"))
        };
        let mut workbook: Xlsx<R> = open_workbook_from_rs(input).map_err(workbook_error)?;
        let sheets = workbook.sheet_names();
        let sheet = match sheet {
            Some(sheet) if !sheets.iter().any(|name| name == sheet) => {
                let found = sheets.join(", ");
                let reason = format!("there is no sheet `{sheet}`; its sheets are: {found}");
                return Err(InputError::header(&name, &reason));
            }
            Some(sheet) => sheet.to_owned(),
            None => match sheets.into_iter().next() {
                Some(first) => first,
                None => return Err(InputError::header(&name, "the workbook has no sheet")),
            },
        };
        let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(workbook_error)?;
        let mut table =
            Table { fields: &fields, header: None, above: Vec::new(), rows: Vec::new() };
        let mut row: Row = (0, Vec::new());
        while let Some(cell) = cells.next_cell().map_err(workbook_error)? {
            let (line, column) = cell.get_position();
            let line = u64::from(line) + 1;
            if line != row.0 {
                table.take(&name, std::mem::replace(&mut row, (line, Vec::new())))?;
            }
            if let Some(value) = cell_value(cell.get_value()) {
                row.1.push((column as usize, value));
            }
        }
        table.take(&name, row)?;
        let Table { header, above, rows, .. } = table;
        let columns = match header {
            Some(columns) => columns,
            // Says which column is missing, and what is there.
            None => columns_of(&name, &fullest(&above), &fields)?,
        };
        Ok(Self { name, fields, columns, rows: rows.into_iter() })
    }
}

/// A sheet while it is read.
struct Table<'f> {
    fields: &'f FieldNames,
    /// The columns of the fields, once their names were found.
    header: Option<Vec<usize>>,
    /// The names in the rows so far, while they are not all there. A name that spans two rows of
    /// a header stands in the upper one.
    above: Vec<Vec<String>>,
    rows: Vec<Row>,
}

impl Table<'_> {
    fn take(&mut self, name: &str, (line, mut cells): Row) -> Result<(), InputError> {
        if cells.is_empty() {
            return Ok(());
        }
        if let Some(columns) = &self.header {
            cells.retain(|(column, _)| columns.contains(column));
            if self.rows.len() == MAX_EXCEL_ROWS {
                let reason = format!(
                    "the sheet has more than {MAX_EXCEL_ROWS} rows, which is what is read of a \
                     workbook; CSV and Parquet have no such limit"
                );
                return Err(InputError::header(name, &reason));
            }
            self.rows.push((line, cells));
            return Ok(());
        }
        if self.above.len() == HEADER_ROWS {
            return Ok(());
        }
        let mut names = vec![String::new(); cells.last().map_or(0, |(column, _)| column + 1)];
        for (column, cell) in cells {
            if let Cell::Text(text) = cell {
                names[column] = text.trim().to_owned();
            }
        }
        let mut spanned = names.clone();
        for row in self.above.iter().rev() {
            spanned.resize(spanned.len().max(row.len()), String::new());
            for (name, upper) in spanned.iter_mut().zip(row) {
                if name.is_empty() {
                    name.clone_from(upper);
                }
            }
        }
        match columns_of(name, &spanned, self.fields) {
            Ok(columns) => self.header = Some(columns),
            // A title above the header, or the header's upper row.
            Err(InputError::Column { .. }) => self.above.push(names),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The row with the most names.
fn fullest(rows: &[Vec<String>]) -> Vec<String> {
    let names = |row: &&Vec<String>| row.iter().filter(|name| !name.is_empty()).count();
    // Of equally full ones the first.
    rows.iter().rev().max_by_key(names).cloned().unwrap_or_default()
}

/// The text of a cell as it would be typed; `None` for an empty one.
fn cell_value(value: &DataRef<'_>) -> Option<Cell> {
    let text = match value {
        DataRef::Empty => return None,
        DataRef::Error(_) => return Some(Cell::Error),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Shown without a fraction where there is none: an id, mostly.
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(time) => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
    };
    (!text.is_empty()).then_some(Cell::Text(text))
}

impl Iterator for ExcelReader {
    type Item = ReviewItem;

    fn next(&mut self) -> Option<ReviewItem> {
        let (line, mut cells) = self.rows.next()?;
        let review = build_review(line, &self.fields, |position, field| {
            let wanted = self.columns[position];
            match cells.iter_mut().find(|(column, _)| *column == wanted) {
                Some((_, Cell::Text(text))) => Ok(text.clone()),
                Some((_, Cell::Error)) => Err(RefusalReason::FieldType {
                    field: field.to_owned(),
                    found: "a formula's error",
                }),
                None => Ok(String::new()),
            }
        });
        Some(Ok(review.map_err(|failed| failed.refusal(&self.name, line))))
    }
}
