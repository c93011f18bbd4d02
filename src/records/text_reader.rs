//! Reviews out of text: CSV and JSON lines.

use std::io::{self, BufRead};
use std::sync::Arc;

use super::decoding::{CsvDecoder, Undecodable, decode_json};
use super::framing::{Frame, Framer, Layout, MAX_RECORD_BYTES};
use super::input::InputError;
use super::reader::{FieldNames, Review, ReviewItem};
use super::refusal::{Refusal, RefusalReason};

/// Reads reviews from text, one after another, in bounded memory.
#[derive(Debug)]
pub(super) struct TextReader<R> {
    input: Arc<str>,
    framer: Framer<R>,
    decoder: Decoder,
    record: Vec<u8>,
    failed: bool,
}

#[derive(Debug)]
enum Decoder {
    Jsonl(FieldNames),
    Csv(Box<CsvDecoder>),
}

impl<R: BufRead> TextReader<R> {
    /// Reads records laid out as `layout` from `input`, which is called `name` in refusals and
    /// errors.
    pub(super) fn new(
        name: &str,
        mut input: R,
        layout: Layout,
        fields: FieldNames,
    ) -> Result<Self, InputError> {
        let read_error = |source| InputError::Read { input: name.to_owned(), line: 1, source };
        skip_byte_order_mark(name, &mut input).map_err(|error| match error {
            StartError::Io(source) => read_error(source),
            StartError::Encoding(error) => error,
        })?;
        let mut framer = Framer::new(input, layout);
        let mut record = Vec::new();
        let decoder = match layout {
            Layout::Lines => Decoder::Jsonl(fields),
            Layout::QuotedLines => match framer.next(&mut record).map_err(read_error)? {
                Some((Frame::Record, _)) => {
                    Decoder::Csv(Box::new(CsvDecoder::new(name, &record, &fields)?))
                }
                Some(_) => return Err(InputError::header(name, "its quotes do not close")),
                None => return Err(InputError::header(name, "the input is empty")),
            },
        };
        Ok(Self { input: name.into(), framer, decoder, record, failed: false })
    }

    fn decode(&mut self, frame: Frame, line: u64) -> Result<Review, Refusal> {
        let refusal = |id: Option<String>, reason| Refusal {
            input: Arc::clone(&self.input),
            line,
            id,
            reason,
        };
        match frame {
            Frame::Record => {}
            Frame::TooLong => {
                return Err(refusal(
                    None,
                    RefusalReason::RecordTooLong { limit: MAX_RECORD_BYTES },
                ));
            }
            Frame::StrayQuote => {
                let reason = "a quoted field is not closed, or goes on after its closing quote";
                return Err(refusal(None, RefusalReason::Malformed(reason.to_owned())));
            }
        }
        let decoded = match &mut self.decoder {
            Decoder::Jsonl(fields) => decode_json(&self.record, line, fields),
            Decoder::Csv(decoder) => decoder.decode(&self.record, line),
        };
        decoded.map_err(|Undecodable { id, reason }| refusal(id, reason))
    }
}

impl<R: BufRead> Iterator for TextReader<R> {
    type Item = ReviewItem;

    fn next(&mut self) -> Option<ReviewItem> {
        if self.failed {
            return None;
        }
        match self.framer.next(&mut self.record) {
            Ok(Some((frame, line))) => Some(Ok(self.decode(frame, line))),
            Ok(None) => None,
            Err(source) => {
                self.failed = true;
                let input = self.input.to_string();
                Some(Err(InputError::Read { input, line: self.framer.lines() + 1, source }))
            }
        }
    }
}

enum StartError {
    Io(io::Error),
    Encoding(InputError),
}

