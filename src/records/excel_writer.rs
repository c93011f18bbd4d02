//! Writing an Excel workbook, a row after another.

use std::io::{self, Write};

use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::table::{Cell, Column, Tone};

/// Rows that fit on a sheet below its header.
const MAX_ROWS: u32 = 1_048_575;

/// Writes a sheet whose rows go to a temporary file as they come, with a header that stays in
/// sight and can filter.
pub(super) struct ExcelWriter<W> {
    output: W,
    workbook: Workbook,
    sheet: Worksheet,
    /// For each column, the values that are coloured.
    tones: Vec<Vec<(String, Format)>>,
    rows: u32,
}

fn excel_error(error: XlsxError) -> io::Error {
    io::Error::other(error)
}

fn fill(tone: Tone) -> Format {
    let colour = match tone {
        Tone::Good => 0xE2_F0_D9,
        Tone::Watch => 0xFF_F2_CC,
        Tone::Bad => 0xF8_CB_AD,
    };
    Format::new().set_background_color(Color::RGB(colour))
}

impl<W: Write> ExcelWriter<W> {
    pub(super) fn new(output: W, columns: &[Column]) -> io::Result<Self> {
        let mut workbook = Workbook::new();
        let mut sheet = workbook.new_worksheet_with_constant_memory().map_err(excel_error)?;
        let header = Format::new()
            .set_bold()
            .set_align(FormatAlign::Center)
            .set_background_color(Color::RGB(0xD9_E1_F2));
        sheet.set_freeze_panes(1, 0).map_err(excel_error)?;
        for (place, column) in (0..).zip(columns) {
            sheet
                .set_column_width(place, f64::from(column.width))
                .and_then(|sheet| sheet.write_string_with_format(0, place, &column.name, &header))
                .map_err(excel_error)?;
        }
        let tones = columns
            .iter()
            .map(|column| {
                let tones = column.tones.iter();
                tones.map(|(value, tone)| (value.clone(), fill(*tone))).collect()
            })
            .collect();
        Ok(Self { output, workbook, sheet, tones, rows: 0 })
    }

    pub(super) fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        if self.rows == MAX_ROWS {
            let reason = format!(
                "an Excel sheet holds {MAX_ROWS} rows, and there are more; CSV and Parquet have no \
                 such limit"
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        self.rows += 1;
        for (place, (cell, tones)) in (0..).zip(row.iter().zip(&self.tones)) {
            match *cell {
                Cell::Missing | Cell::Text("") => continue,
                // Always as a string: so it is no formula, no number and no date.
                Cell::Text(text) => match tones.iter().find(|(value, _)| value == text) {
                    Some((_, format)) => {
                        self.sheet.write_string_with_format(self.rows, place, text, format)
                    }
                    None => self.sheet.write_string(self.rows, place, text),
                },
                Cell::Number(number) => self.sheet.write_number(self.rows, place, number),
                Cell::Count(number) => self.sheet.write_number(self.rows, place, number as f64),
            }
            .map_err(excel_error)?;
        }
        Ok(())
    }

    pub(super) fn into_inner(mut self) -> io::Result<W> {
        let columns = u16::try_from(self.tones.len()).unwrap_or(u16::MAX);
        if let Some(last) = columns.checked_sub(1) {
            self.sheet.autofilter(0, 0, self.rows, last).map_err(excel_error)?;
        }
        self.workbook.push_worksheet(self.sheet);
        let workbook = self.workbook.save_to_buffer().map_err(excel_error)?;
        self.output.write_all(&workbook)?;
        Ok(self.output)
    }
}
