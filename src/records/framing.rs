//! Where one record ends and the next begins.
//!
//! In JSON lines a record is a line. In CSV a quoted field may hold line breaks, and there a
//! single stray quote could swallow the rest of a file: so a record whose quotes do not close as
//! RFC 4180 says costs its first line only, and reading goes on at the next one.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// The longest record, in bytes.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;

/// What was found at a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A record. Its bytes are in the buffer, without the final line break.
    Record,
    /// A line, or a quoted field, that goes on beyond [`MAX_RECORD_BYTES`].
    TooLong,
    /// A quote that is not closed, or is followed by something else than a comma.
    StrayQuote,
}

/// How records are laid out in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A record a line.
    Lines,
    /// A record a line, but for line breaks in quoted fields.
    QuotedLines,
}

/// Cuts a stream of bytes into records, in bounded memory.
#[derive(Debug)]
pub(super) struct Framer<R> {
    input: R,
    layout: Layout,
    /// Lines that were read ahead and given back.
    returned: VecDeque<Vec<u8>>,
    /// Lines taken so far.
    lines: u64,
}

impl<R: BufRead> Framer<R> {
    pub(super) fn new(input: R, layout: Layout) -> Self {
        Self { input, layout, returned: VecDeque::new(), lines: 0 }
    }

    /// How many lines were taken so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// The next record that is not blank, and the line it begins on; `None` at the end.
    pub(super) fn next(&mut self, record: &mut Vec<u8>) -> io::Result<Option<(Frame, u64)>> {
        loop {
            record.clear();
            let Some(complete) = self.next_line(record)? else {
                return Ok(None);
            };
            let line = self.lines;
            if !complete {
                return Ok(Some((Frame::TooLong, line)));
            }
            if record.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let frame = match self.layout {
                Layout::Lines => Frame::Record,
                Layout::QuotedLines => self.close_quotes(record)?,
            };
            strip_line_break(record);
            return Ok(Some((frame, line)));
        }
    }

    /// Appends lines to `record` until its quotes are closed.
    ///
    /// If they do not close, gives back all lines but the first.
    fn close_quotes(&mut self, record: &mut Vec<u8>) -> io::Result<Frame> {
        let mut quotes = QuoteState::FieldStart;
        let mut scanned = 0;
        let mut further_lines = VecDeque::new();
        let failure = loop {
            quotes = record[scanned..].iter().fold(quotes, |state, &byte| state.after(byte));
            scanned = record.len();
            match quotes {
                QuoteState::Stray => break Frame::StrayQuote,
                QuoteState::Quoted => {}
                _ => return Ok(Frame::Record),
            }
            if self.next_line(record)?.is_none() {
                break Frame::StrayQuote;
            }
            further_lines.push_back(record[scanned..].to_vec());
            if record.len() > MAX_RECORD_BYTES {
                break Frame::TooLong;
            }
        };
        self.lines -= further_lines.len() as u64;
        further_lines.append(&mut self.returned);
        self.returned = further_lines;
        Ok(failure)
    }

    /// Appends the next line with its line break to `record`: `None` at the end of the input,
    /// `Some(false)` for a line over the limit, which is passed over.
    fn next_line(&mut self, record: &mut Vec<u8>) -> io::Result<Option<bool>> {
        if let Some(line) = self.returned.pop_front() {
            self.lines += 1;
            record.extend_from_slice(&line);
            return Ok(Some(true));
        }
        let limit = MAX_RECORD_BYTES as u64 + 1;
        let read = (&mut self.input).take(limit).read_until(b'\n', record)?;
        if read == 0 {
            return Ok(None);
        }
        self.lines += 1;
        if read as u64 == limit && record.last() != Some(&b'\n') {
            self.input.skip_until(b'\n')?;
            return Ok(Some(false));
        }
        Ok(Some(true))
    }
}

fn strip_line_break(record: &mut Vec<u8>) {
    if record.last() == Some(&b'\n') {
        record.pop();
    }
    if record.last() == Some(&b'\r') {
        record.pop();
    }
}