/// Passes over the byte-order mark of UTF-8, and refuses those of UTF-16.
fn skip_byte_order_mark(name: &str, input: &mut impl BufRead) -> Result<(), StartError> {
    let start = input.fill_buf().map_err(StartError::Io)?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Err(StartError::Encoding(InputError::header(name, "it is UTF-16; expected UTF-8")));
    }
    if start.starts_with(&[0xEF, 0xBB, 0xBF]) {
        input.consume(3);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> FieldNames {
        FieldNames {
            id: Some("id".to_owned()),
            text: "text".to_owned(),
            required: vec!["label".to_owned()],
            optional: vec!["branch".to_owned()],
        }
    }

    fn read(layout: Layout, input: &[u8]) -> Vec<Result<Review, Refusal>> {
        let reader = TextReader::new("in", input, layout, fields()).unwrap();
        reader.collect::<Result<_, _>>().unwrap()
    }

    fn review(line: u64, id: &str, text: &str, label: &str, branch: &str) -> Review {
        Review {
            line,
            id: id.to_owned(),
            text: text.to_owned(),
            required: vec![label.to_owned()],
            optional: vec![branch.to_owned()],
        }
    }

    fn reasons(records: &[Result<Review, Refusal>]) -> Vec<(u64, Option<&str>, &'static str)> {
        let refused = records.iter().filter_map(|record| record.as_ref().err());
        refused.map(|r| (r.line, r.id.as_deref(), r.reason.code())).collect()
    }

    #[test]
    fn csv_columns_are_found_by_name_behind_a_byte_order_mark() {
        let input = "\u{feff}branch,text,label,id\r\n0755,\"a, \"\"b\"\"\nc\",x,007\r\n,d\re,y,8";
        assert_eq!(
            read(Layout::QuotedLines, input.as_bytes()),
            [Ok(review(2, "007", "a, \"b\"\nc", "x", "0755")), Ok(review(4, "8", "d\re", "y", ""))]
        );
    }

    #[test]
    fn json_lines_take_numbers_as_ids_and_leave_optional_fields_out() {
        let input = r#"{"id": 7, "text": "a", "label": "x"}
{"text": "b\nc", "label": 2, "id": "8", "branch": null, "more": [1]}"#;
        assert_eq!(
            read(Layout::Lines, input.as_bytes()),
            [Ok(review(1, "7", "a", "x", "")), Ok(review(2, "8", "b\nc", "2", ""))]
        );
    }

    #[test]
    fn each_unusable_csv_record_is_refused_by_line_id_and_reason() {
        let input =
            b"id,text,label,branch\n1,a,x,\n2,a,x\n,a,x,\n4,\xff,x,\n5,a,,\n6,\"a,x,\n7,a,x,b";
        let records = read(Layout::QuotedLines, input);
        assert_eq!(
            reasons(&records),
            [
                (3, None, "malformed"),
                (4, None, "missing_field"),
                (5, Some("4"), "encoding"),
                (6, Some("5"), "missing_field"),
                (7, None, "malformed")
            ]
        );
        assert_eq!(records[6], Ok(review(8, "7", "a", "x", "b")));
    }

    #[test]
    fn each_unusable_json_line_is_refused_by_line_id_and_reason() {
        let input = b"{\"id\":1\n[1]\n{\"id\":1,\"label\":\"x\"}\n{\"id\":2,\"text\":3,\"label\":\"x\"}\n\xff\n{\"text\":\"a\"}";
        assert_eq!(
            reasons(&read(Layout::Lines, input)),
            [
                (1, None, "malformed"),
                (2, None, "malformed"),
                (3, Some("1"), "missing_field"),
                (4, Some("2"), "field_type"),
                (5, None, "encoding"),
                (6, None, "missing_field")
            ]
        );
    }

    #[test]
    fn a_refusal_never_repeats_the_text_of_a_record() {
        let secret = "失联张三";
        for input in [
            format!("\"{secret}\""),
            format!("{{\"text\": \"{secret}"),
            secret.to_owned(),
            format!("{{\"id\": 1, \"text\": [\"{secret}\"], \"label\": \"x\"}}"),
        ] {
            let records = read(Layout::Lines, input.as_bytes());
            let refusal = records[0].as_ref().unwrap_err();
            assert!(!format!("{refusal} {refusal:?}").contains(secret), "{refusal}");
        }
    }

    #[test]
    fn without_an_id_field_records_are_numbered_by_their_lines() {
        let fields = FieldNames { id: None, required: vec![], optional: vec![], ..fields() };
        let input = "{\"text\":\"a\"}\n\n{\"text\":\"b\"}\n".as_bytes();
        let reader = TextReader::new("in", input, Layout::Lines, fields).unwrap();
        let ids: Vec<String> = reader.map(|record| record.unwrap().unwrap().id).collect();
        assert_eq!(ids, ["1", "3"]);
    }

    #[test]
    fn a_header_that_cannot_serve_is_an_error_that_says_what_was_found() {
        let error = |input: &[u8]| {
            TextReader::new("in", input, Layout::QuotedLines, fields()).unwrap_err().to_string()
        };
        assert_eq!(
            error(b"id,comment,label,branch\n"),
            "`in` has no column `text`; its columns are: id, comment, label, branch"
        );
        assert_eq!(error(b""), "`in`: the input is empty");
        assert_eq!(error(b"id,id,text,label,branch\n"), "`in`: two columns are called `id`");
        assert_eq!(error(b"\xff\xfei\0d\0"), "`in`: it is UTF-16; expected UTF-8");
        assert_eq!(error(b"id,\xb1\xe0\n"), "`in`: the header is not valid UTF-8");
        assert_eq!(error(b"id,\"text\n"), "`in`: its quotes do not close");
    }
}