/// Where in a CSV record a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuoteState {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside a quoted field: its end, or the first half of an escaped quote.
    QuoteInQuoted,
    Stray,
}

impl QuoteState {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Stray, _) => Self::Stray,
            (Self::Quoted, b'"') => Self::QuoteInQuoted,
            (Self::Quoted, _) | (Self::FieldStart | Self::QuoteInQuoted, b'"') => Self::Quoted,
            (_, b',') => Self::FieldStart,
            (Self::QuoteInQuoted, b'\r' | b'\n') => Self::QuoteInQuoted,
            (Self::QuoteInQuoted, _) => Self::Stray,
            (Self::FieldStart | Self::Plain, _) => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(layout: Layout, input: &str) -> Vec<(Frame, u64, String)> {
        let mut framer = Framer::new(input.as_bytes(), layout);
        let mut record = Vec::new();
        let mut frames = Vec::new();
        while let Some((frame, line)) = framer.next(&mut record).unwrap() {
            frames.push((frame, line, String::from_utf8(record.clone()).unwrap()));
        }
        frames
    }

    fn record(line: u64, text: &str) -> (Frame, u64, String) {
        (Frame::Record, line, text.to_owned())
    }

    #[test]
    fn lines_are_records_and_blank_ones_are_passed_over() {
        assert_eq!(
            frames(Layout::Lines, "a\r\n\n  \nb\"\nc"),
            [record(1, "a"), record(4, "b\""), record(5, "c")]
        );
    }

    #[test]
    fn a_quoted_field_may_hold_line_breaks_commas_and_quotes() {
        assert_eq!(
            frames(Layout::QuotedLines, "1,\"a\nb, \"\"c\"\"\"\r\n2,x\n"),
            [record(1, "1,\"a\nb, \"\"c\"\"\""), record(3, "2,x")]
        );
    }

    #[test]
    fn a_quote_inside_a_plain_field_is_an_ordinary_character() {
        assert_eq!(
            frames(Layout::QuotedLines, "1,a\"b\n2,c"),
            [record(1, "1,a\"b"), record(2, "2,c")]
        );
    }

    #[test]
    fn a_stray_quote_costs_its_own_line_only() {
        let input = "1,\"open\n2,b\n3,\"c, d\"\n4,\"e\"f\n5,g";
        let found = frames(Layout::QuotedLines, input);
        let kinds: Vec<_> = found.iter().map(|(frame, line, _)| (frame, *line)).collect();
        assert_eq!(
            kinds,
            [
                (&Frame::StrayQuote, 1),
                (&Frame::Record, 2),
                (&Frame::Record, 3),
                (&Frame::StrayQuote, 4),
                (&Frame::Record, 5)
            ]
        );
        assert_eq!(found[2].2, "3,\"c, d\"");
    }

    #[test]
    fn a_quote_left_open_to_the_end_costs_its_own_line_only() {
        let found = frames(Layout::QuotedLines, "1,a\n2,\"open\n3,c\n4,d");
        let lines: Vec<_> = found.iter().map(|(frame, line, _)| (frame, *line)).collect();
        assert_eq!(
            lines,
            [
                (&Frame::Record, 1),
                (&Frame::StrayQuote, 2),
                (&Frame::Record, 3),
                (&Frame::Record, 4)
            ]
        );
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_the_next_is_read() {
        for layout in [Layout::Lines, Layout::QuotedLines] {
            let input = format!("{}\nb\n", "a".repeat(MAX_RECORD_BYTES + 1));
            let found = frames(layout, &input);
            assert_eq!((&found[0].0, found[0].1), (&Frame::TooLong, 1));
            assert_eq!(found[1], record(2, "b"));
        }
        let longest = "a".repeat(MAX_RECORD_BYTES);
        assert_eq!(frames(Layout::Lines, &format!("{longest}\n"))[0].0, Frame::Record);
    }
}
